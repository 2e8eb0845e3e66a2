"""`kind: role`: who may do what, to which records and which of their fields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal, cast

from pydantic import Field, PlainValidator, WithJsonSchema

from guanxi.common.labels import Label
from guanxi.common.names import did_you_mean, name_fault
from guanxi.fieldtypes import MASK_STYLES
from guanxi.registry.access import FieldGrant

from .base import (
    Definition,
    Expr,
    Fault,
    LabelText,
    LongText,
    Name,
    Part,
    described,
    expression_text,
    fault,
    faults,
)

SCOPES = ("none", "own", "team", "team_tree", "managed", "pool", "all")
GRANTS = ("none", "masked", "read", "edit")


@dataclass(frozen=True, slots=True)
class Scoped:
    """A scope and the condition that narrows this one operation ("" without one)."""

    scope: str
    where: str = ""


def _scope(value: object) -> Scoped:
    if isinstance(value, bool):
        return Scoped("all" if value else "none")
    if isinstance(value, str) and (value in SCOPES or value == "where"):
        return Scoped(value)
    if isinstance(value, dict):
        return _scope_map(value)
    hint = did_you_mean(value, SCOPES) if isinstance(value, str) else ""
    raise fault("wrong-value", f"a scope is one of {', '.join(SCOPES)} or where, not {described(value)}", hint)


def _scope_map(value: dict[str, Any]) -> Scoped:
    for key in value:
        if key not in ("scope", "where"):
            raise faults([((key,), "unknown-key", f"unknown key '{key}'", did_you_mean(key, ("scope", "where")))])
    if "where" not in value:
        raise fault("missing-key", "'where' is missing: a scope alone is written without a map")
    inner = value.get("scope", "all")
    if not isinstance(inner, str) or inner not in SCOPES:
        hint = did_you_mean(inner, SCOPES) if isinstance(inner, str) else ""
        said = f"a scope is one of {', '.join(SCOPES)}, not {described(inner)}"
        raise faults([(("scope",), "wrong-value", said, hint)])
    return Scoped(inner, expression_text(value["where"]))


def _pattern_fault(pattern: str) -> str:
    return name_fault(pattern.replace("*", "x") if pattern != "*" else "x")


def _grant(value: object) -> tuple[FieldGrant, str] | None:
    """The grant and the mask's style, or None when it is neither."""
    if isinstance(value, str) and value in GRANTS:
        return cast("FieldGrant", value), ""
    if isinstance(value, dict) and list(value) == ["masked"] and value["masked"] in MASK_STYLES:
        return "masked", str(value["masked"])
    return None


def _field_grants(value: object) -> dict[str, tuple[FieldGrant, str]]:
    if not isinstance(value, dict):
        raise fault("wrong-type", f"a map from field to grant is needed here, not {described(value)}")
    found: list[Fault] = []
    made: dict[str, tuple[FieldGrant, str]] = {}
    for name, given in value.items():
        grant = _grant(given)
        if said := _pattern_fault(name):
            found.append(((name,), "bad-name", f"'{name}' is neither a field nor a pattern: {said}", ""))
        elif grant is None:
            found.append(((name,), "wrong-value", *_no_grant(given)))
        else:
            made[name] = grant
    if found:
        raise faults(found)
    return made


def _no_grant(given: object) -> tuple[str, str]:
    if isinstance(given, dict) and list(given) == ["masked"]:
        hint = did_you_mean(str(given["masked"]), MASK_STYLES)
        return f"a mask's style is one of {', '.join(MASK_STYLES)}, not {described(given['masked'])}", hint
    hint = did_you_mean(given, GRANTS) if isinstance(given, str) else ""
    return f"a grant is one of {', '.join(GRANTS)}, not {described(given)}", hint


_SCOPE_MAP = {
    "type": "object",
    "properties": {
        "scope": {"enum": list(SCOPES)},
        "where": {"type": ["string", "boolean", "number"], "description": "An expression"},
    },
    "required": ["where"],
    "additionalProperties": False,
}
_GRANT_SCHEMA = {
    "anyOf": [
        {"enum": list(GRANTS)},
        {
            "type": "object",
            "properties": {"masked": {"enum": list(MASK_STYLES)}},
            "required": ["masked"],
            "additionalProperties": False,
        },
    ]
}
Scope = Annotated[
    Scoped,
    PlainValidator(_scope),
    WithJsonSchema({"anyOf": [{"enum": [*SCOPES, "where"]}, {"type": "boolean"}, _SCOPE_MAP]}),
]
FieldGrants = Annotated[
    dict[str, tuple[FieldGrant, str]],
    PlainValidator(_field_grants),
    WithJsonSchema({"type": "object", "additionalProperties": _GRANT_SCHEMA}),
]


class GrantPart(Part):
    """Rights on one object. A scope says on whose records: own, the team's, the team's and those below it, …; a map of
    `scope` and `where` narrows one operation.
    """

    create: Scope | None = Field(None, description="true, or which records may be made (judged by the new record)")
    read: Scope | None = None
    update: Scope | None = None
    delete: Scope | None = None
    restore: Scope | None = Field(None, description="Take out of the trash; else as delete")
    assign: Scope | None = Field(None, description="Give records to somebody, and say the owner on create and import")
    transfer: Scope | None = None
    share: Scope | None = None
    merge: Scope | None = None
    import_: Scope | None = Field(None, alias="import", description="Load files, beside create and update")
    export: Scope | None = None
    bulk: Scope | None = Field(None, description="Change many records in one call")
    history: Scope | None = None
    reveal: Scope | None = Field(None, description="See one masked value after saying so; it is logged")
    where: Expr | None = Field(None, description="Narrows every scope; alone it grants reading where it holds")
    fields: FieldGrants = Field(
        default_factory=dict,
        description="Field or pattern with * → none, masked, read or edit; a field's own name goes before patterns, of"
        " patterns the first that fits counts; {masked: style} says how it looks to this role",
    )


def _object_key(value: object) -> str:
    if isinstance(value, str) and (value == "*" or not name_fault(value)):
        return value
    raise fault("bad-name", f"{described(value)} is neither an object's name nor *")


ObjectKey = Annotated[
    str, PlainValidator(_object_key), WithJsonSchema({"type": "string", "pattern": "^([a-z][a-z0-9_]{0,47}|\\*)$"})
]


def _action(value: object) -> str:
    if not isinstance(value, str):
        raise fault("wrong-type", f"an action is named object.action, not {described(value)}")
    parts = value.split(".")
    if value != "*" and (len(parts) != 2 or any(part != "*" and name_fault(part) for part in parts)):
        raise fault("wrong-value", f"an action is named object.action, not {described(value)}")
    return value


ActionKey: Any = Annotated[
    str,
    PlainValidator(_action),
    WithJsonSchema({"type": "string", "pattern": "^(\\*|[a-z*][a-z0-9_]*\\.[a-z*][a-z0-9_]*)$"}),
]


class RoleDocument(Definition):
    """A named bundle of rights that administrators give to people."""

    kind: Literal["role"]
    label: LabelText = Label()
    description: LongText = Label()
    includes: list[Name] = Field(default_factory=list, description="Roles whose rights this one has too")
    objects: dict[ObjectKey, GrantPart] = Field(default_factory=dict, description="Rights by object; * for all others")
    actions: list[ActionKey] = Field(default_factory=list, description="Actions by object.action; * is any")
    renamed_from: Name | None = None
