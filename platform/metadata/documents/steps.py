"""Actions as data: one vocabulary wherever something happens (`on_enter`, `on`, `do`, buttons).

A step is a bare verb (`stop`) or a map with one verb and what it takes. `VERBS` is the catalogue: what a verb means and
which keys it takes; `WAITING` names those that no room carries out yet, so that they are refused when definitions are
checked and never when somebody saves a record. What a step names is judged when documents are linked
(`compile.steps`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import PlainValidator, WithJsonSchema

from guanxi.common.names import did_you_mean, name_fault

from .base import Fault, described, fault, faults

MAX_STEPS = 100
MAX_NESTED = 5


@dataclass(frozen=True, slots=True)
class Verb:
    """What a verb does and takes: keys it needs and keys it may have. `short` names the key that a plain value stands
    for; `fields` says that the keys are fields of the record; `bare` that it may stand alone.
    """

    said: str
    needs: tuple[str, ...] = ()
    may: tuple[str, ...] = ()
    short: str = ""
    fields: bool = False
    bare: bool = False

    @property
    def keys(self) -> tuple[str, ...]:
        """All keys."""
        return (*self.needs, *self.may)


VERBS: dict[str, Verb] = {
    "set": Verb("Set fields of the record: a map from field to expression", fields=True),
    "create": Verb("Make a record: {object, values}", ("object",), ("values",)),
    "update": Verb(
        "Change records of a related list or an object, those that meet `where`",
        ("values",),
        ("list", "object", "where"),
    ),
    "delete": Verb("Put the record into the trash", bare=True),
    "notify": Verb("Tell people inside: {to, text} or {to, template}", ("to",), ("text", "template")),
    "email": Verb(
        "Send an e-mail: {to, template} or {to, subject, body}; `to` is people or an expression that gives an address, "
        "`attachments` file fields of the record, `form` a form whose personal link about the record follows the text",
        ("to",),
        ("template", "subject", "body", "cc", "attachments", "form"),
    ),
    "sms": Verb("Send a text message: {to, text} or {to, template}", ("to",), ("text", "template")),
    "task": Verb(
        "Give somebody something to do: {to, subject, due, note}; `due` is an expression that gives a day, or "
        "{days: 2}, or {working_days: 2, calendar: office}",
        ("to", "subject"),
        ("due", "note"),
    ),
    "assign": Verb(
        "Give the record to somebody: {to, by}; `by` is first (the default), round_robin or least_loaded",
        ("to",),
        ("by",),
    ),
    "to_pool": Verb("Put the record into a pool: its name, or {pool, reason}", ("pool",), ("reason",), short="pool"),
    "approval": Verb("Start an approval flow by name", ("name",), short="name"),
    "webhook": Verb("Call out: {url_from, body}", ("url_from",), ("body",)),
    "post": Verb("Write on the record's timeline: a text, or {text}", ("text",), short="text"),
    "choose": Verb(
        "Take the first branch whose `when` holds, else the one without: a map from a name to {when, do}", fields=True
    ),
    "for_each": Verb(
        "Do steps for every record of a related list that meets `where`: {list, where, do}; in it names are the "
        "child's, `outer.x` the record's",
        ("list", "do"),
        ("where",),
    ),
    "wait": Verb(
        "Go on with the steps below later: {days}, {hours}, {minutes}, {working_days, calendar} or {until}; `at` is a "
        "time of day; the record is read anew then, and the rest is left out when `while` no longer holds",
        (),
        ("days", "hours", "minutes", "working_days", "calendar", "until", "at", "while"),
    ),
    "stop": Verb("Do nothing more in this rule", bare=True),
}
# Verbs that no room carries out yet, and what they need. A room that brings one takes its row away.
WAITING: dict[str, str] = {}


def _step(value: object, depth: int) -> tuple[Fault, ...]:
    if isinstance(value, str):
        found = _verb(value, ())
        if not found and not VERBS[value].bare:
            return (((), "missing-key", f"'{value}' says too little", f"{value}: {VERBS[value].said}"),)
        return found
    if not isinstance(value, dict):
        return (((), "wrong-type", f"a step is a map with one verb, not {described(value)}", ""),)
    if len(value) != 1:
        return (((), "wrong-value", "a step has exactly one verb; write several steps as several entries", ""),)
    verb = next(iter(value))
    return _verb(verb, (verb,)) or tuple(_given(verb, value[verb], depth))


def _verb(verb: str, at: tuple[str, ...]) -> tuple[Fault, ...]:
    if verb in WAITING:
        return ((at, "unknown-key", f"'{verb}' needs {WAITING[verb]}, which this version does not have", ""),)
    if verb in VERBS:
        return ()
    if "." in verb and not any(name_fault(part) for part in verb.split(".")):
        return ((at, "unknown-key", f"no pack brings an action '{verb}'", ""),)
    return ((at, "unknown-key", f"unknown action '{verb}'", did_you_mean(verb, VERBS)),)


def _given(verb: str, given: object, depth: int) -> list[Fault]:
    known = VERBS[verb]
    if known.bare:
        said = f"'{verb}' takes nothing, not {described(given)}"
        return [] if given in (None, {}) else [((verb,), "wrong-type", said, "")]
    if not isinstance(given, dict):
        if known.short and (isinstance(given, str) or known.short == "text"):
            return []
        return [((verb,), "wrong-type", f"a map is needed here, not {described(given)}", f"{verb}: {known.said}")]
    if verb == "post" and "text" not in given:
        return []  # a map by language
    if verb == "choose":
        return _branches(given, depth)
    if known.fields:
        return []
    found: list[Fault] = [
        ((verb, key), "unknown-key", f"unknown key '{key}' of {verb}", did_you_mean(key, known.keys))
        for key in given
        if key not in known.keys
    ]
    found += [
        ((verb,), "missing-key", f"'{key}' is missing", f"{verb}: {known.said}")
        for key in known.needs
        if key not in given
    ]
    if verb == "for_each" and "do" in given:
        found += _nested(given["do"], (verb, "do"), depth)
    return found


def _branches(given: Mapping[str, Any], depth: int) -> list[Fault]:
    found: list[Fault] = []
    if not given:
        return [(("choose",), "wrong-value", "at least one branch is needed: {name: {when: …, do: […]}}", "")]
    for name, branch in given.items():
        at = ("choose", name)
        if said := name_fault(name):
            found.append((at, "bad-name", f"'{name}' is not a lawful name: {said}", ""))
        if not isinstance(branch, dict):
            found.append((at, "wrong-type", f"a branch is a map {{when, do}}, not {described(branch)}", ""))
            continue
        for key in branch:
            if key not in ("when", "do"):
                found.append(((*at, key), "unknown-key", f"unknown key '{key}'", did_you_mean(key, ("when", "do"))))
        if "do" not in branch:
            found.append((at, "missing-key", "'do' is missing: the steps of the branch", ""))
        else:
            found += _nested(branch["do"], (*at, "do"), depth)
    return found


def _nested(value: object, at: tuple[str, ...], depth: int) -> list[Fault]:
    if depth >= MAX_NESTED:
        return [(at, "wrong-value", f"steps stand in each other at most {MAX_NESTED} deep", "")]
    return [((*at, *path), *rest) for path, *rest in _list(value, depth + 1)]  # type: ignore[misc]


def _list(value: object, depth: int) -> list[Fault]:
    if not isinstance(value, list):
        return [((), "wrong-type", f"a list of steps is needed here, not {described(value)}", "")]
    if len(value) > MAX_STEPS:
        return [((), "wrong-value", f"a list has at most {MAX_STEPS} steps", "")]
    return [
        ((index, *path), code, sentence, hint)
        for index, step in enumerate(value)
        for path, code, sentence, hint in _step(step, depth)
    ]


def _steps(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise fault("wrong-type", f"a list of steps is needed here, not {described(value)}")
    found = _list(value, 0)
    if found:
        raise faults(found)
    return value


def _schema_of(name: str, verb: Verb) -> dict[str, Any]:
    made: dict[str, Any] = {"description": verb.said}
    if verb.bare:
        return made | {"type": ["object", "null"], "maxProperties": 0}
    if verb.fields or name == "post":
        return made
    keyed = {
        "type": "object",
        "properties": {key: {} for key in verb.keys},
        "required": list(verb.needs),
        "additionalProperties": False,
    }
    return made | ({"anyOf": [{"type": "string"}, keyed]} if verb.short else keyed)


_READY = {name: verb for name, verb in VERBS.items() if name not in WAITING}
_STEP_SCHEMA: dict[str, Any] = {
    "anyOf": [
        {
            "type": "object",
            "minProperties": 1,
            "maxProperties": 1,
            "properties": {name: _schema_of(name, verb) for name, verb in _READY.items()},
            "additionalProperties": False,
        },
        {"type": "string", "enum": [name for name, verb in _READY.items() if verb.bare]},
    ]
}

Steps = Annotated[
    list[Any],
    PlainValidator(_steps),
    WithJsonSchema({"type": "array", "maxItems": MAX_STEPS, "items": _STEP_SCHEMA}),
]
"""A list of steps, in order."""
