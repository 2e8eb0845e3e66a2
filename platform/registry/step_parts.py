"""What steps are made of, checked on one object: values, conditions, people, texts with holes, spans of time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import time
from decimal import Decimal
from typing import Any, Protocol, TypeAlias

from guanxi.common.diagnostics import Place
from guanxi.common.labels import Label
from guanxi.common.text import described, is_language
from guanxi.expressions.expression import Expression
from guanxi.expressions.template import Template
from guanxi.expressions.types import BOOLEAN, ValueType

from .steps import People, Texts

Path: TypeAlias = Sequence[str | int]
MAX_TEXT = 20_000
MAX_LEVEL = 20
_USER = ValueType("reference", "user")
_SPECS = ("role", "team", "team_tree", "user", "field", "manager_of")


class Ground(Protocol):
    """Where steps stand: the object their names belong to and the one around it inside `for_each`, and how what is
    wrong is told. When definitions are checked every fault is noted at its place; a running instance that reads its
    own pinned steps raises. `change` allows what needs the row before; `people` what needs a person who acts; `waits`
    the verb `wait`.
    """

    subject: str
    outer: str
    change: bool
    people: bool
    waits: bool

    def inside(self, child: str) -> Ground:
        """The same place for steps on a record of a related list."""
        ...

    def error(self, code: str, said: str, path: Path, *, hint: str = "", key: bool = False) -> None:
        """Tell of a fault."""
        ...

    def unknown(self, code: str, what: str, name: str, known: Iterable[str], path: Path, *, key: bool = False) -> None:
        """Tell of a name that does not exist, with the nearest that does."""
        ...

    def expression(self, path: Path, value: object, expect: ValueType | None = None) -> Expression | None:
        """An expression on the record; None when it has faults."""
        ...

    def value(self, path: Path, value: object, wanted: ValueType) -> Expression | None:
        """What a field is set to: a bare option name for a choice, else an expression; None when it has faults."""
        ...

    def template(self, path: Path, text: str) -> Template | None:
        """A text with holes; None when it has faults."""
        ...

    def has(self, kind: str, name: str) -> bool:
        """Whether a definition exists."""
        ...

    def names(self, kind: str) -> Iterable[str]:
        """All names of a kind, for hints."""
        ...

    def related(self, name: str) -> tuple[str, str] | None:
        """Object and field of a related list of the object; None when there is none."""
        ...

    def related_names(self) -> Iterable[str]:
        """The object's related lists, for hints."""
        ...

    def owned(self) -> bool:
        """Whether records of the object have an owner."""
        ...

    def writable(self, path: Path, name: str, target: str) -> ValueType | None:
        """The type of a field of `target` that a step may write; tells why it may not."""
        ...

    def file_field(self, name: str) -> bool:
        """Whether the object has a field of this name that holds a file."""
        ...

    def languages(self, path: Path, label: Label) -> None:
        """Tell of languages of the instance in which a text is missing."""
        ...

    def place(self, path: Path) -> Place:
        """Where something stands."""
        ...


def condition(ground: Ground, path: Path, value: object) -> Expression | None:
    """A condition on the record; None when absent or wrong."""
    return None if value is None else expression(ground, path, value, BOOLEAN)


def expression(ground: Ground, path: Path, value: object, expect: ValueType | None = None) -> Expression | None:
    """An expression on the record; None when it is none or has faults."""
    if isinstance(value, str | bool | int | float | Decimal):
        return ground.expression(path, value, expect)
    ground.error("wrong-type", f"an expression is needed here, not {described(value)}", path)
    return None


# values -----------------------------------------------------------------------------------------------------------
def values(ground: Ground, path: Path, given: object, target: str) -> Mapping[str, Expression]:
    """Values that are set on a record of `target`, as expressions on the record of the ground."""
    if not isinstance(given, dict):
        ground.error("wrong-type", f"a map from field to value is needed here, not {described(given)}", path)
        return {}
    made: dict[str, Expression] = {}
    for name, value in given.items():
        at = (*path, name)
        wanted = ground.writable(at, name, target)
        if wanted is None:
            continue
        if isinstance(value, dict | list):
            ground.error("wrong-type", f"an expression is needed here, not {described(value)}", at)
            continue
        found = ground.value(at, value, wanted)
        if found is not None:
            made[name] = found
    return made


def body(ground: Ground, path: Path, given: object) -> Any:
    """Data to send: maps and lists as they are, each text in them an expression."""
    if isinstance(given, dict):
        return {key: body(ground, (*path, key), value) for key, value in given.items()}
    if isinstance(given, list):
        return [body(ground, (*path, index), value) for index, value in enumerate(given)]
    return expression(ground, path, given) if isinstance(given, str) else given


# texts ------------------------------------------------------------------------------------------------------------
def texts(ground: Ground, path: Path, given: object) -> Texts | None:
    """A text with holes, or one per language; None when it has faults."""
    if isinstance(given, str):
        made = _template(ground, path, given)
        return Texts((("", made),)) if made is not None else None
    if not isinstance(given, dict) or not given:
        ground.error("wrong-type", f"a text or a map by language is needed here, not {described(given)}", path)
        return None
    found = []
    for language, text in given.items():
        at = (*path, language)
        if not is_language(str(language)):
            ground.error("unknown-key", f"'{language}' is not a language code such as en or zh", at, key=True)
        elif not isinstance(text, str):
            ground.error("bad-label", "a text under a language must be text", at)
        else:
            made = _template(ground, at, text)
            if made is not None:
                found.append((str(language), made))
    if len(found) != len(given):
        return None
    ground.languages(path, Label(tuple(given.items())))
    return Texts(tuple(found))


def _template(ground: Ground, path: Path, text: str) -> Any:
    if not text.strip():
        ground.error("bad-label", "the text is empty", path)
        return None
    if len(text) > MAX_TEXT:
        ground.error("bad-label", f"the text has {len(text)} characters; at most {MAX_TEXT} are allowed", path)
        return None
    return ground.template(path, text)


# people -----------------------------------------------------------------------------------------------------------
def people(ground: Ground, path: Path, given: object, *, addresses: bool = False) -> tuple[People, ...]:
    """Who is meant: one description or a list. `addresses` also takes expressions that give text."""
    many = given if isinstance(given, list) else [given]
    if not many:
        ground.error("wrong-value", "nobody is named here", path)
    found = []
    for index, one in enumerate(many):
        at = (*path, index) if many is given else path
        made = _somebody(ground, at, one, addresses)
        if made is not None:
            found.append(made)
    return tuple(found)


def _somebody(ground: Ground, path: Path, given: object, addresses: bool) -> People | None:
    if isinstance(given, str):
        return _by_value(ground, path, given, addresses)
    if not isinstance(given, dict):
        said = (
            f"people are an expression such as owner, or {{role: …}}, {{team: …}}, {{user: …}}, not {described(given)}"
        )
        ground.error("wrong-type", said, path)
        return None
    keys = [key for key in given if key != "level"]
    for key in given:
        if key not in (*_SPECS, "level") or (key == "level" and "manager_of" not in given):
            known = (*_SPECS, "level") if "manager_of" in given else _SPECS
            ground.unknown("unknown-key", "key", str(key), known, (*path, key), key=True)
            return None
    if len(keys) != 1:
        ground.error("wrong-value", f"say one of {', '.join(_SPECS)}", path)
        return None
    return _described(ground, (*path, keys[0]), keys[0], given, addresses)


def _described(ground: Ground, path: Path, key: str, given: Mapping[str, Any], addresses: bool) -> People | None:
    name = given[key]
    if not isinstance(name, str) or not name.strip():
        ground.error("wrong-type", f"a name is needed here, not {described(name)}", path)
        return None
    if key == "field":
        return _by_value(ground, path, name, addresses)
    if key == "manager_of":
        value = expression(ground, path, name, _USER)
        level = given.get("level", 1)
        if not isinstance(level, int) or isinstance(level, bool) or not 1 <= level <= MAX_LEVEL:
            ground.error("wrong-value", f"a level is 1 to {MAX_LEVEL}, not {described(level)}", (*path[:-1], "level"))
            return None
        return People("manager_of", value=value, level=level) if value is not None else None
    if key == "role" and not ground.has("role", name):
        ground.unknown("unknown-reference", "role", name, ground.names("role"), path)
        return None
    return People(key, name)  # type: ignore[arg-type]


def _by_value(ground: Ground, path: Path, text: str, addresses: bool) -> People | None:
    value = expression(ground, path, text)
    if value is None:
        return None
    kind = value.type
    if kind.kind in ("reference", "references") and kind.object in ("user", "team"):
        return People("value", value=value)
    if kind.kind == "integer" and not addresses and text.strip() in ("me", "me.id"):
        return People("value", value=value)
    if addresses and kind.kind == "text":
        return People("address", value=value)
    wanted = "a user, a team or an address" if addresses else "a user or a team"
    hint = "name a role as {role: …}, a team as {team: …}, a person as {user: …}"
    ground.error("expression-type", f"{wanted} is needed here, this gives {kind}", path, hint=hint)
    return None


# spans of time ----------------------------------------------------------------------------------------------------
def amount(ground: Ground, path: Path, value: object, *, least: int = 0, most: int = 36_500) -> int | None:
    """A whole number of days, hours and so on."""
    if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
        return value
    ground.error("wrong-value", f"a whole number from {least} to {most:,} is needed here, not {described(value)}", path)
    return None


def calendar(ground: Ground, path: Path, name: object) -> str:
    """The name of a calendar that exists, or ""."""
    if isinstance(name, str) and ground.has("calendar", name):
        return name
    ground.unknown("unknown-reference", "calendar", str(name), ground.names("calendar"), path)
    return ""


def time_of_day(ground: Ground, path: Path, text: object) -> str:
    """ "HH:MM", or "" when it is none (which is noted)."""
    if isinstance(text, str) and len(text) == 5:
        try:
            time.fromisoformat(text)
        except ValueError:
            pass
        else:
            return text
    ground.error("wrong-value", f"a time of day is written 09:00, not {described(text)}", path)
    return ""
