"""How roles add up, and the same judgement of a row in Python as in SQL."""

from __future__ import annotations

from typing import Any

import pytest

from guanxi.common.errors import BadRequest, NotFound
from guanxi.expressions.env import Env
from guanxi.expressions.evaluate import holds
from guanxi.runtime.access.actor import Actor
from guanxi.runtime.access.gate import operand, visible_object
from guanxi.runtime.access.grants import AccessTable, Grants
from guanxi.runtime.access.predicate import allows, reason
from guanxi.runtime.query.request import ListQuery
from guanxi.runtime.storage.database import Handle
from tests.runtime.query.house import BOSS, OBJECTS, ROLES, House, build, make_registry, person

REGISTRY = make_registry(OBJECTS, ROLES)


def grants(*roles: str) -> Grants:
    return Grants(REGISTRY, frozenset(roles))


def field(name: str, *roles: str) -> str:
    return grants(*roles).on("customer").fields.get(name, "absent")


def test_a_role_narrows_what_it_includes_but_not_other_roles() -> None:
    assert field("secret", "clerk") == "edit"
    assert field("secret", "sales", "clerk") == "none"  # clerk is included by sales
    assert field("secret", "sales", "clerk", "auditor") == "read"  # the most permissive of two roles
    assert field("phone", "sales", "clerk") == "masked"
    assert field("name", "sales", "clerk") == "edit"
    assert field("name", "auditor") == "read"


def test_computed_fields_follow_what_they_read() -> None:
    assert field("leak", "clerk") == "read"
    assert field("leak", "sales", "clerk") == "none"
    assert field("won", "clerk") == "read"
    roles = {"named": {"objects": {"customer": {"read": "all", "fields": {"secret": "none", "leak": "read"}}}}}
    assert Grants(make_registry(OBJECTS, roles), frozenset({"named"})).on("customer").fields["leak"] == "read"


def test_system_fields_are_readable_and_never_edited() -> None:
    for name in ("id", "version", "owner", "created_at"):
        assert field(name, "sales", "clerk") == "read"
        assert field(name, "auditor") == "read"


@pytest.mark.parametrize(
    ("access", "role", "operation", "expected"),
    [
        ("private", {}, "read", False),
        ("read", {}, "read", True),
        ("read", {}, "update", False),
        ("edit", {}, "update", True),
        ("edit", {}, "delete", False),
        ("read", {"customer": {"read": "none"}}, "read", False),
        ("read", {"customer": {"update": "own"}}, "read", True),
        ("private", {"customer": {"update": "all"}}, "read", True),
        ("private", {"customer": {"create": True}}, "read", True),  # own records only
        ("private", {"customer": {"read": "all"}}, "export", True),
        ("private", {"customer": {"read": "all", "export": "none"}}, "export", False),
        ("private", {"customer": {"read": "all"}}, "delete", False),
        ("private", {"customer": {"delete": "own"}}, "restore", True),
        ("private", {"customer": {"read": "all", "update": "all"}}, "assign", False),
        ("edit", {"customer": {"read": "own"}}, "update", True),
    ],
)
def test_what_roles_leave_unsaid(access: str, role: dict[str, Any], operation: str, expected: bool) -> None:
    objects = {**OBJECTS, "customer": {**OBJECTS["customer"], "access": access}}
    registry = make_registry(objects, {"r": {"objects": role}})
    assert bool(Grants(registry, frozenset({"r"})).on("customer").of(operation)) is expected


def test_unknown_roles_and_objects_grant_nothing() -> None:
    assert not grants("nobody").on("customer").visible
    assert not grants("clerk").on("nothing").visible
    with pytest.raises(NotFound) as caught:
        visible_object(grants("nobody"), "custome")
    assert "customer" not in caught.value.hint
    assert AccessTable(REGISTRY).of(BOSS).on("customer").all_rows("delete")


def test_grants_are_kept_per_set_of_roles() -> None:
    table = AccessTable(REGISTRY)
    assert table.of(person(1, "clerk")) is table.of(person(2, "clerk"))
    assert table.of(person(1, "clerk")) is not table.of(person(1, "auditor"))


def test_hints_name_only_what_the_reader_sees() -> None:
    customer = REGISTRY.objects["customer"]
    with pytest.raises(BadRequest) as caught:
        operand(grants("sales", "clerk"), customer, "secre", "filter")
    assert caught.value.hint == ""
    with pytest.raises(BadRequest) as caught:
        operand(grants("clerk"), customer, "secre", "filter")
    assert "secret" in caught.value.hint


ACTORS = [
    person(1, "clerk"),
    person(1, "sales", "clerk"),
    person(10, "sales", "clerk"),
    person(2, "northern", region="north"),
    person(2, "northern", region=None),
    person(10, "clerk", "northern", region="east"),
    person(3, "intake"),
    person(3, "auditor"),
    BOSS,
    Actor(2, "m", frozenset({"managers"}), reports=frozenset({1})),
    Actor(2, "p", frozenset({"poolers"}), pools=frozenset({"cold"})),
]
MORE_ROLES = {
    **ROLES,
    "managers": {"objects": {"customer": {"read": "managed"}}},
    "poolers": {"objects": {"customer": {"read": "pool"}}},
}
ROWS = [
    {"id": 1, "owner": 1, "team": 1, "region": "north"},
    {"id": 2, "owner": 2, "team": 1, "region": "east"},
    {"id": 3, "owner": 10, "team": 2, "region": None},
    {"id": 4, "owner": None, "team": None, "region": "north", "pool": "cold"},
    {"id": 5, "owner": None, "team": 2, "region": "east", "pool": "hot"},
    {"id": 6, "owner": None, "team": None, "region": None},
]


def test_python_and_sql_judge_alike(database: Handle) -> None:
    from datetime import UTC, datetime

    from guanxi.common.clock import FixedClock

    house: House = build(database, FixedClock(datetime(2026, 3, 1, tzinfo=UTC)), roles=MORE_ROLES)
    house.add("customer", *ROWS)
    customer = house.registry.objects["customer"]
    seen = 0
    for actor in ACTORS:
        rights = house.reader.access.rights(actor, "customer")
        page = house.reader.list(actor, ListQuery("customer", fields=("id",)))
        in_sql = [row["id"] for row in page.data]
        in_python = [
            row["id"]
            for row in ROWS
            if allows(
                customer,
                rights,
                "read",
                actor,
                row,
                holds=lambda e, r=row, a=actor: holds(e, Env(r, me=a.me, roles=a.roles)),
            )
        ]
        assert in_sql == in_python, actor
        seen += len(in_sql)
    assert seen > len(ROWS)


def test_a_judgement_explains_itself() -> None:
    rights = grants("sales", "clerk").on("customer")
    actor, customer = person(1, "sales", "clerk"), REGISTRY.objects["customer"]
    own = reason(customer, rights, "read", actor, ROWS[0], holds=lambda _: True)
    assert own is not None
    assert (own.scope, own.source) == ("own", "role clerk")
    assert reason(customer, rights, "read", actor, ROWS[2], holds=lambda _: True) is None
