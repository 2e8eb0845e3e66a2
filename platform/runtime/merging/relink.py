"""Pointing everything that refers to a loser at the master: every reference the registry knows, in live records and in
the trash, and the platform's own rows about a record.

Each move is a write of the record it changes, told to its watchers, and kept in the journal; history of the loser stays
with the loser. Records that go into the master themselves are left as they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from guanxi.common.errors import FieldError, Invalid
from guanxi.runtime.storage.faults import ConstraintViolation
from guanxi.runtime.storage.names import quoted

from ..records import store
from ..records.draft import same
from ..records.extensions import Change
from ..records.messages import fault, named
from ..records.plan import ObjectPlan
from .journal import CHILD, Journal, Moved

if TYPE_CHECKING:
    from ..records.room import Inbound
    from ..records.work import Work

MOST = 50_000
PART = 2_000


@dataclass(frozen=True, slots=True)
class Place:
    """A platform table with rows about records (`object`, `record_id`): `key` names a row, and no two rows of one
    record share `alike` (then the loser's row goes).
    """

    table: str
    key: str = "id"
    alike: str = ""


PLACES = (
    Place("gx_approvals"),
    Place("gx_posts"),
    Place("gx_messages"),
    Place("gx_message_records", "message_id", "message_id"),
    Place("gx_consents"),
    Place("gx_notifications"),
    Place("gx_shares", "id", "principal"),
)


def references(work: Work, plan: ObjectPlan, master: int, losers: Sequence[int], journal: Journal) -> None:
    """Move every reference to a loser; inside `write()`, with rules quiet and as the platform."""
    skipped = {master, *losers}
    for inbound in work.room.inbound[plan.name]:
        other = work.room.plan(inbound.object)
        for record_id in _referring(work, inbound, losers):
            if inbound.object == plan.name and record_id in skipped:
                continue
            child = store.load(work, other, record_id, lock=True)
            if child is None:
                continue
            name = inbound.field.name
            value = _turned(child[name], set(losers), master, links=inbound.field.links)
            if not same(value, child[name]):
                journal.note(Moved(CHILD, other.name, record_id, name, _json(child[name]), _json(value)))
                move(work, other, child, name, value)


def _referring(work: Work, inbound: Inbound, losers: Sequence[int]) -> list[int]:
    """Ids of the records that refer to a loser, in order, live or not."""
    found: set[int] = set()
    for loser in losers:
        sql = f'{work.room.referring[inbound.object, inbound.field.name]} ORDER BY "id" LIMIT {MOST + 1}'
        found.update(row[0] for row in work.db.rows(sql, (loser,)))
    if len(found) > MOST:
        raise Invalid([fault("", "reference", "too_many", work.language, most=MOST)])
    return sorted(found)


def _turned(value: Any, losers: set[int], master: int, *, links: bool) -> Any:
    if not links:
        return master if value in losers else value
    return tuple(dict.fromkeys(master if one in losers else one for one in value or ())) or None


def _json(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def move(work: Work, plan: ObjectPlan, old: dict[str, Any], name: str, value: Any, *, act: str = "merge") -> None:
    """Write one reference of a record that follows from a merge. Raises Invalid when a unique key stands against it."""
    new = {**old, name: value}
    change = Change(act, old, new, [name])
    watchers = work.before(plan, change)
    try:
        store.update(work, plan, old, new, [name])
    except ConstraintViolation as error:
        label = named(plan.object.label, plan.name, work.language)
        raise Invalid([fault("losers", "unique", "merge_child", work.language, object=label, id=old["id"])]) from error
    work.remember(plan.name, old["id"], new)
    changes = store.changes_of(plan, old, new, [name])
    store.trace(work, plan, act, new, changed=[name], changes=changes, told=False)
    work.after(plan, change, watchers)


# rows of the platform -----------------------------------------------------------------------------------
def platform_rows(work: Work, plan: ObjectPlan, master: int, losers: Sequence[int], journal: Journal) -> None:
    """Move what platform tables say about the losers; of two that say the same of one record, the stronger stays."""
    for place in PLACES:
        for loser in losers:
            _rows_of(work, plan, place, loser, master, journal=journal)


def _rows_of(work: Work, plan: ObjectPlan, place: Place, loser: int, master: int, *, journal: Journal) -> None:
    db, table, key = work.db, quoted(place.table), quoted(place.key)
    extra = f", {quoted(place.alike)}" if place.alike else ""
    about = "object = ? AND record_id = ?"
    found = db.rows(db.sql(f"SELECT {key}{extra} FROM {table} WHERE {about} ORDER BY {key}"), (plan.name, loser))  # noqa: S608
    for row in found:
        if place.alike:
            sql = f"SELECT {key} FROM {table} WHERE {about} AND {quoted(place.alike)} = ?"  # noqa: S608
            held = db.one(db.sql(sql), (plan.name, master, row[1]))
            if held is not None and not _give_way(
                work, plan, place, (held[0], master), (row[0], loser), journal=journal
            ):
                continue
        sql = f"UPDATE {table} SET record_id = ? WHERE {about} AND {key} = ?"  # noqa: S608
        db.execute(db.sql(sql), (master, plan.name, loser, row[0]))
        journal.note(Moved(place.table, plan.name, row[0], "record_id", loser, master))


def _give_way(
    work: Work, plan: ObjectPlan, place: Place, held: tuple[int, int], coming: tuple[int, int], *, journal: Journal
) -> bool:
    """Two rows that say the same: take one away; True when it was the one that stood there."""
    stronger = place.table == "gx_shares" and _strength(work, coming[0]) > _strength(work, held[0])
    key, record = held if stronger else coming
    journal.note(Moved(place.table, plan.name, key, "", take_out(work, place, plan.name, record, key), None))
    return stronger


def _strength(work: Work, share: int) -> tuple[bool, str]:
    row = work.db.one(work.db.sql("SELECT access, until FROM gx_shares WHERE id = ?"), (share,))
    return (row[0] == "edit", str(row[1])) if row is not None else (False, "")


def take_out(work: Work, place: Place, object_name: str, record: int, key: int) -> dict[str, Any]:
    """Remove a row; its columns and values, to be put back by `put_back`."""
    db, table = work.db, quoted(place.table)
    where = f"object = ? AND record_id = ? AND {quoted(place.key)} = ?"
    columns = columns_of(place)
    listed = ", ".join(quoted(name) for name in columns)
    row = db.rows(db.sql(f"SELECT {listed} FROM {table} WHERE {where}"), (object_name, record, key))[0]  # noqa: S608
    db.execute(db.sql(f"DELETE FROM {table} WHERE {where}"), (object_name, record, key))  # noqa: S608
    return dict(zip(columns, row, strict=True))


def columns_of(place: Place) -> tuple[str, ...]:
    """The columns of a table whose rows can give way."""
    if place.table == "gx_shares":
        return ("id", "object", "record_id", "principal", "access", "until", "by_id", "at", "reason")
    return ("message_id", "object", "record_id")


def put_back(work: Work, place: Place, moved: Moved) -> bool:
    """Undo what happened to one platform row; False when it is no longer as the merge left it."""
    db, table = work.db, quoted(place.table)
    if moved.field:
        sql = f"UPDATE {table} SET record_id = ? WHERE object = ? AND record_id = ? AND {quoted(place.key)} = ?"  # noqa: S608
        return bool(db.execute(db.sql(sql), (moved.before, moved.object, moved.after, moved.record)))
    if moved.before is None:
        sql = f"DELETE FROM {table} WHERE {quoted(place.key)} = ?"  # noqa: S608
        return bool(db.execute(db.sql(sql), (moved.record,)))
    values: Mapping[str, Any] = {**moved.before, "object": moved.object}
    listed, marks = ", ".join(quoted(name) for name in values), ", ".join("?" * len(values))
    sql = f"INSERT INTO {table} ({listed}) VALUES ({marks}) ON CONFLICT DO NOTHING"  # noqa: S608
    return bool(db.execute(db.sql(sql), tuple(values.values())))


def refusal(field: str, code: str, said: str) -> Invalid:
    """One fault as an error."""
    return Invalid([FieldError(field, code, said)])
