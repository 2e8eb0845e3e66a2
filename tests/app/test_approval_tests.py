"""Metadata tests of approvals: the example of the metadata's reference runs, and what does not hold is told."""

# ruff: noqa: E501 (definitions)

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from guanxi.app.cli import main

PROJECT = """\
kind: object
name: account
label: Account
title: name
fields: {name: {type: text}, region: {type: text}, risk_officer: {type: user}}
---
kind: object
name: quote
label: Quote
owned: true
access: edit
fields:
  account: {type: reference, to: account}
  amount: {type: money, currency: CNY}
  discount: {type: percent}
  notes: {type: text}
  payment_terms: {type: text}
  stage: {type: choice, options: {draft: Draft, sent: Sent}, default: draft}
stages: {field: stage, path: {draft: {to: [sent]}, sent: {to: [draft]}}}
---
{kind: role, name: finance, includes: [employee]}
---
{kind: role, name: legal, includes: [employee]}
---
{kind: role, name: board, includes: [employee]}
---
{kind: role, name: sales_director, includes: [employee]}
---
kind: data
name: people
object: user
key: name
rows:
  - {name: boss, roles: [administrator]}
  - {name: li, roles: [employee], manager: boss}
  - {name: wang, roles: [employee], manager: li}
  - {name: finance1, roles: [finance]}
  - {name: counsel, roles: [legal]}
---
kind: calendar
name: office
timezone: Asia/Shanghai
hours: {mon: "09:00-18:00", tue: "09:00-18:00"}
---
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
empty: admin
repeat: adjacent
require_human: true
steps:
  manager: {who: {manager_of: owner, level: 1}, due: {hours: 8, calendar: office, then: [{remind: {every_hours: 2, times: 2}}, escalate]}}
  by_size:
    choose:
      large: {when: amount >= 100000, steps: {finance: {who: {role: finance}, sign: all, edit: [payment_terms]}}}
      other: {steps: {}}
  review:
    parallel:
      legal: {steps: {legal: {who: {role: legal}}}}
      risk:  {when: 'account.region != "north"', steps: {risk: {who: {field: account.risk_officer}}}}
  director: {who: {role: sales_director}, sign: {percent: 60, weights: {li: 2}}, cc: [{role: board}], on_reject: {return_to: manager}}
on:
  approved: [{set: {stage: sent}}]
  rejected: [{set: {stage: draft}}, {notify: {to: owner, text: {en: Discount refused, zh: 折扣被驳回}}}]
---
"""
EXAMPLE = """\
kind: test                       # metadata is tested like code
name: discount_needs_director
given: {quote: {q1: {amount: 200000, discount: 12, owner: wang}}}
when: [{submit: {approval: discount, record: q1, as: wang}}, {approve: {as: li}}, {approve: {as: finance1}}]
then: [{waiting_on: {approval: discount, record: q1, is: [legal, risk]}}]
"""
ALL_VERBS = """\
kind: test
name: every_verb
given: {quote: {q1: {amount: 200000, discount: 12, owner: wang}, q2: {amount: 1, discount: 12, owner: wang}, q3: {amount: 1, discount: 1, owner: wang}}}
when:
  - submit: {record: q3, as: wang, refused: {code: no_flow}}
  - move_stage: {record: q1, to: sent, as: wang, refused: {code: approval_required}}
  - submit: {record: q2, as: wang, comment: please}
  - approve: {as: finance1, refused: {code: task_closed}}
  - withdraw: {as: li, refused: {code: forbidden}}
  - withdraw: {as: wang}
  - submit: {record: q1, as: wang}
  - update: {record: q1, values: {amount: 5}, as: wang, refused: {code: locked}}
  - add_signer: {as: li, users: [counsel], where: before}
  - approve: {as: counsel}
  - transfer: {as: li, user: boss}
  - approve: {as: boss, comment: fine}
  - approve: {as: finance1, values: {amount: 3}, refused: {code: read_only, field: amount}}
  - approve: {as: finance1, values: {payment_terms: 30 days}}
  - return: {as: counsel, to: manager}
  - reject: {as: boss, comment: no}
then:
  - waiting_on: {record: q1, is: [], state: rejected, people: []}
  - waiting_on: {record: q2, is: [], state: withdrawn}
  - check: {record: q1, that: 'stage == "draft" and payment_terms == "30 days"'}
"""


@pytest.fixture
def ran(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def go(text: str) -> Result:
        (tmp_path / "defs").mkdir()
        (tmp_path / "defs" / "all.yaml").write_text(PROJECT + text, encoding="utf-8")
        monkeypatch.chdir(tmp_path)
        return CliRunner().invoke(main, ["test", "defs"], prog_name="guanxi")

    return go


@pytest.mark.parametrize("text", [EXAMPLE, ALL_VERBS])
def test_what_holds_passes(ran, text: str) -> None:
    result = ran(text)
    assert result.exit_code == 0, result.output
    assert "1 passed" in result.output


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("is: [legal, risk]", "is: [legal]", "seen: running, waiting on legal, risk (boss, counsel)"),
        ("is: [legal, risk]", "is: [legall]", "unknown step 'legall'"),
        ("approval: discount, record: q1, is", "approval: discountt, record: q1, is", "unknown approval 'discountt'"),
        ("approval: discount, record: q1, is", "record: q1, state: wrong, is", "one of running"),
        ("{approve: {as: finance1}}", "{approve: {as: counsel}}", "counsel is not asked now. [task_closed]"),
        ("{submit: {approval: discount, record: q1, as: wang}}, ", "", "say which 'record'"),
    ],
)
def test_what_does_not_hold_is_told(ran, old: str, new: str, told: str) -> None:
    assert old in EXAMPLE
    result = ran(EXAMPLE.replace(old, new))
    assert result.exit_code == 1
    assert told in result.output.replace("\n  ", " "), result.output
