"""Automations as definitions: what is refused where, what a rule waits for, and circles of rules."""

from __future__ import annotations

import pytest

from guanxi.metadata.documents.steps import VERBS, WAITING
from guanxi.registry.step_source import _VERBS
from guanxi.runtime.extensions import EXTENSIONS
from guanxi.runtime.records.steps import VERBS as OWN
from tests.support.project import diagnostics_of, registry_of, said

MODEL = """kind: object
name: deal
owned: true
fields:
  name: {type: text}
  amount: {type: decimal}
  day: {type: date}
  at: {type: datetime}
  f: {type: formula, returns: decimal, value: amount * 2}
  stage: {type: choice, options: {a: A, b: B}}
  up: {type: reference, to: deal, related: downs}
---
kind: object
name: plain
fields: {name: {type: text}}
---
kind: automation
name: r
object: deal
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("on: update\ndo: [{set: {amount: 1}}]\nwhen: changed(name)", []),
        ("on: updat\ndo: [stop]", ["wrong-value 20:5"]),
        ("on: [create, updat]\ndo: [stop]", ["wrong-value 20:14"]),
        ("on: []\ndo: [stop]", ["wrong-value 20:5"]),
        ("on: {schedule: '61 * * * *'}\ndo: [stop]", ["wrong-value 20:16"]),
        ("on: {schedule: '0 9 30 2 *'}\ndo: [stop]", ["wrong-value 20:16"]),
        ("on: {date: dy}\ndo: [stop]", ["unknown-field 20:12"]),
        ("on: {date: amount}\ndo: [stop]", ["expression-type 20:12"]),
        ("on: {date: day, offset_hours: 3}\ndo: [stop]", ["model-rule 20:17"]),
        ("on: {date: day, at: '25:00'}\ndo: [stop]", ["wrong-value 20:21"]),
        ("on: {date: day, offset_working_days: 1, calendar: ofice}\ndo: [stop]", ["unknown-reference 20:51"]),
        ("on: {date: day}\nwhen: changed(name)\ndo: [stop]", ["expression-sql 21:7"]),
        ("on: {date: day}\nrun_as: user\ndo: [stop]", ["model-rule 21:9"]),
        ("on: {date: day}\non_error: fail\ndo: [stop]", ["model-rule 21:11"]),
        ("on: stage\ndo: [stop]", ["never-true 20:5"]),
        ("on: update\nwhen: 1 > 2\ndo: [stop]", ["never-true 21:7"]),
        ("on: update\nonce: sometimes\ndo: [stop]", ["wrong-value 21:7"]),
        ("on: update\ndo: []", ["wrong-value 21:5"]),
        ("on: update\ndo: [{set: {nam: x}}]", ["unknown-field 21:13"]),
        ("on: update\ndo: [{set: {f: 1}}]", ["model-rule 21:13"]),
        ("on: update\ndo: [{set: {amount: name}}]", ["expression-type 21:21"]),
        ("on: update\ndo: [{sett: {}}]", ["unknown-key 21:7"]),
        ("on: update\ndo: [{approval: x}]", ["unknown-reference 21:17"]),
        ("on: update\ndo: [{task: {to: owner}}]", ["missing-key 21:13"]),
        ("on: update\ndo: [{task: {to: name, subject: x}}]", ["expression-type 21:18"]),
        ("on: update\ndo: [{task: {to: {role: boss}, subject: x}}]", ["unknown-reference 21:25"]),
        ("on: update\ndo: [{task: {to: owner, subject: 'hi {nam}'}}]", ["expression-name 21:39"]),
        ("on: update\ndo: [{for_each: {list: dows, do: []}}]", ["unknown-reference 21:24"]),
        ("on: update\ndo: [{for_each: {list: downs, do: [{wait: {days: 1}}]}}]", ["model-rule 21:37"]),
        ("on: update\ndo: [{for_each: {list: downs, do: [{set: {name: outer.nam}}]}}]", ["expression-name 21:55"]),
        ("on: update\ndo: [{choose: {a: {do: []}, b: {when: amount > 1, do: []}}}]", ["model-rule 21:16"]),
        ("on: update\ndo: [stop, {post: x}]", ["never-true 21:12"]),
        ("on: update\ndo: [{wait: {days: 1, hours: 2}}]", ["wrong-value 21:13"]),
    ],
)
def test_what_is_refused_and_where(text: str, expected: list[str]) -> None:
    found = [one.replace("project.yaml:", "") for one in said(MODEL + text + "\n") if "missing-translation" not in one]
    assert found == expected


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("changed(name)", {"name"}),
        ("amount > 1 and changed(name)", {"name"}),
        ("changed(name) or changed(amount)", {"name", "amount"}),
        ("changed(name) or amount > 1", None),
        ("changed(f)", None),
        ("is_new()", set()),
        ("not changed(name)", None),
    ],
)
def test_what_must_have_moved(when: str, expected: set[str] | None) -> None:
    text = MODEL + f"on: [create, update]\nsettles: true\nwhen: {when}\ndo: [{{set: {{day: today()}}}}]\n"
    assert registry_of(text).automations["r"].watched == expected


def rules(*pairs: tuple[str, str, str]) -> str:
    head = MODEL.rpartition("---\n")[0]
    return head + "".join(
        f"---\nkind: automation\nname: {name}\nobject: deal\non: update\n{when}\ndo: [{do}]\n"
        for name, when, do in pairs
    )


def test_rules_that_write_each_others_trigger_are_reported_at_both() -> None:
    text = rules(
        ("a", "when: changed(name)", "{set: {amount: 1}}"), ("b", "when: changed(amount)", "{set: {name: '\"x\"'}}")
    )
    found = [one for one in diagnostics_of(text) if one.code == "automation-loop"]
    assert [one.severity for one in found] == ["error", "error"]
    assert "a → b → a" in found[0].message
    assert "'b' stands at project.yaml:" in found[0].message
    assert found[0].place.line != found[1].place.line


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ((("a", "when: changed(name)", "{set: {name: '\"x\"'}}"),), ["warning"]),
        ((("a", "settles: true\nwhen: changed(name)", "{set: {name: '\"x\"'}}"),), []),
        (
            (("a", "when: changed(name)", "{set: {amount: 1}}"), ("b", "when: changed(day)", "{set: {name: '\"x\"'}}")),
            [],
        ),
        ((("a", "", "{post: x}"), ("b", "when: changed(day)", "{set: {name: '\"x\"'}}")), []),
        (
            (
                ("a", "when: changed(name)", "{for_each: {list: downs, do: [{set: {amount: 1}}]}}"),
                ("b", "when: changed(amount)", "{choose: {x: {do: [{set: {day: today()}}]}}}"),
                ("c", "when: filled(day)", "{set: {name: '\"x\"'}}"),
            ),
            ["error"] * 3,
        ),
    ],
)
def test_circles(pairs: tuple[tuple[str, str, str], ...], expected: list[str]) -> None:
    found = [one.severity for one in diagnostics_of(rules(*pairs)) if one.code == "automation-loop"]
    assert found == expected


def test_every_verb_that_is_accepted_is_carried_out() -> None:
    ready = set(VERBS) - set(WAITING)
    assert ready - {"wait"} <= {*OWN, *EXTENSIONS.verbs}
    assert set(VERBS) == set(_VERBS)


def test_where_a_field_is_used_in_a_rule() -> None:
    from guanxi.metadata.load import inspect
    from guanxi.metadata.where_used import where_used
    from tests.support.project import layers_of

    text = (
        MODEL + "on: update\nwhen: changed(name)\ndo: [{set: {amount: amount + 1}}, {task: {to: owner, subject: x}}]\n"
    )
    read = inspect(layers_of(text))
    assert read.registry is not None
    found = where_used(read.documents, read.registry, "deal.amount")
    paths = [one.path for one in found if "automation" in one.definition]
    assert paths == ["do.0.set.amount", "do.0.set.amount"]
    assert [one.path for one in where_used(read.documents, read.registry, "deal.owner")] == ["do.1.task.to"]
