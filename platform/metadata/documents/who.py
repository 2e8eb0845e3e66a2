"""Who is meant: people named by user, role, team, field, manager line, department, expression or by choice.

A bare word (`owner`, `submitter`) or a map with one source and what belongs to it. One list of them adds up.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import PlainValidator, WithJsonSchema

from guanxi.common.names import did_you_mean, name_fault

from .base import Fault, described, expression_text, faults

BARE = {"owner": "The record's owner", "submitter": "Whoever started the approval"}
PEOPLE = {
    "user": "A person by log-in name, or a list of them",
    "role": "Everybody with the role; `within: submitter|owner` keeps to the department of that person",
    "team": "The members of a team",
    "team_tree": "The members of a team and of all teams below",
    "field": "A field that holds a user, also over references (account.owner)",
    "expression": "An expression that gives a user",
}
LINES = {
    "manager_of": "The manager of owner, submitter or a user field, `level` steps up",
    "managers_of": "The managers one after another up to `level`, or `until: {role: …}`",
    "department_head_of": "The head of the department of owner, submitter or a user field, `level` steps up",
}
CHOICES = {
    "submitter_choice": "People whom the submitter picks, `among` them and between `min` and `max`",
    "previous_choice": "People whom the approver before picks",
}
SOURCES = {**PEOPLE, **LINES, **CHOICES}
_MORE: dict[str, dict[str, str]] = {
    "role": {"within": "submitter|owner"},
    "manager_of": {"level": "int", "shortage": "nearest"},
    "managers_of": {"level": "int", "until": "role", "from": "bottom|top"},
    "department_head_of": {"level": "int", "shortage": "nearest"},
    "submitter_choice": {"min": "int", "max": "int"},
    "previous_choice": {"min": "int", "max": "int"},
}
DEEPEST_LEVEL = 20


def who_faults(value: object, *, choices: bool = True) -> list[Fault]:
    """Every fault of one source or a list of them, by path from the value."""
    if isinstance(value, list):
        if not value:
            return [((), "wrong-value", "nobody is named here", "")]
        return [((i, *p), *rest) for i, one in enumerate(value) for p, *rest in _one(one, choices)]  # type: ignore[misc]
    return _one(value, choices)


def _one(value: object, choices: bool) -> list[Fault]:
    sources = SOURCES if choices else {**PEOPLE, **LINES}
    if isinstance(value, str):
        if value in BARE:
            return []
        hint = did_you_mean(value, [*BARE, *sources])
        said = f"people are named by {', '.join(BARE)} or a map such as {{role: sales}}, not {described(value)}"
        return [((), "wrong-value", said, hint)]
    if not isinstance(value, dict):
        return [((), "wrong-type", f"people are named by a word or a map, not {described(value)}", "")]
    named = [key for key in value if key in sources]
    if len(named) != 1:
        return _no_source(value, named, sources)
    kind = named[0]
    found = _source(kind, value[kind])
    allowed = _MORE.get(kind, {})
    for key, given in value.items():
        if key == kind:
            continue
        if key not in allowed:
            found.append(((key,), "unknown-key", f"unknown key '{key}' of {kind}", did_you_mean(key, allowed)))
        else:
            found.extend(_more(key, given, allowed[key]))
    return found


def _no_source(value: Mapping[str, Any], named: list[str], sources: Mapping[str, str]) -> list[Fault]:
    if named:
        return [((named[1],), "wrong-value", f"one source at a time: '{named[0]}' is there already", "")]
    for key in value:
        return [((key,), "unknown-key", f"unknown way to name people '{key}'", did_you_mean(key, sources))]
    return [((), "wrong-value", "nobody is named here", "")]


def _source(kind: str, value: object) -> list[Fault]:
    at = (kind,)
    if kind in ("user", "role", "team", "team_tree"):
        many = value if isinstance(value, list) else [value]
        if not many or not all(isinstance(one, str) and one for one in many):
            return [(at, "wrong-type", f"a name or a list of names is needed here, not {described(value)}", "")]
        return []
    if kind == "expression":
        try:
            expression_text(value)
        except Exception as error:
            return [(at, "wrong-type", str(error), "")]
        return []
    if kind in CHOICES:
        return [] if value in (True, None) else [((kind, *p), *r) for p, *r in who_faults(value, choices=False)]  # type: ignore[misc]
    if not isinstance(value, str) or any(name_fault(part) for part in value.split(".")):
        return [(at, "wrong-type", f"a field that holds a user is needed here, not {described(value)}", "")]
    return []


def _more(key: str, given: object, form: str) -> list[Fault]:
    if form == "int":
        if isinstance(given, int) and not isinstance(given, bool) and 1 <= given <= DEEPEST_LEVEL:
            return []
        return [((key,), "wrong-value", f"a number from 1 to {DEEPEST_LEVEL} is needed, not {described(given)}", "")]
    if form == "role":
        if isinstance(given, dict) and list(given) == ["role"] and isinstance(given["role"], str):
            return []
        return [((key,), "wrong-value", f"{{role: name}} is needed here, not {described(given)}", "")]
    words = form.split("|")
    if given in words:
        return []
    return [((key,), "wrong-value", f"{key} is one of {', '.join(words)}, not {described(given)}", "")]


def _judge(value: object) -> Any:
    found = who_faults(value)
    if found:
        raise faults(found)
    return value


def _schema() -> dict[str, Any]:
    name_or_many = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}
    more = {
        "level": {"type": "integer", "minimum": 1, "maximum": DEEPEST_LEVEL},
        "min": {"type": "integer", "minimum": 1, "maximum": DEEPEST_LEVEL},
        "max": {"type": "integer", "minimum": 1, "maximum": DEEPEST_LEVEL},
        "shortage": {"enum": ["nearest"]},
        "from": {"enum": ["bottom", "top"]},
        "within": {"enum": ["submitter", "owner"]},
        "until": {"type": "object", "properties": {"role": {"type": "string"}}, "required": ["role"]},
    }
    forms: list[dict[str, Any]] = [{"type": "string", "enum": list(BARE)}]
    for kind, said in SOURCES.items():
        value: dict[str, Any] = name_or_many if kind in ("user", "role", "team", "team_tree") else {}
        properties = {kind: {"description": said, **value}, **{key: more[key] for key in _MORE.get(kind, {})}}
        forms.append({"type": "object", "properties": properties, "required": [kind], "additionalProperties": False})
    return {"anyOf": [*forms, {"type": "array", "items": {"anyOf": forms}, "minItems": 1}]}


WhoSpec = Annotated[Any, PlainValidator(_judge), WithJsonSchema(_schema())]
"""One source of people or a list of them."""
