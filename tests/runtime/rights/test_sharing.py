"""Shares of the metadata, shares by hand, and restrictions, on one small house: who sees and changes what."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from guanxi.common.errors import BadRequest, Forbidden, GuanxiError, Invalid, NotFound
from guanxi.runtime.access.actor import SYSTEM, Actor
from guanxi.runtime.query.request import ListQuery
from guanxi.runtime.storage.database import Handle
from tests.support.published import Project, project

YAML = """
kind: object
name: customer
title: name
owned: true
fields:
  name: {type: text, required: true, search: true}
  level: {type: choice, options: {a: A, b: B, c: C}, default: b}
  region: {type: text}
  phone: {type: phone, region: CN, mask: keep_last_4, search: true}
  secret: {type: text}
  score: {type: integer}
  twice: {type: formula, returns: integer, value: score * 2}
---
kind: role
name: sales
includes: [employee]
objects:
  customer:
    create: {where: 'region != "moon"'}
    read: own
    update: {scope: own, where: 'level != "c"'}
    delete: own
    share: own
    history: own
    fields: {secret: none, phone: {masked: middle}, "*": edit}
---
kind: role
name: key_manager
includes: [employee]
---
kind: role
name: clerk
includes: [employee]
objects:
  customer: {create: true, read: all, update: all, export: all, bulk: own, reveal: own, import: true,
             fields: {phone: masked}}
actions: [customer.*]
---
kind: share
name: key_accounts
object: customer
where: level == "a"
with: {role: key_manager}
access: edit
---
kind: share
name: north_for_the_north
object: customer
where: region == "north"
with: {team: North}
---
kind: restriction
name: embargo
object: customer
where: region == "embargo"
for: everyone
except: {role: key_manager}
deny: [read]
---
kind: restriction
name: closed
object: customer
where: level == "c"
for: {role: [clerk]}
deny: [update, export]
---
kind: restriction
name: no_scores
object: customer
for: {user: clara}
fields: {score: none}
"""
PLACE = f"project.yaml:{YAML.splitlines().index('  customer:') + 1}"


@pytest.fixture
def house(database: Handle) -> Project:
    return project(database, YAML)


def make(house: Project, owner: Actor | None = None, **values: Any) -> int:
    given = {"name": "X", "region": "south", **values}
    if owner is not None:
        given["owner"] = owner.id
    return int(house.records.create(SYSTEM, "customer", given).id)


def seen(house: Project, actor: Actor, **more: Any) -> set[int]:
    try:
        return {row["id"] for row in house.records.list(actor, ListQuery("customer", **more)).data}
    except NotFound:
        return set()


def test_a_share_of_the_metadata_opens_what_it_says_and_no_more(house: Project) -> None:
    kay, eva = house.user("kay", ["key_manager"]), house.user("eva", ["employee"])
    a, b = make(house, level="a", phone="13800138000"), make(house, level="b")
    assert seen(house, kay) == {a}
    assert seen(house, eva) == set()
    house.records.update(kay, "customer", a, {"name": "Y"})
    with pytest.raises(NotFound):
        house.records.update(kay, "customer", b, {"name": "Y"})
    with pytest.raises(Forbidden):
        house.records.delete(kay, "customer", a)
    with pytest.raises(Forbidden):
        house.records.update(kay, "customer", a, {"level": "b"})  # out of what is shared
    # kay's roles say nothing of customers: what roles that know them are denied stays closed
    row = house.records.get(kay, "customer", a)
    assert "secret" not in row
    assert row["phone"] == "138****8000"


def test_a_team_means_those_below_it_too(house: Project) -> None:
    north = house.team("North")
    below = house.team("Below", parent=north)
    other = house.team("Other")
    ann = house.user("ann", ["sales"], team=below)
    bob = house.user("bob", ["sales"], team=other)
    n = make(house, region="north")
    assert seen(house, ann) == {n}
    assert seen(house, bob) == set()
    with pytest.raises(Forbidden):
        house.records.update(ann, "customer", n, {"name": "Y"})


def test_a_restriction_wins_over_roles_and_shares(house: Project) -> None:
    ann, kay = house.user("ann", ["sales"]), house.user("kay", ["key_manager"])
    e = make(house, ann, region="embargo", level="a")
    clerk, admin = house.user("clara", ["clerk"]), house.user("root", ["administrator"])
    for actor in (ann, clerk):
        assert seen(house, actor) == set()
        with pytest.raises(NotFound):
            house.records.get(actor, "customer", e)
    assert seen(house, kay) == {e}
    assert seen(house, admin) == {e}
    o = make(house, ann)
    with pytest.raises(Forbidden):
        house.records.update(ann, "customer", o, {"region": "embargo"})  # into what nobody may read
    c = make(house, level="c")
    with pytest.raises(Forbidden):
        house.records.update(clerk, "customer", c, {"name": "Y"})
    exported = {row["id"] for row in house.records.scan(clerk, ListQuery("customer"))}
    assert exported == {o}
    house.records.update(clerk, "customer", o, {"level": "c"})  # what closes a record may itself be written
    with pytest.raises(BadRequest, match="score"):
        seen(house, clerk, where="score > 1")
    assert {"score", "twice"}.isdisjoint(house.records.get(clerk, "customer", c))
    assert "score" in house.records.get(ann, "customer", make(house, ann))


def test_conditions_of_single_operations(house: Project) -> None:
    ann = house.user("ann", ["sales"])
    with pytest.raises(Forbidden):
        house.records.create(ann, "customer", {"name": "M", "region": "moon"})
    c = make(house, ann, level="c")
    assert seen(house, ann) == {c}
    with pytest.raises(Forbidden):
        house.records.update(ann, "customer", c, {"name": "Y"})
    b = make(house, ann, level="b")
    house.records.update(ann, "customer", b, {"name": "Y"})
    with pytest.raises(Forbidden):
        house.records.update(ann, "customer", b, {"level": "c"})  # out of the scope of update


def test_shares_by_hand_hold_until_their_end(house: Project) -> None:
    ann, bob = house.user("ann", ["sales"]), house.user("bob", ["sales"])
    c = make(house, ann, phone="13800138000")
    before = house.records.get(ann, "customer", c)
    house.records.act(ann, "customer", c, "share", {"user": bob.id, "access": "edit", "until": "2026-03-04"})
    assert house.records.get(ann, "customer", c)["version"] == before["version"]
    bob = house.actor(bob.id or 0)
    assert seen(house, bob) == {c} == seen(house, bob, q="X")
    house.records.update(bob, "customer", c, {"name": "Z"})
    with pytest.raises(Forbidden):
        house.records.delete(bob, "customer", c)
    with pytest.raises(Forbidden):
        house.records.act(bob, "customer", c, "share", {"user": bob.id})
    listed = house.records.shares(bob, "customer", c)
    assert [(s["user"]["id"], s["access"], s["until"], s["by"]["title"]) for s in listed] == [
        (bob.id, "edit", "2026-03-05T00:00:00Z", "ann")
    ]
    house.clock.advance(days=3, hours=15)
    assert seen(house, bob) == {c}
    house.clock.advance(hours=1)
    assert seen(house, bob) == set()
    with pytest.raises(NotFound):
        house.records.update(bob, "customer", c, {"name": "Z"})
    assert house.records.shares(ann, "customer", c) == []


def test_sharing_again_changes_and_unsharing_ends(house: Project) -> None:
    ann, bob = house.user("ann", ["sales"]), house.user("bob", ["sales"])
    c = make(house, ann)
    house.records.act(ann, "customer", c, "share", {"user": bob.id, "access": "edit"})
    house.records.act(ann, "customer", c, "share", {"user": bob.id, "access": "read", "reason": "to look"})
    bob = house.actor(bob.id or 0)
    with pytest.raises(Forbidden):
        house.records.update(bob, "customer", c, {"name": "Z"})
    assert house.count("gx_shares") == 1
    house.records.act(bob, "customer", c, "unshare", {"user": bob.id})  # one may leave
    assert seen(house, bob) == set()
    with pytest.raises(Invalid):
        house.records.act(ann, "customer", c, "unshare", {"user": bob.id})


@pytest.mark.parametrize("kind", ["team", "role"])
def test_sharing_with_teams_and_roles(house: Project, kind: str) -> None:
    team = house.team("North")
    ann, bob = house.user("ann", ["sales"]), house.user("bob", ["employee"], team=house.team("Sub", parent=team))
    c = make(house, ann)
    who = {"team": team, "role": house.role("employee")}[kind]
    house.records.act(SYSTEM, "customer", c, "share", {kind: who})
    assert seen(house, house.actor(bob.id or 0)) == {c}


def test_nobody_shares_more_than_he_may(house: Project) -> None:
    ann, bob, cle = house.user("ann", ["sales"]), house.user("bob", ["sales"]), house.user("cle", ["clerk"])
    c = make(house, ann, level="c")
    for payload in (
        {"user": bob.id, "access": "edit"},  # ann may not change level c
        {"user": bob.id, "until": "2020-01-01"},
        {"user": bob.id, "until": "soon"},
        {"user": bob.id, "access": "all"},
        {"user": ann.id},
        {"user": 999},
        {"user": bob.id, "team": 1},
        {},
    ):
        dump = house.dump()
        with pytest.raises(Invalid):
            house.records.act(ann, "customer", c, "share", payload)
        assert house.dump() == dump
    with pytest.raises(BadRequest):
        house.records.act(ann, "customer", c, "share", {"user": bob.id, "role_name": "x"})
    with pytest.raises(Forbidden):
        house.records.act(cle, "customer", c, "share", {"user": bob.id})
    with pytest.raises(NotFound):
        house.records.act(bob, "customer", c, "share", {"user": bob.id})
    assert house.count("gx_shares") == 0


def test_a_purge_takes_the_shares_along(house: Project) -> None:
    ann, bob, admin = house.user("ann", ["sales"]), house.user("bob", ["sales"]), house.user("root", ["administrator"])
    c = make(house, ann)
    house.records.act(ann, "customer", c, "share", {"user": bob.id})
    house.records.delete(admin, "customer", c, permanent=True)
    assert house.count("gx_shares") == 0


def test_reveal_needs_the_right_and_a_reason(house: Project) -> None:
    cle, ann = house.user("cle", ["clerk"]), house.user("ann", ["sales"])
    mine, other = make(house, cle, phone="13800138000"), make(house, ann, phone="13900139000")
    assert house.records.get(cle, "customer", mine)["phone"] == "****8000"
    why = {"fields": ["phone"], "reason": "called back"}
    assert house.records.act(cle, "customer", mine, "reveal", why) == {
        "id": mine,
        "values": {"phone": "+8613800138000"},
    }
    audited = house.db.rows("SELECT action, record_id, detail FROM gx_audit WHERE action = 'reveal'")
    assert [(row[0], row[1]) for row in audited] == [("reveal", mine)]
    assert "13800138000" not in str(audited)
    dump = house.dump()
    for actor, number, payload, refusal in (
        (cle, other, why, Forbidden),
        (ann, other, why, Forbidden),
        (ann, mine, why, NotFound),
        (cle, mine, {"fields": ["phone"]}, Invalid),
        (cle, mine, {"fields": ["secrets"], "reason": "called back"}, Invalid),
        (cle, mine, {"fields": [], "reason": "called back"}, Invalid),
    ):
        with pytest.raises(refusal):
            house.records.act(actor, "customer", number, "reveal", payload)
    assert house.dump() == dump


def test_the_door_of_bulk(house: Project) -> None:
    cle, ann = house.user("cle", ["clerk"]), house.user("ann", ["sales"])
    mine, other = make(house, cle), make(house, ann)
    operations = [
        {"op": "update", "id": mine, "values": {"name": "M"}},
        {"op": "update", "id": other, "values": {"name": "O"}},
        {"op": "create", "values": {"name": "N"}},
    ]
    told = house.records.batch(cle, "customer", operations, atomic=False)
    assert [entry["status"] for entry in told] == [200, 403, 201]
    house.records.update(cle, "customer", other, {"name": "O"})  # one by one it is lawful


def test_wildcards_of_actions(house: Project) -> None:
    cle = house.user("cle", ["clerk"])
    rights = house.services.access.rights(cle, "customer")
    assert {"claim", "submit"} <= rights.actions


def test_an_explanation_names_what_decides(house: Project) -> None:
    ann, bob, admin = house.user("ann", ["sales"]), house.user("bob", ["sales"]), house.user("root", ["administrator"])
    c = make(house, ann, region="south", level="a")
    with pytest.raises(NotFound):
        house.records.explain(bob, "customer", c)
    house.records.act(ann, "customer", c, "share", {"user": bob.id, "until": "2026-03-09", "reason": "holiday"})
    bob = house.actor(bob.id or 0)
    told = house.records.explain(bob, "customer", c)
    assert told["allowed"] is True
    by_hand = next(rule for rule in told["because"] if rule["source"] == "shared by hand")
    assert by_hand["shares"] == [
        {"user": bob.id, "access": "read", "until": "2026-03-10T00:00:00Z", "by": ann.id, "reason": "holiday"}
    ]
    assert told["fields"]["phone"]["grant"] == "masked"
    assert told["fields"]["phone"]["place"] == PLACE
    assert "secret" not in told["fields"]
    whole = house.records.explain(admin, "customer", c, about=bob, operation="update")
    assert whole["allowed"] is False
    sources = {rule["source"]: rule.get("place") for rule in whole["because"]}
    assert sources["role sales"] == PLACE
    assert sources["restriction embargo"].startswith("project.yaml:")
    assert whole["fields"]["secret"] == {"grant": "none", "source": "role sales", "place": PLACE}
    with pytest.raises(GuanxiError):
        house.records.explain(admin, "customer", c, operation="fly")


def test_an_end_may_be_an_instant(house: Project) -> None:
    ann, bob = house.user("ann", ["sales"]), house.user("bob", ["sales"])
    c = make(house, ann)
    end = (house.clock.now() + timedelta(hours=1)).isoformat()
    house.records.act(ann, "customer", c, "share", {"user": bob.id, "until": end})
    assert seen(house, house.actor(bob.id or 0)) == {c}
    house.clock.advance(hours=1)
    assert seen(house, house.actor(bob.id or 0)) == set()
