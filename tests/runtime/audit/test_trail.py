"""The trail is written with the act, in one chain, and every kind of tampering is found where it was done."""

from __future__ import annotations

import threading
from typing import Any

import orjson
import pytest

from guanxi.runtime.access.actor import Actor
from guanxi.runtime.audit import ACTIONS, Audit, AuditQuery, Head, Place, find, head_of, lines, place, verify
from guanxi.runtime.storage.database import Handle, open_database
from tests.runtime.audit.conftest import SECRET

LI = Actor(id=7, name="li", channel="screen", address="10.1.1.1")


def forge(db: Handle, *statements: str) -> None:
    """What somebody with the rights of the database's owner does."""
    sqlite = db.engine == "sqlite"
    with db.write():
        if sqlite:
            db.execute("DROP TRIGGER gx_audit_no_update")
            db.execute("DROP TRIGGER gx_audit_no_delete")
        else:
            db.execute("ALTER TABLE gx_audit DISABLE TRIGGER ALL")
        for statement in statements:
            db.execute(statement)


def some(trail: Audit, count: int = 5) -> None:
    for number in range(count):
        trail.record("export", LI, object="customer", detail={"rows": number})


def kinds(db: Handle, **more: Any) -> list[tuple[str, int]]:
    return [(one.kind, one.number) for one in verify(db, SECRET, **more).breaks]


def test_what_is_written(trail: Audit) -> None:
    token = place.set(Place("192.0.2.9", "req1"))
    try:
        trail.record("reveal", LI, object="customer", record_id=3, detail={"field": "phone"}, reason="called back")
        trail.record("log_in_failed", outcome="refused")
    finally:
        place.reset(token)
    last, first = find(trail.db, AuditQuery())
    assert first.as_dict() | {"hash": ""} == {
        "number": 1,
        "at": "2026-03-01T08:00:00.000000Z",
        "actor_id": 7,
        "actor": "li",
        "channel": "screen",
        "action": "reveal",
        "object": "customer",
        "record_id": 3,
        "outcome": "ok",
        "reason": "called back",
        "address": "10.1.1.1",
        "request": "req1",
        "detail": {"field": "phone"},
        "hash": "",
    }
    assert (last.actor, last.actor_id, last.outcome, last.address) == ("nobody", None, "refused", "192.0.2.9")


def test_goes_with_the_transaction(trail: Audit) -> None:
    db: Any = trail.db
    with pytest.raises(ZeroDivisionError), db.write():
        trail.record("purge", LI)
        raise ZeroDivisionError
    with db.write():
        trail.record("purge", LI, record_id=1)
        with pytest.raises(ZeroDivisionError), db.savepoint():
            trail.record("purge", LI, record_id=2)
            raise ZeroDivisionError
        with db.write():
            trail.record("purge", LI, record_id=3)
        assert find(db, AuditQuery()) == []  # linked at the end, not before
    assert [e.record_id for e in find(db, AuditQuery())] == [3, 1]
    assert verify(db, SECRET).good


def test_a_failing_end_undoes_all(trail: Audit) -> None:
    db: Any = trail.db
    with pytest.raises(RuntimeError, match="head"), db.write():
        db.execute("INSERT INTO gx_counters (object, field, period, value) VALUES ('a', 'b', 'c', 1)")
        db.execute("DELETE FROM gx_audit_head")
        trail.record("purge", LI)
    assert db.rows("SELECT * FROM gx_counters") == []
    some(trail, 1)
    assert verify(db, SECRET).good


def test_the_tables_refuse(trail: Audit) -> None:
    some(trail)
    db: Any = trail.db
    for statement in ("UPDATE gx_audit SET reason = 'x'", "DELETE FROM gx_audit"):
        with pytest.raises(Exception, match=r"only added to|refused|constraint|failed"):
            db.execute(statement)
    if db.engine == "postgresql":
        with pytest.raises(Exception):  # noqa: B017
            db.execute("TRUNCATE gx_audit")
    assert len(find(db, AuditQuery())) == 5
    assert verify(db, SECRET).good


def test_unknown_acts_are_mistakes(trail: Audit) -> None:
    with pytest.raises(ValueError, match="catalogue"):
        trail.record("made_up", LI)
    assert all(said and not said.endswith(".") for said in ACTIONS.values())


def test_no_secrets_and_no_monsters(trail: Audit) -> None:
    trail.record(
        "token_issued",
        LI,
        detail={
            "token": "gx_abc",
            "mail": {"password": "p"},
            "name": "a\nb\x00\ud800" + "c" * 900,
            "big": ["x" * 400] * 99,
        },
        reason="line\r\nforged",
    )
    entry = find(trail.db, AuditQuery())[0]
    assert "gx_abc" not in entry.detail
    assert len(entry.detail) < 9_000
    assert entry.reason == "line  forged"
    trail.record("token_issued", LI, detail={"api_token": "gx_abc", "inner": {"smtp_password": "p4"}, "end": "2027"})
    assert orjson.loads(find(trail.db, AuditQuery())[0].detail) == {
        "api_token": "***",
        "inner": {"smtp_password": "***"},
        "end": "2027",
    }
    assert verify(trail.db, SECRET).good


def test_filters_and_pages(trail: Audit) -> None:
    for number in range(6):
        trail.record("export" if number % 2 else "import", LI, object="deal", record_id=number)
    trail.record("log_out", Actor(id=8, name="wang"))

    def numbers(**asked: Any) -> list[int]:
        return [e.number for e in find(trail.db, AuditQuery(**asked))]

    assert numbers(action="export") == [6, 4, 2]
    assert numbers(actor="wang") == numbers(actor_id=8) == [7]
    assert numbers(object="deal", record_id=3) == [4]
    assert numbers(limit=3) == [7, 6, 5]
    assert numbers(limit=3, before=5) == [4, 3, 2]
    assert numbers(since="2026-03-01T08:00:00.000001Z") == []
    assert len(numbers(until="2026-03-02")) == 7
    assert numbers(address="10.1.1.1", action="import") == [5, 3, 1]
    assert [orjson.loads(line)["number"] for line in lines(trail.db)] == list(range(1, 8))


def test_a_changed_row(trail: Audit) -> None:
    some(trail)
    forge(trail.db, "UPDATE gx_audit SET actor = 'marco' WHERE number = 3")  # type: ignore[arg-type]
    assert kinds(trail.db) == [("changed", 3)]  # type: ignore[arg-type]


@pytest.mark.parametrize("column", ["at", "reason", "address", "detail", "action", "channel", "hash"])
def test_every_column_counts(trail: Audit, column: str) -> None:
    some(trail, 2)
    forge(trail.db, f"UPDATE gx_audit SET {column} = 'x' WHERE number = 1")  # type: ignore[arg-type]
    assert kinds(trail.db)[0] == ("changed", 1)  # type: ignore[arg-type]


def test_deleted_rows(trail: Audit) -> None:
    some(trail)
    forge(trail.db, "DELETE FROM gx_audit WHERE number IN (2, 3)")  # type: ignore[arg-type]
    assert kinds(trail.db) == [("missing", 2)]  # type: ignore[arg-type]
    assert "2 to 3" in verify(trail.db, SECRET).breaks[0].message


def test_inserted_rows(trail: Audit) -> None:
    some(trail, 3)
    names = "at, actor, action, number, hash"
    db: Any = trail.db
    forge(
        db,
        f"INSERT INTO gx_audit ({names}) VALUES ('2026', 'x', 'export', 0, '')",
        f"INSERT INTO gx_audit ({names}) VALUES ('2026', 'x', 'export', 4, 'abc')",
    )
    assert kinds(db) == [("inserted", 4), ("changed", 4), ("inserted", 4)]


def test_a_cut_tail(trail: Audit) -> None:
    some(trail)
    forge(trail.db, "DELETE FROM gx_audit WHERE number > 3")  # type: ignore[arg-type]
    assert kinds(trail.db) == [("cut", 3)]  # type: ignore[arg-type]


def test_a_cut_tail_with_its_head(trail: Audit) -> None:
    """The head cannot be written without the secret; an old one that was kept fits only until a later one is known."""
    db: Any = trail.db
    some(trail, 3)
    old = head_of(db)
    some(trail, 2)
    new = head_of(db)
    assert verify(db, SECRET, known=old).good
    forge(db, "DELETE FROM gx_audit WHERE number > 3", f"UPDATE gx_audit_head SET entries = 3, hash = '{old.hash}'")
    assert kinds(db) == [("head", 3)]
    with db.write():
        db.execute(db.sql("UPDATE gx_audit_head SET seal = ?"), (old.seal,))
    assert kinds(db) == []
    assert kinds(db, known=new) == [("cut", 3)]


def test_a_head_of_another_instance(trail: Audit) -> None:
    some(trail, 3)
    mine = head_of(trail.db)
    assert kinds(trail.db, known=Head(2, mine.hash, mine.seal)) == [("head", 2)]  # type: ignore[arg-type]
    assert [b.kind for b in verify(trail.db, b"another secret").breaks][:2] == ["head", "changed"]
    assert Head.of_dict(mine.as_dict()) == mine
    with pytest.raises(ValueError, match="head"):
        Head.of_dict({"entries": "3"})


def test_from_a_later_start(trail: Audit) -> None:
    some(trail)
    verdict = verify(trail.db, SECRET, after=3)
    assert (verdict.entries, verdict.good) == (2, True)


def test_many_writers_make_one_chain(trail: Audit, database_url: str) -> None:
    """Eight connections, single acts and several in one transaction, some rolled back: no gap and no fork."""
    faults: list[BaseException] = []

    def work(writer: int) -> None:
        db = open_database(database_url)
        own = Audit(db, trail.clock, SECRET)
        actor = Actor(id=writer, name=f"w{writer}")
        try:
            for number in range(12):
                if number % 3 == 0:
                    own.record("export", actor, record_id=number)
                    continue
                try:
                    with db.write():
                        own.record("delete", actor, record_id=number)
                        own.record("purge", actor, record_id=number)
                        if number % 3 == 1:
                            raise ZeroDivisionError
                except ZeroDivisionError:
                    pass
        except BaseException as fault:
            faults.append(fault)
        finally:
            db.close()

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    verdict = verify(trail.db, SECRET)
    assert (verdict.entries, verdict.breaks) == (8 * (4 + 4 * 2), ())


def test_only_audited_acts_take_the_lock(trail: Audit, database_url: str) -> None:
    """While a transaction with an audited act is open, and even while the head is locked, other writes commit."""
    db: Any = trail.db
    if db.engine == "sqlite":
        pytest.skip("SQLite has one writer at a time, audited or not")
    with db.write():
        db.one("SELECT entries FROM gx_audit_head WHERE id = 1 FOR UPDATE")
        other = open_database(database_url)
        done = []

        def write() -> None:
            with other.write():
                other.execute("INSERT INTO gx_counters (object, field, period, value) VALUES ('a', 'b', 'c', 1)")
            done.append(True)
            other.close()

        thread = threading.Thread(target=write)
        thread.start()
        thread.join(5)
        assert done == [True]
