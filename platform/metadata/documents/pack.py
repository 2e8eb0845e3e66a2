"""`kind: pack` and `kind: patch`: what belongs together, and how a local change to it is kept."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, WithJsonSchema

from guanxi.common.labels import Label

from .base import Definition, Expr, LabelText, LongText, Name, Part, Text, described, fault

_VERSION = re.compile(r"\d{1,9}(\.\d{1,9}){0,2}([-+][0-9A-Za-z.-]{1,40})?\Z")
_BOUND = re.compile(r"(>=|<=|==|!=|>|<|~=)?\s*\d{1,9}(\.\d{1,9}){0,2}(\.\*)?\Z")


def _version(value: object) -> str:
    text = str(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else value
    if isinstance(text, str) and _VERSION.match(text):
        return text
    raise fault("wrong-value", f"a version is written 1.2.0, not {described(value)}")


def _range(value: object) -> str:
    text = str(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else value
    if isinstance(text, str) and (text.strip() == "*" or all(_BOUND.match(part.strip()) for part in text.split(","))):
        return text
    raise fault("wrong-value", f"a range of versions is written '>=1.0,<2', not {described(value)}")


Version = Annotated[str, PlainValidator(_version), WithJsonSchema({"type": ["string", "number"]})]
VersionRange = Annotated[str, PlainValidator(_range), WithJsonSchema({"type": ["string", "number"]})]


_OLD = re.compile(r"[a-z][a-z0-9_]{0,47}(\.[a-z][a-z0-9_]{0,47}(=[a-z][a-z0-9_]{0,47})?)?\Z")


def _old_name(value: object) -> str:
    if isinstance(value, str) and _OLD.match(value):
        return value
    raise fault("wrong-value", f"write object, object.field or object.field=option, not {described(value)}")


def _lawful_key(value: object) -> str:
    return _version(value)


class RenamedPart(Part):
    """Something that has another name now; its values move along, and what still mentions the old name follows."""

    from_: Annotated[
        str, PlainValidator(_old_name), WithJsonSchema({"type": "string", "pattern": _OLD.pattern[:-2]})
    ] = Field(alias="from", description="What it was called: object, object.field or object.field=option")
    to: Name = Field(description="The new name alone")


class BackfillPart(Part):
    """Values that records get in the upgrade itself."""

    object: Name = Field(description="Whose records")
    set: dict[str, Any] = Field(description="Field → expression on the record; a bare option name for a choice")
    where: Expr | None = Field(None, description="Which records; all of them when absent")


class UpgradePart(Part):
    """What an upgrade does besides what the definitions say."""

    renamed: list[RenamedPart] = Field(default_factory=list, description="What has another name now")
    backfill: list[BackfillPart] = Field(default_factory=list, description="What records get, in order")


class PackDocument(Definition):
    """A pack of definitions with a version."""

    kind: Literal["pack"]
    label: LabelText = Label()
    description: LongText = Label()
    icon: Text | None = None
    version: Version
    requires: dict[Name, VersionRange] = Field(default_factory=dict, description="Other packs and their versions")
    upgrades: dict[Annotated[str, PlainValidator(_lawful_key), WithJsonSchema({"type": "string"})], UpgradePart] = (
        Field(default_factory=dict, description="Version → what is done when an upgrade starts from it or passes it")
    )


_TARGET = re.compile(r"[a-z][a-z_]*/[a-z][a-z0-9_]{0,47}\Z")


def _target(value: object) -> str:
    if isinstance(value, str) and _TARGET.match(value):
        return value
    raise fault("wrong-value", f"a target is written kind/name, for example object/customer, not {described(value)}")


def _hash(value: object) -> str:
    if isinstance(value, str) and re.match(r"sha256:[0-9a-f]{4,64}\Z", value):
        return value
    raise fault("wrong-value", f"a base is written sha256: and hexadecimal digits, not {described(value)}")


class PatchDocument(Definition):
    """A local change to a definition of a pack, merged three ways when the pack is upgraded."""

    kind: Literal["patch"]
    target: Annotated[
        str, PlainValidator(_target), WithJsonSchema({"type": "string", "pattern": "^[a-z_]+/[a-z0-9_]+$"})
    ]
    base: (
        Annotated[str, PlainValidator(_hash), WithJsonSchema({"type": "string", "pattern": "^sha256:[0-9a-f]+$"})]
        | None
    ) = Field(None, description="The hash of the definition it was made against")
    set: dict[str, Any] = Field(default_factory=dict, description="Dotted path → new value")
    remove: list[str] = Field(default_factory=list, description="Dotted paths that are taken away")
    was: dict[str, Any] = Field(
        default_factory=dict, description="Dotted path → the value that stood there when the patch was made (~: none)"
    )
    resolve: dict[str, Literal["mine", "theirs"]] = Field(
        default_factory=dict, description="Dotted path → which side wins where the pack changed the same path"
    )
    reason: LongText = Label()
