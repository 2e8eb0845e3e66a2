"""Fields: the keys every field may have, joined with the options of its type from `fieldtypes.CATALOGUE`.

One model per field type is built from the catalogue, so a new type needs no change here. `type` chooses the model.
"""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, PlainValidator, WithJsonSchema, create_model

from guanxi.common.labels import Label
from guanxi.fieldtypes import CATALOGUE
from guanxi.fieldtypes.base import FieldOptions

from .aliases import Aliases
from .base import BoolOrExpr, Expr, LabelText, LongText, Name, Part, Text, described, fault, one_of
from .options import OptionsValue

OPTION_TYPES = frozenset({"choice", "choices"})
REFERENCE_TYPES = frozenset({"reference", "references"})
PEOPLE_TYPES = {"user": "user", "team": "team"}
COMPUTED_TYPES = frozenset({"formula", "rollup"})


def _default(value: object) -> Any:
    if value is None:
        raise fault("wrong-type", "a default is a value or an expression; leave the key out for none")
    return value


DefaultValue = Annotated[
    Any,
    PlainValidator(_default),
    WithJsonSchema(
        {
            "type": ["string", "number", "boolean", "array", "object"],
            "description": "What an absent field gets on create: a value or an expression",
        }
    ),
]


def _example(value: object) -> str:
    if isinstance(value, bool | int | float | str) or type(value).__name__ == "Decimal":
        return str(value).lower() if isinstance(value, bool) else str(value)
    raise fault("wrong-type", f"an example is a value, not {described(value)}")


Example = Annotated[str, PlainValidator(_example), WithJsonSchema({"type": ["string", "number", "boolean"]})]


class FieldPart(Part):
    """Keys that every field may have."""

    model_config = ConfigDict(defer_build=True)  # only their union is ever asked: a tenth of a second less at start

    type: str = Field(description="The field's type")
    label: LabelText = Field(Label(), description="What people read; made from the name when absent")
    help: LongText = Field(Label(), description="A sentence that helps to fill the field")
    required: BoolOrExpr = Field(False, description="Must be filled: true, false or an expression on the record")
    default: DefaultValue = Field(None, description="A value or an expression for a new record")
    unique: bool = Field(False, description="No two live records share the value")
    index: bool = Field(False, description="Kept quick to filter and sort by")
    search: bool = Field(False, description="Found by the search box (for texts: by pinyin and initials too)")
    read_only: BoolOrExpr = Field(False, description="Cannot be written by people: true, false or an expression")
    hidden: bool = Field(False, description="Not shown on forms, lists and pages unless they name it")
    when: BoolOrExpr = Field(True, description="Shown when: true, false or an expression")
    mask: Text | None = Field(None, description="How a masked value looks, for example keep_last_4")
    since_stage: Name | None = Field(None, description="Must be filled from this stage of the path on")
    placeholder: LabelText = Field(Label(), description="Grey text in the empty field")
    example: Example = Field("", description="A value as it could be")
    aliases: Aliases = Field((), description="Other names that a column of an imported file may bear")
    renamed_from: Name | None = Field(None, description="The field's former name; its values move along")


class OptionKeys(Part):
    """Keys of choices."""

    options: OptionsValue = Field(description="The choices, or the name of a shared list")


class RelatedKeys(Part):
    """Keys of fields that point to a user or a team."""

    related: Name | None = Field(None, description="The name of the list of these records at the other end")
    on_delete: one_of("restrict", "clear", "cascade", what="on_delete") | None = Field(  # type: ignore[valid-type]
        None, description="What deleting the other record does: restrict, clear or cascade"
    )


class ReferenceKeys(RelatedKeys):
    """Keys of references."""

    to: Name = Field(description="The object referred to")


class ComputedKeys(Part):
    """Keys of formulas and roll-ups."""

    value: Expr = Field(description="The expression whose value the field has")


def _own_keys(name: str) -> tuple[type[Part], ...]:
    if name in OPTION_TYPES:
        return (OptionKeys,)
    if name in REFERENCE_TYPES:
        return (ReferenceKeys,)
    if name in PEOPLE_TYPES:
        return (RelatedKeys,)
    if name in COMPUTED_TYPES:
        return (ComputedKeys,)
    return ()


def _model(name: str, options: type[FieldOptions]) -> type[FieldPart]:
    bases = (*_own_keys(name), *((options,) if options is not FieldOptions else ()), FieldPart)
    make: Any = create_model
    said = CATALOGUE[name].summary
    choice = (Literal[name], Field(description="The field's type"))
    model: type[FieldPart] = make(f"{name}_field", __base__=bases, __doc__=said, type=choice)
    return model


FIELD_MODELS: dict[str, type[FieldPart]] = {name: _model(name, found.Options) for name, found in CATALOGUE.items()}
_ANY: Any = reduce(or_, FIELD_MODELS.values())
AnyField = Annotated[_ANY, Field(discriminator="type")]
