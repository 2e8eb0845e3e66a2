"""pydantic's faults as findings in the language of the grammar: path, code, sentence, nearest right key.

pydantic's own wording never reaches a person, except sentences that our own field types raised.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from guanxi.common.names import did_you_mean

from .documents.base import described
from .documents.fields import FIELD_MODELS

Path = tuple[str | int, ...]
_KEY_CODES = frozenset({"unknown-key", "reserved-name"})


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault at a path of the document. `at_key`: the key is at fault; `missing`: it is not there."""

    path: Path
    code: str
    message: str
    hint: str = ""
    at_key: bool = False
    missing: bool = False


def findings(model: type[BaseModel], plain: Any, errors: Iterable[Mapping[str, Any]]) -> list[Finding]:
    """Everything that pydantic found in `plain`, each fault once."""
    made: dict[Finding, None] = {}
    for error in errors:
        for one in _expand(model, plain, error, ()):
            made[one] = None
    return list(made)


def _expand(
    model: type[BaseModel], plain: Any, error: Mapping[str, Any], before: Path, inside: Any = None
) -> list[Finding]:
    loc = (*before, *error["loc"])
    kind, context = error["type"], error.get("ctx", {})
    path, at_key = real_path(plain, loc)
    if kind == "faults":
        return [
            Finding(
                (*path, *below), code, said, hint, at_key or code in _KEY_CODES or (code == "bad-name" and bool(below))
            )
            for below, code, said, hint in context["faults"]
        ]
    if kind == "nested":
        return [one for inner in context["errors"] for one in _expand(model, plain, inner, loc, context["of"])]
    if kind == "missing":
        return [Finding(path, "missing-key", f"'{path[-1]}' is missing", missing=True)]
    if kind == "union_tag_not_found":
        return [Finding((*path, "type"), "missing-key", "'type' is missing", missing=True)]
    if kind == "union_tag_invalid":
        return [_unknown_type(path, context.get("tag"))]
    if kind == "extra_forbidden":
        known = list(inside.model_fields) if inside else keys_at(model, plain, path[:-1])
        hint = did_you_mean(str(path[-1]), known)
        if error.get("input") is None and not hint:
            hint = "put a text that contains a comma in quotes"
        return [Finding(path, "unknown-key", f"unknown key '{path[-1]}'", hint, at_key=True)]
    said = _SENTENCES.get(kind)
    if said is not None:
        code, sentence = said(error.get("input"), context)
        return [Finding(path, code, sentence, at_key=at_key)]
    return [Finding(path, "wrong-value", _own_words(error), at_key=at_key)]


def _unknown_type(path: Path, tag: object) -> Finding:
    return Finding((*path, "type"), "unknown-type", f"unknown field type '{tag}'", did_you_mean(str(tag), FIELD_MODELS))


def real_path(plain: Any, loc: Sequence[str | int]) -> tuple[Path, bool]:
    """The path of `loc` in the document: union tags and `[key]` markers are left out; and whether the key is meant."""
    path: list[str | int] = []
    current: Any = plain
    at_key = False
    for number, step in enumerate(loc):
        if step == "[key]":
            at_key = True
        elif (isinstance(current, dict) and step in current) or (
            isinstance(current, list) and isinstance(step, int) and 0 <= step < len(current)
        ):
            path.append(step)
            current = _at(current, step)
        elif number == len(loc) - 1 and isinstance(current, dict):
            path.append(step)
    return tuple(path), at_key


def _at(value: Any, step: str | int) -> Any:
    opened: Any = value if isinstance(value, dict | list) else {}
    return opened.get(step) if isinstance(opened, dict) else opened[step]


# the keys that may stand at a path ------------------------------------------------------------------------------
def keys_at(model: type[BaseModel], plain: Any, path: Path) -> list[str]:
    """The keys that the grammar knows for the map at `path`."""
    models = [model]
    current = plain
    for step in path:
        current = _at(current, step)
        models = [found for one in models for found in _below(one, step, current)]
    return [field.alias or name for one in models for name, field in getattr(one, "model_fields", {}).items()]


def _below(owner: Any, step: str | int, value: Any) -> list[Any]:
    if isinstance(owner, type) and issubclass(owner, BaseModel):
        field = next((f for n, f in owner.model_fields.items() if (f.alias or n) == step), None)
        return _models(field.annotation, value) if field else []
    return _models(owner, value)


def _models(annotation: Any, value: Any) -> list[Any]:
    """Models (or containers, to be opened by the next step) that an annotation leads to."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _models(get_args(annotation)[0], value)
    if origin in (Union, UnionType):
        options = [found for arg in get_args(annotation) for found in _models(arg, value)]
        chosen = FIELD_MODELS.get(str(value.get("type"))) if isinstance(value, dict) else None
        return [chosen] if chosen in options else options
    if origin is dict:
        return [_Container(get_args(annotation)[1])]
    if origin in (list, tuple):
        return [_Container(get_args(annotation)[0])]
    if isinstance(annotation, _Container):
        return _models(annotation.inner, value)
    return [annotation] if isinstance(annotation, type) and issubclass(annotation, BaseModel) else []


@dataclass(frozen=True)
class _Container:
    inner: Any


# sentences ------------------------------------------------------------------------------------------------------
Sentence = Callable[[Any, Mapping[str, Any]], tuple[str, str]]


def _needed(what: str) -> Sentence:
    return lambda value, _: ("wrong-type", f"{what} is needed here, not {described(value)}")


def _compared(words: str, key: str) -> Sentence:
    return lambda value, context: ("wrong-value", f"the value must be {words} {context[key]}, not {described(value)}")


def _literal(value: Any, context: Mapping[str, Any]) -> tuple[str, str]:
    return "wrong-value", f"the value must be {str(context['expected']).replace(chr(39), '')}, not {described(value)}"


def _too_few(_: Any, context: Mapping[str, Any]) -> tuple[str, str]:
    least = context.get("min_length", 1)
    return "wrong-value", "at least one entry is needed" if least == 1 else f"at least {least} entries are needed"


def _too_many(_: Any, context: Mapping[str, Any]) -> tuple[str, str]:
    return "wrong-value", f"at most {context['max_length']} entries are allowed, not {context.get('actual_length')}"


_MAP, _LIST, _TEXT = _needed("a map"), _needed("a list"), _needed("a text")
_BOOL, _WHOLE, _NUMBER = _needed("true or false"), _needed("a whole number"), _needed("a number")
_SENTENCES: dict[str, Sentence] = {
    "dict_type": _MAP,
    "model_type": _MAP,
    "model_attributes_type": _MAP,
    "mapping_type": _MAP,
    "list_type": _LIST,
    "tuple_type": _LIST,
    "string_type": _TEXT,
    "bool_type": _BOOL,
    "bool_parsing": _BOOL,
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_from_float": _WHOLE,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "decimal_type": _NUMBER,
    "decimal_parsing": _NUMBER,
    "is_instance_of": _needed("another kind of value"),
    "finite_number": _NUMBER,
    "literal_error": _literal,
    "greater_than": _compared("more than", "gt"),
    "greater_than_equal": _compared("at least", "ge"),
    "less_than": _compared("less than", "lt"),
    "less_than_equal": _compared("at most", "le"),
    "too_short": _too_few,
    "too_long": _too_many,
    "string_too_short": lambda _, context: (
        "wrong-value",
        f"at least {context['min_length']} characters are needed",
    ),
    "string_too_long": lambda _, context: ("bad-label", f"at most {context['max_length']} characters are allowed"),
    "string_pattern_mismatch": lambda value, _: (
        "wrong-value",
        f"{described(value)} does not have the form needed here",
    ),
}


def _own_words(error: Mapping[str, Any]) -> str:
    """The sentence of a field type's own validator; a plain one for anything else."""
    raised = error.get("ctx", {}).get("error")
    if error["type"] in ("value_error", "assertion_error") and raised is not None and str(raised):
        return str(raised)
    return f"{described(error.get('input'))} is not allowed here"
