"""Stages 4 and 5: what definitions say of each other, and the Registry they become."""

from __future__ import annotations

import pytest

from guanxi.common.diagnostics import Diagnostics
from guanxi.metadata.assemble import link_and_compile
from guanxi.metadata.link.memory import Memory
from tests.support.definitions import compiled, diagnostics, documents_of, faults

CUSTOMER = """\
kind: object
name: customer
fields:
  name: {type: text, required: true}
  level: {type: choice, options: {a: A, b: B}, default: b}
  amount: {type: money}
"""
ORDER = """\
---
kind: object
name: order
fields:
  number: {type: text}
  customer: {type: reference, to: customer}
  total: {type: money}
"""


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("  up: {type: reference, to: custmer}\n", ["7:29 fields.up.to unknown-object"]),
        ("  x: {type: choice, options: regoin}\n", ["7:30 fields.x.options unknown-reference"]),
        ("  x: {type: choice, options: {a: A}, default: b}\n", ["7:47 fields.x.default unknown-option"]),
        ("  x: {type: integer, default: level}\n", ["7:31 fields.x.default expression-type"]),
        ("  x: {type: date, default: toady()}\n", ["7:28 fields.x.default expression-call"]),
        ("  x: {type: text, length: 2, default: abc}\n", ["7:39 fields.x.default wrong-value"]),
        ("  x: {type: formula, value: amuont * 2}\n", ["7:29 fields.x.value expression-name"]),
        ("  x: {type: formula, value: 'amuont * 2'}\n", ["7:30 fields.x.value expression-name"]),
        ("  x:\n    type: formula\n    value: |\n      1 +\n      amuont\n", ["11:7 fields.x.value expression-name"]),
        ("  x: {type: formula, returns: date, value: amount}\n", ["7:44 fields.x.value expression-type"]),
        ("  x: {type: formula, value: x + 1}\n", ["7:29 fields.x.value cycle"]),
        ("  x: {type: formula, value: amount, index: true}\n", ["7:44 fields.x.index model-rule"]),
        ("  x: {type: formula, value: amount, required: true}\n", ["7:47 fields.x.required model-rule"]),
        ("  x: {type: integer, search: true}\n", ["7:30 fields.x.search model-rule"]),
        ("  x: {type: boolean, unique: true}\n", ["7:30 fields.x.unique model-rule"]),
        ("  x: {type: text, mask: keep_last4}\n", ["7:25 fields.x.mask wrong-value"]),
        ("  x: {type: text, since_stage: a}\n", ["7:32 fields.x.since_stage model-rule"]),
        ("  x: {type: text, renamed_from: name}\n", ["7:33 fields.x.renamed_from model-rule"]),
        ("  x: {type: user, required: true, on_delete: clear}\n", ["7:46 fields.x.on_delete model-rule"]),
        ("  x: {type: text, when: amount}\n", ["7:25 fields.x.when expression-type"]),
        ("  x: {type: reference, to: customer, required: true}\n", ["7:48 fields.x.required cycle"]),
        ("title: nmae\n", ["7:8 title expression-name"]),
        ("title: amount + 1\n", ["7:8 title expression-type"]),
        ("history: [nmae]\n", ["7:11 history.0 unknown-field"]),
        ("unique: {k: [name, levl]}\n", ["7:20 unique.k.1 unknown-field"]),
        ("unique: {k: [name], l: [name]}\n", ["7:21 unique.l clash"]),
        ("rules: {r: {check: 1 == 1, message: M}}\n", ["7:20 rules.r.check never-true"]),
        ("rules: {r: {check: amount, message: M}}\n", ["7:20 rules.r.check expression-type"]),
        ("rules: {r: {check: amount > 0, message: M, fields: [amuont]}}\n", ["7:53 rules.r.fields.0 unknown-field"]),
        ("rules: {r: {check: amount > 0, message: {en: M}}}\n", ["~7:41 rules.r.message missing-translation"]),
        ("duplicates: {d: {match: [{field: amount, by: company_name}]}}\n", ["7:26 duplicates.d.match.0 model-rule"]),
        ("stages: {field: levle, path: {a: {}}}\n", ["7:17 stages.field unknown-field"]),
        ("stages: {field: name, path: {a: {}}}\n", ["7:17 stages.field model-rule"]),
        ("stages: {field: level, path: {a: {to: [c]}, b: {}}}\n", ["7:40 stages.path.a.to.0 unknown-reference"]),
        ("stages: {field: level, path: {a: {to: [a]}, b: {}}}\n", ["7:40 stages.path.a.to.0 model-rule"]),
        (
            "stages: {field: level, path: {a: {}, b: {}, c: {}}}\n",
            ["~7:45 stages.path.c never-true", "7:45 stages.path.c unknown-option"],
        ),
        ("stages: {field: level, path: {a: {needs: [x]}, b: {}}}\n", ["7:43 stages.path.a.needs.0 unknown-field"]),
        (
            "stages: {field: level, path: {a: {on_enter: [{set: {levl: b}}]}, b: {}}}\n",
            ["7:53 stages.path.a.on_enter.0.set.levl unknown-field"],
        ),
        (
            "stages: {field: level, path: {a: {on_enter: [{set: {level: c}}]}, b: {}}}\n",
            ["7:60 stages.path.a.on_enter.0.set.level expression-name"],
        ),
        ("form: {sections: {s: {fields: [name, nme]}}}\n", ["7:38 form.sections.s.fields.1 unknown-field"]),
        ("form: {sections: {s: {fields: [name]}, t: {fields: [name]}}}\n", ["7:53 form.sections.t.fields.0 clash"]),
        ("views: {v: {where: level == 'c'}}\n", ["7:29 views.v.where expression-name"]),
        ("views: {v: {where: changed(level)}}\n", ["7:20 views.v.where expression-sql"]),
        ("views: {v: {columns: [name.x]}}\n", ["7:23 views.v.columns.0 unknown-field"]),
        ("views: {v: {sort: [-amuont]}}\n", ["7:20 views.v.sort.0 unknown-field"]),
        ("views: {v: {as: board}}\n", ["7:12 views.v missing-key"]),
        ("views: {v: {as: board, by: amount}}\n", ["7:28 views.v.by model-rule"]),
        ("views: {v: {as: calendar, date: amount}}\n", ["7:33 views.v.date model-rule"]),
        ("page: {tabs: [details, orders]}\n", ["7:24 page.tabs.1 unknown-reference"]),
        ("page: {highlights: [nme]}\n", ["7:21 page.highlights.0 unknown-field"]),
        ("actions: {x: {do: [{set: {id: 1}}]}}\n", ["7:27 actions.x.do.0.set.id model-rule"]),
        ("actions: {x: {when: false, do: [stop]}}\n", ["7:21 actions.x.when never-true"]),
        ("---\nkind: role\nname: r\nobjects: {custmer: {read: all}}\n", ["10:11 objects.custmer unknown-object"]),
        (
            "---\nkind: role\nname: r\nobjects: {customer: {read: all, where: levl == 'a'}}\n",
            ["10:40 objects.customer.where expression-name"],
        ),
        (
            "---\nkind: role\nname: r\nobjects: {customer: {fields: {nme: none}}}\n",
            ["10:31 objects.customer.fields.nme unknown-field"],
        ),
        ("---\nkind: role\nname: r\nobjects: {customer: {read: own}}\n", ["~10:28 objects.customer.read never-true"]),
        ("---\nkind: role\nname: r\nincludes: [r]\n", ["10:11 includes cycle"]),
        ("---\nkind: role\nname: r\nincludes: [emploee]\n", ["10:12 includes.0 unknown-reference"]),
        ("---\nkind: role\nname: r\nactions: [customer.clame]\n", ["10:11 actions.0 unknown-reference"]),
        ("---\nkind: app\nname: r\nmenu: [customer, custmer]\n", ["10:18 menu.1 unknown-object"]),
        ("---\nkind: app\nname: r\nmenu: [customer]\nroles: [slaes]\n", ["11:9 roles.0 unknown-reference"]),
        (
            "---\nkind: data\nname: d\nobject: customer\nkey: name\nrows: [{name: A, levl: a}]\n",
            ["12:18 rows.0.levl unknown-field"],
        ),
        (
            "---\nkind: data\nname: d\nobject: customer\nkey: name\nrows: [{name: A, level: c}]\n",
            ["12:25 rows.0.level bad-data"],
        ),
        ("---\nkind: data\nname: d\nobject: customer\nkey: name\nrows: [{level: a}]\n", ["12:8 rows.0 bad-data"]),
        (
            "---\nkind: data\nname: d\nobject: customer\nkey: name\nrows: [{name: A}, {name: A}]\n",
            ["12:19 rows.1 bad-data"],
        ),
        (
            "---\nkind: test\nname: t\ngiven: {customer: {c: {nme: A}}}\nthen: []\n",
            ["10:24 given.customer.c.nme unknown-field"],
        ),
    ],
)
def test_faults_at_their_place(more: str, expected: list[str]) -> None:
    assert faults(CUSTOMER + more) == expected


def test_formulas_of_several_objects_in_a_circle_are_one_fault() -> None:
    text = (
        CUSTOMER.replace("  amount:", "  sum_all: {type: rollup, value: sum(orders.net)}\n  amount:")
        + ORDER
        + ("  net: {type: formula, value: 'total + customer.sum_all'}\n")
    )
    found = diagnostics(text)
    assert [d.code for d in found] == ["cycle"]
    assert "customer.sum_all" in found[0].message
    assert "order.net" in found[0].message


def test_a_long_chain_of_formulas_in_any_order_is_typed() -> None:
    chain = "".join(f"  f{i}: {{type: formula, value: f{i + 1} + 1}}\n" for i in range(150))
    registry = compiled(CUSTOMER + chain + "  f150: {type: formula, value: amount}\n")
    info = registry.field("customer", "f0")
    assert info is not None
    assert info.type.kind == "decimal"


def test_required_references_in_a_circle() -> None:
    text = CUSTOMER.replace("  amount:", "  first: {type: reference, to: order, required: true}\n  amount:")
    text += ORDER.replace("to: customer}", "to: customer, required: true}")
    found = diagnostics(text)
    assert [(d.code, d.place.line) for d in found] == [("cycle", 6)]
    assert "customer.first → order.customer" in found[0].message


def test_related_lists_are_named_as_people_would_guess() -> None:
    registry = compiled(CUSTOMER + ORDER.replace("  total:", "  payer: {type: reference, to: customer}\n  total:"))
    lists = registry.objects["customer"].related
    assert {name: (one.object, one.field) for name, one in lists.items()} == {
        "orders": ("order", "customer"),
        "orders_by_payer": ("order", "payer"),
    }
    assert registry.objects["order"].fields["payer"].related == "orders_by_payer"


def test_lists_of_one_name_clash() -> None:
    order = ORDER.replace("to: customer}", "to: customer, related: things}").replace(
        "  total:", "  payer: {type: reference, to: customer, related: things}\n  total:"
    )
    assert faults(CUSTOMER + order) == ["13:51 fields.payer.related clash"]
    named = ORDER.replace("to: customer}", "to: customer, related: level}")
    assert faults(CUSTOMER + named) == ["12:54 fields.customer.related clash"]


def test_what_nothing_was_said_about() -> None:
    registry = compiled(CUSTOMER + "owned: true\n" + ORDER)
    kind = registry.objects["customer"]
    assert kind.title.source == "name"
    assert str(kind.plural.text("en")) == "Customers"
    assert kind.views["all"].columns == ("name", "level", "amount", "owner")
    assert kind.form.sections[0].fields == ("name", "level", "amount")
    assert kind.page.tabs == ("details", "orders", "history")
    assert kind.history == {"name", "level", "amount", "owner", "team"}
    assert list(kind.fields)[3:] == [
        "owner", "team", "pool", "id", "version", "created_at", "created_by", "updated_at", "updated_by",
    ]  # fmt: skip
    assert kind.fields["owner"].system
    assert kind.fields["owner"].label.text("zh") == "负责人"


def test_defaults_by_the_rule() -> None:
    registry = compiled(
        CUSTOMER
        + "  a: {type: text, default: today}\n"
        + '  b: {type: text, default: \'concat("A", "B")\'}\n'
        + "  c: {type: date, default: 2026-01-01}\n"
        + "  d: {type: date, default: today()}\n"
        + "  e: {type: user, default: me}\n"
        + "  f: {type: boolean, default: true}\n"
        + "  g: {type: percent, default: 12.5}\n"
        + "  h: {type: choices, options: {x: X, y: Y}, default: [y]}\n"
        + '  i: {type: choice, options: {x: X, y: Y}, default: \'"x" if amount > 5 else "y"\'}\n'
    )
    fields = registry.objects["customer"].fields

    def shown(name: str) -> str:
        default = fields[name].default
        assert default is not None
        return f"= {default.expression}" if default.expression else str(default.constant)

    assert [shown(name) for name in "abcdefghi"] == [
        "today",
        '= concat("A", "B")',
        "2026-01-01",
        "= today()",
        "= me",
        "True",
        "12.50",
        "('y',)",
        '= "x" if amount > 5 else "y"',
    ]
    level = fields["level"].default
    assert level is not None
    assert level.constant == "b"


def test_required_fields_outside_every_section_follow_in_the_last() -> None:
    kind = compiled(CUSTOMER + "form: {sections: {s: {fields: [level]}}}\n").objects["customer"]
    assert [(s.name, s.fields) for s in kind.form.sections] == [("s", ("level",)), ("other", ("name",))]


def test_roles_are_flattened_and_patterns_kept_in_order() -> None:
    registry = compiled(
        CUSTOMER
        + "---\nkind: role\nname: sales\nincludes: [employee]\nobjects:\n"
        + "  customer: {create: true, read: where, where: level == 'a', fields: {amount: none, '*': read}}\n"
        + "---\nkind: role\nname: lead\nincludes: [sales]\n"
        + "objects: {'*': {read: all}, customer: {where: level == 'b'}}\n"
    )
    sales, lead = registry.roles["sales"], registry.roles["lead"]
    assert lead.lineage == ("lead", "sales", "employee")
    assert dict(sales.objects["customer"].scopes) == {"read": "all"}
    assert list(sales.objects["customer"].fields.items()) == [("amount", "none"), ("*", "read")]
    assert dict(lead.objects["customer"].scopes) == {"read": "all"}
    assert set(lead.objects) == {"customer", "user", "team", "role", "user_task", "user_absence", "user_delegation"}


def test_stages_and_boards() -> None:
    kind = compiled(
        CUSTOMER
        + "stages: {field: level, path: {a: {to: [b], when: filled(name)}, "
        + "b: {needs: [amount], on_enter: [{set: {amount: 5}}]}}}\n"
        + "views: {board: {as: board, sum: amount}}\n"
    ).objects["customer"]
    assert kind.stages is not None
    assert kind.stages.path["a"].to == ("b",)
    assert kind.stages.path["b"].needs == ("amount",)
    assert kind.stages.path["b"].label.text() == "B"
    assert kind.views["board"].by == "level"


def test_data_rows_may_hold_moments_that_are_worked_out_when_loaded() -> None:
    registry = compiled(
        CUSTOMER
        + "  due: {type: date}\n"
        + "---\nkind: data\nname: d\nobject: customer\nkey: name\nrows: [{name: A, due: 'add_days(today(), -3)'}]\n"
    )
    assert str(registry.data["d"].rows[0]["due"]) == "add_days(today(), -3)"


def test_a_changed_option_set_reaches_the_fields_that_use_it() -> None:
    shared = "kind: options\nname: area\noptions: {north: N}\n---\n"
    text = shared + CUSTOMER + "  area: {type: choice, options: area, default: north}\n"
    registry = compiled(text)
    assert registry.objects["customer"].fields["area"].options is registry.option_sets["area"].options
    assert faults(text.replace("north: N", "east: E")) == ["11:48 fields.area.default unknown-option"]


def test_what_is_remembered_is_used_only_while_it_is_true() -> None:
    memory = Memory()
    right = documents_of(CUSTOMER + ORDER + "  rank: {type: formula, value: customer.level}\n")
    platform = [d for d in right if d.layer == "platform"]

    def again(text: str) -> tuple[object, list[str]]:
        mine = [d for d in documents_of(text) if d.layer != "platform"]
        kept = [old for old in right if old.name == "order"] if "order" not in text else []
        found = Diagnostics()
        return link_and_compile([*platform, *mine, *kept], found, memory=memory), [d.code for d in found]

    found = Diagnostics()
    first = link_and_compile(right, found, memory=memory)
    assert first is not None
    second = link_and_compile(right, found, memory=memory)
    assert second is not None
    assert second.objects["order"] is first.objects["order"]
    registry, codes = again(CUSTOMER.replace("amount:", "sum:"))
    assert codes == []
    assert registry is not None
    assert registry.objects["order"].title is first.objects["order"].title  # type: ignore[attr-defined]
    assert again(CUSTOMER.replace("level:", "grade:"))[1] == ["expression-name"]


def test_the_platform_has_people() -> None:
    registry = compiled("kind: app\nname: people\nmenu: [user, team, role]\n")
    assert set(registry.objects) == {"user", "team", "role", "user_task", "user_absence", "user_delegation"}
    assert registry.objects["user"].fields["team"].target == "team"
    assert not registry.objects["user"].fields["team"].system
    assert registry.objects["user"].layer == "platform"
    assert set(registry.roles) == {"administrator", "auditor", "employee"}
    assert registry.objects["team"].related["members"].object == "user"


def test_names_that_would_meet_in_the_database() -> None:
    assert faults(CUSTOMER + "  code: {type: text, unique: true}\n  u_code: {type: text}\n") == [
        "8:3 fields.u_code clash"
    ]
    links = "---\nkind: object\nname: {}\nfields: {{{}: {{type: references, to: customer, related: {}}}}}\n"
    text = CUSTOMER + links.format("a_b", "c", "list_one") + links.format("a", "b_c", "list_two")
    assert faults(text) == ["14:10 fields.b_c clash"]


def test_renamed_from_what_still_exists() -> None:
    assert faults(CUSTOMER + "renamed_from: order\n" + ORDER) == ["7:15 renamed_from model-rule"]
    options = "  x: {type: choice, options: {a: A, b: {label: B, renamed_from: a}}}\n"
    assert faults(CUSTOMER + options) == ["7:65 fields.x.options.b.renamed_from model-rule"]


def test_a_wrong_formula_is_reported_once_however_often_it_is_used() -> None:
    text = CUSTOMER + "  x: {type: formula, returns: decimal, value: amuont * 2}\n  y: {type: formula, value: x + 1}\n"
    assert faults(text + "views: {v: {where: x > 5, columns: [x, y]}}\n") == ["7:47 fields.x.value expression-name"]
