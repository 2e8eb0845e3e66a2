"""Falling back: the day it happens, what keeps a record, who is told, and that a run can be done again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from guanxi.runtime.access.actor import SYSTEM
from guanxi.runtime.pools import recycle
from guanxi.runtime.storage.database import Handle
from tests.support.pools import Shop, north, shop

RULES = """
follow_up: {when: 'type in ["call", "visit"] and length(note) >= 3', at: done_at}
recycle:
  silent:
    clock: {from: [follow_up], after: {days: 7}}
    exempt: stage == "won"
    warn_days: [3, 1]
    reason: {en: No follow-up, zh: 超期未跟进}
  no_deal: {clock: {from: [last_deal_at], after: {days: 30}}}
"""


@pytest.fixture
def office(database: Handle) -> Shop:
    return shop(database, north(RULES))


def run(office: Shop, **more: Any) -> dict[str, Any]:
    return recycle.run(office.services, **more).as_dict()


def call(office: Shop, number: int, at: datetime, **more: Any) -> int:
    values = {"customer": number, "note": "talked", "done_at": at.isoformat(), **more}
    return int(office.records.create(SYSTEM, "activity", values).id)


def test_owner_keeps_the_whole_last_day(office: Shop) -> None:
    number = office.customer("ann")  # 1 March
    assert office.due(number) == "2026-03-08"
    office.wait(days=7)
    assert run(office)["recycled"] == 0  # 8 March
    office.wait(days=1)
    assert run(office, dry_run=True)["rules"] == {"north/silent": 1}
    assert office.owner(number) == "ann"
    assert run(office)["rules"] == {"north/silent": 1}
    row = office.read(number)
    assert (row["owner"], row["team"], row["pool"]) == (None, None, "north")
    assert office.rows("SELECT end_reason, to_at IS NULL FROM gx_tenures") == [("recycled", False)]
    assert office.records.history(SYSTEM, "customer", number).data[0]["action"] == "recycle"
    assert run(office)["recycled"] == 0
    assert office.rows("SELECT count(*) FROM gx_history WHERE action = 'recycle'") == [(1,)]


def test_follow_up_moves_the_day_and_its_deletion_restores_it(office: Shop) -> None:
    number = office.customer("ann")
    office.wait(days=5)
    first = call(office, number, datetime(2026, 3, 6, 8, tzinfo=UTC))
    assert office.due(number) == "2026-03-13"
    call(office, number, datetime(2026, 3, 6, 8, tzinfo=UTC), type="memo")
    call(office, number, datetime(2026, 3, 6, 8, tzinfo=UTC), note="x")
    office.records.delete(SYSTEM, "activity", first)
    assert office.due(number) == "2026-03-08"  # memos and short notes do not count
    ahead = call(office, number, datetime(2027, 3, 6, 8, tzinfo=UTC))
    assert office.due(number) == "2026-03-13"  # what lies ahead counts as now
    office.records.update(SYSTEM, "activity", ahead, {"type": "memo"})
    assert office.due(number) == "2026-03-08"
    office.records.update(office.ann, "customer", number, {"name": "E", "revenue": 9})
    assert office.due(number) == "2026-03-08"  # an edit is no follow-up


def test_any_rule_counts(office: Shop) -> None:
    number = office.customer("ann")
    office.wait(days=30)
    call(office, number, datetime(2026, 3, 31, 7, tzinfo=UTC))
    assert run(office)["recycled"] == 0
    office.wait(days=1)
    assert run(office)["rules"] == {"north/no_deal": 1}


def test_exempt_protected_and_in_approval(office: Shop) -> None:
    won, shown = office.customer("ann"), office.services.pools
    office.records.act(office.ann, "customer", won, "move_stage", {"to": "won"})
    office.wait(days=20)
    assert run(office)["recycled"] == 0
    assert shown.ownership(office.ann, "customer", won)["exempt"] is True


def test_protection_starts_the_clock_at_its_end(database: Handle) -> None:
    office = shop(database, north(RULES + "protect: {after_claim_days: 10, manual: {most: 1, days: 20}}\n"))
    number = office.customer()
    office.act("ann", number, "claim")
    assert office.due(number) == "2026-03-18"
    other = office.customer("ann")
    assert office.due(other) == "2026-03-08"
    office.act("ann", other, "protect", days=20)
    assert office.due(other) == "2026-03-28"
    assert office.refused("ann", number, "protect", days=5) == "quota"
    assert office.refused("ann", other, "protect", days=21) == "range"
    assert office.refused("bob", other, "unprotect") == "not_found"
    office.act("ann", other, "unprotect")
    assert office.due(other) == "2026-03-08"


def test_routing_to_priority_and_nowhere(database: Handle) -> None:
    more = '---\nkind: pool\nname: south\nobject: customer\nholds: region != "west"\npriority: 1\n'
    office = shop(database, north(RULES) + more)
    one, other = office.customer("ann"), office.customer("ann")
    office.records.update(SYSTEM, "customer", other, {"region": "west"})
    assert office.due(other) is None  # belongs to no pool, so no clock runs
    office.wait(days=9)
    run(office)
    assert office.read(one)["pool"] == "north"
    assert office.owner(other) == "ann"


def test_warnings_once_each_and_one_notice_per_owner(office: Shop) -> None:
    numbers = [office.customer("ann") for _ in range(3)]
    office.wait(days=4)
    assert run(office)["warned"] == 3
    assert run(office)["warned"] == 0
    kept = office.rows("SELECT user_id, kind FROM gx_notifications WHERE kind = 'pool'")
    assert kept == [(office.id("ann"), "pool")]
    call(office, numbers[0], datetime(2026, 3, 5, 7, tzinfo=UTC))
    office.wait(days=2)
    assert run(office)["warned"] == 2  # one day before the last
    office.wait(days=3)
    assert run(office)["warned"] == 1  # armed again by the follow-up
    assert office.rows("SELECT count(*) FROM gx_pool_warnings") == [(6,)]


def test_leaves_you_in_days(office: Shop) -> None:
    number = office.customer("ann")
    office.wait(days=5)
    shown = office.services.pools.ownership(office.ann, "customer", number)
    assert (shown["leaves_on"], shown["leaves_in_days"], shown["leaves_reason"]) == ("2026-03-08", 2, "No follow-up")


def test_working_days_of_a_calendar(database: Handle) -> None:
    calendar = "---\nkind: calendar\nname: office\ntimezone: Asia/Shanghai\nhours: {mon-fri: ['09:00-18:00']}\n"
    rule = "recycle: {s: {clock: {from: [last_deal_at], after: {working_days: 5}, calendar: office}}}\n"
    office = shop(database, north(rule) + calendar)
    assert office.due(office.customer("ann")) == "2026-03-06"  # from Sunday on: Monday to Friday


def test_chunks_and_a_run_that_was_killed(office: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"name": f"c{n}", "owner": office.id("ann" if n % 2 else "bob")} for n in range(53)]
    assert not office.records.bulk_create(office.root, "customer", rows).errors
    office.wait(days=9)
    told, calls = recycle._Rule._tell, [0]

    def fails(self: Any, work: Any) -> None:
        calls[0] += 1
        if calls[0] == 3:
            raise RuntimeError("killed")
        told(self, work)

    monkeypatch.setattr(recycle._Rule, "_tell", fails)
    with pytest.raises(RuntimeError):
        run(office, chunk=10)
    assert office.rows("SELECT count(*) FROM gx_history WHERE action = 'recycle'") == [(20,)]
    assert run(office, chunk=10)["recycled"] == 33
    assert office.rows("SELECT count(*), count(DISTINCT record_id) FROM gx_history WHERE action = 'recycle'") == [
        (53, 53)
    ]
    assert office.rows("SELECT count(*) FROM gx_tenures WHERE to_at IS NULL") == [(0,)]
    notices = office.rows("SELECT user_id, count(*) FROM gx_notifications WHERE kind = 'pool' GROUP BY user_id")
    assert sorted(count for _, count in notices) == [1, 1]


def test_automation_hears_of_recycled_records(database: Handle) -> None:
    rule = "---\nkind: automation\nname: heard\nobject: customer\non: [recycled]\ndo: [{set: {language: '\"x\"'}}]\n"
    office = shop(database, north(RULES) + rule)
    number = office.customer("ann")
    office.wait(days=9)
    assert run(office)["recycled"] == 1
    assert office.read(number)["language"] == "x"


def test_records_from_before_the_pools_get_notice(office: Shop) -> None:
    number = office.customer("ann")
    with office.project.db.write():
        office.project.db.execute("DELETE FROM gx_ownership")
        office.project.db.execute("DELETE FROM gx_tenures")
    office.wait(days=40)
    assert run(office)["recycled"] == 0
    assert office.due(number) == "2026-04-13"  # three days from 10 April
