"""Forms from inside: what there are, personal links, and what visitors sent (administrators)."""

from __future__ import annotations

from typing import Any, cast

from flask import Blueprint, Response, request

from guanxi.common.errors import BadRequest, NotFound

from ..forms.service import Forms
from ..forms.service import forms as forms_of
from ..forms.store import STATES
from ..query.request import MAX_LIMIT
from . import parse, respond
from .caller import actor, administrators, logged_in, services

ACTS = ("accept", "refuse")


def register(api: Blueprint) -> None:
    """Add /meta/forms and /meta/form-submissions."""
    api.add_url_rule("/meta/forms", "web_forms", list_forms, methods=["GET"])
    api.add_url_rule("/meta/forms/<name>/link", "web_form_link", make_link, methods=["POST"])
    api.add_url_rule("/meta/form-submissions", "form_submissions", list_submissions, methods=["GET"])
    api.add_url_rule("/meta/form-submissions/<number>/<act>", "form_submission_act", act, methods=["POST"])


def _service() -> Forms:
    return forms_of(cast(Any, services()).records.room)


@administrators
def list_forms() -> Response:
    """Every form with its address."""
    parse.parameters(request, ())
    service, language = _service(), actor().language
    base = services().messaging.settings.url.rstrip("/")
    found = [
        {
            "name": form.name,
            "label": form.label.text(language),
            "object": form.object,
            "url": f"{base}/forms/{form.name}",
            "active": form.active,
            "links": form.link.object if form.link is not None else None,
        }
        for form in service.all().values()
    ]
    return respond.answer({"data": found})


@logged_in
def make_link(name: str) -> Response:
    """`{"record": id}` → `{"url"}`: a personal link about a record that the caller may change."""
    parse.parameters(request, ())
    service, who = _service(), actor()
    form = service.get(name)
    given = parse.body(request, ("record",))
    record = parse.typed(given, "record", int)
    if form.link is None or record is None:
        raise BadRequest("Name a record that the form has links about.", code="required")
    records = services().records
    records.get(who, form.link.object, record, fields=("id",))
    if not records.permissions(who, form.link.object, record).get("update"):
        raise NotFound("There is no such record.")
    path = service.link(name, form.link.object, record)
    return respond.answer({"url": services().messaging.settings.url.rstrip("/") + path}, 201)


@administrators
def list_submissions() -> Response:
    """`{"data", "next"}`, newest first; `form` and `state` (accepted, spam, refused) narrow."""
    args = parse.parameters(request, ("form", "state", "limit", "after"))
    if args.get("state") and args["state"] not in STATES:
        raise BadRequest(f"'state' is one of {', '.join(STATES)}.", code="bad_parameter")
    limit = parse.whole_number(args["limit"], "limit", 1, MAX_LIMIT) if "limit" in args else 50
    asked = {name: args.get(name, "") for name in ("form", "state", "after")}
    return respond.page(_service().submissions.page(limit=limit, **asked))


@administrators
def act(number: str, act: str) -> Response:
    """accept: make the record after all; refuse: put it aside and forget what it said → the submission."""
    parse.parameters(request, ())
    if act not in ACTS:
        raise NotFound("There is no such act.")
    parse.body(request, (), empty=True)
    service, found = _service(), parse.record_id(number)
    done = service.accept(found, actor().id) if act == "accept" else service.refuse(found, actor().id)
    return respond.answer(done)
