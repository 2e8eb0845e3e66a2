"""How pools take part in writes of records: the gate, follow-ups, the actions, the step `to_pool`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..records.extensions import RecordAction
from ..records.plan import ObjectPlan
from . import claims, handing
from .book import book_of
from .gate import followers, gates

if TYPE_CHECKING:
    from ..records.room import Room


def _pooled(room: Room, plan: ObjectPlan) -> bool:
    return plan.name in book_of(room).by_object


def _owned(room: Room, plan: ObjectPlan) -> bool:
    del room
    return plan.owned


ACTIONS = (
    RecordAction("claim", _pooled, claims.claimable, claims.claim),
    RecordAction("release", _pooled, handing.releasable, handing.release),
    RecordAction("transfer", _owned, handing.transferable, handing.transfer),
    RecordAction("protect", _pooled, handing.protectable, handing.protect),
    RecordAction("unprotect", _pooled, handing.unprotectable, handing.unprotect),
)
VERBS: Mapping[str, Any] = {"to_pool": handing.to_pool}
WATCHERS = (gates, followers)
