"""Giving records back, handing them on with what belongs to them, and keeping them from falling back for a while."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from guanxi.common.errors import Conflict, Forbidden, Invalid, NotFound
from guanxi.common.text import text_fault
from guanxi.registry.pools import Pool, ReturnRules

from ..records.create import team_of
from ..records.holders import lock_people, manages
from ..records.inputs import record_id
from ..records.messages import fault
from ..records.plan import ObjectPlan
from ..records.update import save
from ..storage.rows import instant_text, instant_text_json
from .book import Book, book_of
from .claims import moving, only, refused
from .gate import Gate, Move, gate_of
from .ledger import Ledger, State
from .texts import text

if TYPE_CHECKING:
    from ..records.work import Work

Row = Mapping[str, Any]
Payload = Mapping[str, Any]
LONGEST = 2_000
CHILDREN = ("none", "same_owner", "all_open")


# giving back ----------------------------------------------------------------------------------------------------
def release(work: Work, plan: ObjectPlan, number: int, payload: Payload) -> None:
    """{"reason", "note", "pool"}: the record goes into a pool, chosen or the one it belongs to."""
    only(payload, ("reason", "note", "pool"))
    book = book_of(work.room)
    row = work.locked(plan, number)
    if row.get("owner") is None:
        raise Conflict(text("not_in_pool", work.language), code="not_in_pool")
    target = _target(work, book, plan, row, payload.get("pool"))
    if not _may_release(work, row, target):
        raise Forbidden(text("not_owner", work.language))
    area = book.area(work, plan.name, {**row, "pool": None}) or target
    note = _words(work, "note", payload.get("note"))
    reason = _reason(work, area.returning, payload.get("reason"))
    _allowed(work, book, plan, row, area, note)
    new = {**row, "owner": None, "team": None, "pool": target.name}
    _store(work, plan, row, new, "release", Move("release", reason, note, target.name), note, reason)


def _store(  # noqa: PLR0917
    work: Work, plan: ObjectPlan, row: Row, new: dict[str, Any], action: str, move: Move, note: str, reason: str
) -> None:
    changed = [name for name in ("owner", "team", "pool") if new[name] != row[name]]
    said: dict[str, Any] = {name: {"from": row[name], "to": new[name]} for name in changed}
    if (reason or note) and "owner" in said:
        said["owner"] |= {key: value for key, value in (("reason", reason), ("note", note)) if value}
    with moving(work, move):
        save(work, plan, row, new, changed, rights=work.write_rights(plan.name), action=action, note=said)


def _may_release(work: Work, row: Row, target: Pool) -> bool:
    owner, actor = row["owner"], work.actor
    return (
        work.trusted
        or actor.unrestricted
        or (actor.id is not None and owner == actor.id)
        or owner in actor.reports
        or target.name in actor.manages
    )


def _target(work: Work, book: Book, plan: ObjectPlan, row: Row, named: object) -> Pool:
    if named is None:
        found = book.holder(work, plan.name, row)
        if found is None:
            raise Conflict(text("no_pool", work.language), code="not_in_pool")
        return found
    pool = next((one for one in book.of(plan.name) if one.name == named), None)
    if pool is None:
        raise refused("pool", "reference", text("no_pool", work.language))
    return pool


def _words(work: Work, field: str, given: object) -> str:
    if given is None:
        return ""
    if not isinstance(given, str) or len(given) > LONGEST or text_fault(given):
        raise refused(field, "type", text("reason_text", work.language, most=LONGEST))
    return given.strip()


def _reason(work: Work, rules: ReturnRules, given: object) -> str:
    reason = _words(work, "reason", given)
    if rules.reasons and reason not in rules.reasons and not work.trusted:
        said = text("reason", work.language, known=", ".join(rules.reasons))
        raise refused("reason", "choice" if reason else "required", said)
    return reason


def _allowed(  # noqa: PLR0917
    work: Work, book: Book, plan: ObjectPlan, row: Row, area: Pool, note: str
) -> None:
    """What the pool says about giving back."""
    rules = area.returning
    if rules.block_when is not None and book.holds(work, plan.name, row, rules.block_when):
        raise Conflict(text("blocked", work.language), code="rule")
    if rules.warn_when is not None and not note and book.holds(work, plan.name, row, rules.warn_when):
        raise refused("note", "required", text("note", work.language))
    if rules.per_day and work.actor.id is not None and not work.trusted:
        start = datetime.combine(work.now.astimezone(work.room.zone).date(), time(), work.room.zone)
        if Ledger(work.db).returned_since(plan.name, work.actor.id, start) >= rules.per_day:
            raise Conflict(text("return_quota", work.language, most=rules.per_day), code="quota")


def releasable(work: Work, plan: ObjectPlan, row: Row) -> dict[str, Any] | None:
    """What the record page needs to offer `release`."""
    if row.get("owner") is None:
        return None
    book = book_of(work.room)
    pools = book.of(plan.name)
    home = book.holder(work, plan.name, row)
    if not pools or not any(_may_release(work, row, pool) for pool in ([home] if home else pools)):
        return None
    reasons = list(home.returning.reasons) if home is not None else []
    return {"pool": home.name if home else None, "pools": [pool.name for pool in pools], "reasons": reasons}


def to_pool(work: Work, plan: ObjectPlan, row: Row, given: Any, old: Row | None) -> None:
    """The step `to_pool`: the record goes into the pool named, from whoever has it."""
    del old
    book = book_of(work.room)
    keyed = {"pool": given} if isinstance(given, str) else given
    pool = book.pools.get(str(keyed["pool"]))
    if pool is None or pool.object != plan.name or not pool.active:
        raise Conflict(text("no_pool", work.language), code="not_in_pool")
    here = work.locked(plan, row["id"])
    if here.get("owner") is None and here.get("pool") == pool.name:
        return
    new = {**here, "owner": None, "team": None, "pool": pool.name}
    reason = str(keyed.get("reason") or "")
    _store(work, plan, here, new, "release", Move("release", reason, pool=pool.name), "", reason)


# handing on -----------------------------------------------------------------------------------------------------
def transfer(work: Work, plan: ObjectPlan, number: int, payload: Payload) -> dict[str, Any] | None:
    """{"owner", "children": none|same_owner|all_open, "reason"}: the record, and what belongs to it, gets an owner."""
    only(payload, ("owner", "children", "reason", "note"))
    work.seen(plan, number)
    children = payload.get("children", "none")
    if children not in CHILDREN:
        raise refused("children", "choice", text("children", work.language))
    try:
        owner = record_id(payload.get("owner"))
    except NotFound as error:
        code = "required" if payload.get("owner") is None else "type"
        raise Invalid([fault("owner", code, code, work.language)]) from error
    reason = _words(work, "reason", payload.get("reason"))
    lock_people(work, [owner])
    row = work.locked(plan, number)
    if not manages(work.actor, row):
        work.demand(plan, "transfer", row)
    user = work.row("user", owner)
    if user is None or user.get("active") is False or not work.visible("user", owner):
        raise refused("owner", "reference", f"#{owner}")
    former = row.get("owner")
    _hand(work, plan, row, owner, reason)
    if children != "none":
        _hand_children(work, plan, number, owner, former, every=children == "all_open", reason=reason)
    return None


def _hand(work: Work, plan: ObjectPlan, row: Row, owner: int, reason: str) -> None:
    if row.get("owner") == owner:
        return
    new = {**row, "owner": owner, "team": team_of(work, owner), "pool": None}
    _store(work, plan, row, new, "transfer", Move("transfer", reason), "", reason)


def _hand_children(
    work: Work, plan: ObjectPlan, number: int, owner: int, former: int | None, *, every: bool, reason: str
) -> None:
    """Open children that are owned: those of the former owner, or all. What the actor may not hand on, and what is
    closed, stays where it is.
    """
    for listed in plan.object.related.values():
        if listed.many or not work.room.registry.objects[listed.object].owned:
            continue
        child_plan = work.room.plan(listed.object)
        for child in list(work.children(listed.object, listed.field, number)):
            mine = every or (former is not None and child.get("owner") == former)
            if not mine or child.get("owner") == owner or closed(child_plan, child):
                continue
            if work.may(child_plan, "transfer", child):
                _hand(work, child_plan, work.locked(child_plan, child["id"]), owner, reason)


def closed(plan: ObjectPlan, row: Row) -> bool:
    """True when the record stands at an end of its path."""
    if plan.stages is None:
        return False
    stage = plan.stages.path.get(row.get(plan.stages.field, ""))
    return stage is not None and not stage.to


def transferable(work: Work, plan: ObjectPlan, row: Row) -> dict[str, Any] | None:
    """What the record page needs to offer `transfer`."""
    return {"children": list(CHILDREN)} if manages(work.actor, row) or work.may(plan, "transfer", row) else None


# protection -----------------------------------------------------------------------------------------------------
def protect(work: Work, plan: ObjectPlan, number: int, payload: Payload) -> dict[str, Any]:
    """{"days"} or {"until": day}: the owner keeps the record at least so long; so many at a time."""
    only(payload, ("days", "until"))
    gate, row, state, area = _kept(work, plan, number)
    rules = area.protect if area is not None else None
    if rules is None or not rules.manual_most:
        raise Conflict(text("protect_none", work.language), code="rule")
    days = _days(work, payload, rules.manual_days)
    if not state.manual_until or state.manual_until <= work.stamp:
        sql = "SELECT count(*) FROM gx_ownership WHERE object = ? AND owner = ? AND manual_until > ?"
        have = work.db.one(work.db.sql(sql), (plan.name, row["owner"], work.stamp))
        if have and int(have[0]) >= rules.manual_most:
            raise Conflict(text("protect_most", work.language, most=rules.manual_most), code="quota")
    state.manual_until = instant_text(work.now + timedelta(days=days))
    Ledger(work.db).put(plan.name, number, state)
    gate.wind(work, row)
    return {"id": number, "protected_until": instant_text_json(state.manual_until)}


def unprotect(work: Work, plan: ObjectPlan, number: int, payload: Payload) -> dict[str, Any]:
    """{}: protection by hand ends."""
    only(payload, ())
    gate, row, state, _ = _kept(work, plan, number)
    state.manual_until = None
    Ledger(work.db).put(plan.name, number, state)
    gate.wind(work, row)
    return {"id": number, "protected_until": None}


def _kept(work: Work, plan: ObjectPlan, number: int) -> tuple[Gate, dict[str, Any], State, Pool | None]:
    found = work.seen(plan, number)
    if found.get("owner") is not None:
        lock_people(work, [int(found["owner"])])
    row = work.locked(plan, number)
    if row.get("owner") is None or not (
        work.actor.unrestricted or row["owner"] == work.actor.id or row["owner"] in work.actor.reports
    ):
        raise Forbidden(text("not_owner", work.language))
    state = Ledger(work.db).state(plan.name, number) or State(owner=row["owner"], owned_since=work.stamp)
    return gate_of(work.room, plan.name), row, state, book_of(work.room).area(work, plan.name, row)


def _days(work: Work, payload: Payload, most: int) -> int:
    days = payload.get("days", most)
    if isinstance(payload.get("until"), str):
        try:
            days = (date.fromisoformat(payload["until"]) - work.now.astimezone(work.room.zone).date()).days
        except ValueError:
            days = 0
    if not isinstance(days, int) or isinstance(days, bool) or not 1 <= days <= most:
        raise refused("days", "range", text("protect_days", work.language, most=most))
    return days


def protectable(work: Work, plan: ObjectPlan, row: Row) -> dict[str, Any] | None:
    """What the record page needs to offer `protect`."""
    owner = row.get("owner")
    if owner is None or not (work.actor.unrestricted or owner == work.actor.id or owner in work.actor.reports):
        return None
    area = book_of(work.room).area(work, plan.name, row)
    return {"days": area.protect.manual_days} if area is not None and area.protect.manual_most else None


def unprotectable(work: Work, plan: ObjectPlan, row: Row) -> dict[str, Any] | None:
    """What the record page needs to offer `unprotect`."""
    if protectable(work, plan, row) is None:
        return None
    state = Ledger(work.db).state(plan.name, row["id"])
    return {} if state is not None and state.manual_until and state.manual_until > work.stamp else None


__all__: Sequence[str] = ("closed", "protect", "release", "to_pool", "transfer", "unprotect")
