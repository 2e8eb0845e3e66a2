"""OpenAPI 3.1 of the published metadata for one caller: what the caller may not see is not in it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from guanxi.fieldtypes import CATALOGUE, FieldContext
from guanxi.registry import Field, ObjectType, Registry

from ..query.clocks import WORDS
from .openapi_rights import matrix_path, rights_paths
from .openapi_rooms import NUMBER, ROOMS, TEXT, Room, Who, may, record_rooms
from .parse import MAX_BODY

Schema = dict[str, Any]
PROBLEM = {"$ref": "#/components/responses/Problem"}
REFUSALS = {str(code): PROBLEM for code in (400, 401, 403, 404, 409, 412, 413, 415, 422, 428, 429)}
INTEGER_ID: Schema = {"type": "integer", "minimum": 1, "maximum": 2**63 - 1}


def field_schema(field: Field) -> Schema:
    """JSON Schema of a field's value, without null."""
    kind = CATALOGUE[field.type]
    context = FieldContext(field.name, frozenset(field.options), field.target)
    return dict(kind.json_schema(field.settings, context))


def nullable(schema: Schema) -> Schema:
    """The schema or null; every value of a record may be blank."""
    return {"anyOf": [schema, {"type": "null"}]}


def _filled(schema: Schema) -> Schema:
    """The schema of a value that must be there: a text of white space alone is blank too."""
    return schema | {"allOf": [{"pattern": r"\S"}]} if schema.get("type") == "string" else schema


def create_schema(kind: ObjectType, grants: Mapping[str, str], *, partial: bool) -> Schema:
    """What a client may send."""
    properties: Schema = {}
    required: list[str] = []
    for name, field in kind.fields.items():
        if field.system or not field.stored or grants.get(name) != "edit" or field.read_only is True:
            continue
        if not CATALOGUE[field.type].writable:
            continue
        must = field.required is True and field.default is None
        schema = _filled(field_schema(field)) if must else nullable(field_schema(field))
        properties[name] = schema | {"title": field.label.text("en")}
        if must and not partial:
            required.append(name)
    out: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    if required:
        out["required"] = required
    return out


def read_schema(kind: ObjectType, grants: Mapping[str, str]) -> Schema:
    """What a record answers; expansion and masking make some values other than their own type."""
    properties: Schema = {}
    for name, field in kind.fields.items():
        if name not in grants:
            continue
        schema = nullable(field_schema(field))
        if grants[name] == "masked":
            schema = {"description": "Masked for this caller."}
        elif field.target:
            schema["anyOf"] += [{"type": "object"}, {"type": "array", "items": {"type": "object"}}]
        properties[name] = schema | {"title": field.label.text("en")}
    return {"type": "object", "properties": properties}


def parameter(name: str, schema: Schema, description: str, place: str = "query") -> Schema:
    """One parameter."""
    return {"name": name, "in": place, "required": place == "path", "schema": schema, "description": description}


LIST_PARAMETERS = [
    parameter("where", {"type": "string", "maxLength": 2000}, "An expression of the platform's language."),
    parameter("q", {"type": "string", "maxLength": 200}, "Search text: any part, pinyin or pinyin initials."),
    parameter("sort", {"type": "string"}, "Fields, comma-separated; a leading - sorts descending."),
    parameter("fields", {"type": "string"}, "Fields to answer, comma-separated."),
    parameter("expand", {"type": "string"}, "References to answer as objects, comma-separated paths."),
    parameter("limit", {"type": "integer", "minimum": 1, "maximum": 500, "default": 50}, "Page size."),
    parameter("after", {"type": "string"}, "The cursor of the last page."),
    parameter("offset", {"type": "integer", "minimum": 0, "maximum": 10000}, "For small jumps."),
    parameter("total", {"enum": ["none", "exact", "estimate"], "default": "none"}, "Whether to count."),
    parameter("view", {"type": "string"}, "A saved view."),
    parameter("trashed", {"enum": ["true", "false"]}, "The trash instead of live records."),
    parameter("clock", {"enum": list(WORDS)}, "Records with such a clock of a service level."),
]
RECORD = parameter("id", INTEGER_ID, "The record's id.", "path")
_TAG = '(W/)?"?[0-9]{1,18}"?'
IF_MATCH = parameter(
    "If-Match",
    {"type": "string", "pattern": rf"^(\*|{_TAG}(, *{_TAG})*)?$"},
    "The version it was made from.",
    "header",
)
KEY = parameter(
    "Idempotency-Key",
    {"type": "string", "maxLength": 200, "pattern": "^[ -~]*$"},
    "Makes a retry safe for 24 hours.",
    "header",
)


def operation(
    tag: str, summary: str, ok: Mapping[str, Any], *, parameters: Any = (), body: Schema | None = None
) -> Schema:
    """One operation with its answers and refusals."""
    out: Schema = {"tags": [tag], "summary": summary, "responses": {**ok, **REFUSALS}}
    if parameters:
        out["parameters"] = list(parameters)
    if body is not None:
        out["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    return out


def success(description: str, schema: Schema, status: str = "200") -> Schema:
    """A JSON answer."""
    return {status: {"description": description, "content": {"application/json": {"schema": schema}}}}


def page_of(ref: Schema) -> Schema:
    """The answer of a list."""
    return {
        "type": "object",
        "required": ["data", "next"],
        "properties": {
            "data": {"type": "array", "items": ref},
            "next": {"type": ["string", "null"]},
            "total": {"type": "integer", "minimum": 0},
        },
    }


def object_paths(kind: ObjectType, rights: Mapping[str, Any], paths: Schema) -> None:
    """Add the operations the caller may use on one object."""
    name = kind.name
    one = {"$ref": f"#/components/schemas/{name}"}
    base, single = f"/api/{name}", f"/api/{name}/{{id}}"
    title = kind.label.text("en")
    whole = {"type": "object", "properties": {"record": {"type": "object"}, "related": {"type": "object"}}}
    paths[base] = {}
    if rights.get("read"):
        paths[base]["get"] = operation(
            name, f"List {title}", success("A page.", page_of(one)), parameters=LIST_PARAMETERS
        )
        paths[single] = {
            "get": operation(
                name, f"Read {title}", success("The record.", one), parameters=[RECORD, *LIST_PARAMETERS[3:5]]
            )
        }
        aggregate = [parameter(n, {"type": "string"}, "Expressions, comma-separated.") for n in ("group", "measures")]
        paths[f"{base}/aggregate"] = {
            "get": operation(
                name,
                f"Measure {title}",
                success("Groups.", {"type": "object", "properties": {"data": {"type": "array"}}}),
                parameters=[*aggregate, *LIST_PARAMETERS[:2]],
            )
        }
        paths[f"{single}/history"] = {
            "get": operation(
                name, f"History of {title}", success("Changes.", page_of({"type": "object"})), parameters=[RECORD]
            )
        }
        entries = page_of({"type": "object", "required": ["at", "kind"]})
        paths[f"{single}/timeline"] = {
            "get": operation(name, f"Timeline of {title}", success("Newest first.", entries), parameters=[RECORD])
        }
        paths[f"{single}/automation-runs"] = {
            "get": operation(
                name,
                f"Automation runs of {title}",
                success("Newest first.", page_of({"type": "object"})),
                parameters=[RECORD],
            )
        }
        paths[f"{single}/clocks"] = {
            "get": operation(
                name,
                f"Clocks of {title}",
                success("Open ones first.", page_of({"type": "object"})),
                parameters=[RECORD],
            )
        }
        paths[f"{single}/view360"] = {
            "get": operation(name, f"Whole page of {title}", success("All of it.", whole), parameters=[RECORD])
        }
    if rights.get("create"):
        paths[base]["post"] = operation(
            name,
            f"Create {title}",
            success("The new record.", one, "201"),
            parameters=[KEY],
            body={"$ref": f"#/components/schemas/{name}_create"},
        )
    if rights.get("update"):
        paths.setdefault(single, {})["patch"] = operation(
            name,
            f"Change {title}",
            success("The record.", one),
            parameters=[RECORD, IF_MATCH],
            body={"$ref": f"#/components/schemas/{name}_update"},
        )
        for action in (a for a in kind.actions.values() if a.name in rights.get("actions", ())):
            paths[f"{single}/actions/{action.name}"] = {
                "post": operation(
                    name, action.label.text("en"), success("What it did.", {"type": "object"}), parameters=[RECORD]
                )
            }
        if kind.stages is not None:
            move = {
                "type": "object",
                "required": ["to"],
                "properties": {"to": {"enum": list(kind.stages.path)}, "values": {"type": ["object", "null"]}},
            }
            paths[f"{single}/actions/move_stage"] = {
                "post": operation(
                    name, "Move the stage", success("The record.", {"type": "object"}), parameters=[RECORD], body=move
                )
            }
    if rights.get("delete"):
        paths.setdefault(single, {})["delete"] = operation(
            name, f"Delete {title}", {"204": {"description": "In the trash."}}, parameters=[RECORD, IF_MATCH]
        )
        paths[f"{single}/restore"] = {
            "post": operation(name, f"Restore {title}", success("The record.", one), parameters=[RECORD])
        }
    if rights.get("create") or rights.get("update"):
        batch = {
            "type": "object",
            "required": ["operations"],
            "properties": {
                "operations": {"type": "array", "maxItems": 1000, "items": {"type": "object"}},
                "atomic": {"type": "boolean", "default": True},
            },
            "additionalProperties": False,
        }
        paths[f"{base}/batch"] = {
            "post": operation(
                name,
                f"Several changes of {title}",
                success("Results in order.", {"type": "object"}),
                parameters=[KEY],
                body=batch,
            )
        }
    rights_paths(kind, rights, paths, operation, RECORD)
    if not paths[base]:
        del paths[base]


_PLACES = re.compile(r"{(\w+)}")
_NUMBERED = frozenset({"id", "record_id", "token_id", "session_id", "task", "approval", "job", "number"})


def add_room(room: Room, paths: Schema) -> None:
    """Add a route of the table."""
    inside = _PLACES.findall(room.path)
    named = [parameter(one, NUMBER if one in _NUMBERED else TEXT, "Which one.", "path") for one in inside]
    asked = [parameter(key, schema, "Filter or option.") for key, schema in (room.query or {}).items()]
    body: Schema | None = None
    if room.body is not None:
        open_ended = room.path == "/hooks/{name}"
        body = {"type": "object", "properties": dict(room.body), "additionalProperties": open_ended}
        if room.needs:
            body["required"] = list(room.needs)
    answer: Schema = {"description": "Done."}
    if room.kind:
        plain = room.kind.endswith("json") and "ndjson" not in room.kind
        schema = dict(room.answer or {"type": "object"}) if plain else {}
        answer["content"] = {room.kind: {"schema": schema}}
    made = operation(room.tag, room.summary, {room.status: answer}, parameters=[*named, *asked], body=body)
    if body is not None and not room.needs:
        made["requestBody"]["required"] = False
    if room.who == "public":
        made["security"] = []
    paths.setdefault(room.path, {})[room.method] = made


def build(
    registry: Registry, rights_of: Mapping[str, Mapping[str, Any]], name: str, level: Who = "administrator"
) -> Schema:
    """The whole document. `rights_of` maps each object the caller may use to its permissions; `level` says which of
    the other rooms the caller may enter.
    """
    paths: Schema = {}
    schemas: Schema = {
        "Problem": {
            "type": "object",
            "required": ["type", "title", "status"],
            "properties": {
                "type": {"type": "string"},
                "title": {"type": "string"},
                "status": {"type": "integer"},
                "detail": {"type": "string"},
                "code": {"type": "string"},
                "errors": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["field", "code", "message"],
                        "properties": {
                            "field": {"type": "string"},
                            "code": {"type": "string"},
                            "message": {"type": "string"},
                        },
                    },
                },
            },
        }
    }
    for object_name, rights in rights_of.items():
        kind = registry.objects[object_name]
        grants = {f: g for f, g in rights.get("fields", {}).items() if g != "none"}
        schemas[object_name] = read_schema(kind, grants)
        schemas[f"{object_name}_create"] = create_schema(kind, grants, partial=False)
        schemas[f"{object_name}_update"] = create_schema(kind, grants, partial=True)
        object_paths(kind, rights, paths)
        for room in record_rooms(object_name) if rights.get("read") else ():
            add_room(room, paths)
    if level == "administrator":
        paths["/api/meta/matrix"] = matrix_path(operation)
    for room in ROOMS:
        if may(room, level):
            add_room(room, paths)
    token_body = {
        "type": "object",
        "required": ["name", "password"],
        "properties": dict.fromkeys(("name", "password", "totp", "code"), TEXT)
        | {"days": {"type": "integer", "minimum": 1}},
        "additionalProperties": False,
    }
    paths.setdefault("/api/auth/token", {})["post"] = operation(
        "log-in", "A bearer token", success("The token.", {"type": "object"}), body=token_body
    ) | {"security": []}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": name,
            "version": registry.fingerprint[:12] or "0",
            "description": f"Generated from the published metadata. A body has at most {MAX_BODY} bytes.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": {
                "Problem": {
                    "description": "A problem (RFC 9457).",
                    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
                }
            },
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}],
    }
