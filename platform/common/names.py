"""Names of definitions: the grammar, the reserved words, and the nearest right name for a wrong one."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

NAME = re.compile(r"[a-z][a-z0-9_]{0,47}\Z")

SYSTEM_FIELDS = ("id", "version", "created_at", "created_by", "updated_at", "updated_by")
OWNER_FIELDS = ("owner", "team", "pool")
HIDDEN_SYSTEM_FIELDS = ("deleted_at", "deleted_by")

# Words of the expression language and of Python's grammar that could never be written as a field's name.
EXPRESSION_WORDS = frozenset(
    "and or not in if else is true false none null me old row event outer lambda for while def class return "
    "import from as with try except finally raise pass break continue global nonlocal yield assert del async "
    "await elif".split()
)
# Columns that the databases have on every table of their own accord.
DATABASE_COLUMNS = ("ctid", "xmin", "xmax", "cmin", "cmax", "tableoid", "rowid")
RESERVED_FIELDS = (
    frozenset((*SYSTEM_FIELDS, *OWNER_FIELDS, *HIDDEN_SYSTEM_FIELDS, *DATABASE_COLUMNS)) | EXPRESSION_WORDS
)
# First path segments below /api that belong to the platform.
API_WORDS = frozenset(
    (
        "auth approvals pools meta packs jobs openapi docs me files search notifications webhooks forms health metrics"
        " audit dashboards"
    ).split()
)
RESERVED_OBJECTS = API_WORDS | EXPRESSION_WORDS
# What the platform offers on records: a definition's own action cannot take these names.
RESERVED_ACTIONS = frozenset("submit claim release assign transfer merge undo_merge share move_stage".split())


def name_fault(name: str) -> str:
    """Why `name` is not lawful, as a sentence; "" when it is."""
    if not isinstance(name, str) or not NAME.match(name):
        return "a name is lower-case ASCII letters, digits and _, starts with a letter and has at most 48 characters"
    if "__" in name or name.endswith("_"):
        return "a name has no double underscore and does not end with one"
    return ""


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name most like `name`, or ""."""
    found = difflib.get_close_matches(str(name), [str(k) for k in known], n=1, cutoff=0.6)
    return found[0] if found else ""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A hint sentence naming the nearest known name, or ""."""
    found = nearest(name, known)
    return f"did you mean '{found}'?" if found else ""
