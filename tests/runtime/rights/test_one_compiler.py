"""The rule that filters lists, judges one record, is asked of a row about to be written and explains itself is one:
random roles, shares, restrictions and rows, each asked in four ways.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guanxi.common.errors import Forbidden, NotFound
from guanxi.common.labels import Label
from guanxi.registry.access import SCOPED, ObjectGrant, Principals, Restriction, Role, Share
from guanxi.runtime.access.actor import SYSTEM, Actor
from guanxi.runtime.query.request import ListQuery
from guanxi.runtime.records.work import Work
from guanxi.runtime.services import Services, build_services
from guanxi.runtime.storage.database import Handle
from tests.support.published import START, Project, project

CONDITIONS = (
    'level == "a"',
    "score > 3",
    "blank(score)",
    'not (region == "north")',
    "region == me.region",
    "owner == me",
    'boss.level == "a"',
    'count(staff, level == "a") > 0',
    "score > 2 and filled(region)",
)
YAML = """
kind: object
name: person
title: name
owned: true
fields:
  name: {type: text, required: true}
  level: {type: choice, options: {a: A, b: B}}
  region: {type: text}
  score: {type: integer}
  boss: {type: reference, to: person, related: staff}
""" + "".join(
    f"---\nkind: role\nname: c{number}\nobjects: {{person: {{read: all, where: '{text}'}}}}\n"
    for number, text in enumerate(CONDITIONS)
)
SCOPES = ("none", "own", "team", "team_tree", "managed", "all")
OPERATIONS = ("read", "update", "delete", "export", "history", "assign")


@pytest.fixture
def house(database: Handle) -> Project:
    made = project(database, YAML)
    north = made.team("North")
    below = made.team("Below", parent=north)
    boss = made.user("boss", team=north, region="north")
    made.user("ann", team=below, region="south", manager=boss.id)
    made.user("cat", region="north")
    people = [made.actor(number) for number in (1, 2, 3)]
    rows = itertools.product((1, 2, 3, None), ("a", "b", None), (None, 3, 4))
    previous = None
    for number, (owner, level, score) in enumerate(rows):
        region = ("north", "south", None)[number % 3]
        values = {"name": f"p{number}", "level": level, "score": score, "region": region, "boss": previous}
        saved = made.records.create(SYSTEM, "person", {**values, "owner": owner})
        previous = saved.id if number % 2 else previous
        if number % 5 == 0:
            access = "edit" if number % 2 else "read"
            target = people[number % 3]
            if owner != target.id:
                made.records.act(SYSTEM, "person", saved.id, "share", {"user": target.id, "access": access})
    return made


def world(house: Project, choice: Any) -> tuple[Services, Actor]:
    """The house under the drawn roles, shares and restrictions, and one person in it."""
    conditions = [house.services.registry.roles[f"c{n}"].objects["person"].where for n in range(len(CONDITIONS))]

    def where(number: int | None) -> Any:
        return None if number is None else conditions[number]

    roles = {}
    for name, (create, scopes, narrowed, single) in choice["roles"].items():
        wheres = {op: where(n) for op, n in single.items() if op in scopes}
        grant = ObjectGrant(create=create, scopes=scopes, where=where(narrowed), wheres=wheres)
        roles[name] = Role(name, Label.of(name), (), (name,), MappingProxyType({"person": grant}))
    shares = {
        f"s{n}": Share(f"s{n}", Label.of("s"), "person", who, where(condition), access)
        for n, (who, condition, access) in enumerate(choice["shares"])
    }
    closed = {
        f"r{n}": Restriction(f"r{n}", Label.of("r"), "person", who, where=where(condition), deny=frozenset(deny))
        for n, (who, condition, deny) in enumerate(choice["restrictions"])
    }
    given = house.services.registry
    registry = replace(
        given,
        roles=MappingProxyType({**given.roles, **roles}),
        objects=MappingProxyType(
            {**given.objects, "person": replace(given.objects["person"], access=choice["access"])}
        ),
        others=MappingProxyType({"share": shares, "restriction": closed}),
    )
    services = build_services(registry, house.db, clock=house.clock, version=1)
    actor = services.actor(choice["person"])
    assert actor is not None
    return services, replace(actor, roles=frozenset(choice["has"]))


CONDITION = st.none() | st.integers(0, len(CONDITIONS) - 1)
WHO = st.sampled_from(
    [
        Principals(everyone=True),
        Principals(roles=frozenset({"x"})),
        Principals(teams=frozenset({"North"})),
        Principals(users=frozenset({"cat"})),
    ]
)
GRANT = st.tuples(
    st.booleans(),
    st.dictionaries(st.sampled_from(OPERATIONS), st.sampled_from(SCOPES), max_size=4),
    CONDITION,
    st.dictionaries(st.sampled_from(OPERATIONS), st.integers(0, len(CONDITIONS) - 1), max_size=2),
)
CHOICE = st.fixed_dictionaries(
    {
        "person": st.sampled_from([1, 2, 3]),
        "operation": st.sampled_from(OPERATIONS),
        "access": st.sampled_from(["private", "read", "edit"]),
        "roles": st.fixed_dictionaries({"x": GRANT, "y": GRANT}),
        "has": st.sets(st.sampled_from(["x", "y"])),
        "shares": st.lists(st.tuples(WHO, CONDITION, st.sampled_from(["read", "edit"])), max_size=2),
        "restrictions": st.lists(
            st.tuples(WHO, CONDITION, st.sets(st.sampled_from(["read", "update", "export"]), min_size=1)), max_size=2
        ),
    }
)


def listed(services: Services, actor: Actor, operation: str) -> set[int]:
    try:
        return {row["id"] for row in services.reader.scan(actor, ListQuery("person", fields=("id",)), rights=operation)}
    except NotFound:
        return set()


@given(choice=CHOICE, change=st.fixed_dictionaries({"row": st.integers(0, 35), "like": st.integers(0, 35)}))
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_list_record_judge_explanation_and_write_agree(house: Project, choice: Any, change: dict[str, int]) -> None:
    services, actor = world(house, choice)
    work = Work(services.records.room, actor)
    plan = services.records.room.plan("person")
    ids = [row[0] for row in house.db.rows("SELECT id FROM o_person ORDER BY id")]
    for operation in ("read", choice["operation"]):
        inside = listed(services, actor, operation)
        for number in ids[choice["person"] :: 4]:
            row = work.row("person", number)
            assert row is not None
            alone = work.may(plan, "read", row) and work.may(plan, operation, row)
            told = services.records.explain(SYSTEM, "person", number, about=actor, operation=operation)
            assert (number in inside, alone, told["allowed"]) in ((True,) * 3, (False,) * 3), (operation, number)
    write(house, services, actor, ids[change["row"]], ids[change["like"]])


def write(house: Project, services: Services, actor: Actor, number: int, like: int) -> None:
    """Move a record to another one's values: accepted exactly when the old and the new row are inside."""
    other = services.records.get(SYSTEM, "person", like)
    values = {name: other[name] for name in ("level", "score", "region")}
    before = services.records.explain(SYSTEM, "person", number, about=actor, operation="update")["allowed"]
    room = services.records.room

    class Back(Exception):
        pass

    try:
        with house.db.write():
            moved = services.records.update(SYSTEM, "person", number, values)
            told = services.records.explain(SYSTEM, "person", number, about=actor, operation="update")
            raise Back
    except Back:
        house.db.forget_statements()
    rules = told["because"]
    inside = any(r["operation"] == "update" and r["effect"] == "allow" and r["holds"] for r in rules)
    hidden = any(r["operation"] == "read" and r["effect"] == "deny" and r["holds"] for r in rules)
    wanted = before and (not moved.changed or (inside and not hidden))
    editable = {n for n, g in services.access.rights(actor, "person").fields.items() if g == "edit"}
    try:
        with house.db.write():
            services.records.update(actor, "person", number, values)
            accepted = True
            raise Back
    except Back:
        pass
    except (Forbidden, NotFound):
        accepted = False
    assert set(values) <= editable or not wanted
    assert accepted == wanted
    assert room.registry is services.registry


def test_every_operation_is_known() -> None:
    assert set(OPERATIONS) <= set(SCOPED)
    assert START is not None
