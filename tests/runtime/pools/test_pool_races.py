"""Parallel people with connections of their own: one winner, no limit passed, no deadlock."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from guanxi.common.errors import GuanxiError
from guanxi.runtime.access.actor import SYSTEM
from guanxi.runtime.pools import recycle
from guanxi.runtime.storage.database import Handle
from tests.support.pools import Shop, north, shop


def together(office: Shop, acts: list[Callable[[], Any]], workers: int) -> list[str]:
    """The code of each act, "" where it came off."""

    def run(act: Callable[[], Any]) -> str:
        try:
            act()
        except GuanxiError as error:
            return error.code
        return ""

    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(run, acts))


def claims(office: Shop, pairs: list[tuple[str, int]]) -> list[Callable[[], Any]]:
    return [lambda who=who, number=number: office.act(who, number, "claim") for who, number in pairs]  # type: ignore[misc]


def test_one_record_and_many_claimers(database: Handle) -> None:
    office = shop(database, north())
    names = [f"p{n}" for n in range(24)]
    for name in names:
        office.people[name] = office.project.user(name, roles=["sales"])
    number = office.customer()
    codes = together(office, claims(office, [(name, number) for name in names]), 12)
    assert sorted(codes) == ["", *["taken"] * 23]
    assert office.rows("SELECT count(*) FROM gx_claims") == [(1,)]
    assert office.rows("SELECT count(*) FROM gx_tenures") == [(1,)]


def test_cap_and_quota_under_parallel_claims(database: Handle) -> None:
    office = shop(database, north("claim: {holding: 5, per_day: 50}\n"))
    for _ in range(4):
        office.customer("ann")
    numbers = [office.customer() for _ in range(10)]
    codes = together(office, claims(office, [("ann", number) for number in numbers]), 10)
    assert sorted(codes) == ["", *["holding_cap"] * 9]


def test_claim_against_assign_and_recycle(database: Handle) -> None:
    rules = "claim: {holding: 8}\nrecycle: {s: {clock: {from: [last_deal_at], after: {days: 3}}}}\n"
    office = shop(database, north(rules))
    due = [office.customer("bob") for _ in range(6)]
    office.wait(days=5)
    pooled = [office.customer() for _ in range(12)]
    acts = claims(office, [("ann", number) for number in pooled])
    cat = office.id("cat")
    acts += [lambda n=n: office.act("boss", n, "assign", owner=cat) for n in pooled]  # type: ignore[misc]
    acts += [lambda n=n: office.records.update(office.bob, "customer", n, {"revenue": 1}) for n in due]  # type: ignore[misc]
    acts += [lambda: recycle.run(office.services)]
    codes = together(office, acts, 8)
    assert set(codes) <= {"", "taken", "not_in_pool", "holding_cap", "stale", "forbidden", "not_found"}
    recycle.run(office.services)
    held = dict(office.rows('SELECT "owner", count(*) FROM o_customer WHERE "owner" IS NOT NULL GROUP BY "owner"'))
    assert all(count <= 8 for count in held.values())
    assert office.id("bob") not in held
    both = office.rows('SELECT count(*) FROM o_customer WHERE ("owner" IS NULL) = ("pool" IS NULL)')
    assert both == [(0,)]
    open_tenures = office.rows("SELECT count(*) FROM gx_tenures WHERE to_at IS NULL")
    assert open_tenures == [(sum(held.values()),)]


def test_parallel_leads_are_spread_evenly(database: Handle) -> None:
    rule = (
        "kind: assignment\nname: leads\nobject: customer\nrules:\n"
        "  big: {when: revenue > 100, to: {pool: north}}\n  rest: {to: [{role: sales}], by: round_robin}\n"
    )
    office = shop(database, north() + "---\n" + rule)
    acts = [lambda: office.records.create(SYSTEM, "customer", {"name": "x"}) for _ in range(30)]
    assert set(together(office, acts, 6)) == {""}
    assert (
        sorted(count for _, count in office.rows("SELECT owner, count(*) FROM gx_tenures GROUP BY owner")) == [10] * 3
    )
    big = office.records.create(office.dan, "customer", {"name": "b", "revenue": 200}).id
    assert office.read(big)["pool"] == "north"


def test_round_robin_leaves_out_who_is_away(database: Handle) -> None:
    rule = "kind: assignment\nname: leads\nobject: customer\nrules: {rest: {to: [{role: sales}]}}\n"
    office = shop(database, rule)
    now = office.project.clock.now()
    away = {"user": office.id("bob"), "starts_at": now.isoformat(), "ends_at": now.replace(day=9).isoformat()}
    office.records.create(SYSTEM, "user_absence", away)

    def lead() -> str | None:
        return office.owner(office.records.create(SYSTEM, "customer", {"name": "x"}).id)

    assert [lead() for _ in range(2)] == ["ann", "cat"]
    office.act("boss", office.customer("cat"), "assign", owner=office.id("ann"))  # moves no place
    assert [lead() for _ in range(2)] == ["ann", "cat"]
    office.wait(days=10)
    assert [lead() for _ in range(4)] == ["ann", "bob", "cat", "ann"]  # nothing is made up for


def test_weights_are_interleaved(database: Handle) -> None:
    rule = (
        "kind: assignment\nname: leads\nobject: customer\nrules:\n"
        "  rest: {to: [{user: [ann, bob]}], by: weighted, weights: {ann: 2}}\n"
    )
    office = shop(database, rule)
    rows = [{"name": f"n{number}"} for number in range(30)]
    ids = office.records.bulk_create(SYSTEM, "customer", rows).ids
    owners = [office.owner(number) for number in ids]
    assert (owners.count("ann"), owners.count("bob")) == (20, 10)
    assert all(owners[n : n + 3].count("bob") == 1 for n in range(0, 30, 3))
