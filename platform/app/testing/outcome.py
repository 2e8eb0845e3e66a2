"""What running tests found, as frozen values for the command line, the installer of packs and pytest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from guanxi.common.diagnostics import Place

KINDS = ("rules", "stages", "formulas")


@dataclass(frozen=True, slots=True)
class Failure:
    """Something that is not as the test says: where it says so, what it says, and what was seen instead."""

    place: Place
    said: str
    seen: str = ""

    def __str__(self) -> str:
        return f"{self.place}: {self.said}" + (f"; {self.seen}" if self.seen else "")


@dataclass(frozen=True, slots=True)
class Outcome:
    """One test's result; it passed when nothing failed."""

    name: str
    place: Place
    failures: tuple[Failure, ...] = ()
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """True when the test passed."""
        return not self.failures


@dataclass(frozen=True, slots=True)
class Coverage:
    """Of the objects that tests have records of: kind → names (`object.name`) that exist, and those no test touched.

    A rule is touched when it refused something, a stage when a record was in it or was refused it, a formula when a
    check reads it.
    """

    known: Mapping[str, tuple[str, ...]]
    missed: Mapping[str, tuple[str, ...]]

    def __str__(self) -> str:
        totals = {kind: len(self.known[kind]) for kind in KINDS}
        return ", ".join(f"{kind} {total - len(self.missed[kind])} of {total}" for kind, total in totals.items())

    @property
    def missing(self) -> list[str]:
        """Everything that no test touched, as `account.reachable (rule)`."""
        return [f"{name} ({kind[:-1]})" for kind in KINDS for name in self.missed[kind]]


@dataclass(frozen=True, slots=True)
class Report:
    """All outcomes in the order of the definitions, and what they touched."""

    outcomes: tuple[Outcome, ...]
    coverage: Coverage

    @property
    def failed(self) -> tuple[Outcome, ...]:
        """The outcomes that failed."""
        return tuple(outcome for outcome in self.outcomes if not outcome.ok)

    def as_data(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "ok": not self.failed,
            "passed": len(self.outcomes) - len(self.failed),
            "failed": len(self.failed),
            "tests": [_outcome(outcome) for outcome in self.outcomes],
            "coverage": {
                kind: {"known": len(self.coverage.known[kind]), "missed": list(self.coverage.missed[kind])}
                for kind in KINDS
            },
        }


def _outcome(outcome: Outcome) -> dict[str, Any]:
    failures = [_place(f.place) | {"said": f.said, "seen": f.seen} for f in outcome.failures]
    head = {"name": outcome.name, "ok": outcome.ok, "seconds": round(outcome.seconds, 3)}
    return head | _place(outcome.place) | {"failures": failures}


def _place(place: Place) -> dict[str, Any]:
    return {"file": place.file, "line": place.line, "column": place.column}
