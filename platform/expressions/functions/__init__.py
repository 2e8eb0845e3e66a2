"""The function table: what can be called, its types, its Python implementation and its SQL form."""

from .catalogue import ENTRIES, FUNCTIONS
from .model import Entry, Function

__all__ = ["ENTRIES", "FUNCTIONS", "Entry", "Function"]
