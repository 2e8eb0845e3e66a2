"""Field types: one class each, one catalogue.

`CATALOGUE` maps a type's YAML name to its instance; `text long_text …` in reading order of the reference.
"""

from .base import Column, ColumnKind, FieldContext, FieldOptions, FieldType, ValueFault

CATALOGUE: dict[str, FieldType] = {}

__all__ = ["CATALOGUE", "Column", "ColumnKind", "FieldContext", "FieldOptions", "FieldType", "ValueFault"]
