"""Values into responses: orjson bodies, entity tags, no caching of private answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from flask import Response

from ..query.request import Page

JSON = "application/json"


def answer(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON response that no cache keeps."""
    response = Response(orjson.dumps(value), status, content_type=JSON)
    response.headers["Cache-Control"] = "no-store"
    if headers:
        response.headers.update(headers)
    return response


def page(found: Page) -> Response:
    """A list: data, next and, when it was asked for, total."""
    value: dict[str, Any] = {"data": found.data, "next": found.next}
    if found.total is not None:
        value["total"] = found.total
    return answer(value)


def tag(version: int) -> str:
    """The entity tag of a version."""
    return f'"{version}"'


def no_content() -> Response:
    """204."""
    return Response(status=204, headers={"Cache-Control": "no-store"})
