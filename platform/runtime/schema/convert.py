"""One value from an old field to a new one: what a change of type does to what people have entered.

Everything goes through the new type's own coercers; what they refuse is not converted (`Refused`), never guessed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from guanxi.fieldtypes import CATALOGUE
from guanxi.fieldtypes.base import ValueFault
from guanxi.registry.objects import Field
from guanxi.runtime.ports import Engine
from guanxi.runtime.storage.rows import from_stored, python_json, to_stored
from guanxi.runtime.storage.tables import context_of

from .shapes import FieldShape

Convert = Callable[[Any], Any]


class Refused(Exception):
    """The value has no form in the new type."""


def reader(engine: Engine, shape: FieldShape) -> Convert:
    """Stored form → Python form; None stays None."""
    convert = from_stored(engine, "python", shape.kind, shape.scale, many=shape.many)
    if convert is None:
        return lambda value: value
    return lambda value: None if value is None else convert(value)


def writer(engine: Engine, shape: FieldShape) -> Convert:
    """Python form → stored form."""
    return to_stored(engine, shape.kind, shape.scale)


def convertible(old: FieldShape, new: FieldShape) -> bool:
    """False when no value can make the way, whatever it is (an id means nothing in another table)."""
    references = {"reference", "links"}
    if old.kind in references or new.kind in references:
        return old.kind in references and new.kind in references and old.target == new.target
    return True


def converter(old: FieldShape, new: FieldShape, field: Field) -> Convert:
    """Old Python form → new Python form; raises Refused. `field` is the new definition."""
    kind = CATALOGUE[field.type]
    context = context_of(field)
    coerce = kind.coercer(field.settings, context)
    typed = kind.from_text(field.settings, context)
    to_json = python_json(old.kind, old.scale)

    def attempt(value: Any) -> Any:
        given = _form(to_json(value), old, new)
        try:
            result = typed(given) if isinstance(given, str) and old.kind != new.kind else coerce(given)
        except ValueFault as fault:
            raise Refused from fault
        if result is None:
            raise Refused
        return result

    return lambda value: None if value is None else attempt(value)


def _form(value: Any, old: FieldShape, new: FieldShape) -> Any:
    """The JSON form brought near the new kind: a single value out of a list, text out of anything plain."""
    if new.many and not old.many:
        return [value] if isinstance(value, str) else value
    if old.many and not new.many:
        if len(value) == 1:
            return value[0]
        if new.kind == "text":
            raise Refused
    if new.kind == "text" and not isinstance(value, str):
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int):
            return str(value)
        raise Refused
    if old.kind == "integer" and new.kind == "decimal":
        return str(value)
    return value


def keeps_options(value: Any, options: frozenset[str]) -> Any:
    """A choice or list of choices without what is no longer an option; None when nothing is left."""
    if isinstance(value, tuple):
        return tuple(v for v in value if v in options) or None
    return value if value in options else None
