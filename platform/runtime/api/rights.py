"""Who may do what, as data: a record's shares, why somebody sees it, and the whole matrix for administrators."""

from __future__ import annotations

from flask import Blueprint, Response, request

from guanxi.common.errors import Forbidden

from ..access.actor import Actor
from ..access.matrix import matrix_csv
from . import parse, respond
from .caller import AUDITOR, actor, administrators, logged_in, services
from .records import known_object


def register(api: Blueprint) -> None:
    """Add the routes of rights."""
    api.add_url_rule("/meta/matrix", "matrix", permission_matrix, methods=["GET"])
    api.add_url_rule("/<object:object_name>/<record:record>/shares", "shares", record_shares, methods=["GET"])
    api.add_url_rule("/<object:object_name>/<record:record>/explain", "explain", explain_record, methods=["GET"])


@administrators
def permission_matrix() -> Response:
    """Role × object × operation and field, as CSV."""
    parse.parameters(request, ())
    headers = {"Cache-Control": "no-store", "Content-Disposition": 'attachment; filename="permissions.csv"'}
    return Response(matrix_csv(services().registry), content_type="text/csv; charset=utf-8", headers=headers)


@logged_in
def record_shares(object_name: str, record: str) -> Response:
    """With whom a record is shared by hand, now."""
    name = known_object(object_name)
    parse.parameters(request, ())
    found = services().records.shares(actor(), name, parse.record_id(record))
    return respond.answer({"data": list(found)})


@logged_in
def explain_record(object_name: str, record: str) -> Response:
    """Why the caller (or, for those who may look at others, a user) may or may not."""
    name = known_object(object_name)
    args = parse.parameters(request, ("user", "operation"))
    number = parse.record_id(record)
    who = actor()
    about = _about(who, args.get("user", ""))
    told = services().records.explain(who, name, number, about=about, operation=args.get("operation") or "read")
    return respond.answer(told)


def _about(who: Actor, user: str) -> Actor | None:
    """The other person; None for the caller. Only administrators and auditors ask about others."""
    if not user or user in (who.name, str(who.id)):
        return None
    if not (who.unrestricted or AUDITOR in who.roles):
        raise Forbidden("Only administrators and auditors ask about others.")
    return services().somebody(user)
