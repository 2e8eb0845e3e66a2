"""What automations did with a record: the trace as data, under the rights of who asks."""

from __future__ import annotations

from typing import Any, cast

import orjson
from flask import Blueprint, Response, request

from ..automation.runs import Run, of_record
from ..query.request import MAX_LIMIT
from ..records.room import Room
from ..records.service import RecordService
from ..records.work import Work
from ..storage.rows import instant_text_json
from . import parse, respond
from .caller import actor, logged_in, services
from .records import known_object

NEWEST = 2**63 - 1


def register(api: Blueprint) -> None:
    """Add the route below /api/<object>/<record:record>."""
    api.add_url_rule(
        "/<object:object_name>/<record:record>/automation-runs", "automation_runs", automation_runs, methods=["GET"]
    )


@logged_in
def automation_runs(object_name: str, record: str) -> Response:
    """`{"data": [run …], "next"}`, newest first: whoever may read the record's history sees which rules ran for it and
    how it ended; what went wrong in words is for administrators.
    """
    name, number = known_object(object_name), parse.record_id(record)
    args = parse.parameters(request, ("limit", "after"))
    limit = parse.whole_number(args["limit"], "limit", 1, MAX_LIMIT) if "limit" in args else 50
    before = parse.whole_number(args["after"], "after", 1, parse.MAX_ID) if "after" in args else NEWEST
    reader = room().reader
    reader.seen(actor(), name, number, "history")
    found = of_record(services().database, name, number, limit + 1, before)
    following = str(found[limit - 1].id) if len(found) > limit else None
    found = found[:limit]
    moved = _moved([run.id for run in found])
    people = reader.titles(actor(), "user", sorted({run.by_id for run in found if run.by_id is not None}))
    data = [_shown(run, moved.get(run.id, []), people) for run in found]
    return respond.answer({"data": data, "next": following})


def room() -> Room:
    """What the record service of this version works in."""
    return cast(RecordService, services().records).room


def _shown(run: Run, changes: list[dict[str, Any]], people: Any) -> dict[str, Any]:
    rule = services().registry.automations.get(run.rule)
    shown = {
        "id": run.id,
        "at": instant_text_json(run.at),
        "automation": run.rule,
        "label": rule.label.text(actor().language) if rule is not None else run.rule,
        "version": run.version,
        "event": run.event,
        "outcome": run.outcome,
        "steps": run.steps,
        "ms": run.ms,
        "by": None if run.by_id is None else {"id": run.by_id, "title": people.get(run.by_id)},
        "parent": run.parent_id,
        "changes": changes,
    }
    if actor().unrestricted:
        shown["error"] = run.error
    return shown


def _moved(runs: list[int]) -> dict[int, list[dict[str, Any]]]:
    """Run → the writes it made on records that the caller sees: which fields moved, by name; values are in the
    history of each record.
    """
    if not runs:
        return {}
    db = services().database
    marks = ", ".join("?" * len(runs))
    sql = (
        "SELECT run_id, object, record_id, version, action, changes FROM gx_history"  # noqa: S608 (marks only)
        f" WHERE run_id IN ({marks}) ORDER BY id LIMIT 1000"
    )
    work = Work(room(), actor())
    made: dict[int, list[dict[str, Any]]] = {}
    for run, name, number, version, action, changes in db.rows(db.sql(sql), runs):
        if name not in services().registry.objects or not work.rights(name).visible:
            continue
        if not actor().unrestricted and not work.visible(name, number):
            continue
        rights = work.rights(name)
        fields = [field for field in orjson.loads(changes) if rights.shown(field)]
        one = {"object": name, "id": number, "version": version, "action": action, "fields": fields}
        made.setdefault(run, []).append(one)
    return made
