"""A plan as a value: the steps, what they would lose or break, and the state they were made for. It can be saved.

The fingerprint covers everything a reader of the plan relied on: the version and shape it starts from, the definitions
it leads to, the steps, and every finding with its count. Applying makes the plan afresh and refuses another one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import orjson

from .steps import Step, step_from_json

Severity = Literal["note", "break", "loss", "block"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What a plan means for data. `count` rows, `samples` their first ids, `consent` the word that accepts it.

    note: worth knowing. break: records stay as they are but no longer meet the definitions. loss: values leave the
    records. block: it cannot be applied. A loss or block with a consent may be accepted by `allow`.
    """

    code: str
    severity: Severity
    message: str
    object: str = ""
    field: str = ""
    count: int = 0
    samples: tuple[Any, ...] = ()
    consent: str = ""

    def open(self, allow: Iterable[str]) -> bool:
        """True when it keeps the plan from being applied."""
        return self.severity in ("loss", "block") and (not self.consent or self.consent not in set(allow))


@dataclass(frozen=True, slots=True)
class Plan:
    """See the module's text. `base` is the version it starts from (0: none yet), `changes` what `definitions` found."""

    base: int
    base_fingerprint: str
    target_fingerprint: str
    shape: str
    bundle: Mapping[str, Any]
    author: str
    steps: tuple[Step, ...]
    findings: tuple[Finding, ...]
    changes: tuple[Mapping[str, Any], ...] = ()
    moves: tuple[tuple[str, ...], ...] = ()
    allow: tuple[str, ...] = ()
    rollback_to: int | None = None
    note: str = ""
    made: str = field(default="", compare=False)

    @property
    def number(self) -> int:
        """The version that applying it publishes."""
        return self.base + 1

    @property
    def fingerprint(self) -> str:
        """What must still be true when it is applied."""
        relied = {
            "base": [self.base, self.base_fingerprint],
            "target": [self.target_fingerprint, self.shape],
            "steps": [s.to_json() for s in self.steps],
            "findings": [[f.code, f.object, f.field, f.count, f.consent] for f in self.findings],
            "rollback_to": self.rollback_to,
        }
        return hashlib.sha256(orjson.dumps(relied, option=orjson.OPT_SORT_KEYS)).hexdigest()

    def objections(self, allow: Iterable[str] = ()) -> tuple[Finding, ...]:
        """The findings that still keep it from being applied."""
        words = {*self.allow, *allow}
        return tuple(f for f in self.findings if f.open(words))

    @property
    def empty(self) -> bool:
        """True when nothing would change."""
        return not self.steps and self.base > 0 and self.base_fingerprint == self.target_fingerprint

    def to_json(self) -> str:
        """Text for a file."""
        data = {
            **{n: getattr(self, n) for n in _PLAIN},
            "steps": [s.to_json() for s in self.steps],
            "findings": [asdict(f) for f in self.findings],
            "fingerprint": self.fingerprint,
        }
        return orjson.dumps(data, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode()

    @classmethod
    def from_json(cls, text: str) -> Plan:
        """What `to_json` wrote; ValueError when it is not a plan, or was altered."""
        try:
            data = orjson.loads(text)
            plan = cls(
                steps=tuple(step_from_json(s) for s in data["steps"]),
                findings=tuple(Finding(**{**f, "samples": tuple(f["samples"])}) for f in data["findings"]),
                **{
                    **{n: data[n] for n in _PLAIN},
                    "changes": tuple(data["changes"]),
                    "moves": tuple(tuple(m) for m in data["moves"]),
                    "allow": tuple(data["allow"]),
                },
            )
        except (KeyError, TypeError, orjson.JSONDecodeError) as error:
            raise ValueError("this is not a saved plan") from error
        if plan.fingerprint != data.get("fingerprint"):
            raise ValueError("the saved plan was altered")
        return plan


_PLAIN = (
    "base", "base_fingerprint", "target_fingerprint", "shape", "bundle", "author", "changes", "moves", "allow",
    "rollback_to", "note", "made",
)  # fmt: skip
