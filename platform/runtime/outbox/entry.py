"""One effect that is to happen outside, and how its kind is delivered."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..services import Services

LEASE = timedelta(seconds=60)
USUAL_WAITS = tuple(timedelta(seconds=n) for n in (5, 15, 45, 135, 405, 1215, 3600, 3600 * 3, 3600 * 8))


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the outbox as a deliverer gets it. `key` is the same at every try: whoever receives the effect twice
    knows it by this. `attempts` counts this try.
    """

    id: int
    kind: str
    object: str
    record_id: int | None
    payload: Mapping[str, Any]
    key: str
    order: str
    destination: str
    attempts: int
    at: str


Deliver = Callable[["Services", Entry], None]
DeliverMany = Callable[["Services", Sequence[Entry]], None]


@dataclass(frozen=True, slots=True)
class Deliverer:
    """How effects of one kind leave.

    `deliver` runs outside any transaction, returns when the effect has happened, and raises `Retry` or `GiveUp`;
    anything else it raises is a failure that is tried again after `waits`, and a dead letter when they are used up.
    With `many` (and no `deliver`), whole chunks are carried out inside the transaction that ends them: for effects on
    the database itself. `lease` must be longer than one delivery takes. `at_once` bounds how many entries of one
    destination are under way at the same time.
    """

    deliver: Deliver | None = None
    many: DeliverMany | None = None
    lease: timedelta = LEASE
    waits: Sequence[timedelta] = USUAL_WAITS
    at_once: int = 4
    keep: bool = True
    """False: a delivered row is removed at once instead of being kept for a while."""
