"""Approvals over the API: boxes, one approval in full, acts on tasks and on whole approvals, many tasks at once."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request

from guanxi.common.errors import BadRequest

from . import parse, respond
from .caller import actor, logged_in, services
from .idempotency import once
from .records import known_object

MOST = 200


def register(api: Blueprint) -> None:
    """Add the routes below /approvals, and the approvals of a record."""
    api.add_url_rule("/approvals", "approvals", read_box, methods=["GET"])
    api.add_url_rule("/approvals/counts", "approvals_counts", read_counts, methods=["GET"])
    api.add_url_rule("/approvals/tasks/batch", "approvals_batch", act_on_many, methods=["POST"])
    api.add_url_rule("/approvals/tasks/<record:task>/<act>", "approvals_task", act_on_task, methods=["POST"])
    api.add_url_rule("/meta/approvals/<name>.bpmn", "approval_bpmn", drawn, methods=["GET"])
    api.add_url_rule("/approvals/simulate", "approvals_simulate", simulate, methods=["POST"])
    preview_rule = "/<object:object_name>/<record:record>/approvals/preview"
    api.add_url_rule(preview_rule, "approval_preview", preview, methods=["GET"])
    api.add_url_rule("/approvals/<approval>", "approval", read_one, methods=["GET"])
    api.add_url_rule("/approvals/<approval>/<act>", "approval_act", act_on_whole, methods=["POST"])
    api.add_url_rule("/<object:object_name>/<record:record>/approvals", "record_approvals", of_record, methods=["GET"])


def _once(run: Any) -> Response:
    bundle = services()
    return once(bundle.database, request, actor().id, bundle.clock.now(), run)


@logged_in
def read_box() -> Response:
    """One page of a box, newest first; `approval`, `object` and `state` narrow it."""
    args = parse.parameters(request, ("box", "limit", "after", "approval", "object", "state"))
    limit = parse.whole_number(args["limit"], "limit", 1, MOST) if "limit" in args else 50
    filters = {name: args[name] for name in ("approval", "object", "state") if name in args}
    found = services().approvals.inbox(
        actor(), args.get("box", "todo"), limit=limit, after=args.get("after", ""), **filters
    )
    return respond.answer(found)


@logged_in
def read_counts() -> Response:
    """What waits: {"todo", "cc"}."""
    parse.parameters(request, ())
    return respond.answer(services().approvals.counts(actor()))


@logged_in
def read_one(approval: str) -> Response:
    """One approval in full."""
    parse.parameters(request, ())
    return respond.answer(services().approvals.show(actor(), parse.record_id(approval)))


@logged_in
def act_on_task(task: str, act: str) -> Response:
    """Approve, reject, return, transfer, delegate, add_signer, remove_signer, take_back, pull_back, comment."""
    parse.parameters(request, ())
    payload = parse.body(request, empty=True)
    number = parse.record_id(task)
    return _once(lambda: respond.answer(services().approvals.act(actor(), number, act, payload)))


@logged_in
def act_on_whole(approval: str, act: str) -> Response:
    """Withdraw, resubmit, urge, comment; for administrators revoke, terminate, retry, reassign."""
    parse.parameters(request, ())
    payload = parse.body(request, empty=True)
    number = parse.record_id(approval)
    return _once(lambda: respond.answer(services().approvals.act_on(actor(), number, act, payload)))


@logged_in
def act_on_many() -> Response:
    """{"tasks": [ids], "act": approve|reject, "comment"}: an answer per task."""
    parse.parameters(request, ())
    body = parse.body(request, ("tasks", "act", "comment"))
    tasks = parse.typed(body, "tasks", list, [])
    act, comment = parse.typed(body, "act", str, ""), parse.typed(body, "comment", str, "")
    if not tasks:
        raise BadRequest("Name the tasks.", code="required")
    return _once(lambda: respond.answer({"results": services().approvals.batch(actor(), tasks, act, comment)}))


@logged_in
def simulate() -> Response:
    """{"approval", "record" | "values" | "since", "submitter", "approvers"}: what would happen; nothing is written."""
    parse.parameters(request, ())
    body = parse.body(request, ("approval", "record", "values", "since", "submitter", "approvers"))
    name, since = parse.typed(body, "approval", str, ""), parse.typed(body, "since", str, "")
    if since:
        return respond.answer(services().approvals.replay(actor(), name, since))
    given: dict[str, Any] = {"values": parse.typed(body, "values", dict, None), "chosen": _chosen(body)}
    for key in ("record", "submitter"):
        given[key] = parse.typed(body, key, int, None)
    return respond.answer(services().approvals.simulate(actor(), name, **given))


def _chosen(body: Any) -> dict[str, list[int]]:
    picked: dict[str, list[int]] = parse.typed(body, "approvers", dict, {})
    if not all(isinstance(users, list) and all(type(one) is int for one in users) for users in picked.values()):
        raise BadRequest("'approvers' names people by step: {step: [ids]}.", code="type")
    return picked


@logged_in
def drawn(name: str) -> Response:
    """A flow as BPMN 2.0, for whoever may know of its object."""
    parse.parameters(request, ())
    text = services().approvals.bpmn(actor(), name)
    answer = Response(text, 200, mimetype="application/xml")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.bpmn"'
    return answer


@logged_in
def preview(object_name: str, record: str) -> Response:
    """Path and people if the caller submitted the record now."""
    name = known_object(object_name)
    args = parse.parameters(request, ("approval",))
    return respond.answer(
        services().approvals.preview(actor(), name, parse.record_id(record), args.get("approval") or None)
    )


@logged_in
def of_record(object_name: str, record: str) -> Response:
    """The approvals of a record, newest first."""
    name = known_object(object_name)
    parse.parameters(request, ())
    return respond.answer(
        {"data": services().approvals.of_record(actor(), name, parse.record_id(record)), "next": None}
    )
