"""Published versions: their list, their sources, what lies between two of them, what they set aside."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import orjson

from guanxi.common.errors import NotFound
from guanxi.runtime.storage.database import Handle
from guanxi.runtime.storage.names import object_table, quoted

from .moves import Moves
from .shapes import Shape

if TYPE_CHECKING:
    from .value_rules import Kept


@dataclass(frozen=True, slots=True)
class Version:
    """One published version; `at` is an instant as text, `allowed` the losses that were accepted."""

    number: int
    at: str
    author: str
    note: str
    fingerprint: str
    allowed: tuple[str, ...]
    rollback_of: int | None
    current: bool

    def as_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {**asdict(self), "allowed": list(self.allowed)}


class History:
    """Reads the version tables; purges what was set aside."""

    def __init__(self, db: Handle) -> None:
        self.db = db
        self._shape: tuple[str, Shape] = ("", Shape())

    def current(self) -> tuple[int, str] | None:
        """(number, fingerprint) of the published version; None before the first. One row by its key."""
        row = self.db.one("SELECT version, fingerprint FROM gx_current WHERE id = 1")
        return (row[0], row[1]) if row else None

    def shape(self) -> Shape:
        """What the tables were made like; empty before the first version."""
        row = self.db.one("SELECT shape FROM gx_current WHERE id = 1")
        known = self._shape
        if row and row[0] != known[0]:
            known = self._shape = (row[0], Shape.from_json(row[0]))
        return known[1] if row else Shape()

    def versions(self) -> list[Version]:
        """All versions, newest first."""
        now = self.current()
        rows = self.db.rows(
            "SELECT number, at, author, note, fingerprint, allowed, rollback_of FROM gx_versions ORDER BY number DESC"
        )
        return [
            Version(r[0], r[1], r[2], r[3], r[4], tuple(orjson.loads(r[5])), r[6], bool(now and now[0] == r[0]))
            for r in rows
        ]

    def bundle_of(self, number: int) -> Mapping[str, Any]:
        """The sources of a version; NotFound when there is none of this number."""
        bundle: Mapping[str, Any] = orjson.loads(self.sources_of(number))
        return bundle

    def sources_of(self, number: int) -> str:
        """The sources of a version as the text they are stored as; NotFound when there is none of this number."""
        return self._column("bundle", number)

    def plan_of(self, number: int) -> Mapping[str, Any]:
        """What was done to publish a version: steps, findings, definitions, moves."""
        plan: Mapping[str, Any] = orjson.loads(self._column("plan", number))
        return plan

    def moves_since(self, number: int) -> list[Moves]:
        """The renames of every version after `number`, in order."""
        rows = self.db.rows(self.db.sql("SELECT plan FROM gx_versions WHERE number > ? ORDER BY number"), (number,))
        return [Moves.from_list(orjson.loads(r[0])["moves"]) for r in rows]

    def diff(self, first: int, second: int) -> str:
        """The sources of two versions as a unified diff."""
        old, new = _texts(self.bundle_of(first)), _texts(self.bundle_of(second))
        lines: list[str] = []
        for path in sorted({*old, *new}):
            before, after = old.get(path, "").splitlines(), new.get(path, "").splitlines()
            lines += difflib.unified_diff(before, after, f"{path} ({first})", f"{path} ({second})", lineterm="")
        return "\n".join(lines) + ("\n" if lines else "")

    def kept(self, after: int = 0, moves: Moves | None = None) -> list[Kept]:
        """What versions after `after` set aside, oldest first, by the names that `moves` leads to."""
        from .value_rules import Kept  # the room of planning, which a server does not need

        rows = self.db.rows(
            self.db.sql(
                "SELECT object, field, version, at, place, name, shape FROM gx_kept "
                "WHERE version > ? ORDER BY version, id"
            ),
            (after,),
        )
        found = []
        for obj, field, *rest in rows:
            path = (moves or Moves()).follow((obj, field) if field else (obj,))
            found.append(Kept(path[0], path[1] if field else "", *rest))
        return found

    def purge(self, until: int, *, after: int = 0) -> list[str]:
        """Drop for good what versions later than `after` up to `until` set aside; the names that went."""
        with self.db.timeout(None), self.db.write(), self.db.unprepared():
            gone = [k for k in self.kept() if after < k.version <= until]
            for kept in gone:
                if kept.place == "table":
                    self.db.execute(f"DROP TABLE {quoted(kept.name)}")
                else:
                    table = quoted(object_table(kept.object))
                    self.db.execute(f"ALTER TABLE {table} DROP COLUMN {quoted(kept.name)}")
                self.db.execute(
                    self.db.sql("DELETE FROM gx_kept WHERE name = ? AND object = ?"), (kept.name, kept.object)
                )
        return [k.name for k in gone]

    def _column(self, column: str, number: int) -> str:
        row = self.db.one(
            self.db.sql(f"SELECT {column} FROM gx_versions WHERE number = ?"),  # noqa: S608 (two fixed words)
            (number,),
        )
        if row is None:
            raise NotFound(f"There is no version {number}.")
        return str(row[0])


def sources_text(bundle: Mapping[str, Any]) -> str:
    """The text as which a version's sources are stored."""
    return orjson.dumps(bundle).decode()


def _texts(bundle: Mapping[str, Any]) -> dict[str, str]:
    """Path → text of a bundle, however deep it is nested."""
    found: dict[str, str] = {}
    for key, value in bundle.items():
        if isinstance(value, Mapping):
            found |= {f"{key}/{k}": v for k, v in _texts(value).items()}
        else:
            found[str(key)] = value if isinstance(value, str) else orjson.dumps(value).decode()
    return found
