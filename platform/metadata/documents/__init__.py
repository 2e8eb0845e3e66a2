"""The YAML grammar as pydantic models, one module per kind of document.

The same models refuse wrong keys, give the published JSON Schema and the generated reference.
"""
