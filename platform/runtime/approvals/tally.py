"""How the votes of one activation add up. Whole numbers only, no rounding anywhere.

A is the weight that agreed, R the weight against, O what may still come (open, waiting, held); W = A + R + O. Tasks
that were skipped, cancelled or abstained do not count. `nobody` is no result: the empty policy decides then.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from guanxi.registry.approvals import Signing

Vote = Literal["approve", "reject", "open", "none"]
Result = Literal["pass", "reject", "wait", "nobody"]


@dataclass(frozen=True, slots=True)
class Ballot:
    """One counted task: how it stands and what it weighs. `none` is out of the count."""

    vote: Vote
    weight: int = 1


def tally(signing: Signing, ballots: Iterable[Ballot]) -> Result:
    """The result of an activation's ballots under its signing rule."""
    agreed = against = pending = 0
    for ballot in ballots:
        if ballot.vote == "approve":
            agreed += ballot.weight
        elif ballot.vote == "reject":
            against += ballot.weight
        elif ballot.vote == "open":
            pending += ballot.weight
    if agreed + against + pending == 0:
        return "nobody"
    if signing.mode == "any":
        return _any(signing, agreed, against, pending)
    if signing.mode in ("all", "in_order"):
        return _all(signing, against, pending)
    if pending and not signing.close_early:
        return "wait"
    if signing.mode == "percent":
        return _percent(signing, agreed, against, pending)
    return _count(signing, agreed, against, pending)


def _any(signing: Signing, agreed: int, against: int, pending: int) -> Result:
    """The first decision counts; with `reject: all` a refusal only when nobody is left to agree."""
    if agreed:
        return "pass"
    if against and not (signing.after_all and pending):
        return "reject"
    return "wait"


def _all(signing: Signing, against: int, pending: int) -> Result:
    if against and not (signing.after_all and pending):
        return "reject"
    return "wait" if pending else "pass"


def _percent(signing: Signing, agreed: int, against: int, pending: int) -> Result:
    """100·A ≥ T·W passes, 100·(A+O) < T·W cannot pass any more; strict turns ≥ into > and < into ≤."""
    needed = signing.percent * (agreed + against + pending)
    have, possible = 100 * agreed, 100 * (agreed + pending)
    if have > needed or (have == needed and not signing.strict):
        return "pass"
    if possible < needed or (possible == needed and signing.strict):
        return "reject"
    return "wait"


def _count(signing: Signing, agreed: int, against: int, pending: int) -> Result:
    """`count` that agree pass, `against` refuse; each is decided as soon as the other cannot come about any more."""
    if signing.count and agreed >= signing.count:
        return "pass"
    if signing.against and against >= signing.against:
        return "reject"
    if signing.count and agreed + pending < signing.count:
        return "reject"
    if signing.against and not signing.count and against + pending < signing.against:
        return "pass"
    return "wait"
