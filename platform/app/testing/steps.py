"""The verbs of a test as calls of the record service: what is done (`DO`) and what must hold (`HOLDS`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from guanxi.common.errors import GuanxiError, Invalid, NotFound
from guanxi.registry import MetadataStep, ObjectType, Refusal
from guanxi.runtime.access.actor import SYSTEM
from guanxi.runtime.query.request import ListQuery
from guanxi.runtime.sla.store import of_record

from . import approvals
from .outcome import Failure
from .world import World, instant, said

Do = Callable[[World, MetadataStep], None]
Holds = Callable[[World, MetadataStep], str]


def do(world: World, step: MetadataStep) -> tuple[str, ...]:
    """Do one step; the rules that refused it. Raises TestFault when it is refused, or not refused, against the test."""
    try:
        DO[step.verb](world, step)
    except GuanxiError as error:
        if step.refused is None:
            world.fail(step.place, f"{_sentence(step)} is refused", said(error))
        kind = world.services.registry.objects[step.object]
        if not _fits(step.refused, error, kind):
            world.fail(step.place, _demand(step, step.refused), f"seen: {said(error)}")
        return broken_rules(error, kind)
    if step.refused is not None:
        world.fail(step.place, _demand(step, step.refused), "seen: it was done")
    return ()


def broken_rules(error: GuanxiError, kind: ObjectType) -> tuple[str, ...]:
    """The rules of the object that speak in a refusal, told by their messages."""
    spoken = {one.message for one in error.errors if one.code == "rule"} if isinstance(error, Invalid) else set()
    return tuple(
        name
        for name, rule in kind.rules.items()
        if spoken & {text for _, text in rule.message.texts} or (not rule.message and any(name in s for s in spoken))
    )


def _fits(wanted: Refusal, error: GuanxiError, kind: ObjectType) -> bool:
    if wanted.rule and wanted.rule not in broken_rules(error, kind):
        return False
    if isinstance(error, Invalid):
        return any(
            wanted.code in ("", one.code) and (not wanted.field or wanted.field == one.field) for one in error.errors
        )
    return not wanted.field and wanted.code in ("", error.code)


def _demand(step: MetadataStep, refusal: Refusal) -> str:
    parts = {"code": refusal.code, "field": refusal.field, "rule": refusal.rule}
    wanted = ", ".join(f"{name} {value}" for name, value in parts.items() if value)
    return f"{_sentence(step)} must be refused: {wanted}"


def _sentence(step: MetadataStep) -> str:
    what = " ".join(part for part in (step.verb, step.object if not step.record else step.record) if part)
    return what + (f" by {step.actor}" if step.actor else "")


def _given(world: World, step: MetadataStep) -> Mapping[str, Any]:
    made = world.values(step.object, step.values)
    return {} if made is None else made


def _create(world: World, step: MetadataStep) -> None:
    values, force = _given(world, step), bool(step.more.get("force"))
    saved = world.services.records.create(world.actor(step.actor), step.object, values, force_duplicates=force)
    if step.record:
        world.records[step.record] = (step.object, saved.id)


def _update(world: World, step: MetadataStep) -> None:
    kind, number = world.record(step.record, step.place)
    actor, version, force = world.actor(step.actor), _version(world, step), bool(step.more.get("force"))
    values = _given(world, step)
    world.services.records.update(actor, kind, number, values, version=version, force_duplicates=force)


def _version(world: World, step: MetadataStep) -> int | None:
    """The version an object demands: the present one, as a person's form would send it."""
    kind, number = world.record(step.record, step.place)
    if world.services.registry.objects[kind].concurrency != "strict":
        return None
    return int(world.services.records.get(SYSTEM, kind, number, fields=("version",))["version"])


def _delete(world: World, step: MetadataStep) -> None:
    kind, number = world.record(step.record, step.place)
    world.services.records.delete(world.actor(step.actor), kind, number, version=_version(world, step))


def _restore(world: World, step: MetadataStep) -> None:
    kind, number = world.record(step.record, step.place)
    world.services.records.restore(world.actor(step.actor), kind, number)


def _act(name: str, payload: Callable[[World, MetadataStep], dict[str, Any]]) -> Do:
    def run(world: World, step: MetadataStep) -> None:
        kind, number = world.record(step.record, step.place)
        action = name or str(step.more["name"])
        world.services.records.act(world.actor(step.actor), kind, number, action, payload(world, step))

    return run


def _stage(world: World, step: MetadataStep) -> dict[str, Any]:
    return {"to": step.more["to"], "values": dict(_given(world, step))}


def _owner(world: World, step: MetadataStep) -> dict[str, Any]:
    return {"owner": world.person(str(step.values["owner"])), "reason": step.more.get("reason", "")}


def _wait(world: World, step: MetadataStep) -> None:
    if "until" in step.more:
        to = instant(str(step.more["until"]), world.zone)
        if to < world.clock.now():
            world.fail(step.place, "the clock does not go back", f"it stands at {world.clock.now().isoformat()}")
        world.clock.at = to
    world.clock.at += timedelta(**{k: float(v) for k, v in step.more.items() if k != "until"})
    world.do_due()


DO: Mapping[str, Do] = {
    "create": _create,
    "update": _update,
    "delete": _delete,
    "restore": _restore,
    "move_stage": _act("move_stage", _stage),
    "assign": _act("assign", _owner),
    "action": _act("", lambda _world, _step: {}),
    "wait": _wait,
    **approvals.DO,
}


# what must hold -----------------------------------------------------------------------------------------
def holds(world: World, step: MetadataStep) -> Failure | None:
    """What is not as the step says, or None. Raises TestFault when it cannot be asked."""
    try:
        seen = HOLDS[step.verb](world, step)
    except GuanxiError as error:
        seen = said(error)
    return Failure(step.place, _claim(step), seen) if seen else None


def _claim(step: MetadataStep) -> str:
    if step.verb == "check" and step.condition is not None:
        return f"{step.record}: {step.condition.source} does not hold"
    if step.verb == "waiting_on":
        return approvals.claim(step)
    if step.verb == "ran":
        times = f" {step.more['times']} times" if "times" in step.more else ""
        return f"the automation {step.more['automation']} must have run{times}"
    if step.verb == "clock":
        return f"the clock {step.more['target']} of {step.record} must be {step.more['is']}"
    if step.verb == "count":
        return f"{step.more['is']} records of {step.object} are expected"
    if step.verb == "grant":
        return f"{step.record}.{step.more['field']} must be {step.more['is']} to {step.actor}"
    return f"{step.record} must be {step.verb} to {step.actor}"


def _check(world: World, step: MetadataStep) -> str:
    kind, number = world.record(step.record, step.place)
    if step.condition is None:
        return ""
    actor = world.actor(step.actor)
    where = f"id == {number} and ({step.condition.source})"
    if world.services.records.list(actor, ListQuery(object=kind, where=where, fields=("id",), limit=1)).data:
        return ""
    read = tuple(sorted(step.condition.own)) or ("id",)
    try:
        row = world.services.records.get(SYSTEM, kind, number, fields=read)
    except NotFound:
        return "seen: the record is in the trash"
    return "seen: " + ", ".join(f"{name} = {row.get(name)!r}" for name in read)


def _reads(world: World, step: MetadataStep) -> bool:
    kind, number = world.record(step.record, step.place)
    query = ListQuery(object=kind, where=f"id == {number}", fields=("id",), limit=1)
    actor = world.actor(step.actor)
    try:
        return bool(world.services.records.list(actor, query).data)
    except GuanxiError:
        return False


def _visible(world: World, step: MetadataStep) -> str:
    return "" if _reads(world, step) else "seen: it is not"


def _hidden(world: World, step: MetadataStep) -> str:
    return "seen: it is not" if _reads(world, step) else ""


def _grant(world: World, step: MetadataStep) -> str:
    kind, number = world.record(step.record, step.place)
    fields = world.services.records.permissions(world.actor(step.actor), kind, number)["fields"]
    seen = fields.get(step.more["field"], "none")
    return "" if seen == step.more["is"] else f"seen: {seen}"


def _count(world: World, step: MetadataStep) -> str:
    where = step.condition.source if step.condition is not None else ""
    query = ListQuery(object=step.object, where=where, fields=("id",), limit=1, total="exact")
    seen = world.services.records.list(world.actor(step.actor), query).total
    return "" if seen == step.more["is"] else f"seen: {seen}"


def _ran(world: World, step: MetadataStep) -> str:
    """Runs that failed do not count, and neither do continuations."""
    where, params = "rule = ? AND outcome <> 'failed' AND event <> 'wait'", [step.more["automation"]]
    if step.record:
        kind, number = world.record(step.record, step.place)
        where, params = f"{where} AND object = ? AND record_id = ?", [*params, kind, number]
    db = world.services.database
    found = db.one(db.sql(f"SELECT count(*) FROM gx_automation_runs WHERE {where}"), params)  # noqa: S608
    seen = int(found[0]) if found else 0
    if seen == step.more.get("times", seen or 1):
        return ""
    failed = db.one(
        db.sql("SELECT error FROM gx_automation_runs WHERE rule = ? AND outcome = 'failed'"), (step.more["automation"],)
    )
    return f"seen: {seen} times" + (f"; it failed: {failed[0]}" if failed else "")


def _clock(world: World, step: MetadataStep) -> str:
    """The clock of the service level that applies, or of the one that is named."""
    kind, number = world.record(step.record, step.place)
    found = [
        clock
        for clock in of_record(world.services.database, kind, number)
        if clock.target == step.more["target"] and clock.sla == step.more.get("sla", clock.sla)
    ]
    counting = [clock for clock in found if clock.state != "cancelled"] or found
    seen = counting[-1] if counting else None
    if (seen.state if seen is not None else "none") == step.more["is"]:
        return ""
    if seen is None:
        return "seen: none"
    due = f", due {seen.due_at.astimezone(world.zone):%Y-%m-%d %H:%M}" if seen.due_at is not None else ""
    return f"seen: {seen.state} ({seen.sla}){due}"


HOLDS: Mapping[str, Holds] = {
    "check": _check,
    "visible": _visible,
    "hidden": _hidden,
    "grant": _grant,
    "count": _count,
    "ran": _ran,
    "clock": _clock,
    "waiting_on": approvals.waiting_on,
}
