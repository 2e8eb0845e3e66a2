"""The records and people of one test: made before anything is done, found by their names in the test afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

from guanxi.common.clock import FixedClock
from guanxi.common.diagnostics import Place
from guanxi.common.errors import GuanxiError
from guanxi.expressions.expression import Expression
from guanxi.metadata.documents.test import OF_APPROVALS
from guanxi.registry import MetadataTest
from guanxi.runtime.access.actor import SYSTEM, Actor
from guanxi.runtime.jobs.schedules import run_schedules
from guanxi.runtime.jobs.work import run_job, worker_name
from guanxi.runtime.query.request import ListQuery
from guanxi.runtime.services import Services

from ..seed import NaturalKeys, moment_text
from .outcome import Failure

ADMINISTRATOR = "administrator"
DEFAULT_MOMENT = "2026-03-02T09:00:00"  # a Monday morning
REFERENCES = ("reference", "references", "user", "team")


class TestFault(Exception):
    """The test cannot go on: carries what is wrong."""

    __test__ = False

    def __init__(self, failure: Failure) -> None:
        self.failure = failure
        super().__init__(str(failure))


def instant(text: str, zone: ZoneInfo) -> datetime:
    """The moment a test names; local time of the instance when it says no zone."""
    at = datetime.fromisoformat(text or DEFAULT_MOMENT)
    return (at.replace(tzinfo=zone) if at.tzinfo is None else at).astimezone(UTC)


@dataclass
class World:
    """What a test has made so far."""

    services: Services
    clock: FixedClock
    test: MetadataTest
    zone: ZoneInfo
    records: dict[str, tuple[str, int]] = field(default_factory=dict)
    people: dict[str, int] = field(default_factory=dict)
    teams: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.keys = NaturalKeys(self.services.registry, self.services.records)

    # making -----------------------------------------------------------------------------------------
    def build(self) -> None:
        """Make the people and the records of `given`, what is referred to first. Raises TestFault."""
        waiting: list[tuple[str, str, Mapping[str, Any]]] = [
            ("user", name, {"name": name, "full_name": name, **values}) for name, values in self.test.users.items()
        ]
        waiting += [(kind, name, values) for kind, rows in self.test.given.items() for name, values in rows.items()]
        while waiting:
            later = [one for one in waiting if not self._make(*one)]
            if len(later) == len(waiting):
                kind, name, _ = later[0]
                self.fail(self.test.place, f"{kind} '{name}' refers to what is never made")
            waiting = later
        self._everybody()

    def _everybody(self) -> None:
        """Those who decide in approvals are there before anybody is asked."""
        steps = [step for step in self.test.when if step.verb in OF_APPROVALS]
        for step in steps:
            named = [step.actor, step.more.get("user"), *(step.more.get("users") or ())]
            for name in named:
                if isinstance(name, str) and name:
                    self.person(name)

    def _make(self, kind: str, name: str, values: Mapping[str, Any]) -> bool:
        made = self.values(kind, values, waiting=True)
        if made is None:
            return False
        if kind == "user" and name in self.test.users and "roles" not in made:
            made["roles"] = [self.role(ADMINISTRATOR)]
        try:
            saved = self.services.records.create(SYSTEM, kind, made, force_duplicates=True)
        except GuanxiError as error:
            self.fail(self.test.place, f"{kind} '{name}' cannot be made", said(error))
        if kind == "user":
            self.people[name] = saved.id
        if name not in self.test.users or kind != "user":
            self.records[name] = (kind, saved.id)
        return True

    def values(self, kind: str, values: Mapping[str, Any], *, waiting: bool = False) -> dict[str, Any] | None:
        """Values in JSON form; names of records and people become ids, moments are worked out.

        None when something referred to is still to be made (`waiting`); what leads nowhere raises TestFault otherwise.
        """
        fields = self.services.registry.objects[kind].fields
        out: dict[str, Any] = {}
        for name, value in values.items():
            known = fields.get(name)
            if known is not None and known.type in REFERENCES and known.target:
                many = [self._id(known.target, one) for one in (value if isinstance(value, list | tuple) else [value])]
                if None in many and value is not None:
                    if waiting:
                        return None
                    self.fail(self.test.place, f"{kind}.{name}: nothing is called {value!r}")
                out[name] = many if isinstance(value, list | tuple) else many[0]
            elif isinstance(value, Expression):
                out[name] = moment_text(value, self.clock, self.zone)
            else:
                out[name] = value
        return out

    def _id(self, target: str, value: object) -> int | None:
        if not isinstance(value, str):
            return value if isinstance(value, int) else None
        made = self.records.get(value)
        if made is not None and made[0] == target:
            return made[1]
        if target == "role":
            return self.role(value)
        if target == "user":
            return None if value in self.test.users and value not in self.people else self.person(value)
        if target == "team" and value not in self.test.given.get("team", {}):
            return self.team(value)
        planned = any(value in rows for rows in self.test.given.values())
        return None if planned else self.keys.id(target, value)

    def role(self, name: str) -> int:
        """The id of a role's record."""
        return self._named("role", name) or self.fail(self.test.place, f"no role '{name}'")

    def team(self, name: str) -> int:
        """The id of a team, made when nothing is called so."""
        if name not in self.teams:
            found = self._named("team", name)
            self.teams[name] = found or self.services.records.create(SYSTEM, "team", {"name": name}).id
        return self.teams[name]

    def person(self, name: str) -> int:
        """The id of a person by log-in name; who is not there yet is made, an administrator."""
        if name not in self.people:
            values = {"name": name, "full_name": name, "roles": [self.role(ADMINISTRATOR)]}
            found = self._named("user", name)
            self.people[name] = found or self.services.records.create(SYSTEM, "user", values).id
        return self.people[name]

    def _named(self, kind: str, name: str) -> int | None:
        quoted = name.replace("\\", "\\\\").replace('"', '\\"')
        query = ListQuery(object=kind, where=f'name == "{quoted}"', fields=("id",), limit=1)
        found = self.services.records.list(SYSTEM, query).data
        return int(found[0]["id"]) if found else None

    def do_due(self) -> None:
        """Do what is due by the test's clock: slots of schedules and jobs; nothing leaves for the outside."""
        worker = worker_name()
        while run_schedules(self.services) or run_job(self.services, worker):
            pass

    # finding ----------------------------------------------------------------------------------------
    def actor(self, name: str) -> Actor:
        """Who acts: a person of the test, or an administrator when nobody is named."""
        found = self.services.actor(self.person(name or ADMINISTRATOR))
        return found or self.fail(self.test.place, f"'{name}' may not log in")

    def record(self, name: str, place: Place) -> tuple[str, int]:
        """Object and id of a record of the test."""
        return self.records.get(name) or self.fail(place, f"the record '{name}' was not made")

    def fail(self, place: Place, said: str, seen: str = "") -> NoReturn:
        """Raise TestFault."""
        raise TestFault(Failure(place, said, seen))


def said(error: GuanxiError) -> str:
    """A refusal in one line, with its codes."""
    errors = getattr(error, "errors", ())
    if errors:
        return "; ".join(f"{e.field or 'record'}: {e.message} [{e.code}]" for e in errors)
    return f"{error.detail} [{error.code}]"
