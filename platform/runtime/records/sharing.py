"""Shares by hand as actions of a record: `share` and `unshare`, and the list of those a record has.

Who shares needs the right `share` on the record and gives no more than he may do himself. Shares are not changes of
the record: its version stays; the audit trail has them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Literal

from guanxi.common.errors import BadRequest, Forbidden, Invalid, NotFound
from guanxi.common.names import did_you_mean
from guanxi.common.text import text_fault
from guanxi.runtime.access import shares
from guanxi.runtime.access.grants import shareable
from guanxi.runtime.access.shares import HandShare
from guanxi.runtime.storage.rows import instant_text

from .extensions import RecordAction
from .inputs import record_id
from .messages import fault
from .plan import ObjectPlan

if TYPE_CHECKING:
    from .room import Room
    from .work import Work

KINDS = tuple(shares.KINDS.values())
MOST = 500
LONGEST_REASON = 500
FARTHEST = date(9998, 12, 31)


def _applies(room: Room, plan: ObjectPlan) -> bool:
    return shareable(room.registry, plan.object)


def _state(work: Work, plan: ObjectPlan, row: Mapping[str, Any]) -> dict[str, Any] | None:
    if not work.may(plan, "share", row):
        return None
    return {"access": ["read", "edit"] if work.may(plan, "update", row) else ["read"]}


def _only(payload: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for name in payload:
        if name not in known:
            raise BadRequest(f"The action has no key {str(name)[:60]!r}.", hint=did_you_mean(str(name)[:60], known))


def share(work: Work, plan: ObjectPlan, number: int, payload: Mapping[str, Any]) -> None:
    """{"user" | "team" | "role": id, "access": "read", "until": "2026-12-31", "reason": text}; sharing again with the
    same principal changes what was said before.
    """
    _only(payload, (*KINDS, "access", "until", "reason"))
    row = work.locked(plan, number)
    work.demand(plan, "share", row)
    access = _access(work, payload.get("access") or "read")
    if access == "edit" and not work.may(plan, "update", row):
        raise Invalid([fault("access", "forbidden", "share_more", work.language)])
    kind, who = _principal(work, payload)
    if kind == "user" and row.get("owner") == who:
        raise Invalid([fault("user", "rule", "share_own", work.language)])
    made = HandShare(
        0, kind, who, access, _until(work, payload.get("until")), work.actor.id, work.stamp, _reason(work, payload)
    )
    have = shares.of_record(work.db, plan.name, number, work.now)
    if len(have) >= MOST and made.principal not in {one.principal for one in have}:
        raise Invalid([fault("", "rule", "share_most", work.language, most=MOST)])
    shares.put(work.db, plan.name, number, made)
    detail = {kind: who, "access": access, "until": payload.get("until")}
    record = work.room.audit.record
    record("share", work.actor, object=plan.name, record_id=number, detail=detail, reason=made.reason)


def unshare(work: Work, plan: ObjectPlan, number: int, payload: Mapping[str, Any]) -> None:
    """{"user" | "team" | "role": id}: takes a share away; who may share, or the one it was given to, may do that."""
    _only(payload, KINDS)
    row = work.locked(plan, number)
    kind, who = _named(work, payload)
    found = [s for s in shares.of_record(work.db, plan.name, number, work.now) if (s.kind, s.who) == (kind, who)]
    mine = kind == "user" and who == work.actor.id
    if not mine and not work.may(plan, "share", row):
        raise Forbidden("You may not share this record.")
    if not found:
        raise Invalid([fault(kind, "reference", "share_none", work.language)])
    shares.take_away(work.db, [one.id for one in found])
    work.room.audit.record("unshare", work.actor, object=plan.name, record_id=number, detail={kind: who})


def _access(work: Work, given: object) -> Literal["read", "edit"]:
    if given == "read":
        return "read"
    if given == "edit":
        return "edit"
    raise Invalid([fault("access", "choice", "share_access", work.language)])


def _named(work: Work, payload: Mapping[str, Any]) -> tuple[str, int]:
    given = [kind for kind in KINDS if payload.get(kind) is not None]
    if len(given) != 1:
        raise Invalid([fault(given[1] if given else "user", "required", "share_one", work.language)])
    try:
        return given[0], record_id(payload[given[0]])
    except NotFound as error:
        raise Invalid([fault(given[0], "type", "type", work.language)]) from error


def _principal(work: Work, payload: Mapping[str, Any]) -> tuple[str, int]:
    """Whom a record is shared with: an active user, a team or a role that the actor may know of."""
    kind, who = _named(work, payload)
    found = work.row(kind, who)
    active = found is not None and found.get("active") is not False
    if not active or not work.visible(kind, who, trusted=work.trusted):
        label = work.room.registry.objects[kind].label.text(work.language) or kind
        raise Invalid([fault(kind, "reference", "reference", work.language, object=label, id=who)])
    return kind, who


def _reason(work: Work, payload: Mapping[str, Any]) -> str:
    reason = payload.get("reason") or ""
    if not isinstance(reason, str) or len(reason) > LONGEST_REASON or text_fault(reason):
        raise Invalid([fault("reason", "type", "type", work.language)])
    return reason


def _until(work: Work, given: Any) -> str:
    """The first instant at which the share no longer holds, stored; a day counts to its end where the actor lives."""
    if given is None or given == "":
        return ""
    wrong = Invalid([fault("until", "type", "share_until", work.language)])
    if not isinstance(given, str):
        raise wrong
    try:
        if len(given) == 10:
            day = date.fromisoformat(given)
            if day > FARTHEST:
                raise wrong
            end = datetime.combine(day + timedelta(days=1), time(), work.actor.zone).astimezone(UTC)
        else:
            end = datetime.fromisoformat(given)
            end = (end if end.tzinfo else end.replace(tzinfo=work.actor.zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise wrong from None
    if end <= work.now or end.date() > FARTHEST:
        raise Invalid([fault("until", "range", "share_until", work.language)])
    return instant_text(end)


def shares_of(work: Work, plan: ObjectPlan, number: int) -> list[dict[str, Any]]:
    """The shares of a record the actor may see, oldest first; names as far as the actor may know them."""
    work.seen(plan, number)
    found = shares.of_record(work.db, plan.name, number, work.now)
    wanted: dict[str, set[int]] = {kind: set() for kind in KINDS}
    for one in found:
        wanted[one.kind].add(one.who)
        if one.by is not None:
            wanted["user"].add(one.by)
    titles = {kind: _titles(work, kind, sorted(ids)) for kind, ids in wanted.items()}
    return [_shown(one, titles) for one in found]


def _titles(work: Work, kind: str, ids: list[int]) -> Mapping[int, str]:
    if not ids or not work.rights(kind).of("read"):
        return {}
    return work.room.reader.titles(work.actor, kind, ids)


def _shown(one: HandShare, titles: Mapping[str, Mapping[int, str]]) -> dict[str, Any]:
    return {
        "id": one.id,
        one.kind: {"id": one.who, "title": titles[one.kind].get(one.who)},
        "access": one.access,
        "until": one.until or None,
        "by": None if one.by is None else {"id": one.by, "title": titles["user"].get(one.by)},
        "at": one.at,
        "reason": one.reason,
    }


ACTIONS = (
    RecordAction("share", _applies, _state, share),
    RecordAction("unshare", _applies, lambda work, plan, row: {} if work.may(plan, "share", row) else None, unshare),
)
__all__ = ["ACTIONS", "shares_of"]
