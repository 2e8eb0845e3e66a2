"""The audit trail over the API: one page by filters, the head, and the whole as NDJSON. Nobody writes to it here.

Administrators and the role `auditor` may read it; to everybody else these addresses do not exist.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from flask import Blueprint, Response, request

from guanxi.common.errors import BadRequest
from guanxi.common.names import did_you_mean

from ..audit import ACTIONS, AuditQuery, find, head_of, lines
from ..storage.rows import instant_text
from . import parse, respond
from .caller import actor, auditors, services

MOST = 500
FILTERS = ("action", "actor", "object", "record", "outcome", "address", "from", "to")


def register(api: Blueprint) -> None:
    """Add the routes below /audit."""
    api.add_url_rule("/audit", "audit", read_page, methods=["GET"])
    api.add_url_rule("/audit/head", "audit_head", read_head, methods=["GET"])
    api.add_url_rule("/audit/export", "audit_export", export, methods=["GET"])


@auditors
def read_page() -> Response:
    """Entries that fit all filters, newest first."""
    args = parse.parameters(request, (*FILTERS, "after", "limit"))
    limit = parse.whole_number(args["limit"], "limit", 1, MOST) if "limit" in args else 50
    query = AuditQuery(
        action=_one_of(args, "action", ACTIONS),
        actor=args.get("actor", ""),
        object=args.get("object", ""),
        record_id=parse.whole_number(args["record"], "record", 1, parse.MAX_ID) if "record" in args else None,
        outcome=_one_of(args, "outcome", {"ok": "", "refused": ""}),
        address=args.get("address", ""),
        since=_moment(args, "from"),
        until=_moment(args, "to"),
        before=parse.whole_number(args["after"], "after", 1, parse.MAX_ID) if "after" in args else None,
        limit=limit + 1,
    )
    found = find(services().audit.db, query)
    more = str(found[limit - 1].number) if len(found) > limit else None
    return respond.answer({"data": [entry.as_dict() for entry in found[:limit]], "next": more})


@auditors
def read_head() -> Response:
    """How far the trail goes; kept elsewhere, it proves later that nothing was cut."""
    parse.parameters(request, ())
    return respond.answer(head_of(services().audit.db).as_dict())


@auditors
def export() -> Response:
    """The trail as NDJSON with hashes, oldest first; the export is itself an entry."""
    args = parse.parameters(request, ("from", "to", "reason"))
    since, until = _moment(args, "from"), _moment(args, "to")
    trail = services().audit
    trail.record("audit_read", actor(), detail={"from": since, "to": until}, reason=args.get("reason", ""))
    body: Iterator[bytes] = lines(trail.db, since=since, until=until)
    response = Response(body, content_type="application/x-ndjson")
    response.headers["Content-Disposition"] = 'attachment; filename="audit.ndjson"'
    response.headers["Cache-Control"] = "no-store"
    return response


def _one_of(args: Mapping[str, str], name: str, known: Mapping[str, str]) -> str:
    value = args.get(name, "")
    if value and value not in known:
        raise BadRequest(
            f"There is no {name} '{value[:60]}'.", code="bad_parameter", hint=did_you_mean(value, list(known))
        )
    return value


def _moment(args: Mapping[str, str], name: str) -> str:
    """A day or an instant as the stored form; a day begins at 00:00 UTC."""
    if not args.get(name):
        return ""
    try:
        at = datetime.fromisoformat(args[name])
        return instant_text(at if at.tzinfo else at.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        raise BadRequest(
            f"'{name}' is a day or an instant, as 2026-03-31 or 2026-03-31T08:00:00Z.", code="bad_parameter"
        ) from None
