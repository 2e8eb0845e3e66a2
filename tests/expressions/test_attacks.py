"""Text from outside can neither escape nor exhaust: refused with a fault, or evaluated within bounds, never an error."""

from __future__ import annotations

import random
import time
from decimal import Decimal

import pytest

from guanxi.expressions.check import check
from guanxi.expressions.env import Env
from guanxi.expressions.evaluate import evaluate
from guanxi.expressions.faults import BudgetExceeded, ExpressionErrors
from guanxi.expressions.template import check_template

from .draw import Draw
from .model import build_world, model

REFUSED = [
    "().__class__.__bases__[0].__subclasses__()", "name.__class__", "__import__('os').system('id')", "eval('1')", "exec('1')",
    "open('/etc/passwd')", "name.format(name)", '"{0.__class__}".format(name)', "getattr(name, 'x')", "lambda: 1", "(lambda: 1)()",
    "[x for x in name]", "{1: 2}", "{1, 2}", "name[0]", "name[::]", "f'{name}'", "f\"{name.__class__}\"", "b'x'", "r'x'", "1j", "0x10", "1e999999",
    "10**10**10", "2 << 100000", "~1", "1 @ 2", "'a' * 10000000000", "name * 1000", "9" * 400, "*name", "name if", "(yield)", "await name",
    "name := 5", "print(name)", "globals()", "...", "name; name", "import os", "qty = 1", "x" * 5000, "(" * 3000 + ")" * 3000,
    "not " * 900 + "open", "-" * 3900 + "1", "[" * 200 + "]" * 200, "+".join(["1"] * 1500), "qty\x00", "\ud800", '"\ud800"', "qty #x", "`id`",
    "qty\\\n", "$name", "name?", "'''a'''", '"\\x41"', '"\\N{DASH}"', "self", "env.row", "row.get", "me.__init__", "lower.__globals__", "lower", "None.x", "true.x",
    "lower(name=name)", "lower(*[name])", "lower(**name)", "count(lines, __import__)", "max()", "max(1)", "coalesce()", "account()", "qty()", "1 .real", "(1).real",
    "ﬁeld", "ｎａｍｅ", "na\u200bme", "\u202ename", "0777", "1_", "1__0", "'a' 'b'.x", "1 if 2", "qty > 1and open", "2x", "1.5e", "in", "and", "not", "==", ",", "()", "[],", "a,b",
]  # fmt: skip


@pytest.mark.parametrize("text", REFUSED, ids=range(len(REFUSED)))
def test_refused_with_a_fault(text: str) -> None:
    started = time.perf_counter()
    with pytest.raises(ExpressionErrors) as caught:
        check(text, model(), "deal")
    assert all(f.code.startswith("expression-") and f.message for f in caught.value.faults)
    assert time.perf_counter() - started < 1


def test_results_beyond_the_limits_are_blank() -> None:
    row = {"qty": 2**63 - 1, "rank": -(2**63), "amount": Decimal("9999999999999999.99"), "name": "a" * 1000}
    for text in (
        "qty + 1",
        "rank - 1",
        "qty * qty",
        "-rank",
        "abs(rank)",
        "rank // -1",
        "qty / 0",
        "qty % 0",
        "round(qty, -1)",
    ):
        assert evaluate(check(text, model(), "deal"), Env(row)) is None, text
    wide = "amount * amount * amount * amount"
    assert evaluate(check(wide, model(), "deal"), Env(row)) is None
    bomb = "name"
    for _ in range(12):
        bomb = f'replace({bomb}, "a", "aaaaaaaaaa")'
    assert evaluate(check(bomb, model(), "deal"), Env(row)) is None
    doubling = "name"
    for _ in range(7):
        doubling = f"concat({doubling}, {doubling})"
    assert len(evaluate(check(doubling, model(), "deal"), Env(row))) == 128_000


def test_lists_have_a_budget() -> None:
    children = [{"id": n, "deal": 1, "price": Decimal(n)} for n in range(20_000)]
    env = Env({"id": 1}, children=lambda *_: children)
    with pytest.raises(BudgetExceeded):
        evaluate(check("count(lines, price > 5) > 0", model(), "deal"), env)
    assert env.outer is None
    with pytest.raises(BudgetExceeded):
        slow = "all(lines, count(deal.lines, price > 1) >= 0)"
        evaluate(
            check(slow, model(), "deal"),
            Env({"id": 1}, children=lambda *_: children[:9000], lookup=lambda *_: {"id": 1}),
        )


def test_random_text_never_breaks_the_checker() -> None:
    rng = random.Random(5)
    pieces = ["(", ")", "[", "]", "{", "}", '"', "'", "\\", "name", "qty", "account", ".", ",", " ", "and", "not", "in", "if", "else", "==",
              "<", "-", "*", "/", "//", "1", "2.5", "None", "lower", "count", "lines", "客", "\n", "__", "=", ":", "@", "me", "outer", "old", "%"]  # fmt: skip
    for _ in range(4000):
        text = "".join(rng.choice(pieces) for _ in range(rng.randint(1, 14)))
        for judge in (check, check_template):
            try:
                judge(text, model(), "deal")
            except ExpressionErrors as errors:
                assert errors.faults
                assert all(0 <= f.offset <= len(text) for f in errors.faults)


def test_every_drawn_expression_stays_in_its_budget() -> None:
    world, rng = build_world(1), random.Random(11)
    row = world.rows["deal"][1]
    for _ in range(400):
        text = Draw(rng).condition(3)
        try:
            expression = check(text, model(), "deal")
        except ExpressionErrors:
            continue
        env = world.env(row, me=world.rows["user"][1])
        env.max_steps, env.milliseconds = 10_000, 500
        evaluate(expression, env)
