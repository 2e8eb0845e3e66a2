"""Proving the trail: walk the chain from its start and say where it does not hold.

A changed row does not give its hash; a deleted one leaves a gap in the numbers; an inserted one does not follow from
the row before it; a tail that was cut ends before the head says. A head written without the secret has a wrong seal;
one that was put back with its rows to an earlier state is found by comparing with a head that was kept elsewhere.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ..ports import Database
from .entry import START, Entry, chain_key, link, seal
from .reading import ascending

MOST_BREAKS = 50


@dataclass(frozen=True, slots=True)
class Head:
    """How far the trail goes: keep it outside the instance, and a later verification proves that nothing was cut."""

    entries: int
    hash: str
    seal: str

    def as_dict(self) -> dict[str, Any]:
        """JSON form."""
        return asdict(self)

    @classmethod
    def of_dict(cls, value: Mapping[str, Any]) -> Head:
        """From the JSON form; ValueError when it is none."""
        entries, last, mark = value.get("entries"), value.get("hash"), value.get("seal")
        if not isinstance(entries, int) or not isinstance(last, str) or not isinstance(mark, str):
            raise ValueError("a head has entries, hash and seal")
        return cls(entries, last, mark)


@dataclass(frozen=True, slots=True)
class Break:
    """One place where the trail does not hold: `kind` is changed, missing, inserted, cut or head."""

    kind: str
    number: int
    message: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was looked at and what is wrong with it."""

    head: Head
    entries: int
    breaks: tuple[Break, ...]

    @property
    def good(self) -> bool:
        """Whether the trail holds."""
        return not self.breaks


def head_of(database: Database) -> Head:
    """The head as it stands now."""
    row = database.one("SELECT entries, hash, seal FROM gx_audit_head WHERE id = 1")
    return Head(int(row[0]), str(row[1]), str(row[2])) if row else Head(-1, "", "")


def verify(database: Database, secret: bytes, *, known: Head | None = None, after: int = 0) -> Verdict:
    """Walk the trail on one snapshot. `known` is a head that was kept elsewhere; `after` skips what is older."""
    key = chain_key(secret)
    with database.read():
        head = head_of(database)
        walk = _Walk(database, key, after)
        breaks = [*_head(key, head), *_strangers(database), *walk.breaks(), *_end(head, walk)]
        if known is not None:
            breaks += _known(key, known, walk, database)
    return Verdict(head, walk.seen, tuple(breaks[:MOST_BREAKS]))


class _Walk:
    """One pass over the entries."""

    def __init__(self, database: Database, key: bytes, after: int) -> None:
        self.database = database
        self.key = key
        self.seen = 0
        self.number = after
        self.last = _hash_at(database, after) if after else START

    def breaks(self) -> Iterator[Break]:
        """Where an entry does not follow from the one before it."""
        for entry in ascending(self.database, self.number):
            self.seen += 1
            if entry.number != self.number + 1:
                first, final = self.number + 1, entry.number - 1
                said = f"entry {first} is missing" if first == final else f"entries {first} to {final} are missing"
                yield Break("missing", first, said)
            elif not self._fits(entry):
                yield Break("changed", entry.number, f"entry {entry.number} was changed, or put in its place")
            self.number, self.last = entry.number, entry.hash

    def _fits(self, entry: Entry) -> bool:
        return hmac.compare_digest(link(self.key, self.last, entry.values()), entry.hash)


def _hash_at(database: Database, number: int) -> str:
    row = database.one(database.sql("SELECT hash FROM gx_audit WHERE number = ?"), (number,))
    return str(row[0]) if row else ""


def _head(key: bytes, head: Head) -> Iterator[Break]:
    fresh = (head.entries, head.hash, head.seal) == (0, "", "")
    if not fresh and not hmac.compare_digest(seal(key, head.entries, head.hash), head.seal):
        yield Break("head", max(head.entries, 0), "the head was written by somebody else, or the secret is another one")


def _strangers(database: Database) -> Iterator[Break]:
    """Rows without a number that came after the chain began."""
    rows = database.rows(
        "SELECT id FROM gx_audit WHERE number <= 0 AND id > (SELECT min(id) FROM gx_audit WHERE number > 0) ORDER BY id"
    )
    for row in rows:
        yield Break("inserted", int(row[0]), f"the row with id {row[0]} was put in beside the chain")


def _end(head: Head, walk: _Walk) -> Iterator[Break]:
    if walk.number < head.entries:
        lost = head.entries - walk.number
        yield Break("cut", walk.number, f"the last {lost} of {head.entries} entries are missing")
    elif walk.number > head.entries:
        said = f"{walk.number - head.entries} entries stand after the head, which ends at {head.entries}"
        yield Break("inserted", head.entries + 1, said)
    elif head.entries > 0 and walk.last != head.hash:
        yield Break("changed", head.entries, "the head does not agree with the last entry")


def _known(key: bytes, known: Head, walk: _Walk, database: Database) -> Iterator[Break]:
    if known.entries > 0 and not hmac.compare_digest(seal(key, known.entries, known.hash), known.seal):
        yield Break("head", known.entries, "the head given for comparison was not made by this instance")
    elif known.entries > walk.number:
        said = f"the trail had {known.entries} entries when the head was kept and has {walk.number} now"
        yield Break("cut", walk.number, said)
    elif known.entries > 0 and _hash_at(database, known.entries) != known.hash:
        yield Break("changed", known.entries, f"entry {known.entries} is not the one it was when the head was kept")
