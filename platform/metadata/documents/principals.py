"""People as definitions name them: `{role: sales}`, `{team: [north, south]}`, `{user: li.na}`, or `everyone`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import PlainValidator, WithJsonSchema

from guanxi.common.names import did_you_mean, name_fault

from .base import Fault, described, fault, faults

KEYS = ("role", "team", "user")
EVERYONE = "everyone"


@dataclass(frozen=True, slots=True)
class People:
    """Names by kind; `role` are definitions, `team` and `user` names of records."""

    role: tuple[str, ...] = ()
    team: tuple[str, ...] = ()
    user: tuple[str, ...] = ()
    everyone: bool = False


def _people(value: object) -> People:
    if value == EVERYONE:
        return People(everyone=True)
    if not isinstance(value, dict) or not value:
        raise fault("wrong-type", f"people are a map of role, team or user, or everyone, not {described(value)}")
    found: list[Fault] = []
    named: dict[str, tuple[str, ...]] = {}
    for key, given in value.items():
        if key not in KEYS:
            found.append(((key,), "unknown-key", f"unknown key '{key}'", did_you_mean(str(key), KEYS)))
            continue
        names = given if isinstance(given, list) else [given]
        found.extend(_wrong(key, given, names))
        named[key] = tuple(str(name) for name in names)
    if found:
        raise faults(found)
    return People(named.get("role", ()), named.get("team", ()), named.get("user", ()))


def _wrong(key: str, given: object, names: list[Any]) -> list[Fault]:
    if not names:
        return [((key,), "wrong-value", "at least one name is needed here", "")]
    found: list[Fault] = []
    for index, name in enumerate(names):
        path = (key, index) if isinstance(given, list) else (key,)
        if not isinstance(name, str) or not name.strip():
            found.append((path, "wrong-type", f"a name is needed here, not {described(name)}", ""))
        elif key == "role" and (said := name_fault(name)):
            found.append((path, "bad-name", f"'{name[:60]}' is not a lawful name: {said}", ""))
    return found


_NAMES = {"anyOf": [{"type": "string", "minLength": 1}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}
PeopleText = Annotated[
    People,
    PlainValidator(_people),
    WithJsonSchema(
        {
            "anyOf": [
                {"const": EVERYONE},
                {
                    "type": "object",
                    "properties": dict.fromkeys(KEYS, _NAMES),
                    "additionalProperties": False,
                    "minProperties": 1,
                },
            ]
        }
    ),
]
