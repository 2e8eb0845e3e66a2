"""`kind: share`, `kind: restriction` and `kind: duty`: what opens beyond roles, what closes whatever they say, and what
nobody may hold together.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, WithJsonSchema

from guanxi.common.labels import Label
from guanxi.common.names import did_you_mean, name_fault
from guanxi.registry.access import OPERATIONS

from .base import Definition, Expr, Fault, LabelText, LongText, Name, described, fault, faults, one_of
from .principals import PeopleText
from .role import FieldGrants


class ShareDocument(Definition):
    """Opens records to people beyond their roles' scopes and the object's access."""

    kind: Literal["share"]
    label: LabelText = Label()
    description: LongText = Label()
    object: Name = Field(description="Whose records are opened")
    where: Expr | None = Field(None, description="Which records; all of them without it")
    with_: PeopleText = Field(alias="with", description="To whom: role, team or user, one or several; or everyone")
    access: one_of("read", "edit", what="access") = Field(  # type: ignore[valid-type]
        "read", description="read, or edit as well; deleting, assigning and sharing stay with roles"
    )
    renamed_from: Name | None = None


def _denied(value: object) -> tuple[str, ...]:
    names = value if isinstance(value, list) else [value]
    found: list[Fault] = []
    for index, name in enumerate(names):
        path = (index,) if isinstance(value, list) else ()
        if name not in OPERATIONS:
            hint = did_you_mean(name, OPERATIONS) if isinstance(name, str) else ""
            said = f"an operation is one of {', '.join(OPERATIONS)}, not {described(name)}"
            found.append((path, "wrong-value", said, hint))
    if found:
        raise faults(found)
    return tuple(str(name) for name in names)


Denied = Annotated[
    tuple[str, ...],
    PlainValidator(_denied),
    WithJsonSchema({"anyOf": [{"enum": list(OPERATIONS)}, {"type": "array", "items": {"enum": list(OPERATIONS)}}]}),
]


class RestrictionDocument(Definition):
    """Takes operations away, or closes fields; it wins over every role and share. Administrators are not held."""

    kind: Literal["restriction"]
    label: LabelText = Label()
    description: LongText = Label()
    object: Name = Field(description="Whose records are closed")
    where: Expr | None = Field(None, description="Which records; all of them without it. Goes with deny")
    for_: PeopleText = Field(alias="for", description="Whom it holds: role, team or user; or everyone")
    except_: PeopleText | None = Field(None, alias="except", description="Whom it does not hold all the same")
    deny: Denied = Field((), description="Operations; read denies all of them")
    fields: FieldGrants = Field(
        default_factory=dict, description="Field or pattern with * → the most it may still be: none, masked or read"
    )
    renamed_from: Name | None = None


def _duty_part(value: object) -> str:
    if not isinstance(value, str):
        raise fault("wrong-type", f"a duty is role:name or object.operation, not {described(value)}")
    kind, _, role = value.rpartition(":")
    names = [role] if kind == "role" else value.split(".")
    if kind not in ("", "role") or (kind == "" and len(names) != 2) or any(name_fault(name) for name in names):
        raise fault("wrong-value", f"a duty is role:name or object.operation, not {described(value)}")
    return value


DutyPart: Any = Annotated[
    str,
    PlainValidator(_duty_part),
    WithJsonSchema({"type": "string", "pattern": "^(role:[a-z][a-z0-9_]*|[a-z][a-z0-9_]*\\.[a-z][a-z0-9_]*)$"}),
]


class DutyDocument(Definition):
    """Duties that no person may hold together, such as asking for a payment and releasing it."""

    kind: Literal["duty"]
    label: LabelText = Label()
    description: LongText = Label()
    apart: list[DutyPart] = Field(
        min_length=2, description="role:name, object.operation or object.action; nobody has more than one of them"
    )
    severity: one_of("refuse", "warn", what="severity") = Field(  # type: ignore[valid-type]
        "refuse", description="refuse: roles that break it are not given and not published; warn: the plan tells"
    )
    renamed_from: Name | None = None
