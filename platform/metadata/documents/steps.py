"""Actions as data: one vocabulary wherever something happens (`on_enter`, `on`, `do`, buttons).

A step is a bare verb (`stop`) or a map with one verb and what it takes. The verbs' own contents are judged when
documents are linked, because they name fields of an object; verbs that packs bring carry a dot (`telecom.port_number`).
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import PlainValidator, WithJsonSchema

from guanxi.common.names import did_you_mean, name_fault

from .base import Fault, described, fault, faults

VERBS: dict[str, str] = {
    "set": "Set fields of the record: a map from field to expression",
    "create": "Make a record: {object, values}",
    "update": "Change related records: {object or list, where, values}",
    "delete": "Put the record into the trash",
    "notify": "Tell people inside: {to, text}",
    "email": "Send an e-mail: {to, template or subject and body}",
    "sms": "Send a text message: {to, text}",
    "task": "Give somebody something to do: {to, subject, due}",
    "assign": "Give the record to somebody: {to, by}",
    "to_pool": "Put the record into a pool",
    "approval": "Start an approval flow by name",
    "webhook": "Call out: {url_from, body}",
    "post": "Write on the record's timeline",
    "stop": "Do nothing more in this list",
}


def _step(value: object) -> tuple[Fault, ...]:
    if isinstance(value, str):
        return _verb(value, ())
    if not isinstance(value, dict):
        return (((), "wrong-type", f"a step is a map with one verb, not {described(value)}", ""),)
    if len(value) != 1:
        return (((), "wrong-value", "a step has exactly one verb; write several steps as several entries", ""),)
    verb = next(iter(value))
    return _verb(verb, (verb,))


def _verb(verb: str, at: tuple[str, ...]) -> tuple[Fault, ...]:
    known = verb in VERBS or ("." in verb and not any(name_fault(part) for part in verb.split(".")))
    return () if known else ((at, "unknown-key", f"unknown action '{verb}'", did_you_mean(verb, VERBS)),)


def _steps(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise fault("wrong-type", f"a list of steps is needed here, not {described(value)}")
    found: list[Fault] = [
        ((index, *path), code, sentence, hint)
        for index, step in enumerate(value)
        for path, code, sentence, hint in _step(step)
    ]
    if found:
        raise faults(found)
    return value


_STEP_SCHEMA: dict[str, Any] = {
    "anyOf": [
        {
            "type": "object",
            "minProperties": 1,
            "maxProperties": 1,
            "properties": {verb: {"description": said} for verb, said in VERBS.items()},
            "patternProperties": {"^[a-z][a-z0-9_]*(\\.[a-z][a-z0-9_]*)+$": {}},
            "additionalProperties": False,
        },
        {"type": "string", "enum": list(VERBS)},
    ]
}

Steps = Annotated[list[Any], PlainValidator(_steps), WithJsonSchema({"type": "array", "items": _STEP_SCHEMA})]
"""A list of steps, in order."""
