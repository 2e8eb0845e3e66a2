"""Defaults: a value or an expression, by a rule that can be foretold.

1. A YAML boolean, number, list or map is a constant; it must fit the field.
2. A choice: an option's name is a constant; anything else is an expression that gives an option.
3. A field of text: the text itself, unless it is a call of a function (`concat("A", "B")`), begins with `me.`, or
   stands in quotes of its own.
4. Any other field: a constant when the field's type can read the text (`"2026-01-01"`, `"12.50"`), else an expression
   (`today()`, `me`, `me.team`, `add_days(today(), 30)`).
"""

from __future__ import annotations

import re

from guanxi.common.names import NAME
from guanxi.expressions.types import ValueType
from guanxi.fieldtypes.base import ValueFault
from guanxi.registry import Default

from ..link.outline import FieldOutline
from ..nodes import Path
from .scope import Scope

_CALL = re.compile(r"[a-z][a-z_]*\(.*\)\s*\Z", re.DOTALL)
_OWN_QUOTES = re.compile(r"""\s*(".*"|'.*')\s*\Z""", re.DOTALL)


def default_of(scope: Scope, one: FieldOutline, path: Path) -> Default | None:
    """The compiled default; None when it is wrong (which is noted)."""
    given = one.part.default
    if not one.type.can_default:
        return None
    if not isinstance(given, str):
        return _constant(scope, one, path, given)
    wanted = one.type.value_type(one.settings, one.context)
    if wanted.kind in ("choice", "choices") and one.options:
        return _option(scope, one, path, given, wanted)
    if wanted.kind == "text":
        is_expression = _CALL.match(given) or given.startswith("me.") or _OWN_QUOTES.match(given)
        return _expression(scope, path, given, wanted) if is_expression else _constant(scope, one, path, given)
    if wanted.kind not in ("reference", "references"):
        try:
            return Default(one.type.coercer(one.settings, one.context)(given))
        except ValueFault as fault:
            if given[:1].isdigit():  # a constant that was meant as one: the reason why it is none says more
                scope.error("wrong-value", f"the default does not fit the field: {fault.message}", path)
                return None
    return _expression(scope, path, given, wanted)


def _option(scope: Scope, one: FieldOutline, path: Path, given: str, wanted: ValueType) -> Default | None:
    if given in one.options:
        return Default(given if wanted.kind == "choice" else (given,))
    if NAME.match(given) and not scope.has(given):
        scope.context.unknown("unknown-option", "option", given, one.options, scope.document, path)
        return None
    return _expression(scope, path, given, wanted)


def _constant(scope: Scope, one: FieldOutline, path: Path, given: object) -> Default | None:
    try:
        return Default(one.type.coercer(one.settings, one.context)(given))
    except ValueFault as fault:
        if isinstance(given, list) and fault.code == "choice":
            for index, name in enumerate(given):
                if name not in one.options:
                    scope.context.unknown(
                        "unknown-option", "option", str(name), one.options, scope.document, (*path, index)
                    )
            return None
        scope.error("wrong-value", f"the default does not fit the field: {fault.message}", path)
        return None


def _expression(scope: Scope, path: Path, given: str, wanted: ValueType) -> Default | None:
    found = scope.context.value(scope.document, path, given, scope.name, wanted)
    return Default(expression=found) if found else None
