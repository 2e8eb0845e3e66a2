"""The whole table: entries by name, implementations by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from . import numbers, special, text, time
from .model import Entry, Function

ENTRIES: Mapping[str, Entry] = MappingProxyType(
    {e.name: e for e in (*text.ENTRIES, *numbers.ENTRIES, *time.ENTRIES, *special.ENTRIES)}
)
FUNCTIONS: Mapping[str, Function] = MappingProxyType(
    {f.name: f for module in (text, numbers, time) for f in vars(module).values() if isinstance(f, Function)}
)
GROUPS = ("text", "numbers", "time", "blank", "people", "children", "change")
