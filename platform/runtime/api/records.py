"""Routes of records: list, read, write, batch, aggregate, history, related lists, actions."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request, url_for

from guanxi.common.errors import BadRequest, NotFound
from guanxi.common.names import nearest

from . import parse, respond
from .caller import actor, logged_in, services
from .idempotency import once

BATCH_LIMIT = 1000


def known_object(name: str) -> str:
    """The object's name when it exists for the caller; a hint names only what the caller may read."""
    if name in services().registry.objects:
        return name
    readable = [n for n in services().registry.objects if _readable(n)]
    hint = nearest(name, readable)
    raise NotFound(f"No object '{name[:60]}'." + (f" Did you mean '{hint}'?" if hint else ""), code="unknown_object")


def _readable(name: str) -> bool:
    return bool(services().records.permissions(actor(), name).get("read"))


def _once(run: Any) -> Response:
    bundle = services()
    return once(bundle.database, request, actor().id, bundle.clock.now(), run)


def register(api: Blueprint) -> None:
    """Add the routes below /api/<object>."""
    api.add_url_rule("/<object:object_name>", "list", list_records, methods=["GET"])
    api.add_url_rule("/<object:object_name>", "create", create_record, methods=["POST"])
    api.add_url_rule("/<object:object_name>/batch", "batch", batch_records, methods=["POST"])
    api.add_url_rule("/<object:object_name>/duplicates/check", "duplicates", check_duplicates, methods=["POST"])
    api.add_url_rule("/<object:object_name>/aggregate", "aggregate", aggregate_records, methods=["GET"])
    api.add_url_rule("/<object:object_name>/<record:record>", "read", read_record, methods=["GET"])
    api.add_url_rule("/<object:object_name>/<record:record>", "update", update_record, methods=["PATCH"])
    api.add_url_rule("/<object:object_name>/<record:record>", "delete", delete_record, methods=["DELETE"])
    api.add_url_rule("/<object:object_name>/<record:record>/restore", "restore", restore_record, methods=["POST"])
    api.add_url_rule("/<object:object_name>/<record:record>/history", "history", record_history, methods=["GET"])
    api.add_url_rule(
        "/<object:object_name>/<record:record>/related/<list_name>", "related", related_records, methods=["GET"]
    )
    api.add_url_rule(
        "/<object:object_name>/<record:record>/actions/<action>", "action", act_on_record, methods=["POST"]
    )


@logged_in
def list_records(object_name: str) -> Response:
    """A page of records."""
    query = parse.list_query(request, known_object(object_name))
    return respond.page(services().records.list(actor(), query))


@logged_in
def create_record(object_name: str) -> Response:
    """A new record: 201 with Location and ETag."""
    name = known_object(object_name)
    args = parse.parameters(request, ("force_duplicates",))
    force = parse.truth(args.get("force_duplicates", "false"), "force_duplicates")
    values = parse.body(request)

    def run() -> Response:
        saved = services().records.create(actor(), name, values, force_duplicates=force)
        location = url_for("guanxi_api.read", object_name=name, record=saved.id)
        return respond.answer(saved.record, 201, {"Location": location, "ETag": respond.tag(saved.version)})

    return _once(run)


@logged_in
def read_record(object_name: str, record: str) -> Response:
    """One record with its entity tag."""
    name = known_object(object_name)
    args = parse.parameters(request, ("fields", "expand", "trashed"))
    found = services().records.get(
        actor(),
        name,
        parse.record_id(record),
        fields=parse.names(args.get("fields", ""), "fields", 300),
        expand=parse.names(args.get("expand", ""), "expand", 20),
        trashed=parse.truth(args.get("trashed", "false"), "trashed"),
    )
    version = found.get("version")
    return respond.answer(found, 200, {"ETag": respond.tag(version)} if isinstance(version, int) else None)


@logged_in
def update_record(object_name: str, record: str) -> Response:
    """Change the given fields; honours If-Match."""
    name = known_object(object_name)
    args = parse.parameters(request, ("force_duplicates",))
    force = parse.truth(args.get("force_duplicates", "false"), "force_duplicates")
    saved = services().records.update(
        actor(),
        name,
        parse.record_id(record),
        parse.body(request),
        version=parse.if_match(request),
        force_duplicates=force,
    )
    if saved.approval is not None:
        return respond.answer({**saved.record, "approval": saved.approval}, 202, {"ETag": respond.tag(saved.version)})
    return respond.answer(saved.record, 200, {"ETag": respond.tag(saved.version)})


@logged_in
def delete_record(object_name: str, record: str) -> Response:
    """To the trash, or for good with `permanent=true`."""
    name = known_object(object_name)
    args = parse.parameters(request, ("permanent",))
    permanent = parse.truth(args.get("permanent", "false"), "permanent")
    waits = services().records.delete(
        actor(), name, parse.record_id(record), version=parse.if_match(request), permanent=permanent
    )
    if waits is not None:
        return respond.answer({"approval": waits}, 202)
    return respond.no_content()


@logged_in
def restore_record(object_name: str, record: str) -> Response:
    """Out of the trash."""
    name = known_object(object_name)
    parse.parameters(request, ())
    parse.body(request, (), empty=True)
    saved = services().records.restore(actor(), name, parse.record_id(record))
    return respond.answer(saved.record, 200, {"ETag": respond.tag(saved.version)})


@logged_in
def batch_records(object_name: str) -> Response:
    """Up to 1,000 operations."""
    name = known_object(object_name)
    parse.parameters(request, ())
    body = parse.body(request, ("operations", "atomic"))
    operations = parse.typed(body, "operations", list)
    if operations is None:
        raise BadRequest("'operations' is missing: a list of what to do.", code="required")
    atomic = parse.typed(body, "atomic", bool, True)
    if len(operations) > BATCH_LIMIT:
        raise BadRequest(f"A batch has at most {BATCH_LIMIT} operations.", code="limit")
    if not all(isinstance(operation, dict) for operation in operations):
        raise BadRequest("Each operation is an object.", code="type")

    def run() -> Response:
        results = services().records.batch(actor(), name, operations, atomic=atomic)
        return respond.answer({"results": list(results)})

    return _once(run)


@logged_in
def check_duplicates(object_name: str) -> Response:
    """Records that the object's duplicate rules take for the same as these values."""
    name = known_object(object_name)
    parse.parameters(request, ())
    body = parse.body(request, ("values", "record"))
    values, record = parse.typed(body, "values", dict), parse.typed(body, "record", int)
    if values is None:
        raise BadRequest("'values' is missing: what the record would hold.", code="required")
    return respond.answer({"matches": list(services().records.duplicates(actor(), name, values, record))})


@logged_in
def aggregate_records(object_name: str) -> Response:
    """Groups with measures."""
    query = parse.aggregate_query(request, known_object(object_name))
    return respond.answer({"data": list(services().records.aggregate(actor(), query))})


@logged_in
def record_history(object_name: str, record: str) -> Response:
    """Field changes, newest first."""
    name = known_object(object_name)
    args = parse.parameters(request, ("limit", "after"))
    limit = parse.whole_number(args["limit"], "limit", 1, 500) if "limit" in args else 50
    number = parse.record_id(record)
    return respond.page(services().records.history(actor(), name, number, limit=limit, after=args.get("after", "")))


@logged_in
def related_records(object_name: str, record: str, list_name: str) -> Response:
    """The children of a record in one of its lists."""
    name = known_object(object_name)
    related = services().registry.objects[name].related.get(list_name)
    number = parse.record_id(record)
    if related is None:
        known = services().registry.objects[name].related
        hint = nearest(list_name, [n for n, r in known.items() if _readable(r.object)])
        text = f"'{name}' has no list '{list_name[:60]}'." + (f" Did you mean '{hint}'?" if hint else "")
        raise NotFound(text, code="unknown_list")
    query = parse.list_query(request, related.object, related=(name, number, list_name))
    return respond.page(services().records.list(actor(), query))


@logged_in
def act_on_record(object_name: str, record: str, action: str) -> Response:
    """A named action on a record."""
    name = known_object(object_name)
    parse.parameters(request, ())
    payload = parse.body(request, empty=True)
    version = parse.if_match(request)
    if version is not None and action == "move_stage":
        payload.setdefault("version", version)

    def run() -> Response:
        return respond.answer(services().records.act(actor(), name, parse.record_id(record), action, payload))

    return _once(run)
