"""Steps of the action vocabulary, compiled: what is checked text in YAML is an expression, a text with holes or a
person's description here.

`given` keeps the keys of the YAML. Under them stand: expressions (`values`, `where`, the fields of `set` …), `Texts`
(`text`, `subject`, `body`), tuples of `People` (`to`), tuples of `Step` (`do`), `Branch`es (`choose`), or constants.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from guanxi.common.diagnostics import Place
from guanxi.common.labels import Label
from guanxi.expressions.expression import Expression
from guanxi.expressions.template import Template

EMPTY: Mapping[str, Any] = MappingProxyType({})
PeopleKind = Literal["role", "team", "team_tree", "user", "value", "address", "manager_of"]


@dataclass(frozen=True, slots=True)
class People:
    """Somebody, described: by `name` (role, team, team_tree, user), by an expression on the record that gives users or
    teams (`value`) or text such as an e-mail address (`address`), or the manager `level` steps above the user that the
    expression gives (`manager_of`).
    """

    kind: PeopleKind
    name: str = ""
    value: Expression | None = None
    level: int = 1


@dataclass(frozen=True, slots=True)
class Texts:
    """A text with holes in one or more languages; the language "" stands for all."""

    languages: tuple[tuple[str, Template], ...]

    def of(self, language: str) -> Template:
        """The text in a language, else in a related one, else the first."""
        known = dict(self.languages)
        for name in (language, language.split("-", maxsplit=1)[0].split("_", maxsplit=1)[0], ""):
            if name in known:
                return known[name]
        return self.languages[0][1]

    def __str__(self) -> str:
        return str(self.languages[0][1])


@dataclass(frozen=True, slots=True)
class Branch:
    """One branch of `choose`: taken when `when` holds; without a condition it is taken when no other was."""

    name: str
    when: Expression | None
    do: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One step: the verb and what it takes (see the module). `object` is the object its names belong to, `outer` the
    one around it inside `for_each`; `at` says where it stands in its list of steps (`1.choose.large.0`).
    """

    verb: str
    given: Any = None
    object: str = ""
    outer: str = ""
    at: str = ""
    place: Place = Place("")


@dataclass(frozen=True, slots=True)
class DateTrigger:
    """A moment told by a date or an instant on the record. `field` is the record's own date or datetime field; the
    moment lies `days` (or `working_days` by `calendar`) and `hours` after it (negative: before), at the local time `at`
    ("HH:MM", "" where the instant's own time of day counts).
    """

    field: str
    kind: Literal["date", "datetime"]
    days: int = 0
    working_days: int = 0
    hours: int = 0
    calendar: str = ""
    at: str = ""


@dataclass(frozen=True, slots=True)
class Once:
    """How often a rule runs for a record: once ever (`days` 0), or not again within so many days."""

    days: int = 0


@dataclass(frozen=True, slots=True)
class Automation:
    """A rule: when something happens to a record of `object` and `when` holds, do the steps.

    `events` are what happens to records; `schedule` a cron line, `date` a moment told by the record, `webhook` the name
    of an incoming call: one of them. `watched` are the fields of which one must have moved for `when` to hold at all on
    an update (None: any change may do). `mark` changes when the steps do.
    """

    name: str
    label: Label
    object: str
    do: tuple[Step, ...]
    events: frozenset[str] = frozenset()
    schedule: str = ""
    date: DateTrigger | None = None
    webhook: str = ""
    when: Expression | None = None
    run_as: Literal["user", "system"] = "system"
    once: Once | None = None
    on_error: Literal["continue", "fail"] = "continue"
    priority: int = 100
    active: bool = True
    settles: bool = False
    watched: frozenset[str] | None = None
    mark: str = ""
    description: Label = Label()
    layer: str = ""
    place: Place = Place("")
    sources: Mapping[str, str] = field(default_factory=lambda: EMPTY)
