"""What the checker accepts, refuses, and says about it."""

from __future__ import annotations

import pytest

from guanxi.expressions.check import check, check_value
from guanxi.expressions.env import Env
from guanxi.expressions.evaluate import evaluate
from guanxi.expressions.expression import Use
from guanxi.expressions.faults import ExpressionErrors, ExpressionFault
from guanxi.expressions.parser import parse
from guanxi.expressions.printer import print_tree
from guanxi.expressions.rename import Renames, rename
from guanxi.expressions.template import check_template, render_template
from guanxi.expressions.types import BOOLEAN, DECIMAL, INTEGER, TEXT, ValueType

from .model import STAGE, model


def faults(text: str, **options: object) -> tuple[ExpressionFault, ...]:
    with pytest.raises(ExpressionErrors) as caught:
        check(text, model(), "deal", **options)  # type: ignore[arg-type]
    return caught.value.faults


@pytest.mark.parametrize(
    ("text", "code", "position", "hint"),
    [
        ('stage == "wonn"', "expression-name", "1:10", "won"),
        ("stage == won", "expression-name", "1:10", '"won"'),
        ("amont > 3", "expression-name", "1:1", "amount"),
        ("account.nme == name", "expression-name", "1:9", "name"),
        ("lowr(name)", "expression-call", "1:1", "lower"),
        ("lower(qty)", "expression-call", "1:7", "lower(text)"),
        ("left(name)", "expression-call", "1:1", "left(text, n)"),
        ("name > 5", "expression-type", "1:1", ""),
        ("qty and open", "expression-type", "1:1", "filled"),
        ('due > "2024-01-01"', "expression-type", "1:1", "date("),
        ("name + qty", "expression-type", "1:1", "concat"),
        ('"a" in name', "expression-type", "1:8", "contains"),
        ("due - due", "expression-type", "1:1", "days_between"),
        ("lines > 3", "expression-type", "1:1", "count(lines)"),
        ("count(linse)", "expression-name", "1:7", "lines"),
        ("sum(lines)", "expression-call", "1:5", "list.field"),
        ("extra == 1", "expression-type", "1:1", "blank"),
        ("changed(qty)", "expression-call", "1:1", ""),
        ("old.qty > 1", "expression-name", "1:1", ""),
        ("outer.qty > 1", "expression-name", "1:1", ""),
        ("account.parent.parent.parent.parent.name", "expression-limit", "1:30", ""),
        ('working_days_since(due, "ofice") > 1', "expression-name", "1:25", "office"),
        ("", "expression-syntax", "1:1", ""),
        ("qty = 5", "expression-syntax", "1:1", "=="),
        ("name == “a”", "expression-syntax", "1:9", '"'),
        ("(qty > 1", "expression-syntax", "1:1", ""),
        ("qty ** 2 > 1", "expression-syntax", "1:1", ""),
        ("qty is None", "expression-syntax", "1:1", "=="),
        ('[x for x in "a"]', "expression-syntax", "1:1", ""),
        ("open\n  and\n  nme == 1", "expression-name", "3:3", "name"),
        ('"客户" == 5', "expression-type", "1:1", ""),
    ],
)
def test_a_fault_says_where_what_and_how(text: str, code: str, position: str, hint: str) -> None:
    found = faults(text)
    assert (found[0].code, found[0].position) == (code, position)
    assert hint in found[0].hint


def test_all_faults_of_a_text_are_found() -> None:
    assert [f.offset for f in faults('nme == "x" and stage == "wn" and foo(1) and qty > "a"')] == [0, 24, 33, 44]


def test_places_decide_what_may_be_asked() -> None:
    assert check("changed(stage) and old.qty > qty", model(), "deal", change=True).change
    assert faults("changed(stage)", sql=True)[0].code == "expression-sql"
    assert faults("owner == me", people=False)[0].code == "expression-name"
    assert faults('has_role("x")', people=False)[0].code == "expression-name"
    params = {"row": ValueType("reference", object="line"), "percent": INTEGER}
    assert check("row.price > percent", model(), "deal", params=params).type == BOOLEAN
    assert check("outer.amount > price", model(), "line", outer="deal").type == BOOLEAN


def test_what_an_expression_reads_is_known() -> None:
    found = check('net > 5 and account.owner.region == me.region and has_role("sales")', model(), "deal")
    assert {Use("deal", "net"), Use("deal", "rate"), Use("account", "owner"), Use("user", "region")} <= found.uses
    assert found.own == {"net", "account"}
    assert found.roles == {"sales"}
    assert found.volatile
    assert not check("qty + 1", model(), "deal").volatile


def test_expected_types() -> None:
    assert check("qty", model(), "deal", expect=DECIMAL).type == DECIMAL
    assert faults("qty", expect=TEXT)[0].hint
    assert faults("qty", expect=BOOLEAN)[0].hint
    assert faults('"wn" if open else "won"', expect=STAGE)[0].hint == "did you mean 'won'?"


def test_set_takes_bare_options_and_expressions() -> None:
    assert evaluate(check_value("won", model(), "deal", STAGE), Env({})) == "won"
    assert evaluate(check_value("qty + 1", model(), "deal", INTEGER), Env({"qty": 2})) == 3
    assert evaluate(check_value(5, model(), "deal", INTEGER), Env({})) == 5
    assert evaluate(check_value(None, model(), "deal", INTEGER), Env({})) is None
    with pytest.raises(ExpressionErrors) as caught:
        check_value("wonn", model(), "deal", STAGE)
    assert "won" in caught.value.faults[0].hint


def test_templates() -> None:
    found = check_template('大额商机:{name} {{{qty * 2}}} {"}"}', model(), "deal")
    assert render_template(found, Env({"name": "甲", "qty": 4})) == "大额商机:甲 {8} }"
    with pytest.raises(ExpressionErrors) as caught:
        check_template("ok {qty}\n{nme} and }", model(), "deal")
    assert [f.position for f in caught.value.faults] == ["2:2", "2:11"]


def test_rename_follows_meaning_not_text() -> None:
    renames = Renames(
        {("deal", "stage"): "phase", ("line", "price"): "cost", ("deal", "lines"): "items"},
        {("deal", "stage", "won"): "gained"},
    )
    text = 'sum(lines.price, price > 1 and outer.stage == "won") * 2 + (1 if stage in ["won", "new"] else 0) - length("won")'
    expected = 'sum(items.cost, cost > 1 and outer.phase == "gained") * 2 + (1 if phase in ["gained", "new"] else 0) - length("won")'
    assert rename(text, model(), "deal", renames) == expected
    assert rename('stage == "won" and account.level == "won"', model(), "deal", renames) == (
        'phase == "gained" and account.level == "won"'
    )


@pytest.mark.parametrize(
    "text",
    ["(a + b) * c", "a - (b - c)", "-(a + b)", "not (a and b) or c", "(a if b else c) if d else e", "a < b <= c",
     "(a < b) == (c < d)", 'f(a, [1, -2.50, "q\\"\\n\\\\"])', "a // b % c", "x not in [None, true]", "-(-a)"],
)  # fmt: skip
def test_printing_keeps_the_tree(text: str) -> None:
    printed = print_tree(parse(text))
    assert print_tree(parse(printed)) == printed
    assert printed.replace("(-a)", "-a").replace(" ", "") == text.replace("(-a)", "-a").replace(" ", "")
