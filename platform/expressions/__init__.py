"""The expression language: text in, a checked tree out, evaluated in Python or as SQL."""
