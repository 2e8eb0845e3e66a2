"""`kind: approval`: the whole grammar compiles; every fault is told at its line with what would be right."""

from __future__ import annotations

import pytest

from guanxi.common.diagnostics import DefinitionError
from guanxi.registry.approvals import Choose, Flow, Parallel
from tests.support.project import registry_of

BASE = """
kind: object
name: account
title: name
owned: true
fields: {name: {type: text}, region: {type: choice, options: {north: N, east: E}}, risk_officer: {type: user}}
---
kind: object
name: quote
title: name
owned: true
fields:
  name: {type: text}
  discount: {type: percent}
  amount: {type: money}
  notes: {type: text}
  payment_terms: {type: text}
  account: {type: reference, to: account}
  stage: {type: choice, options: {draft: Draft, sent: Sent}, default: draft}
stages: {field: stage, path: {draft: {to: [sent]}, sent: {to: []}}}
---
kind: role
name: finance
---
kind: role
name: board
---
kind: calendar
name: office
timezone: Asia/Shanghai
hours: {mon-fri: ["09:00-12:00", "13:30-18:00"]}
---
"""
WHOLE = """
kind: approval
name: discount
object: quote
label: {en: Discount approval, zh: 折扣审批}
start:
  on: submit
  watch: [discount, amount]
  when: discount > 5
  by: owner
  priority: 10
  required_for: {stage: sent}
lock: all
always_editable: [notes]
material: [amount, discount]
withdraw: before_first_decision
resubmit: restart
self: to_manager
empty: {assign: {user: li}}
repeat: adjacent
require_human: true
steps:
  manager:
    who: {manager_of: owner, level: 1}
    due: {hours: 8, calendar: office, then: [{remind: {every_hours: 2, times: 2}}, escalate]}
  by_size:
    choose:
      large: {when: amount >= 100000, steps: {finance: {who: {role: finance}, sign: all, edit: [payment_terms]}}}
      other: {steps: {}}
  review:
    parallel:
      legal: {steps: {legal: {who: {role: finance}}}}
      risk:  {when: 'account.region != "north"', steps: {risk: {who: {field: account.risk_officer}}}}
  director:
    who: {role: board}
    sign: {percent: 60, weights: {li: 2}}
    cc: [{role: board}]
    on_reject: {return_to: manager}
on:
  approved: [{set: {stage: sent}}]
  rejected: [{set: {stage: draft}}]
"""


def refused(text: str) -> list[str]:
    with pytest.raises(DefinitionError) as caught:
        registry_of(BASE + text)
    return [str(one) for one in caught.value.diagnostics]


def small(more: str = "", steps: str = "a: {who: {role: board}}") -> str:
    return f"kind: approval\nname: f\nobject: quote\n{more}\nsteps:\n  {steps}\n"


def test_the_whole_grammar() -> None:
    flow = registry_of(BASE + WHOLE).others["approval"]["discount"]
    assert isinstance(flow, Flow)
    assert [step.name for step in flow.all_steps()] == ["manager", "finance", "legal", "risk", "director"]
    assert isinstance(flow.steps[1], Choose)
    assert isinstance(flow.steps[2], Parallel)
    director = flow.step("director")
    assert director is not None
    assert (director.sign.mode, director.sign.percent, dict(director.sign.weights)) == ("percent", 60, {"li": 2})
    assert director.on_reject == "step:manager"
    assert flow.start.priority == 10
    assert flow.start.stages == ("sent",)
    assert flow.empty == "assign"
    assert flow.assign[0].names == ("li",)
    manager = flow.step("manager")
    assert manager is not None
    assert manager.due is not None
    assert [act.act for act in manager.due.then] == ["remind", "escalate"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (small().replace("quote", "quot"), "object: unknown object 'quot' (did you mean 'quote'?)"),
        (small("material: [amonut]"), "material.0: unknown field 'amonut' (did you mean 'amount'?)"),
        (small(steps="a: {who: {role: bord}}"), "steps.a.who.role: unknown role 'bord' (did you mean 'board'?)"),
        (small(steps="a: {who: {rol: board}}"), "unknown way to name people 'rol' (did you mean 'role'?)"),
        (small(steps="a: {who: onwer}"), "did you mean 'owner'"),
        (small(steps="a: {who: {field: account.name}}"), "'account.name' is not a user"),
        (small(steps="a: {sign: all}"), "'who' is missing"),
        (small(steps="a: {who: owner, sign: most}"), "steps.a.sign: sign is any, all, in_order or a map"),
        (small(steps="a: {who: owner, sign: {percent: 0}}"), "steps.a.sign.percent"),
        (small(steps="a: {who: owner, sign: {weights: {li: 2}}}"), "either 'percent' or 'count'"),
        (small(steps="a: {who: owner, on_reject: {return_to: b}}"), "'b' is not a step before this one"),
        (small(steps="a: {who: owner, due: {hours: 8, calendar: offise}}"), "did you mean 'office'"),
        (small(steps="a: {who: owner, due: {calendar: office}}"), "the time is missing"),
        (small(steps="a: {who: owner, due: {hours: 1, then: [nag]}}"), "an overdue task does one of"),
        (small(steps="a: {who: owner, due: {hours: 1, then: [{remind: {every: 2}}]}}"), "unknown key 'every'"),
        (small("material: [amount]", "a: {who: owner, edit: [amount]}"), "'amount' is material"),
        (small(steps="a: {who: owner, required: [notes]}"), "must be in 'edit' too"),
        (small(steps="a: {who: owner, when: amount > nothing}"), "steps.a.when"),
        (small(steps="a: {choose: {x: {when: amount > 1, steps: {}}}}"), "a choice needs one branch without 'when'"),
        (small(steps="a: {choose: {x: {steps: {}}, y: {when: amount > 1}}}"), "are never taken"),
        (small(steps="a: {who: owner, choose: {x: {steps: {}}}}"), "decides nothing itself"),
        (small(steps="a: {parallel: {x: {steps: {a: {who: owner}}}}}"), "'a' stands in this flow twice"),
        (small("start: {required_for: {stage: snet}}"), "unknown stage 'snet' (did you mean 'sent'?)"),
        (small("start: {on: sumbit}"), "did you mean 'submit'"),
        (small("empty: {assing: {user: li}}"), "empty is admin, auto_pass"),
        (small("on: {aproved: []}"), "did you mean 'approved'"),
        (small("on: {approved: [{set: {stag: sent}}]}"), "unknown field of quote 'stag'"),
        (small("lock_children: [lines]"), "unknown related list 'lines'"),
    ],
)
def test_faults(text: str, says: str) -> None:
    found = refused(text)
    assert any(says in one for one in found), found
    assert all(one.startswith("project.yaml:") for one in found)


def test_a_return_may_not_lead_into_a_branch() -> None:
    steps = (
        "review: {parallel: {x: {steps: {inner: {who: owner}}}}}\n  last: {who: owner, on_reject: {return_to: inner}}"
    )
    assert any("'inner' is not a step before this one" in one for one in refused(small(steps=steps)))
