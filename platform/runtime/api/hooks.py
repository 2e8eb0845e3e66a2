"""`POST /hooks/{name}`: webhooks that come in. Anybody may knock; the signature or the token lets in."""

from __future__ import annotations

from typing import Any, cast

import orjson
from flask import Blueprint, Response, request

from guanxi.common.errors import BadRequest, NotFound, TooLarge

from ..webhooks.inbound import MOST, judge, take
from . import parse, respond
from .caller import public, services

hooks = Blueprint("guanxi_hooks", __name__)


@hooks.post("/hooks/<name>")
@public
def come_in(name: str) -> Response:
    """Take a call: 202, also when it was taken before."""
    parse.parameters(request, ())
    bundle = cast(Any, services())
    hook = bundle.outside.hooks.get(name)
    if hook is None:
        raise NotFound("There is no such hook.")
    if (request.content_length or 0) > MOST:
        raise TooLarge(f"A call has at most {MOST // 1024} KB.")
    body = request.get_data(cache=False)
    if len(body) > MOST:
        raise TooLarge(f"A call has at most {MOST // 1024} KB.")
    call = judge(hook, {key.lower(): value for key, value in request.headers.items()}, body, bundle)
    try:
        given = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise BadRequest("The body is not JSON.", code="bad_json") from None
    if not isinstance(given, dict):
        raise BadRequest("The body is a JSON object.", code="bad_json")
    take(bundle, hook, call, given)
    return respond.answer({"id": call}, 202)
