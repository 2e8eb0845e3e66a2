"""The audit trail: who did what that matters beyond a record's own history, append-only and provable."""

from .catalogue import ACTIONS
from .entry import Entry
from .place import NOWHERE, Place, place
from .reading import AuditQuery, find, lines
from .trail import Audit
from .verify import Break, Head, Verdict, head_of, verify

__all__ = [
    "ACTIONS",
    "NOWHERE",
    "Audit",
    "AuditQuery",
    "Break",
    "Entry",
    "Head",
    "Place",
    "Verdict",
    "find",
    "head_of",
    "lines",
    "place",
    "verify",
]
