"""Records fall back: chunk by chunk, set by set, each chunk a transaction that leaves nothing half done.

A chunk locks records that nobody is writing now, asks every condition again under the lock (owner, last day, exemption,
approval), and then moves them with history, tenures and state in the same transaction. A record that has fallen leaves
the condition, so a run that was killed is simply run again. Objects that further rooms watch (automations on
`recycled`) go record by record through the record service.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import orjson

from guanxi.common.labels import Label
from guanxi.registry.pools import Pool, RecycleRule

from ..access.actor import SYSTEM
from ..approvals.locks import ApprovalWatcher
from ..jobs.bell import ring
from ..messages.room import messaging
from ..records.store import EVENTS, HISTORY_COLUMNS, load
from ..records.update import save
from ..records.work import Work
from ..storage.names import quoted
from .book import Book, book_of
from .claims import moving
from .dues import due, key_of, today
from .gate import Gate, Move
from .ledger import Ledger, State

if TYPE_CHECKING:
    from ..records.room import Room
    from ..services import Services

CHUNK = 5_000
ASKED = 900
ACTIVE = "('running', 'returned', 'suspended')"
FELL = Label.of({"en": "Records of yours went back to the pool: {count}", "zh": "您有 {count} 条记录已回落公海"})
SOON = Label.of({"en": "Records of yours soon go back to the pool: {count}", "zh": "您有 {count} 条记录即将回落公海"})


@dataclass(slots=True)
class Report:
    """What a run did: records that fell by rule, those no pool takes, warnings given, clocks set anew."""

    recycled: dict[str, int] = field(default_factory=dict)
    unrouted: list[tuple[str, int]] = field(default_factory=list)
    warned: int = 0
    rewound: int = 0

    def as_dict(self) -> dict[str, Any]:
        """For jobs and the command line."""
        return {
            "recycled": sum(self.recycled.values()),
            "rules": dict(self.recycled),
            "unrouted": [{"object": name, "id": number} for name, number in self.unrouted[:200]],
            "warned": self.warned,
            "rewound": self.rewound,
        }


def run(services: Services, *, dry_run: bool = False, chunk: int = CHUNK) -> Report:
    """Everything that is due now; with `dry_run` only the counts, nothing is changed."""
    room, report = services.records.room, Report()
    book = book_of(room)
    for name in sorted(book.by_object):
        if not dry_run:
            report.rewound += rewind(room, book, name)
        for pool in book.of(name):
            for rule in pool.recycle:
                _Rule(room, book, pool, rule, report, chunk=chunk, dry_run=dry_run).run()
                if not dry_run:
                    report.warned += warn(room, book, pool, rule)
    return report


class _Rule:
    """One rule's part of a run."""

    def __init__(
        self, room: Room, book: Book, pool: Pool, rule: RecycleRule, report: Report, *, chunk: int, dry_run: bool
    ) -> None:
        self.room, self.book, self.pool, self.rule, self.report = room, book, pool, rule, report
        self.db, self.chunk, self.dry_run = room.db, chunk, dry_run
        self.key = key_of(pool, rule)
        self.today = today(book, rule, room.clock.now()).isoformat()
        self.table = quoted(room.tables[pool.object].name)
        self.told: dict[int, int] = {}
        others = [w for w in room.watchers.get(pool.object, ()) if not isinstance(w, Gate | ApprovalWatcher)]
        self.single = bool(others)

    def run(self) -> None:
        """Chunk after chunk, past those that stay."""
        after: tuple[str, int] = ("", 0)
        while True:
            found = self.db.retry(lambda at=after: self._chunk(at))  # type: ignore[misc]
            if found is None:
                return
            after = found

    def _chunk(self, after: tuple[str, int]) -> tuple[str, int] | None:
        if self.dry_run:
            return self._dry(after)
        with self.db.write():
            picked = self._pick(after)
            if not picked:
                return None
            ids = self._lock([number for _, number in picked])
            targets = self._route(ids)
            if self.single:
                self._one_by_one(targets)
            else:
                self._move(targets)
        return picked[-1]

    def _dry(self, after: tuple[str, int]) -> tuple[str, int] | None:
        picked = self._pick(after)
        ids = [number for _, number in picked]
        self._count(len(self._route(self._still(ids))))
        return picked[-1] if picked else None

    # which ------------------------------------------------------------------------------------------
    def _pick(self, after: tuple[str, int]) -> list[tuple[str, int]]:
        sql = (
            "SELECT due_on, record_id FROM gx_ownership WHERE object = ? AND due_rule = ? AND due_on < ?"
            " AND (due_on > ? OR (due_on = ? AND record_id > ?)) ORDER BY due_on, record_id LIMIT ?"
        )
        asked = (self.pool.object, self.key, self.today, after[0], after[0], after[1], self.chunk)
        return [(str(day), int(number)) for day, number in self.db.rows(self.db.sql(sql), asked)]

    def _lock(self, ids: list[int]) -> list[int]:
        """Those nobody is writing now, whose conditions still hold under the lock."""
        if self.db.engine == "postgresql":
            free: list[int] = []
            for part in parts(ids):
                sql = f'SELECT "id" FROM {self.table} WHERE "id" = ANY(%s) ORDER BY "id" FOR UPDATE SKIP LOCKED'  # noqa: S608
                free += [int(row[0]) for row in self.db.rows(sql, (part,))]
            ids = []
            for part in parts(free):
                sql = (
                    "SELECT record_id FROM gx_ownership WHERE object = %s AND record_id = ANY(%s)"
                    " AND due_rule = %s AND due_on < %s ORDER BY record_id FOR UPDATE SKIP LOCKED"
                )
                rows = self.db.rows(sql, (self.pool.object, part, self.key, self.today))
                ids += [int(row[0]) for row in rows]
        return self._still(ids)

    def _still(self, ids: Iterable[int]) -> list[int]:
        """Those that are owned, live, in no approval, and held by the rule's conditions."""
        wanted, kept = list(ids), set()
        for part in parts(wanted):
            listed = ", ".join(str(int(one)) for one in part)
            inside = (
                f't."id" IN ({listed}) AND t."owner" IS NOT NULL AND NOT EXISTS (SELECT 1 FROM gx_approvals a'  # noqa: S608
                f" WHERE a.object = '{self.pool.object}' AND a.record_id = t.\"id\" AND a.state IN {ACTIVE})"
            )
            found = self._matching(self.rule.when, inside)
            if self.rule.exempt is not None:
                found -= self._matching(self.rule.exempt, inside)
            kept |= found
        return [one for one in wanted if one in kept]

    def _matching(self, condition: Any, inside: str) -> set[int]:
        sql, params = self.book.matching(self.pool.object, condition, inside)
        return {int(row[0]) for row in self.book.rows(sql, params)}

    # where ------------------------------------------------------------------------------------------
    def _route(self, ids: Sequence[int]) -> dict[int, Pool]:
        """Record → the pool it falls into: the rule's own, else the first that holds it. The others stay."""
        named = self.book.pools.get(self.rule.to)
        if named is not None and named.active:
            return dict.fromkeys(ids, named)
        left = list(ids)
        found: dict[int, Pool] = {}
        for pool in self.book.of(self.pool.object):
            taken: set[int] = set()
            for part in parts(left):
                listed = ", ".join(str(int(one)) for one in part)
                taken |= self._matching(pool.holds, f't."id" IN ({listed})')
            found.update((one, pool) for one in left if one in taken)
            left = [one for one in left if one not in taken]
            if not left:
                break
        self.report.unrouted += [(self.pool.object, one) for one in left]
        return found

    # move -------------------------------------------------------------------------------------------
    def _count(self, many: int) -> None:
        if many:
            self.report.recycled[self.key] = self.report.recycled.get(self.key, 0) + many

    def _one_by_one(self, targets: Mapping[int, Pool]) -> None:
        work = Work(self.room, SYSTEM)
        plan = self.room.plan(self.pool.object)
        for number, pool in targets.items():
            row = load(work, plan, number, lock=True)
            if row is None or row["owner"] is None:
                continue
            new = {**row, "owner": None, "team": None, "pool": pool.name}
            changed = [name for name in ("owner", "team", "pool") if new[name] != row[name]]
            note: dict[str, Any] = {name: {"from": row[name], "to": new[name]} for name in changed}
            note["owner"]["reason"] = self.key
            with moving(work, Move("recycle", self.key, pool=pool.name)):
                save(work, plan, row, new, changed, rights=work.write_rights(plan.name), action="recycle", note=note)
            self.told[row["owner"]] = self.told.get(row["owner"], 0) + 1
            self._count(1)
        self._tell(work)

    def _move(self, targets: Mapping[int, Pool]) -> None:
        work = Work(self.room, SYSTEM)
        for pool in dict.fromkeys(targets.values()):
            ids = sorted(number for number, target in targets.items() if target.name == pool.name)
            for part in parts(ids):
                self._move_part(work, pool, part)
        if targets:
            self._tell(work)

    def _move_part(self, work: Work, pool: Pool, ids: list[int]) -> None:
        name = self.pool.object
        owners = self._owners(ids)
        marks = ", ".join("?" * len(ids))
        stamp = work.now if self.db.engine == "postgresql" else work.stamp
        sql = (
            f'UPDATE {self.table} SET "owner" = NULL, "team" = NULL, "pool" = ?, "version" = "version" + 1,'  # noqa: S608
            f' "updated_at" = ?, "updated_by" = NULL WHERE "id" IN ({marks}) AND "owner" IS NOT NULL'
            ' RETURNING "id", "version"'
        )
        moved = self.db.returning(self.db.sql(sql), (pool.name, stamp, *ids))
        numbers = [int(row[0]) for row in moved]
        if not numbers:
            return
        marks = ", ".join("?" * len(numbers))
        state = (
            "UPDATE gx_ownership SET prev_owner = owner, owner = NULL, pool = ?, owned_since = NULL, "  # noqa: S608
            " clock_since = NULL, owner_source = '', origin = '', pool_entered_at = ?, pool_reason = ?,"
            " protected_until = NULL, manual_until = NULL, notice_until = NULL, due_on = NULL,"
            " due_rule = NULL, tenure_id = NULL"
            f" WHERE object = ? AND record_id IN ({marks})"
        )
        self.db.execute(self.db.sql(state), (pool.name, work.stamp, self.key, name, *numbers))
        tenure = (
            "UPDATE gx_tenures SET to_at = ?, end_reason = 'recycled', note = ?"  # noqa: S608
            f" WHERE object = ? AND to_at IS NULL AND record_id IN ({marks})"
        )
        self.db.execute(self.db.sql(tenure), (work.stamp, self.key, name, *numbers))
        shares = f"DELETE FROM gx_shares WHERE object = ? AND record_id IN ({marks})"  # noqa: S608
        self.db.execute(self.db.sql(shares), (name, *numbers))
        self._traces(work, pool, [(int(number), int(version)) for number, version in moved], owners)
        for number in numbers:
            self.told[owners[number]] = self.told.get(owners[number], 0) + 1
        self._count(len(numbers))

    def _owners(self, ids: Sequence[int]) -> dict[int, int]:
        marks = ", ".join("?" * len(ids))
        sql = f'SELECT "id", "owner" FROM {self.table} WHERE "id" IN ({marks})'  # noqa: S608
        return {int(number): int(owner) for number, owner in self.db.rows(self.db.sql(sql), ids) if owner is not None}

    def _traces(self, work: Work, pool: Pool, moved: Sequence[tuple[int, int]], owners: Mapping[int, int]) -> None:
        name, stamp = self.pool.object, work.stamp

        def changes(number: int) -> str:
            owner = {"from": owners[number], "to": None, "reason": self.key}
            return orjson.dumps({"owner": owner, "pool": {"from": None, "to": pool.name}}).decode()

        history = [(name, n, v, stamp, None, "recycle", "system", changes(n)) for n, v in moved]
        self.db.insert_many("gx_history", HISTORY_COLUMNS, history)
        if name not in self.room.listened:
            return
        payloads = [
            orjson.dumps({"action": "recycle", "version": v, "by": None, "changed": ["owner", "team", "pool"]}).decode()
            for _, v in moved
        ]
        rows = [
            (stamp, "record.updated", name, n, payload, f"{name}-{n}-{v}-recycle", stamp)
            for (n, v), payload in zip(moved, payloads, strict=True)
        ]
        self.db.insert_many("gx_outbox", ("at", "kind", "object", "record_id", "payload", "key", "due_at"), rows)
        ring(self.db, EVENTS)

    def _tell(self, work: Work) -> None:
        """One notice per owner and day, whatever the number of chunks."""
        for owner, count in sorted(self.told.items()):
            _notice(work, owner, FELL, count, f"recycle:{self.pool.object}:{self.today}")


def _notice(work: Work, owner: int, said: Label, count: int, group: str) -> None:
    texts = {language: text.format(count=count) for language, text in said.texts}
    messaging(work.room).notifications.send([owner], "pool", texts, work=work, group=group)


def parts(ids: Sequence[int]) -> Iterable[list[int]]:
    """Ids in pieces that a statement takes."""
    for start in range(0, len(ids), ASKED):
        yield list(ids[start : start + ASKED])


# warnings -------------------------------------------------------------------------------------------------------
def warn(room: Room, book: Book, pool: Pool, rule: RecycleRule) -> int:
    """Tell owners what leaves them soon: once per record, tenure, last day and offset; one notice per owner."""
    if not rule.warn_days:
        return 0
    now = room.clock.now()
    day = today(book, rule, now)
    with room.db.write():
        work = Work(room, SYSTEM)
        found: dict[int, set[int]] = {}
        first = day
        for days in sorted(rule.warn_days):
            last = day + timedelta(days=days)
            for owner, number in _warned(work, pool, rule, days, first.isoformat(), last.isoformat()):
                found.setdefault(owner, set()).add(number)
            first = last + timedelta(days=1)
        exempt = _exempt(book, pool, rule, {one for ids in found.values() for one in ids})
        total = 0
        for owner, ids in sorted(found.items()):
            if ids - exempt:
                total += len(ids - exempt)
                _notice(work, owner, SOON, len(ids - exempt), f"pool-warning:{pool.object}:{day}")
    return total


def _warned(  # noqa: PLR0917
    work: Work, pool: Pool, rule: RecycleRule, days: int, first: str, last: str
) -> list[tuple[int, int]]:
    sql = (
        "SELECT record_id, owner, tenure_id, due_on FROM gx_ownership WHERE object = ? AND due_rule = ?"
        " AND due_on >= ? AND due_on <= ? AND owner IS NOT NULL AND tenure_id IS NOT NULL ORDER BY record_id"
    )
    insert = (
        "INSERT INTO gx_pool_warnings (object, record_id, tenure_id, due_on, days, at) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING"
    )
    told = []
    for number, owner, tenure, due_on in work.db.rows(work.db.sql(sql), (pool.object, key_of(pool, rule), first, last)):
        if work.db.execute(work.db.sql(insert), (pool.object, number, tenure, due_on, days, work.stamp)):
            told.append((int(owner), int(number)))
    return told


def _exempt(book: Book, pool: Pool, rule: RecycleRule, ids: set[int]) -> set[int]:
    if rule.exempt is None or not ids:
        return set()
    found: set[int] = set()
    for part in parts(sorted(ids)):
        sql, params = book.matching(pool.object, rule.exempt, f't."id" IN ({", ".join(map(str, part))})')
        found |= {int(row[0]) for row in book.rows(sql, params)}
    return found


# clocks set anew --------------------------------------------------------------------------------------------------
def rewind(room: Room, book: Book, object_name: str) -> int:
    """Work out every last day again when the rules or calendars changed, and begin with records that were there before
    the pools. What becomes due by that keeps at least `min_notice_days`. Returns how many records were looked at.
    """
    mark = mark_of(book, object_name)
    db = room.db
    known = db.one(db.sql("SELECT mark FROM gx_pool_rules WHERE object = ?"), (object_name,))
    if known is not None and known[0] == mark:
        return 0
    last, looked = 0, 0
    table = quoted(room.tables[object_name].name)
    sql = (
        f'SELECT "id" FROM {table} WHERE "id" > ? AND "owner" IS NOT NULL AND "deleted_at" IS NULL'  # noqa: S608
        ' ORDER BY "id" LIMIT ?'
    )
    while True:
        ids = [int(row[0]) for row in db.rows(db.sql(sql), (last, ASKED))]
        if not ids:
            break
        db.retry(lambda some=ids: _rewind_part(room, book, object_name, some))  # type: ignore[misc]
        last, looked = ids[-1], looked + len(ids)
    with db.write():
        put = (
            "INSERT INTO gx_pool_rules (object, mark, at) VALUES (?, ?, ?)"
            " ON CONFLICT (object) DO UPDATE SET mark = excluded.mark, at = excluded.at"
        )
        db.execute(db.sql(put), (object_name, mark, Work(room, SYSTEM).stamp))
    return looked


def _rewind_part(room: Room, book: Book, object_name: str, ids: Sequence[int]) -> None:
    work = Work(room, SYSTEM)
    ledger = Ledger(room.db)
    with room.db.write():
        for number in ids:
            row = load(work, room.plan(object_name), number, lock=True)
            if row is None or row["owner"] is None:
                continue
            state = ledger.state(object_name, number)
            fresh = state is None
            if state is None:
                state = _begun(ledger, object_name, row)
            before = state.due_on
            state.notice_until = None
            state.due_on, state.due_rule = due(work, book, object_name, row, state)
            _give_notice(work, book, object_name, row, state, before, known=not fresh)
            ledger.put(object_name, number, state)


def _begun(ledger: Ledger, object_name: str, row: Mapping[str, Any]) -> State:
    """The state of a record that had its owner before there were pools: since it was made, as far as is known."""
    from ..storage.rows import instant_text

    since = instant_text(row["created_at"])
    state = State(owner=row["owner"], owned_since=since, clock_since=since, owner_source="before")
    state.tenure_id = ledger.begin(object_name, row["id"], row["owner"], since, "before", None)
    return state


def _give_notice(  # noqa: PLR0917
    work: Work, book: Book, object_name: str, row: Mapping[str, Any], state: State, before: str | None, *, known: bool
) -> None:
    """A last day that a change of rules brought nearer is not nearer than the notice."""
    pool = book.holder(work, object_name, row)
    if state.due_on is None or pool is None or (known and before is not None and before <= state.due_on):
        return
    local = work.now.astimezone(work.room.zone).date()
    soonest = (local + timedelta(days=pool.min_notice_days)).isoformat()
    if state.due_on < soonest and (before is None or before >= local.isoformat()):
        state.notice_until = state.due_on = soonest


def mark_of(book: Book, object_name: str) -> str:
    """A text that moves when a rule or calendar of the object's pools does."""
    found = []
    for pool in book.of(object_name):
        rules = [
            (r.name, r.days, r.working, r.calendar, r.fields, r.follow_ups, _source(r.when), pool.priority)
            for r in pool.recycle
        ]
        follow = pool.follow_up
        said = (follow.list, follow.at, _source(follow.when)) if follow is not None else None
        calendars = [repr(book.room.registry.calendars.get(r.calendar)) for r in pool.recycle if r.calendar]
        found.append((pool.name, _source(pool.holds), rules, said, calendars))
    import hashlib

    return hashlib.sha256(repr(found).encode()).hexdigest()


def _source(expression: Any) -> str:
    return expression.source if expression is not None else ""
