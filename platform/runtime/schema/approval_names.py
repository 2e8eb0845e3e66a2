"""Running approvals follow the renaming of a field: what they hold back, what they lock, and the text they run by.

Names of the record's own fields are exchanged: in lists of fields, in values, and in expressions outside quotes. A
name behind a dot belongs to another object and stays.
"""

from __future__ import annotations

import re
from typing import Any

_QUOTED = re.compile(r"(\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')")
_LISTS = frozenset(
    ("watch", "lock", "always_editable", "editable_on_return", "material", "edit", "required", "hidden", "open", "free")
)
_NAMED = frozenset(("values", "base", "set"))
_TEXTS = frozenset(("when", "by", "expression", "field", "manager_of", "managers_of", "department_head_of"))


def renamed(value: Any, old: str, new: str, key: str = "") -> Any:
    """A stored definition, proposal or lock under the new name."""
    if isinstance(value, dict):
        if key in _NAMED:
            return {new if k == old else k: _expression(v, old, new) if key == "set" else v for k, v in value.items()}
        return {k: renamed(v, old, new, k) for k, v in value.items()}
    if isinstance(value, list):
        if key in _LISTS or key == "fields":
            return [new if one == old else one for one in value]
        return [renamed(one, old, new, key) for one in value]
    return _expression(value, old, new) if key in _TEXTS else value


def _expression(value: Any, old: str, new: str) -> Any:
    if not isinstance(value, str):
        return value
    name = re.compile(rf"(?<![\w.]){re.escape(old)}(?!\w|\s*\()")
    parts = _QUOTED.split(value)
    return "".join(part if index % 2 else name.sub(new, part) for index, part in enumerate(parts))
