"""Taking, giving back, handing on: who may, in which order the refusals come, and what each leaves behind."""

from __future__ import annotations

from typing import Any

import pytest

from guanxi.common.errors import Conflict
from guanxi.runtime.access.actor import SYSTEM
from guanxi.runtime.storage.database import Handle
from tests.support.pools import north, shop


def test_ownerless_record_goes_to_first_pool_that_holds_it(database: Handle) -> None:
    other = '---\nkind: pool\nname: aaa\nobject: customer\nholds: region != "west"\n'
    office = shop(database, north() + other)
    assert office.read(office.customer())["pool"] == "north"  # the higher priority, not the first name
    assert office.read(office.customer(region="south"))["pool"] == "aaa"
    nowhere = office.read(office.customer(region="west"))
    assert (nowhere["pool"], nowhere["owner"]) == (None, None)


def test_claim_gives_owner_tenure_and_ledger(database: Handle) -> None:
    office = shop(database, north())
    number = office.customer(phone="138")
    office.act("ann", number, "claim")
    row = office.read(number)
    assert (row["owner"], row["pool"], office.owner(number)) == (office.id("ann"), None, "ann")
    assert office.rows("SELECT owner, source, to_at FROM gx_tenures") == [(office.id("ann"), "claim", None)]
    assert office.rows("SELECT user_id, pool, record_id FROM gx_claims") == [(office.id("ann"), "north", number)]
    assert office.refused("bob", number) == "taken"
    assert [h["action"] for h in office.records.history(SYSTEM, "customer", number).data] == ["claim", "create"]


def test_not_a_member(database: Handle) -> None:
    office = shop(database, north().replace("role: sales", "user: ann"))
    number = office.customer()
    assert office.refused("dan", number) == "not_in_pool"  # sees it, belongs to no pool
    with pytest.raises(Exception, match="no such record"):
        office.act("bob", number, "claim")
    assert office.owner(number) is None


def test_own_record_and_record_without_pool_are_not_in_a_pool(database: Handle) -> None:
    office = shop(database, north())
    assert office.refused("ann", office.customer("ann")) == "not_in_pool"
    assert office.refused("boss", office.customer(region="west")) == "not_in_pool"


def test_order_of_refusals(database: Handle) -> None:
    rules = "claim: {per_day: 1, holding: 1, cooldown_days: 7, freeze_hours: 24}\n"
    office = shop(database, north(rules))
    number = office.customer()
    assert office.refused("ann", number) == "frozen"
    office.wait(hours=24)
    office.act("ann", number, "claim")
    office.act("ann", number, "release")
    office.wait(hours=23)
    assert office.refused("ann", number) == "frozen"
    office.wait(hours=1)
    assert office.refused("ann", number) == "cooldown"
    office.customer("bob")
    more = [office.customer(), office.customer()]
    office.wait(hours=24)
    assert office.refused("bob", more[0]) == "holding_cap"
    office.act("ann", more[0], "claim")
    office.act("ann", more[0], "release")
    assert office.refused("ann", more[1]) == "quota"  # before the cap, and returning gave nothing back
    assert office.rows("SELECT count(*) FROM gx_claims") == [(2,)]


def test_cooldown_ends_on_the_minute(database: Handle) -> None:
    office = shop(database, north("claim: {cooldown_days: 7}\n"))
    number = office.customer()
    office.act("ann", number, "claim")
    office.act("ann", number, "release")
    office.wait(days=6, hours=23)
    assert office.refused("ann", number) == "cooldown"
    assert office.refused("boss", number, "assign", owner=office.id("ann")) == ""  # by a manager: not held
    office.act("ann", number, "release")
    office.wait(days=7)
    assert office.refused("ann", number) == ""


def test_edit_in_the_pool_does_not_freeze_again(database: Handle) -> None:
    office = shop(database, north("claim: {freeze_hours: 48}\n"))
    number = office.customer()
    office.wait(hours=30)
    office.records.update(SYSTEM, "customer", number, {"name": "D"})
    office.wait(hours=18)
    assert office.refused("ann", number) == ""


def test_quota_counts_claims_only(database: Handle) -> None:
    office = shop(database, north("claim: {per_day: 2, per_week: 3}\n"))
    for _ in range(4):
        office.records.create(office.ann, "customer", {"name": "mine"})
    numbers = [office.customer() for _ in range(6)]
    assert [office.refused("ann", n) for n in numbers[:3]] == ["", "", "quota"]
    office.wait(days=1)  # Monday: a new day and a new week (the first of March 2026 is a Sunday)
    assert [office.refused("ann", n) for n in numbers[2:5]] == ["", "", "quota"]
    office.wait(days=1)
    assert [office.refused("ann", n) for n in numbers[4:6]] == ["", "quota"]


def test_cap_counts_what_the_pool_counts(database: Handle) -> None:
    office = shop(database, north('claim: {holding: 3, count_when: stage != "won"}\n'))
    for _ in range(2):
        office.customer("ann")
    won = office.customer("bob")
    office.records.act(SYSTEM, "customer", won, "move_stage", {"to": "won"})
    office.act("boss", won, "assign", owner=office.id("ann"))
    assert office.refused("ann", office.customer()) == ""
    assert office.refused("ann", office.customer()) == "holding_cap"
    assert office.refused("boss", office.customer(), "assign", owner=office.id("ann")) == "holding_cap"
    assert office.refused("boss", office.customer(), "transfer", owner=office.id("ann")) == "holding_cap"
    # one's own are never refused
    assert office.records.create(office.ann, "customer", {"name": "own"}).record["owner"] == office.id("ann")


def test_release_reasons_target_and_who(database: Handle) -> None:
    rules = "return: {reasons: [no_need, other], block_when: 'count(deals, state == \"open\") > 0'}\n"
    cold = "---\nkind: pool\nname: cold\nobject: customer\nholds: false\n".replace(
        "holds: false", 'holds: region == "west"'
    )
    office = shop(database, north(rules) + cold)
    number = office.customer("ann")
    assert office.refused("ann", number, "release") == "required"
    assert office.refused("ann", number, "release", reason="bored") == "choice"
    with pytest.raises(Exception, match="no such record"):
        office.act("bob", number, "release", reason="other")
    assert office.refused("dan", number, "release", reason="other") == "forbidden"
    deal = office.records.create(SYSTEM, "deal", {"customer": number, "name": "d", "owner": office.id("ann")}).id
    assert office.refused("ann", number, "release", reason="other") == "rule"
    office.records.act(SYSTEM, "deal", deal, "move_stage", {"to": "won"})
    office.act("ann", number, "release", reason="other", note="n", pool="cold")
    assert office.read(number)["pool"] == "cold"
    assert office.rows("SELECT end_reason, note FROM gx_tenures WHERE to_at IS NOT NULL") == [("returned", "n")]
    assert office.refused("ann", office.customer("ann"), "release", reason="other", pool="nope") == "reference"
    assert office.refused("boss", office.customer("ann"), "release", reason="no_need") == ""


def test_transfer_with_children(database: Handle) -> None:
    office = shop(database, north())
    number = office.customer("ann")
    make = office.records.create
    own, other, won = (
        make(SYSTEM, "deal", {"customer": number, "name": n, "owner": office.id(who)}).id
        for n, who in (("own", "ann"), ("other", "bob"), ("won", "ann"))
    )
    office.records.act(SYSTEM, "deal", won, "move_stage", {"to": "won"})
    office.act("boss", number, "transfer", owner=office.id("cat"), children="same_owner", reason="leave")
    owners = {n: office.records.get(SYSTEM, "deal", n)["owner"] for n in (own, other, won)}
    assert owners == {own: office.id("cat"), other: office.id("bob"), won: office.id("ann")}
    assert office.owner(number) == "cat"
    assert office.rows("SELECT owner, end_reason FROM gx_tenures WHERE object = 'customer' ORDER BY id") == [
        (office.id("ann"), "transferred"),
        (office.id("cat"), ""),
    ]
    office.act("boss", number, "transfer", owner=office.id("ann"), children="all_open")
    assert office.records.get(SYSTEM, "deal", other)["owner"] == office.id("ann")
    assert office.refused("boss", number, "transfer", owner=office.id("ann"), children="some") == "choice"
    assert office.refused("bob", number, "transfer", owner=office.id("bob")) in ("not_found", "")


def test_shares_end_when_a_record_returns(database: Handle) -> None:
    office = shop(database, north().replace("role: sales", "user: ann"))
    number = office.customer("ann", phone="138")
    office.records.act(SYSTEM, "customer", number, "share", {"user": office.id("bob"), "access": "read"})
    bob = office.project.actor(office.id("bob"))
    assert office.read(number, bob)["phone"] == "138"
    office.act("ann", number, "release")
    with pytest.raises(Exception, match="no such record"):
        office.read(number, bob)


@pytest.mark.parametrize("whole", [False, True])
def test_batch(database: Handle, whole: bool) -> None:
    office = shop(database, north("claim: {per_day: 5}\n"))
    numbers = [office.customer() for _ in range(8)]
    for number in numbers[1:3]:
        office.act("bob", number, "claim")
    pools: Any = office.services.pools
    mode = "all_or_nothing" if whole else "best_effort"
    if whole:
        with pytest.raises(Conflict) as refused:
            pools.claim(office.ann, "north", numbers, mode)
        assert refused.value.code == "taken"
        assert office.rows("SELECT count(*) FROM gx_claims WHERE user_id = ?", office.id("ann")) == [(0,)]
        assert pools.claim(office.ann, "north", numbers[3:8], mode)["claimed"] == 5
        return
    answer = pools.claim(office.ann, "north", numbers, mode)
    assert answer["claimed"] == 5
    assert [one.get("code", "") for one in answer["results"]] == ["", "taken", "taken", "", "", "", "", "quota"]
    assert pools.of(office.ann)["data"][0]["quotas"]["day"] == {"limit": 5, "used": 5, "left": 0}


def test_automation_step_to_pool(database: Handle) -> None:
    rule = (
        '---\nkind: automation\nname: drop\nobject: customer\non: [update]\nwhen: level == "a"\n'
        "do: [{to_pool: {pool: north, reason: tidy}}]\n"
    )
    office = shop(database, north() + rule)
    number = office.customer("ann")
    office.records.update(office.ann, "customer", number, {"level": "a"})
    row = office.read(number)
    assert (row["owner"], row["pool"]) == (None, "north")
