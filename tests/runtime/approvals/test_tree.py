"""The walk over a flow: blocks are entered, joined and re-entered; scopes of returns; the same walk simulates."""

from __future__ import annotations

from typing import Any

import pytest

from guanxi.expressions.check import check
from guanxi.expressions.env import Env
from guanxi.expressions.evaluate import evaluate
from guanxi.registry.approval_source import build_flow
from guanxi.registry.approvals import Flow, Step
from guanxi.runtime.approvals.tree import Position, TooManySteps, Walk, before, scope
from tests.support.project import registry_of

REGISTRY = registry_of("kind: object\nname: quote\nfields: {amount: {type: integer}, region: {type: text}}")
ASK = {"who": {"role": "boss"}}


class Raising:
    """Checks conditions and raises at a fault."""

    def condition(self, _: Any, text: Any) -> Any:
        return check(str(text), REGISTRY, "quote")

    def person(self, _: Any, text: Any) -> Any:
        return check(str(text), REGISTRY, "quote")


def flow_of(steps: dict[str, Any]) -> Flow:
    return build_flow("f", {"object": "quote", "steps": steps}, Raising())


class Run:
    """A walk whose steps wait, unless `auto` says how they end."""

    def __init__(self, flow: Flow, values: dict[str, Any], auto: dict[str, str] | None = None) -> None:
        self.flow, self.values, self.auto = flow, values, auto or {}
        self.position = Position()
        self.open: list[str] = []

    def walk(self) -> Walk:
        def enter(step: Step) -> Any:
            said = self.auto.get(step.name, "waits")
            if said == "waits":
                self.open.append(step.name)
            return said

        stored = Position.of(self.position.as_json())  # as kept between two requests
        self.position = stored
        return Walk(self.flow, stored, enter, lambda e: bool(evaluate(e, Env(self.values))))

    def begin(self) -> str:
        return self.walk().begin()

    def passed(self, name: str) -> str:
        self.open.remove(name)
        return self.walk().passed(name)


BLOCKS = {
    "first": ASK,
    "size": {"choose": {"large": {"when": "amount >= 100", "steps": {"finance": ASK}}, "other": {"steps": {}}}},
    "review": {
        "parallel": {
            "legal": {"steps": {"legal": ASK, "counsel": ASK}},
            "risk": {"when": 'region != "north"', "steps": {"risk": ASK}},
            "none": {"steps": {}},
        }
    },
    "last": ASK,
}


def test_in_order() -> None:
    run = Run(flow_of({"a": ASK, "b": ASK}), {})
    assert run.begin() == "running"
    assert run.open == ["a"]
    assert run.passed("a") == "running"
    assert run.open == ["b"]
    assert run.passed("b") == "finished"


def test_a_choice_takes_the_first_that_holds_and_joins() -> None:
    run = Run(flow_of(BLOCKS), {"amount": 100, "region": "north"})
    run.begin()
    run.passed("first")
    assert run.open == ["finance"]
    run.passed("finance")
    assert run.open == ["legal"]
    assert run.passed("legal") == "running"
    assert run.passed("counsel") == "running"
    assert run.open == ["last"]
    assert run.passed("last") == "finished"


def test_parallel_branches_join_once() -> None:
    run = Run(flow_of(BLOCKS), {"amount": 1, "region": "east"})
    run.begin()
    run.passed("first")
    assert run.open == ["legal", "risk"]
    run.passed("risk")
    assert run.open == ["legal"]
    run.passed("legal")
    assert run.open == ["counsel"]
    run.passed("counsel")
    assert run.open == ["last"]


def test_a_blank_value_takes_the_default() -> None:
    run = Run(flow_of(BLOCKS), {"amount": None, "region": None})
    run.begin()
    run.passed("first")
    assert "finance" not in run.open


def test_steps_that_pass_by_themselves_are_walked_through() -> None:
    run = Run(flow_of(BLOCKS), {"amount": 500, "region": "east"}, dict.fromkeys(("finance", "risk", "legal"), "passed"))
    run.begin()
    run.passed("first")
    assert run.open == ["counsel"]
    assert run.passed("counsel") == "running"
    assert run.open == ["last"]


def test_everything_passes_by_itself() -> None:
    names = ("first", "finance", "legal", "counsel", "risk", "last")
    assert Run(flow_of(BLOCKS), {"amount": 500}, dict.fromkeys(names, "passed")).begin() == "finished"


def test_a_step_that_rejects_by_itself_ends_the_walk() -> None:
    run = Run(flow_of(BLOCKS), {"amount": 500}, {"first": "passed", "finance": "rejected"})
    assert run.begin() == "rejected"
    assert run.open == []


def test_left_out_when_the_condition_does_not_hold() -> None:
    run = Run(flow_of({"a": {**ASK, "when": "amount > 5"}, "b": ASK}), {"amount": 1})
    run.begin()
    assert run.open == ["b"]


def test_return_inside_a_branch_leaves_siblings() -> None:
    run = Run(flow_of(BLOCKS), {"amount": 1, "region": "east"})
    run.begin()
    run.passed("first")
    run.passed("legal")
    assert before(run.flow, "counsel", run.position) == ["first", "legal"]
    assert scope(run.flow, "legal", run.position) == {"legal", "counsel"}


def test_return_before_the_fork_takes_all_branches() -> None:
    run = Run(flow_of(BLOCKS), {"amount": 500, "region": "east"})
    run.begin()
    run.passed("first")
    run.passed("finance")
    assert before(run.flow, "risk", run.position) == ["first", "finance"]
    ended = scope(run.flow, "finance", run.position)
    assert ended == {"finance", "legal", "counsel", "risk", "last"}
    run.open.clear()
    assert run.walk().go_to("finance") == "running"
    assert run.open == ["finance"]
    run.passed("finance")
    assert run.open == ["legal", "risk"]


def test_no_return_into_a_joined_block() -> None:
    run = Run(flow_of(BLOCKS), {"amount": 1, "region": "north"})
    run.begin()
    run.passed("first")
    run.passed("legal")
    run.passed("counsel")
    assert before(run.flow, "last", run.position) == ["first"]


def test_return_within_a_branch_that_had_passed_reopens_the_join() -> None:
    run = Run(flow_of(BLOCKS), {"amount": 1, "region": "east"})
    run.begin()
    run.passed("first")
    run.passed("legal")
    run.passed("counsel")  # the branch has passed; risk is still open
    assert scope(run.flow, "counsel", run.position) == {"counsel"}
    run.walk().go_to("counsel")
    run.passed("risk")
    assert run.open == ["counsel"]
    run.passed("counsel")
    assert run.open == ["last"]


def test_a_walk_is_bounded() -> None:
    steps = {f"s{i}": {"as": "auto_pass"} for i in range(1_001)}
    with pytest.raises(TooManySteps):
        Run(flow_of(steps), {}, dict.fromkeys(steps, "passed")).begin()
