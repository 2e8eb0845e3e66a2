"""People that steps name, and texts that carry nothing their reader may not know."""

from __future__ import annotations

from typing import Any

import pytest

from guanxi.registry import Step
from guanxi.runtime.access.actor import SYSTEM
from guanxi.runtime.automation import people
from guanxi.runtime.records.kept_steps import kept_steps
from guanxi.runtime.records.work import Work
from tests.runtime.automation.conftest import rule


def meant(world: Any, number: int, to: Any) -> list[int]:
    """The users a description means for a deal."""
    room = world.records.room
    [step] = kept_steps(room.registry, "deal", [{"task": {"to": to, "subject": "x"}}])
    assert isinstance(step, Step)
    work = Work(room, SYSTEM)
    row = work.row("deal", number)
    assert row is not None
    return people(step.given["to"], work, room.plan("deal"), row)


def test_people(sales: Any) -> None:
    world = sales()
    top = world.team("top")
    north = world.team("north", parent=top)
    chief = world.user("chief", ["boss"], team=top).id
    boss = world.user("head", ["boss"], team=top, manager=chief).id
    li = world.user("li", ["sales"], team=north, manager=boss).id
    wang = world.user("wang", ["sales"], team=north, manager=boss).id
    gone = {"name": "gone", "roles": [world.role("sales")], "team": north, "active": False}
    world.records.create(SYSTEM, "user", gone)
    made = world.records.create(SYSTEM, "deal", {"name": "x", "owner": li}).id
    assert meant(world, made, "owner") == [li]
    assert meant(world, made, "owner.manager") == [boss]
    assert meant(world, made, {"role": "sales"}) == [chief, boss, li, wang]  # boss includes sales
    assert meant(world, made, {"role": "boss"}) == [chief, boss]
    assert meant(world, made, {"team": "north"}) == [li, wang]
    assert meant(world, made, {"team_tree": "top"}) == [chief, boss, li, wang]
    assert meant(world, made, {"user": "wang"}) == [wang]
    assert meant(world, made, {"field": "owner.manager"}) == [boss]
    assert meant(world, made, {"manager_of": "owner", "level": 2}) == [chief]
    assert meant(world, made, {"manager_of": "owner", "level": 3}) == []
    assert meant(world, made, [{"user": "wang"}, "owner", {"team": "north"}]) == [wang, li]
    assert meant(world, made, "team") == [li, wang]


TELL = rule(
    "tell",
    """on: create
do:
  - task:
      to: [{role: sales}]
      subject:
        en: "{name}: {amount}, {account}, {account.tier}, {account.secret}"
        zh: "{name}：{close_on}，{account.tier}"
""",
)


@pytest.mark.parametrize(
    ("name", "roles", "more", "expected"),
    [
        ("head", ["boss"], {}, "Big: ¥1,200.5, Acme, Gold, hush"),
        ("li", ["sales"], {}, "Big: ¥1,200.5, •••, , •••"),
        ("zhao", ["boss"], {"language": "zh"}, "Big：2026年3月5日，金牌"),
    ],
)
def test_a_task_says_what_its_reader_may_know(
    sales: Any, name: str, roles: list[str], more: Any, expected: str
) -> None:
    world = sales(TELL)
    reader = world.user(name, roles, **more)
    maker = world.user("maker", ["administrator"])
    account = world.records.create(maker, "account", {"name": "Acme", "tier": "gold", "secret": "hush"}).id
    values = {"name": "Big", "amount": "1200.50", "close_on": "2026-03-05", "account": account, "owner": reader.id}
    world.records.create(maker, "deal", values)
    rows = world.records.list(reader, _tasks()).data
    assert [row["subject"] for row in rows] == [expected]


def _tasks() -> Any:
    from guanxi.runtime.query.request import ListQuery

    return ListQuery(object="user_task")


def test_who_may_not_read_the_record_is_told_nothing_of_it(sales: Any) -> None:
    world = sales(TELL)
    li = world.user("li", ["sales"])
    world.records.create(SYSTEM, "deal", {"name": "Big", "amount": "5"})
    assert [row["subject"] for row in world.records.list(li, _tasks()).data] == ["•••: •••, •••, •••, •••"]


def test_a_text_is_never_a_program(sales: Any) -> None:
    world = sales(rule("tell", "on: create\ndo: [{task: {to: owner, subject: '{{x}} {name}'}}]"))
    li = world.user("li", ["sales"])
    world.records.create(li, "deal", {"name": "{owner.__class__} %s {0}"})
    assert [row["subject"] for row in world.records.list(li, _tasks()).data] == ["{x} {owner.__class__} %s {0}"]
