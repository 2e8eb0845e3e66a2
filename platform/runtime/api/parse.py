"""Requests into values: unknown parameters and body keys are errors, never ignored; texts are refused at the edge."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, cast

import orjson
from flask import Request

from guanxi.common.errors import BadRequest, GuanxiError, NotFound
from guanxi.common.names import did_you_mean
from guanxi.common.text import text_fault

from ..query.clocks import word
from ..query.request import DEFAULT_LIMIT, MAX_LIMIT, AggregateQuery, ListQuery, Total

MAX_BODY = 4 * 1024 * 1024
MAX_ID = 2**63 - 1
LIST_PARAMETERS = (
    "where",
    "q",
    "sort",
    "fields",
    "expand",
    "limit",
    "after",
    "offset",
    "total",
    "view",
    "pool",
    "trashed",
    "clock",
)


class UnsupportedMediaType(GuanxiError):
    """The body is not JSON."""

    status, title, code = 415, "Send JSON", "media_type"


def parameters(request: Request, known: Iterable[str], repeated: Iterable[str] = ()) -> dict[str, str]:
    """The query's parameters: each known, given once (those in `repeated` may come again), storable text."""
    known = tuple(known)
    out: dict[str, str] = {}
    for name, values in request.args.lists():
        if name not in known:
            raise BadRequest(
                f"Unknown query parameter '{name[:60]}'.", code="unknown_parameter", hint=did_you_mean(name, known)
            )
        if len(values) > 1 and name not in repeated:
            raise BadRequest(f"The query parameter '{name}' is given twice.", code="repeated_parameter")
        fault = text_fault(values[0]) or ("it is not UTF-8" if "\ufffd" in values[0] else "")
        if fault:
            raise BadRequest(f"The query parameter '{name}' cannot be used: {fault}.", code="bad_parameter")
        out[name] = values[0]
    return out


def names(text: str, parameter: str, most: int = 60) -> tuple[str, ...]:
    """A comma-separated list of names; empty parts are errors."""
    if not text:
        return ()
    parts = tuple(part.strip() for part in text.split(","))
    if len(parts) > most:
        raise BadRequest(f"'{parameter}' names more than {most}.", code="bad_parameter")
    if not all(parts):
        raise BadRequest(f"'{parameter}' has an empty name.", code="bad_parameter")
    return parts


def sorting(text: str) -> tuple[tuple[str, bool], ...]:
    """`-updated_at,name` → (("updated_at", True), ("name", False))."""
    parts = names(text, "sort", 8)
    keys = tuple((part.lstrip("-+"), part.startswith("-")) for part in parts)
    if any(not key for key, _ in keys):
        raise BadRequest("'sort' has an empty name.", code="bad_parameter")
    if len({key for key, _ in keys}) != len(keys):
        raise BadRequest("'sort' names a field twice.", code="bad_parameter")
    return keys


def whole_number(text: str, parameter: str, low: int, high: int) -> int:
    """A decimal integer within bounds."""
    if not (text.isascii() and text.isdigit()) or len(text) > 19 or not low <= int(text) <= high:
        raise BadRequest(f"'{parameter}' is a whole number from {low} to {high}.", code="bad_parameter")
    return int(text)


def truth(text: str, parameter: str) -> bool:
    """`true` or `false`."""
    if text not in ("true", "false"):
        raise BadRequest(f"'{parameter}' is true or false.", code="bad_parameter")
    return text == "true"


def list_query(request: Request, object_name: str, *, also: Iterable[str] = (), **fixed: Any) -> ListQuery:
    """The list parameters of a request; `also` names parameters the caller reads itself."""
    args = parameters(request, (*LIST_PARAMETERS, *also))
    total = args.get("total", "none")
    if total not in ("none", "exact", "estimate"):
        raise BadRequest("'total' is exact, estimate or none.", code="bad_parameter")
    return ListQuery(
        object=object_name,
        where=args.get("where", ""),
        q=args.get("q", ""),
        sort=sorting(args.get("sort", "")),
        fields=names(args.get("fields", ""), "fields", 300),
        expand=names(args.get("expand", ""), "expand", 20),
        limit=whole_number(args["limit"], "limit", 1, MAX_LIMIT) if "limit" in args else DEFAULT_LIMIT,
        after=args.get("after", ""),
        offset=whole_number(args.get("offset", "0"), "offset", 0, 10_000),
        total=cast(Total, total),
        view=args.get("view", ""),
        pool=args.get("pool", ""),
        trashed=truth(args.get("trashed", "false"), "trashed"),
        clock=word(args["clock"]) if "clock" in args else "",
        **fixed,
    )


def split_measures(text: str) -> tuple[str, ...]:
    """Comma-separated expressions; commas inside parentheses, brackets and quotes belong to the expression."""
    parts, depth, quote, start = [], 0, "", 0
    for i, char in enumerate(text):
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
        elif char in "([":
            depth += 1
        elif char in ")]":
            depth -= 1
        elif char == "," and depth == 0:
            parts.append(text[start:i].strip())
            start = i + 1
    parts.append(text[start:].strip())
    if not all(parts):
        raise BadRequest("An empty group or measure.", code="bad_parameter")
    return tuple(parts)


def aggregate_query(request: Request, object_name: str) -> AggregateQuery:
    """The parameters of an aggregate."""
    args = parameters(request, ("group", "measures", "where", "q", "view", "sort", "limit"))
    group = split_measures(args["group"]) if args.get("group") else ()
    measures = split_measures(args["measures"]) if args.get("measures") else ("count()",)
    if len(group) > 4 or len(measures) > 12:
        raise BadRequest("At most 4 groups and 12 measures.", code="bad_parameter")
    return AggregateQuery(
        object=object_name,
        group=group,
        measures=measures,
        where=args.get("where", ""),
        q=args.get("q", ""),
        view=args.get("view", ""),
        sort=tuple((key.lstrip("-"), key.startswith("-")) for key in split_measures(args["sort"]))
        if args.get("sort")
        else (),
        limit=whole_number(args["limit"], "limit", 1, 1000) if "limit" in args else 1000,
    )


def record_id(text: str) -> int:
    """The id of a path; anything that cannot be an id is a record that does not exist."""
    if text.isascii() and text.isdigit() and len(text) <= 19 and 0 < int(text) <= MAX_ID and not text.startswith("0"):
        return int(text)
    raise NotFound("No such record.")


def body(request: Request, known: Iterable[str] | None = None, *, empty: bool = False) -> dict[str, Any]:
    """The JSON object of a request; with `known`, other keys are errors. `empty` allows no body at all."""
    if request.content_length and request.content_length > MAX_BODY:
        raise _too_large()
    raw = request.get_data()
    if not raw and empty:
        return {}
    _judge_form(request)
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as fault:
        raise BadRequest(f"The body is not valid JSON: {fault}.", code="json") from None
    if not isinstance(value, dict):
        raise BadRequest("The body must be a JSON object.", code="json")
    _no_key_twice(raw, value)
    if known is not None:
        known = tuple(known)
        for key in value:
            if key not in known:
                raise BadRequest(f"Unknown key '{key[:60]}'.", code="unknown_key", hint=did_you_mean(key, known))
    return cast("dict[str, Any]", value)


def _judge_form(request: Request) -> None:
    """JSON in UTF-8 as it is: another media type, character set or packing is refused with 415."""
    if request.mimetype != "application/json":
        raise UnsupportedMediaType("The body must be application/json.")
    charset = request.mimetype_params.get("charset", "utf-8")
    if charset.lower() not in ("utf-8", "utf8", "us-ascii"):
        raise UnsupportedMediaType(f"The body must be UTF-8, not {charset[:40]}.")
    packing = request.headers.get("Content-Encoding", "identity")
    if packing.lower() not in ("", "identity"):
        raise UnsupportedMediaType(f"The body must not be packed (Content-Encoding: {packing[:40]}).")


def _no_key_twice(raw: bytes, value: Any) -> None:
    """Refuse a map with one key twice. As many colons as keys: there is none, the usual body costs a count."""
    if raw.count(b":") == _keys(value):
        return

    def judged(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            keys = [key for key, _ in pairs]
            twice = next(key for key in keys if keys.count(key) > 1)
            raise BadRequest(f"The key '{twice[:60]}' stands twice in the body.", code="json")
        return found

    json.loads(raw, object_pairs_hook=judged)


def _keys(value: Any) -> int:
    if isinstance(value, dict):
        return len(value) + sum(_keys(part) for part in value.values() if isinstance(part, dict | list))
    return sum(_keys(part) for part in value if isinstance(part, dict | list))


def _too_large() -> GuanxiError:
    from guanxi.common.errors import TooLarge

    return TooLarge(f"A body has at most {MAX_BODY} bytes.")


def typed(values: Mapping[str, Any], key: str, kind: type | tuple[type, ...], default: Any = None) -> Any:
    """One key of a body with its JSON type, or the default when absent."""
    if key not in values or values[key] is None:
        return default
    value = values[key]
    kinds = kind if isinstance(kind, tuple) else (kind,)
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        raise BadRequest(f"'{key}' has the wrong type.", code="type")
    return value


def if_match(request: Request) -> int | None:
    """The version named by If-Match; None without the header, or for `*`.

    Of several only the newest can be the record's: versions go up.
    """
    header = request.headers.get("If-Match", "").strip()
    if not header or header == "*":
        return None
    found = [_version(part.strip()) for part in header.split(",")]
    return max(found)


def _version(tag: str) -> int:
    text = tag.removeprefix("W/")
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = text[1:-1]
    if not (text.isascii() and text.isdigit()) or len(text) > 18:
        raise BadRequest('If-Match holds a version, as "3".', code="bad_header")
    return int(text)
