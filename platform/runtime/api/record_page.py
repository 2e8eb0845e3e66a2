"""A record's whole page as data: `view360` (the record with its parents and the first page of each list) and `timeline`
(field changes, dated children and posts, newest first), under the rights of who asks.
"""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime
from typing import Any

import orjson
from flask import Blueprint, Response, request

from guanxi.common.errors import BadRequest
from guanxi.registry.objects import ObjectType, Related

from ..automation import shown_parts
from ..query.request import MAX_LIMIT, ListQuery, Row
from ..storage.rows import instant_text_json
from . import parse, respond
from .automations import room
from .caller import actor, logged_in, services
from .records import known_object

LIST_ROWS = 10
MOST_EXPANDED = 20
DEEPEST = 10_000
TIMES = ("datetime", "date")


def register(api: Blueprint) -> None:
    """Add the routes below /api/<object>/<record:record>."""
    api.add_url_rule("/<object:object_name>/<record:record>/view360", "view360", view360, methods=["GET"])
    api.add_url_rule("/<object:object_name>/<record:record>/timeline", "timeline", timeline, methods=["GET"])


@logged_in
def view360(object_name: str, record: str) -> Response:
    """`{"record": …, "related": {list: {"object", "data", "next", "total"}}}`; references are expanded."""
    name, number = known_object(object_name), parse.record_id(record)
    parse.parameters(request, ())
    records = services().records
    expand = tuple(_references(services().registry.objects[name], _shown(name)))[:MOST_EXPANDED]
    found = records.get(actor(), name, number, expand=expand)
    related: dict[str, Any] = {}
    for one in _lists(name):
        query = ListQuery(one.object, related=(name, number, one.name), limit=LIST_ROWS, total="exact")
        page = records.list(actor(), query)
        related[one.name] = {"object": one.object, "data": page.data, "next": page.next, "total": page.total}
    return respond.answer({"record": found, "related": related})


@logged_in
def timeline(object_name: str, record: str) -> Response:
    """Entries `{"at", "kind": "change"|"record"|"post"|"message", …}`, newest first; `after` as elsewhere."""
    name, number = known_object(object_name), parse.record_id(record)
    args = parse.parameters(request, ("limit", "after"))
    limit = parse.whole_number(args["limit"], "limit", 1, MAX_LIMIT) if "limit" in args else 50
    skip = _skipped(args.get("after", ""))
    most = skip + limit + 1
    entries = [*_changes(name, number, most), *_children(name, number, most)]
    entries += [*_posts(name, number, most), *_messages(name, number, most)]
    entries.sort(key=lambda entry: (_moment(entry["at"]), entry["kind"], entry.get("id", 0)), reverse=True)
    following = _cursor(skip + limit) if len(entries) > skip + limit <= DEEPEST else None
    return respond.answer({"data": entries[skip : skip + limit], "next": following})


def _changes(name: str, number: int, most: int) -> list[Row]:
    """Field changes, every page until `most` are there; none where the caller may not see the record's history."""
    found: list[Row] = []
    if not services().records.permissions(actor(), name, number).get("history"):
        return found
    after = ""
    while len(found) < most:
        page = services().records.history(actor(), name, number, limit=min(most, MAX_LIMIT), after=after)
        found += [{"kind": "change", **row} for row in page.data]
        if page.next is None:
            break
        after = page.next
    return found


def _posts(name: str, number: int, most: int) -> list[Row]:
    """What automations wrote on the record, each in words that the caller may read."""
    place = room()
    sql = "SELECT id, at, by_id, body FROM gx_posts WHERE object = ? AND record_id = ? ORDER BY id DESC LIMIT ?"
    found = place.db.rows(place.db.sql(sql), (name, number, most))
    return [
        {
            "at": instant_text_json(at),
            "kind": "post",
            "id": post,
            "by": by,
            "text": shown_parts(orjson.loads(body), place, actor()),
        }
        for post, at, by, body in found
    ]


def _children(name: str, number: int, most: int) -> list[Row]:
    """The newest records of each list, by their own date where they have one, else by when they were made."""
    found: list[Row] = []
    for one in _lists(name):
        field = _dated(services().registry.objects[one.object], _shown(one.object))
        after = ""
        taken = 0
        while taken < most:
            query = ListQuery(
                one.object,
                related=(name, number, one.name),
                where=f"filled({field})",
                sort=((field, True),),
                limit=min(most, MAX_LIMIT),
                after=after,
            )
            page = services().records.list(actor(), query)
            titles = services().records.titles(actor(), one.object, [row["id"] for row in page.data])
            found += [
                {
                    "at": row[field],
                    "kind": "record",
                    "list": one.name,
                    "object": one.object,
                    "id": row["id"],
                    "title": titles.get(row["id"]),
                    "record": row,
                }
                for row in page.data
            ]
            taken += len(page.data)
            if page.next is None:
                break
            after = page.next
    return found


def _messages(name: str, number: int, most: int) -> list[Row]:
    """Mail and other messages of the record, each as far as the caller may see it."""
    found = services().messaging.log.of_record(actor(), name, number, most)
    return [{"at": one["at"], "kind": "message", **one} for one in found]


def _shown(name: str) -> dict[str, str]:
    """The fields of an object the caller reads unmasked."""
    fields: dict[str, str] = services().records.permissions(actor(), name).get("fields", {})
    return {field: grant for field, grant in fields.items() if grant in ("read", "edit")}


def _lists(name: str) -> list[Related]:
    """The related lists whose records and whose reference the caller may read."""
    may = services().records.permissions
    lists = services().registry.objects[name].related.values()
    return [one for one in lists if may(actor(), one.object).get("read") and one.field in _shown(one.object)]


def _references(kind: ObjectType, shown: dict[str, str]) -> list[str]:
    return [f.name for f in kind.fields.values() if f.type in ("reference", "user", "team") and f.name in shown]


def _dated(kind: ObjectType, shown: dict[str, str]) -> str:
    """The field that says when a record happened."""
    own = [f for f in kind.fields.values() if not f.system and f.stored and f.type in TIMES and f.name in shown]
    own.sort(key=lambda f: TIMES.index(f.type))
    return own[0].name if own else "created_at"


def _moment(text: str) -> datetime:
    """An instant; a date is the start of the caller's day."""
    if "T" in text:
        return datetime.fromisoformat(text)
    return datetime.fromisoformat(text).replace(tzinfo=actor().zone).astimezone(UTC)


def _cursor(skip: int) -> str:
    return base64.urlsafe_b64encode(b"t%d" % skip).decode().rstrip("=")


def _skipped(after: str) -> int:
    if not after:
        return 0
    try:
        text = base64.urlsafe_b64decode(after + "=" * (-len(after) % 4)).decode()
    except (binascii.Error, ValueError):
        text = ""
    number = text.removeprefix("t")
    if number == text or not (number.isascii() and number.isdigit()) or len(number) > 5 or int(number) > DEEPEST:
        raise BadRequest("The cursor in 'after' does not belong to this list.", code="bad_cursor")
    return int(number)
