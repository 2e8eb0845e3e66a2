"""Those who hold records: locked before the records they are to get, so that limits hold under parallel writes.

Whatever adds to somebody's records locks that person's row first and the records after it, each in ascending order;
whatever only takes away locks no person. Counting under the lock then misses no addition.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from guanxi.runtime.access.actor import Actor

if TYPE_CHECKING:
    from .work import Work

_LOCK = "SELECT id FROM o_user WHERE id = %s FOR NO KEY UPDATE"


def lock_people(work: Work, ids: Iterable[int]) -> None:
    """Wait for and take these people until the transaction ends; references to them stay possible meanwhile. On SQLite
    the one write lock does it.
    """
    if work.db.engine != "postgresql":
        return
    for user in sorted(set(ids)):
        work.db.rows(_LOCK, (user,))


def manages(actor: Actor, row: Mapping[str, Any]) -> bool:
    """True when the record waits in a pool that the actor manages."""
    return row.get("owner") is None and row.get("pool") is not None and row["pool"] in actor.manages
