"""The bell: work that is due rings it after its commit, and whoever runs background work for the database hears it.

A ring carries no truth. The rows say what is due; a ring that nobody hears, or that is heard twice, changes nothing.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from ..ports import Database


@dataclass(frozen=True, slots=True)
class Ring:
    """What is due: effects of the outbox, or one job; `at` is None for now."""

    what: Literal["outbox", "job"]
    job: int = 0
    at: datetime | None = None


Hear = Callable[[Ring], None]
_hearers: weakref.WeakKeyDictionary[Any, Hear] = weakref.WeakKeyDictionary()


def on_ring(db: Database, hear: Hear | None) -> None:
    """Let `hear` be told of work that is due in a database; None: nobody. `hear` must be quick and raise nothing."""
    if hear is None:
        _hearers.pop(db, None)
    else:
        _hearers[db] = hear


def ring(db: Database, call: Ring) -> None:
    """Tell, once the caller's transaction has committed."""
    hear = _hearers.get(db)
    if hear is not None:
        db.after_commit(lambda: hear(call))
