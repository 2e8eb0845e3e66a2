"""Merging: which values survive, where references go, and that undoing gives back exactly what was."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import pytest

from guanxi.common.errors import Conflict, Forbidden, GuanxiError, Invalid, Merged, NotFound
from guanxi.runtime.access.actor import SYSTEM, Actor
from guanxi.runtime.storage.database import Handle
from tests.support.published import Project, project

SHOP = """
kind: object
name: customer
label: {en: Customer, zh: 客户}
title: name
owned: true
fields:
  name: {type: text, required: true, search: true}
  phone: {type: phone, region: CN, unique: true}
  level: {type: choice, options: {a: A, b: B}}
  tags: {type: tags}
  revenue: {type: money}
  parent: {type: reference, to: customer, related: branches, on_delete: clear}
  friends: {type: references, to: customer, related: befriended}
  products: {type: references, to: product, related: customers}
rules:
  not_both: {check: 'level != "a" or filled(revenue)', message: {en: An A has a revenue}, fields: [revenue]}
---
kind: object
name: product
label: Product
title: name
access: edit
fields: {name: {type: text, required: true}}
---
kind: object
name: contact
label: Contact
title: name
owned: true
fields:
  name: {type: text, required: true}
  customer: {type: reference, to: customer, related: contacts, on_delete: cascade}
  also: {type: references, to: customer, related: also_contacts}
unique:
  once: [customer, name]
---
kind: automation
name: contact_moved
object: contact
on: [update]
do: [{set: {name: '"moved"'}}]
---
kind: role
name: sales
includes: [employee]
objects:
  customer: {create: true, read: all, update: all, delete: own, merge: own}
  contact: {create: true, read: all, update: all}
  product: {create: true, read: all, update: all}
"""


@dataclass
class Shop:
    project: Project
    admin: Actor
    li: Actor
    wang: Actor

    def make(self, name: str, object_name: str = "customer", **values: Any) -> int:
        return int(self.project.records.create(self.admin, object_name, {"name": name, **values}).id)

    def get(self, number: int, object_name: str = "customer") -> Any:
        return self.project.records.get(self.admin, object_name, number)

    def merge(self, master: int, *losers: int, **fields: int) -> Any:
        payload = {"losers": list(losers), "fields": fields}
        return self.project.records.act(self.admin, "customer", master, "merge", payload)

    def undo(self, master: int, merge_id: int) -> Any:
        return self.project.records.act(self.admin, "customer", master, "undo_merge", {"merge_id": merge_id})

    def values(self) -> list[Any]:
        """Every row of every object and link table but for versions and who changed it when."""
        db, found = self.project.db, []
        for table in self.project.services.tables.values():
            names = [c for c in table.columns if c not in ("version", "updated_at", "updated_by")]
            names += [u.column for u in table.uniques.values()]
            listed = ", ".join(f'"{n}"' for n in names)
            found += [(table.name, row) for row in db.rows(f'SELECT {listed} FROM "{table.name}" ORDER BY "id"')]
            for link in table.links.values():
                rows = db.rows(f'SELECT source, target, position FROM "{link.name}" ORDER BY source, position')
                found += [(link.name, row) for row in rows]
        found += db.rows("SELECT object, record_id, principal, access FROM gx_shares ORDER BY object, record_id")
        found += db.rows("SELECT object, record_id, body FROM gx_posts ORDER BY id")
        found += db.rows("SELECT object, record_id, kind, value, live FROM gx_keys ORDER BY 1, 2, 3, 4")
        return found


@pytest.fixture
def shop(database: Handle) -> Shop:
    made = project(database, SHOP)
    admin = made.user("admin", ["administrator"])
    return Shop(made, admin, made.user("li", ["sales"]), made.user("wang", ["sales"]))


def test_values_survive_field_by_field(shop: Shop) -> None:
    product = shop.make("p", "product")
    other = shop.make("q", "product")
    one = shop.make("One", tags=["x", "y"], products=[product])
    two = shop.make("Two", phone="13800138000", tags=["y", "z"], products=[product, other], revenue="5")
    done = shop.merge(one, two, name=two)
    record = done["record"]
    assert (record["name"], record["phone"], record["revenue"]) == ("Two", "+8613800138000", "5.00")
    assert (record["tags"], record["products"]) == (["x", "y", "z"], [product, other])
    with pytest.raises(Merged) as led:
        shop.get(two)
    assert led.value.into == one


def test_every_reference_follows_and_no_rule_is_set_off(shop: Shop) -> None:
    one, two, three = shop.make("One"), shop.make("Two"), shop.make("Three")
    child = shop.make("c", "contact", customer=two, also=[three, two, one])
    branch = shop.make("Branch", parent=three, friends=[two, three])
    trashed = shop.make("t", "contact", customer=two)
    shop.project.records.delete(shop.admin, "contact", trashed)
    done = shop.merge(one, two, three)
    found = shop.get(child, "contact")
    assert (found["customer"], found["also"], found["name"]) == (one, [one], "c")
    assert (shop.get(branch)["parent"], shop.get(branch)["friends"]) == (one, [one])
    assert shop.project.records.restore(shop.admin, "contact", trashed).record["customer"] == one
    assert done["moved"] == {"contact.customer": 2, "contact.also": 1, "customer.parent": 1, "customer.friends": 1}


def test_undoing_at_once_gives_back_what_was(shop: Shop) -> None:
    import random

    dice = random.Random(7)
    for _ in range(4):
        ids = [shop.make(f"n{n}", tags=dice.sample(["a", "b", "c"], 2)) for n in range(5)]
        for n, number in enumerate(ids):
            values: dict[str, Any] = {"friends": dice.sample(ids, 2), "revenue": str(n)}
            if n and dice.random() < 0.5:
                values["parent"] = ids[0]
            shop.project.records.update(shop.admin, "customer", number, values)
            shop.make(f"c{number}", "contact", customer=number, also=dice.sample(ids, 3))
            shop.project.records.act(shop.admin, "customer", number, "share", {"user": shop.li.id, "access": "read"})
        losers = dice.sample(ids[1:], dice.randint(1, 3))
        master = dice.choice([i for i in ids if i not in losers])
        before = shop.values()
        try:
            done = shop.merge(master, *losers)
        except Invalid:
            assert shop.values() == before
            continue
        assert shop.values() != before
        undone = shop.undo(master, done["merge_id"])
        assert (undone["left"], sorted(undone["restored"])) == ([], sorted(losers))
        assert shop.values() == before


def test_what_was_changed_since_stays_and_is_told(shop: Shop) -> None:
    one, two, third = shop.make("One"), shop.make("Two", phone="13800138000", revenue="3"), shop.make("Third")
    child, kept = shop.make("c", "contact", customer=two), shop.make("d", "contact", customer=two)
    done = shop.merge(one, two)
    shop.project.records.update(shop.admin, "customer", one, {"revenue": "9"})
    shop.project.records.update(shop.admin, "contact", child, {"customer": third})
    undone = shop.undo(one, done["merge_id"])
    assert {(x["object"], x["id"], x["field"]) for x in undone["left"]} == {
        ("customer", one, "revenue"),
        ("contact", child, "customer"),
    }
    assert (undone["record"]["revenue"], undone["record"]["phone"]) == ("9.00", None)
    assert (shop.get(two)["phone"], shop.get(kept, "contact")["customer"]) == ("+8613800138000", two)


def test_chains_lead_to_the_end_and_are_undone_backwards(shop: Shop) -> None:
    a, b, c = shop.make("A"), shop.make("B"), shop.make("C")
    first = shop.merge(b, a)
    second = shop.merge(c, b)
    with pytest.raises(Merged) as led:
        shop.get(a)
    assert led.value.into == c
    with pytest.raises(NotFound):
        shop.undo(b, first["merge_id"])
    shop.undo(c, second["merge_id"])
    shop.undo(b, first["merge_id"])
    assert [shop.get(n)["name"] for n in (a, b, c)] == ["A", "B", "C"]
    one, two = shop.merge(a, b), shop.merge(a, c)
    with pytest.raises(Conflict):
        shop.undo(a, one["merge_id"])
    shop.undo(a, two["merge_id"])
    shop.undo(a, one["merge_id"])


def test_what_cannot_be_merged_is_refused_and_nothing_moves(shop: Shop) -> None:
    one, two = shop.make("One"), shop.make("Two", level="a", revenue="1")
    below = shop.make("Below", parent=two)
    same_name = shop.make("c", "contact", customer=one)
    shop.make("c", "contact", customer=two)
    before = shop.values()
    for master, payload in (
        (one, {"losers": []}),
        (one, {"losers": [one]}),
        (one, {"losers": [two, two]}),
        (one, {"losers": [99]}),
        (one, {"losers": ["2"]}),
        (one, {"losers": list(range(100, 111))}),
        (one, {"losers": [two], "fields": {"name": 99}}),
        (one, {"losers": [two], "fields": {"nme": two}}),
        (one, {"losers": [two], "fields": {"id": two}}),
        (below, {"losers": [two]}),
        (one, {"losers": [two]}),  # two contacts of one name would meet
    ):
        with pytest.raises(Invalid):
            shop.project.records.act(shop.admin, "customer", master, "merge", payload)
    assert shop.values() == before
    shop.project.records.delete(shop.admin, "contact", same_name, permanent=True)
    with pytest.raises(Invalid, match="revenue"):
        shop.merge(one, two, level=two, revenue=one)
    shop.merge(one, two)


def test_rights_are_asked_for_every_record(shop: Shop) -> None:
    records = shop.project.records
    mine = records.create(shop.li, "customer", {"name": "Mine"}).id
    too = records.create(shop.li, "customer", {"name": "Too"}).id
    others = records.create(shop.wang, "customer", {"name": "Other"}).id
    with pytest.raises(Forbidden):
        records.act(shop.li, "customer", mine, "merge", {"losers": [others]})
    done = records.act(shop.li, "customer", mine, "merge", {"losers": [too]})
    with pytest.raises(Forbidden):
        records.act(shop.wang, "customer", mine, "undo_merge", {"merge_id": done["merge_id"]})
    with pytest.raises(Conflict):
        records.restore(shop.admin, "customer", too)
    records.act(shop.li, "customer", mine, "undo_merge", {"merge_id": done["merge_id"]})


def test_owner_beats_pool_and_the_losers_owner_stays_on_it(shop: Shop) -> None:
    records = shop.project.records
    mine = records.create(shop.li, "customer", {"name": "Mine"}).id
    others = records.create(shop.wang, "customer", {"name": "Other"}).id
    shop.merge(mine, others)
    shares = records.shares(shop.admin, "customer", mine)
    assert [(s["user"]["id"], s["access"]) for s in shares] == [(shop.wang.id, "edit")]


def test_undo_has_an_end(shop: Shop) -> None:
    one, two = shop.make("One"), shop.make("Two")
    done = shop.merge(one, two)
    shop.project.clock.advance(days=31)
    with pytest.raises(Invalid):
        shop.undo(one, done["merge_id"])


def test_merges_and_edits_at_the_same_time_lose_no_child(shop: Shop) -> None:
    ids = [shop.make(f"n{n}") for n in range(4)]
    children = [shop.make(f"c{n}", "contact", customer=ids[n % 4]) for n in range(12)]
    faults: list[BaseException] = []
    start = threading.Barrier(6)

    def run(step: Any) -> None:
        start.wait()
        for turn in range(4):
            try:
                step(turn)
            except GuanxiError as error:
                if error.status == 503:
                    faults.append(error)
            except BaseException as error:
                faults.append(error)

    def new_child(turn: int) -> None:
        number = shop.make(f"late{turn}-{threading.get_ident()}", "contact", customer=ids[1 + turn % 3])
        children.append(number)

    steps = [
        lambda _: shop.merge(ids[0], ids[1]),
        lambda _: shop.merge(ids[1], ids[0]),
        lambda _: shop.merge(ids[0], ids[3], ids[2]),
        lambda turn: shop.project.records.update(SYSTEM, "customer", ids[1], {"revenue": str(turn)}),
        new_child,
        new_child,
    ]
    threads = [threading.Thread(target=run, args=(step,)) for step in steps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert faults == []
    rows = shop.project.db.rows("SELECT id, customer FROM o_contact WHERE deleted_at IS NULL")
    live = {row[0] for row in shop.project.db.rows("SELECT id FROM o_customer WHERE deleted_at IS NULL")}
    assert {row[0] for row in rows} == set(children)
    assert {row[1] for row in rows} <= live
    assert len(live) < 4
