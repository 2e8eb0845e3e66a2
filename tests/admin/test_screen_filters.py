"""Every filter the builder offers is a lawful, safely quoted expression; what does not fit is refused."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

from guanxi.admin.fields import FAMILIES, FieldView, OptionView
from guanxi.admin.filters import OPERATORS, VALUELESS, Filter, FilterFault, condition, parse_filters, where_text
from guanxi.common.labels import Label
from guanxi.expressions.check import check
from guanxi.expressions.env import Env
from guanxi.expressions.evaluate import compile_expression
from guanxi.expressions.schema import FieldInfo
from guanxi.expressions.types import ValueType
from guanxi.registry import Field

SHANGHAI = ZoneInfo("Asia/Shanghai")
TYPES = {
    "name": ("text", ValueType("text")),
    "staff": ("integer", ValueType("integer")),
    "amount": ("money", ValueType("decimal", scale=2)),
    "close_on": ("date", ValueType("date")),
    "met_at": ("datetime", ValueType("datetime")),
    "opens": ("time", ValueType("time")),
    "active": ("boolean", ValueType("boolean")),
    "stage": ("choice", ValueType("choice", options=frozenset(("new", "won")))),
    "topics": ("choices", ValueType("choices", options=frozenset(("new", "won")))),
    "tags": ("tags", ValueType("choices")),
    "owner": ("user", ValueType("reference", object="user")),
    "products": ("references", ValueType("references", object="product")),
}
VALUES = {
    "text": 'it\'s "x" or 1 == 1 \\ 客户\n',
    "number": "-12.5",
    "date": "2026-03-01",
    "datetime": "2026-03-01",
    "time": "09:30",
    "boolean": "true",
    "choice": "new,won",
    "choices": "new,won",
    "reference": "1,22",
    "references": "1,22",
}


class Schema:
    def field(self, object_name: str, name: str) -> FieldInfo | None:
        if object_name == "deal" and name in TYPES:
            return FieldInfo(name, TYPES[name][1])
        return FieldInfo("id", ValueType("integer")) if name == "id" else None

    def field_names(self, object_name: str) -> list[str]:
        return list(TYPES)

    def related(self, object_name: str, name: str) -> None:
        return None

    def related_names(self, object_name: str) -> tuple[str, ...]:
        return ()

    def calendar_names(self) -> tuple[str, ...]:
        return ()


def view(name: str) -> FieldView:
    kind = TYPES[name][0]
    options = (
        (OptionView("new", "New", "blue"), OptionView("won", "Won", "green")) if name in ("stage", "topics") else ()
    )
    definition = Field(name=name, label=Label.of(name), type=kind, settings=SimpleNamespace())
    target = {"owner": "user", "products": "product"}.get(name, "")
    return FieldView(name, name, kind, kind, FAMILIES.get(kind, "text"), "read", definition, options, target)


FIELDS = {name: view(name) for name in TYPES}


def value_for(field: FieldView, operator: str) -> str:
    if operator in VALUELESS:
        return ""
    if operator in ("past", "next"):
        return "30"
    if operator == "between":
        return "5..10" if field.family == "number" else "2026-01-01..2026-02-01"
    return VALUES[field.family]


@pytest.mark.parametrize(
    ("name", "operator"), [(name, op) for name, field in FIELDS.items() for op in OPERATORS[field.family]]
)
def test_every_offered_filter_is_a_lawful_expression(name: str, operator: str) -> None:
    if operator == "me" and name != "owner":
        pytest.skip("only people are me")
    text = where_text([Filter(FIELDS[name], operator, value_for(FIELDS[name], operator))], SHANGHAI)
    assert text
    expression = check(text, Schema(), "deal", expect=ValueType("boolean"))
    assert expression.own == {name}


def test_a_text_stays_one_literal() -> None:
    hostile = '") or filled(name) or contains(name, "'
    found = condition(Filter(FIELDS["name"], "contains", hostile), SHANGHAI)
    assert found is not None
    holds = compile_expression(check(found, Schema(), "deal", expect=ValueType("boolean")))
    assert holds(Env({"name": f"before {hostile} after"}))
    assert not holds(Env({"name": "anything else"}))


def test_days_are_days_of_the_persons_zone() -> None:
    found = condition(Filter(FIELDS["met_at"], "eq", "2026-03-01"), SHANGHAI)
    assert found == 'met_at >= datetime("2026-02-28T16:00:00Z") and met_at < datetime("2026-03-01T16:00:00Z")'


@pytest.mark.parametrize(
    "pair",
    [
        ("f.nothing", "eq:1"),
        ("f.name", "between:1"),
        ("f.amount", "eq:1e400"),
        ("f.amount", "eq:NaN"),
        ("f.amount", "ge:abc"),
        ("f.close_on", "eq:2026-02-30"),
        ("f.close_on", "past:-1"),
        ("f.stage", "in:new,unknown"),
        ("f.owner", "in:1,x"),
        ("f.owner", "in:99999999999999999999"),
        ("f.active", "is:maybe"),
        ("f.name", "contains:"),
        ("f.met_at", "eq:9999-12-31"),
        ("f.opens", "ge:25:00"),
    ],
)
def test_what_does_not_fit_is_refused(pair: tuple[str, str]) -> None:
    with pytest.raises(FilterFault):
        parse_filters([pair], FIELDS, SHANGHAI)


def test_a_masked_field_is_no_operand() -> None:
    masked = {"name": replace(FIELDS["name"], grant="masked")}
    with pytest.raises(FilterFault):
        parse_filters([("f.name", "eq:x")], masked, SHANGHAI)


def test_at_most_twenty_filters() -> None:
    with pytest.raises(FilterFault):
        parse_filters([("f.name", "eq:x")] * 21, FIELDS, SHANGHAI)
