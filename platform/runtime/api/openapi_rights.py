"""What the OpenAPI document says of rights: explanations, shares by hand, revealing, the matrix; each to who may."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from guanxi.registry.access import SCOPED
from guanxi.registry.objects import ObjectType

Schema = dict[str, Any]
Operation = Callable[..., Schema]
_ID: Schema = {"type": "integer", "minimum": 1}
_WHO: Schema = {"user": _ID, "team": _ID, "role": _ID}
_REASON: Schema = {"type": "string", "minLength": 3, "maxLength": 500}
_RULE: Schema = {"type": "object"}


def rights_paths(
    kind: ObjectType, rights: Mapping[str, Any], paths: Schema, operation: Operation, record: Schema
) -> None:
    """Add the operations on rights of one object; `operation` builds one, `record` is the parameter of the id."""
    name, single = kind.name, f"/api/{kind.name}/{{id}}"
    if rights.get("read"):
        paths[f"{single}/explain"] = {"get": _explain(name, operation, record)}
        listed = _answer("Newest last.", {"type": "object", "properties": {"data": {"type": "array", "items": _RULE}}})
        paths[f"{single}/shares"] = {
            "get": operation(name, "With whom it is shared by hand", listed, parameters=[record])
        }
    if rights.get("share"):
        paths[f"{single}/actions/share"] = {
            "post": operation(
                name, "Share it by hand", _answer("The record.", _RULE), parameters=[record], body=_share_body()
            )
        }
        paths[f"{single}/actions/unshare"] = {
            "post": operation(
                name, "End a share", _answer("The record.", _RULE), parameters=[record], body=_closed(_WHO, one=True)
            )
        }
    if rights.get("reveal"):
        masked = [field for field, grant in rights.get("fields", {}).items() if grant == "masked"]
        paths[f"{single}/actions/reveal"] = {
            "post": operation(
                name,
                "See masked values, with a reason",
                _answer("The clear values.", _RULE),
                parameters=[record],
                body=_reveal_body(masked),
            )
        }


def matrix_path(operation: Operation) -> Schema:
    """Role × object × operation and field, for administrators."""
    table = {"200": {"description": "The matrix.", "content": {"text/csv": {"schema": {"type": "string"}}}}}
    return {"get": operation("metadata", "Who may do what, as CSV", table)}


def _explain(name: str, operation: Operation, record: Schema) -> Schema:
    asked = [
        _query("operation", {"enum": list(SCOPED), "default": "read"}, "What is asked about."),
        _query("user", {"type": "string"}, "Another person, for administrators and auditors."),
    ]
    return operation(
        name, "Why one may or may not", _answer("Every rule that was asked.", _RULE), parameters=[record, *asked]
    )


def _share_body() -> Schema:
    more: Schema = {
        "access": {"enum": ["read", "edit"], "default": "read"},
        "until": {"type": ["string", "null"], "description": "A day or an instant; without it there is no end."},
        "reason": {"type": "string", "maxLength": 500},
    }
    return _closed({**_WHO, **more}, one=True)


def _reveal_body(masked: list[str]) -> Schema:
    fields: Schema = {"type": "array", "minItems": 1, "items": {"enum": masked} if masked else {"type": "string"}}
    return {**_closed({"fields": fields, "reason": _REASON}), "required": ["fields", "reason"]}


def _closed(properties: Schema, *, one: bool = False) -> Schema:
    out: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    if one:
        out["oneOf"] = [{"required": [name]} for name in _WHO]
    return out


def _answer(description: str, schema: Schema) -> Schema:
    return {"200": {"description": description, "content": {"application/json": {"schema": schema}}}}


def _query(name: str, schema: Schema, description: str) -> Schema:
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": description}
