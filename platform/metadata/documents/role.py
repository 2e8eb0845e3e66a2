"""`kind: role`: who may do what, to which records and which of their fields."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, WithJsonSchema

from guanxi.common.labels import Label
from guanxi.common.names import did_you_mean, name_fault

from .base import Definition, Expr, Fault, LabelText, LongText, Name, Part, described, fault, faults

SCOPES = ("none", "own", "team", "team_tree", "managed", "pool", "all")
GRANTS = ("none", "masked", "read", "edit")


def _scope(value: object) -> str:
    if isinstance(value, bool):
        return "all" if value else "none"
    if isinstance(value, str) and (value in SCOPES or value == "where"):
        return value
    hint = did_you_mean(value, SCOPES) if isinstance(value, str) else ""
    raise fault("wrong-value", f"a scope is one of {', '.join(SCOPES)} or where, not {described(value)}", hint)


def _yes_no(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if value in ("all", "none"):
        return value == "all"
    raise fault("wrong-value", f"true or false is needed here, not {described(value)}")


def _pattern_fault(pattern: str) -> str:
    return name_fault(pattern.replace("*", "x") if pattern != "*" else "x")


def _field_grants(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        raise fault("wrong-type", f"a map from field to grant is needed here, not {described(value)}")
    found: list[Fault] = []
    for name, grant in value.items():
        if said := _pattern_fault(name):
            found.append(((name,), "bad-name", f"'{name}' is neither a field nor a pattern: {said}", ""))
        elif grant not in GRANTS:
            hint = did_you_mean(grant, GRANTS) if isinstance(grant, str) else ""
            found.append(
                ((name,), "wrong-value", f"a grant is one of {', '.join(GRANTS)}, not {described(grant)}", hint)
            )
    if found:
        raise faults(found)
    return value


Scope = Annotated[
    str, PlainValidator(_scope), WithJsonSchema({"anyOf": [{"enum": [*SCOPES, "where"]}, {"type": "boolean"}]})
]
YesNo = Annotated[bool, PlainValidator(_yes_no), WithJsonSchema({"enum": [True, False, "all", "none"]})]
FieldGrants = Annotated[
    dict[str, str],
    PlainValidator(_field_grants),
    WithJsonSchema({"type": "object", "additionalProperties": {"enum": list(GRANTS)}}),
]


class GrantPart(Part):
    """Rights on one object. A scope says on whose records: own, the team's, the team's and those below it, …"""

    create: YesNo | None = None
    read: Scope | None = None
    update: Scope | None = None
    delete: Scope | None = None
    restore: Scope | None = Field(None, description="Take out of the trash; else as delete")
    assign: Scope | None = Field(None, description="Give records to somebody, and say the owner on create and import")
    transfer: Scope | None = None
    share: Scope | None = None
    merge: Scope | None = None
    import_: YesNo | None = Field(None, alias="import")
    export: Scope | None = None
    bulk: Scope | None = Field(None, description="Change many records at once")
    history: Scope | None = None
    reveal: Scope | None = Field(None, description="See one masked value after saying so; it is logged")
    where: Expr | None = Field(None, description="Narrows every scope; alone it grants reading where it holds")
    fields: FieldGrants = Field(
        default_factory=dict,
        description="Field or pattern with * → none, masked, read or edit; the first that fits counts",
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
