"""`guanxi test`: what passes, what fails and how it is told, what is refused before anything runs."""
# ruff: noqa: E501 (tables)

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from guanxi.app.cli import main
from tests.support.project import diagnostics_of

DEAL = """\
kind: object
name: deal
label: {en: Deal, zh: 商机}
title: name
owned: true
fields:
  name: {type: text, required: true}
  amount: {type: money, currency: CNY}
  due: {type: date}
  partner: {type: reference, to: deal, related: partners}
  stage: {type: choice, options: {draft: {en: Draft, zh: 草稿}, sent: {en: Sent, zh: 已发}, won: {en: Won, zh: 赢单}}}
  double: {type: formula, value: amount * 2}
rules:
  positive: {check: blank(amount) or amount > 0, message: {en: Be positive, zh: 须为正数}, fields: [amount]}
stages:
  field: stage
  path: {draft: {to: [sent]}, sent: {to: [won], when: filled(amount)}, won: {}}
actions:
  close: {label: {en: Close, zh: 关闭}, when: stage == "sent", do: [{set: {stage: won}}]}
---
kind: role
name: seller
objects: {deal: {create: true, read: own, update: own}}
actions: [deal.close]
"""
TEST = "kind: test\nname: t\n"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments), prog_name="guanxi")


@pytest.fixture
def ran(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def go(text: str, *arguments: str) -> Result:
        (tmp_path / "defs").mkdir(exist_ok=True)
        (tmp_path / "defs" / "deal.yaml").write_text(DEAL, encoding="utf-8")
        (tmp_path / "defs" / "tests.yaml").write_text(text, encoding="utf-8")
        monkeypatch.chdir(tmp_path)
        return run("test", "defs", *arguments)

    return go


GOOD = (
    TEST
    + """\
at: 2026-03-02T09:00:00+08:00
users: {li: {roles: [seller], team: north}, wang: {roles: [seller]}}
given: {deal: {a: {name: A, owner: li, due: "add_days(today(), 5)"}, b: {name: B, partner: a}}}
when:
  - update: {record: a, values: {amount: "-1"}, as: li, refused: {rule: positive, field: amount, code: rule}}
  - update: {record: a, values: {amount: "5"}, as: wang, refused: {code: not_found}}
  - move_stage: {record: a, to: sent, as: li, refused: {code: stage}}
  - update: {record: a, values: {amount: "5"}, as: li}
  - move_stage: {record: a, to: sent, as: li}
  - action: {record: a, name: close, as: li}
  - create: {object: deal, record: c, values: {name: C}, as: wang}
  - delete: {record: b}
  - wait: {days: 4, hours: 23}
then:
  - check: {record: a, that: 'stage == "won" and double == 10 and owner.team.name == "north"'}
  - check: {record: a, that: 'due == add_days(today(), 1) or due == today()'}
  - visible: {record: a, to: li}
  - hidden: {record: a, to: wang}
  - hidden: {record: b, to: li}
  - grant: {record: a, field: amount, to: li, is: edit}
  - count: {object: deal, is: 1, as: wang}
  - count: {object: deal, where: stage == "draft", is: 1}
"""
)


def test_what_holds_passes(ran) -> None:
    result = ran(GOOD)
    assert result.exit_code == 0, result.output
    assert result.output.splitlines()[0] == "ok      t"
    assert "touched: rules 1 of 1, stages 3 of 3, formulas 1 of 1" in result.output
    assert "not touched" not in result.output


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("double == 10", "double == 11", "17:5: a: stage == \"won\" and double == 11 and owner.team.name == \"north\" does not hold; seen: double = '10.00', owner ="),
        ("hidden: {record: a, to: wang}", "visible: {record: a, to: wang}", "20:5: a must be visible to wang; seen: it is not"),
        ("is: edit", "is: masked", "a.amount must be masked to li; seen: edit"),
        ("is: 1, as: wang", "is: 2, as: wang", "2 records of deal are expected; seen: 1"),
        ('"-1"', '"1"', "7:5: update a by li must be refused: code rule, field amount, rule positive; seen: it was done"),
        (", refused: {code: stage}", "", "move_stage a by li is refused; stage: "),
        ("{code: not_found}", "{code: forbidden}", "must be refused: code forbidden; seen: There is no such record. [not_found]"),
        ("wait: {days: 4, hours: 23}", "wait: {until: 2026-03-01T00:00:00Z}", "the clock does not go back"),
        ("check: {record: a, that: 'due", "check: {record: b, that: 'due", "seen: the record is in the trash"),
        ("given: {deal: {a: {name: A", "given: {deal: {a: {amount: \"1\"", "deal 'a' cannot be made; name: A value must be given. [required]"),
    ],
)  # fmt: skip
def test_what_does_not_hold_is_told_with_what_was_seen(ran, old: str, new: str, told: str) -> None:
    assert old in GOOD
    result = ran(GOOD.replace(old, new))
    assert result.exit_code == 1
    assert "0 passed, 1 failed" in result.output
    assert told in result.output.replace("\n  ", " "), result.output


def test_tests_do_not_see_each_other(ran) -> None:
    one = "given: {deal: {a: {name: A}}}\nthen: [{count: {object: deal, is: 1}}, {check: {record: a, that: id == 1}}]\n"
    result = ran(f"{TEST}{one}---\nkind: test\nname: u\nat: 2027-01-01T00:00:00Z\n{one}---\nkind: test\nname: v\n{one}")
    assert result.exit_code == 0, result.output


def test_for_programs_and_by_name(ran) -> None:
    other = "---\nkind: test\nname: u\nthen: [{count: {object: deal, is: 7}}]\n"
    value = json.loads(ran(GOOD + other, "--json").stdout)
    assert (value["ok"], value["passed"], value["failed"]) == (False, 1, 1)
    assert [(t["name"], t["ok"]) for t in value["tests"]] == [("t", True), ("u", False)]
    assert value["tests"][1]["failures"][0]["line"] == value["tests"][1]["line"] + 2
    assert ran(GOOD + other, "--name", "t").exit_code == 0
    refused = ran(GOOD + other, "--name", "tt")
    assert (refused.exit_code, "did you mean 't'?" in refused.stderr) == (1, True)


def test_what_no_test_touches_is_told(ran) -> None:
    result = ran(TEST + "given: {deal: {a: {name: A}}}\nthen: [{check: {record: a, that: filled(name)}}]\n")
    assert (
        "not touched: deal.positive (rule), deal.sent (stage), deal.won (stage), deal.double (formula)" in result.output
    )


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("then: []", "model-rule", "the test expects nothing"),
        ("then: [{chek: {record: a, that: id == 1}}]", "unknown-key", "unknown step 'chek'"),
        ("then: [{check: {record: a}}]", "missing-key", "'that' is missing"),
        ("then: [{check: {record: a, that: id == 1}}]", "unknown-reference", "no record of the test is called 'a'"),
        ("then: [{update: {record: a, values: {}}}]", "unknown-key", "'update' belongs under 'when'"),
        ("when: [{submit: {approval: x, record: a}}]", "unknown-reference", "unknown approval 'x'"),
        ("when: [{create: {object: dael, values: {}}}]", "unknown-object", "unknown object 'dael'"),
        ("when: [{create: {object: deal, values: {nmae: A}}}]", "unknown-field", "unknown field of deal 'nmae'"),
        ("when: [{create: {object: deal, values: {name: A, due: 5}}}]", "bad-data", "does not fit"),
        ("when: [{create: {object: deal, values: {partner: x}}}]", "unknown-reference", "no record of the test is called 'x'"),
        ("when: [{create: {object: deal, refused: {code: rle}}}]", "wrong-value", "nothing is refused with the code 'rle'"),
        ("when: [{create: {object: deal, refused: {rule: posit}}}]", "unknown-reference", "unknown rule of deal 'posit'"),
        ("when: [{wait: {days: soon}}]", "wrong-type", "a number is needed here"),
        ("when: [{wait: {}}]", "missing-key", "say how long"),
        ("given: {deal: {a: {name: A}}}\nwhen: [{action: {record: a, name: open}}]", "unknown-reference", "unknown action of deal 'open'"),
        ("given: {deal: {a: {name: A}}}\nwhen: [{move_stage: {record: a, to: lost}}]", "unknown-option", "unknown stage of deal 'lost'"),
        ("given: {deal: {a: {name: A}}}\nthen: [{check: {record: a, that: nme == 1}}]", "expression-name", "nme"),
        ("users: {li: {roles: [seler]}}\nthen: [{count: {object: deal, is: 1}}]", "unknown-reference", "unknown role 'seler'"),
        ("at: soon\nthen: [{count: {object: deal, is: 1}}]", "wrong-value", "a moment is written"),
    ],
)  # fmt: skip
def test_a_wrong_test_is_refused_where_it_is_wrong(text: str, code: str, said: str) -> None:
    found = diagnostics_of({"deal.yaml": DEAL, "test.yaml": TEST + text})
    assert [one.place.file for one in found if one.code == code and said in one.message] == ["test.yaml"], found


def test_wrong_definitions_are_told_and_nothing_runs(ran) -> None:
    result = ran(TEST + "then: [{count: {object: deals, is: 0}}]\n")
    assert result.exit_code == 1
    assert result.stdout.startswith("defs/tests.yaml:3:")


def test_an_instance_runs_its_own_tests_or_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "crm"
    folder.mkdir()
    (folder / "guanxi.yaml").write_text("name: T\npacks: [crm]\ntime_zone: Asia/Shanghai\n", encoding="utf-8")
    (folder / "metadata").mkdir()
    own = TEST + "given: {lead: {a: {name: 周杰, email: a@b.cn}}}\nthen: [{check: {record: a, that: score == 0}}]\n"
    (folder / "metadata" / "t.yaml").write_text(own, encoding="utf-8")
    monkeypatch.chdir(folder)
    assert "1 passed, 0 failed" in run("test").output
    assert run("test", "--all").output.count("\nok ") >= 18
    assert not (folder / "data").exists()
    monkeypatch.chdir(tmp_path)
    assert "error: . holds no guanxi.yaml" in run("test").stderr
