"""Small values every room shares: diagnostics, errors, names, labels, clock, text folding.

Standard library only. Nothing here knows YAML, SQL or HTTP.
"""
