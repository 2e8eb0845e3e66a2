"""The json type: any JSON value within limits of depth and size, perhaps held to a JSON Schema.

A schema is written by an administrator and runs on outside values, so what could run away is refused when the
definition is read: references to elsewhere, circles, schemas that unfold too far; patterns run on RE2. The library is
loaded with the first schema.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import AfterValidator, Field

from .base import Coercer, FieldContext, FieldOptions, ValueFault
from .cleaning import MAX_INTEGER, range_fault, refuse_control, type_fault
from .places import StructuredType
from .texts import compiled_pattern

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

MAX_DEPTH = 20
MAX_NODES = 5_000
MAX_CHARACTERS = 200_000
MAX_SCHEMA_PARTS = 2_000
_REFUSED_KEYWORDS = (
    "$dynamicRef",
    "$dynamicAnchor",
    "$id",
    "$anchor",
    "patternProperties",
    "unevaluatedProperties",
    "unevaluatedItems",
)


def _pattern(_validator: Any, pattern: str, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    from jsonschema.exceptions import ValidationError

    if isinstance(instance, str) and not compiled_pattern(pattern).search(instance):
        yield ValidationError("the text does not match the pattern")


def _unique(_validator: Any, wanted: bool, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    """In linear time; the library compares every entry with every other where they cannot be sorted."""
    from jsonschema.exceptions import ValidationError

    if wanted and isinstance(instance, list):
        texts = {json.dumps(entry, sort_keys=True) for entry in instance}
        if len(texts) < len(instance):
            yield ValidationError("an entry stands twice")


@lru_cache(maxsize=1)
def _class() -> Any:
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend

    return extend(Draft202012Validator, {"pattern": _pattern, "uniqueItems": _unique})  # type: ignore[no-untyped-call]


def _validator(schema: Mapping[str, Any]) -> Any:
    from referencing import Registry

    return _class()(schema, registry=Registry())


def _unfolded(part: Any, root: Mapping[str, Any], open_refs: tuple[str, ...]) -> int:
    """How many parts a schema has with its references put in place. Raises ValueError for what is refused."""
    if isinstance(part, list):
        return 1 + sum(_unfolded(entry, root, open_refs) for entry in part)
    if not isinstance(part, dict):
        return 1
    for keyword in _REFUSED_KEYWORDS:
        if keyword in part:
            raise ValueError(f"{keyword} is not supported in a field's schema")
    size = 1
    for key, entry in part.items():
        if key == "$ref":
            name = entry.removeprefix("#/$defs/") if isinstance(entry, str) else ""
            if name == entry or name not in root.get("$defs", {}):
                raise ValueError(f"$ref may only name '#/$defs/…' of the same schema, not {entry!r}")
            if name in open_refs or len(open_refs) > MAX_DEPTH:
                raise ValueError(f"$ref {entry!r} leads back to itself")
            size += _unfolded(root["$defs"][name], root, (*open_refs, name))
        elif key == "pattern" and isinstance(entry, str):
            compiled_pattern(entry)
        elif key != "$defs":
            size += _unfolded(entry, root, open_refs)
        if size > MAX_SCHEMA_PARTS:
            raise ValueError(f"the schema unfolds to more than {MAX_SCHEMA_PARTS} parts")
    return size


def _lawful_schema(schema: dict[str, Any] | None) -> dict[str, Any] | None:
    if schema is not None:
        from jsonschema import Draft202012Validator
        from jsonschema.exceptions import SchemaError

        try:
            Draft202012Validator.check_schema(schema)
            _unfolded(schema, schema, ())
        except SchemaError as error:
            raise ValueError(f"not a JSON Schema: {error.message}") from None
        except RecursionError:
            raise ValueError("the schema is nested too deep") from None
    return schema


class JsonOptions(FieldOptions):
    """Keys of json."""

    schema_: Annotated[dict[str, Any], AfterValidator(_lawful_schema)] | None = Field(
        default=None,
        alias="schema",
        description="JSON Schema (2020-12) of a value; $ref only to its own $defs.",
    )


class Json(StructuredType):
    """Any JSON."""

    name = "json"
    summary = (
        f"Any JSON value, at most {MAX_DEPTH} levels, {MAX_NODES:,} entries and {MAX_CHARACTERS:,} characters of text."
    )
    widget = "json"
    Options = JsonOptions
    example: ClassVar[Any] = {"rooms": 3, "facing": ["south"]}
    typed = ('{"rooms": 3}',)

    def coercer(self, options: JsonOptions, context: FieldContext) -> Coercer:
        """Within the limits and the schema."""
        validator = None if options.schema_ is None else _validator(options.schema_)

        def coerce(value: object) -> Any:
            if value is None or (isinstance(value, str) and not value.strip()):
                return None
            check_json(value)
            if validator is not None:
                _judge(validator, value)
            return value

        return coerce

    def from_text(self, options: JsonOptions, context: FieldContext) -> Coercer:
        """JSON text."""
        coerce = self.coercer(options, context)

        def read(value: object) -> Any:
            if not isinstance(value, str) or not value.strip():
                return coerce(value)
            if len(value) > 2 * MAX_CHARACTERS:
                raise _too_big()
            try:
                found = json.loads(value)
            except (ValueError, RecursionError):
                raise type_fault("This is not JSON.", "这不是有效的 JSON。") from None
            return coerce(found)

        return read

    def search_text(self, value: Any) -> str:
        """The JSON text."""
        return json.dumps(value, ensure_ascii=False)

    def json_schema(self, options: JsonOptions, context: FieldContext) -> Mapping[str, Any]:
        """The field's own schema."""
        return options.schema_ or {}


def _too_big() -> ValueFault:
    return ValueFault("length", "The JSON value is too large or too deep.", "JSON 过大或层级过深。")


def check_json(value: object) -> None:
    """Raise ValueFault unless the value is plain JSON within the limits, without NUL, NaN or integers past 64 bits."""
    todo: list[tuple[object, int]] = [(value, 1)]
    nodes = characters = 0
    while todo:
        part, depth = todo.pop()
        nodes += 1
        if isinstance(part, str):
            characters += len(part)
            refuse_control(part)
        elif isinstance(part, dict):
            if not all(isinstance(key, str) for key in part):
                raise type_fault("The keys of JSON objects are texts.", "JSON 对象的键必须是文本。")
            todo.extend((key, depth) for key in part)
            todo.extend((entry, depth + 1) for entry in part.values())
        elif isinstance(part, list):
            todo.extend((entry, depth + 1) for entry in part)
        else:
            _check_scalar(part)
        if depth > MAX_DEPTH or nodes + len(todo) > 2 * MAX_NODES or characters > MAX_CHARACTERS:
            raise _too_big()


def _check_scalar(value: object) -> None:
    if value is None or isinstance(value, bool):
        return
    if isinstance(value, int):
        if not -MAX_INTEGER - 1 <= value <= MAX_INTEGER:
            raise range_fault("An integer in it has more than 64 bits.", "其中的整数超过 64 位。")
    elif not isinstance(value, float) or not math.isfinite(value):
        raise type_fault("This is not a JSON value.", "这不是有效的 JSON 值。")


def _judge(validator: Any, value: object) -> None:
    try:
        error = next(validator.iter_errors(value), None)
    except (ArithmeticError, RecursionError):
        raise type_fault("The JSON value does not fit its schema.", "JSON 不符合其结构要求。") from None
    if error is not None:
        place = "/".join(str(step) for step in error.absolute_path)[:200]
        at = f" at {place}" if place.isprintable() and place else ""
        raise type_fault(
            f"The JSON value does not fit its schema{at} ({error.validator}).", f"JSON 不符合其结构要求({place})。"
        )
