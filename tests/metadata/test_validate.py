"""Stage 2: every fault of a document at its place, with its code and the nearest right name."""

from __future__ import annotations

import pytest

from guanxi.common.diagnostics import Diagnostics
from guanxi.metadata.parse import parse_sources
from guanxi.metadata.sources import Source
from guanxi.metadata.validate import validate

OBJECT = "kind: object\nname: customer\n"


def found(text: str, file: str = "m.yaml") -> Diagnostics:
    report = Diagnostics()
    validate(parse_sources([Source("instance", file, text)], report), report)
    return report


def short(text: str) -> list[str]:
    return [f"{d.place.line}:{d.place.column} {d.path} {d.code}" for d in found(text)]


def test_the_message_of_the_handbook() -> None:
    text = OBJECT + "fields:\n  level:\n    type: chioce\n"
    assert str(next(iter(found(text, "metadata/objects/customer.yaml")))) == (
        "metadata/objects/customer.yaml:5:11: fields.level.type: unknown field type 'chioce' (did you mean 'choice'?)"
        " [unknown-type]"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("lable: X\n", ["3:1 lable unknown-key"]),
        ("owned: yes\n", ["3:8 owned wrong-type"]),
        ("access: privat\n", ["3:9 access wrong-value"]),
        ("label: 5\n", ["3:8 label wrong-type"]),
        ("label: {en: 5, zh: 好}\n", ["3:13 label.en wrong-type"]),
        ("label: {english: X}\n", ["3:9 label.english unknown-key"]),
        (f"label: {'x' * 201}\n", ["3:8 label bad-label"]),
        ("label: ''\n", ["3:8 label bad-label"]),
        ("history: some\n", ["3:10 history wrong-value"]),
        ("fields: [a]\n", ["3:9 fields wrong-type"]),
        ("fields: {a: 5}\n", ["3:13 fields.a wrong-type"]),
        ("fields: {a: {label: A}}\n", ["3:10 fields.a.type missing-key"]),
        ("fields: {A: {type: text}}\n", ["3:10 fields.A bad-name"]),
        ("fields: {a__b: {type: text}}\n", ["3:10 fields.a__b bad-name"]),
        ("fields: {owner: {type: user}}\n", ["3:10 fields.owner reserved-name"]),
        ("fields: {if: {type: text}}\n", ["3:10 fields.if reserved-name"]),
        ("fields: {a: {type: text, lenght: 3}}\n", ["3:26 fields.a.lenght unknown-key"]),
        ("fields: {a: {type: text, length: x}}\n", ["3:34 fields.a.length wrong-type"]),
        ("fields: {a: {type: text, length: 0}}\n", ["3:34 fields.a.length wrong-value"]),
        ("fields: {a: {type: text, to: b}}\n", ["3:26 fields.a.to unknown-key"]),
        ("fields: {a: {type: reference}}\n", ["3:10 fields.a.to missing-key"]),
        ("fields: {a: {type: text, required: 5x}}\n", []),
        ("fields: {a: {type: text, required: [x]}}\n", ["3:36 fields.a.required wrong-type"]),
        ("fields: {a: {type: choice, options: [a, b]}}\n", ["3:37 fields.a.options wrong-type"]),
        ("fields: {a: {type: choice, options: {a: 5}}}\n", ["3:41 fields.a.options.a wrong-type"]),
        ("fields: {a: {type: choice, options: {a: {labl: A}}}}\n", ["3:42 fields.a.options.a.labl unknown-key"]),
        ("fields: {a: {type: choice, options: {}}}\n", ["3:37 fields.a.options wrong-value"]),
        ("views: {v: {as: tabel}}\n", ["3:17 views.v.as wrong-value"]),
        ("views: {v: {colums: []}}\n", ["3:13 views.v.colums unknown-key"]),
        ("rules: {r: {check: 'true'}}\n", ["3:9 rules.r.message missing-key"]),
        ("stages: {field: s, path: {a: {too: []}}}\n", ["3:31 stages.path.a.too unknown-key"]),
        ("actions: {x: {do: [{sett: {}}]}}\n", ["3:21 actions.x.do.0.sett unknown-key"]),
        ("actions: {x: {do: [{set: {}, create: {}}]}}\n", ["3:20 actions.x.do.0 wrong-value"]),
        ("actions: {x: {do: [stop, {telecom.port: {}}]}}\n", ["3:27 actions.x.do.1.telecom.port unknown-key"]),
        ("form: {sections: {a: {fields: []}}}\n", ["3:31 form.sections.a.fields wrong-value"]),
        ("duplicates: {d: {match: [{field: a, by: compny_name}]}}\n", ["3:41 duplicates.d.match.0.by wrong-value"]),
        ("duplicates: {d: {match: [a], score: 2}}\n", ["3:37 duplicates.d.score wrong-value"]),
    ],
)
def test_objects(text: str, expected: list[str]) -> None:
    assert short(OBJECT + text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("kind: objekt\nname: a\n", ["1:7 kind unknown-kind"]),
        ("kind: object\nname: Customer\n", ["2:7 name bad-name"]),
        ("kind: object\nname: meta\n", ["2:7 name reserved-name"]),
        ("kind: options\nname: a\n", ["1:1 options missing-key"]),
        ("kind: options\nname: a\noptions: {x: {color: gren}}\n", ["3:22 options.x.color wrong-value"]),
        ("kind: role\nname: a\nobjects: {b: {read: teem}}\n", ["3:21 objects.b.read wrong-value"]),
        ("kind: role\nname: a\nobjects: {b: {reed: all}}\n", ["3:15 objects.b.reed unknown-key"]),
        ("kind: role\nname: a\nobjects: {b: {fields: {c: hidden}}}\n", ["3:27 objects.b.fields.c wrong-value"]),
        ("kind: role\nname: a\nactions: [claim]\n", ["3:11 actions.0 wrong-value"]),
        ("kind: app\nname: a\nmenu: [Lead]\n", ["3:8 menu.0 bad-name"]),
        ("kind: data\nname: a\nobject: b\nkey: c\nrows: [x]\n", ["5:8 rows.0 wrong-type"]),
        (
            "kind: calendar\nname: a\ntimezone: Asia/Shangai\nhours: {mon: '09:00-17:00'}\n",
            ["3:11 timezone wrong-value"],
        ),
        (
            "kind: calendar\nname: a\ntimezone: UTC\nhours: {mon-fry: ['09:00-17:00']}\n",
            ["4:18 hours.mon-fry wrong-value"],
        ),
        ("kind: calendar\nname: a\ntimezone: UTC\nhours: {mon: ['9-17']}\n", ["4:15 hours.mon.0 wrong-value"]),
        (
            "kind: calendar\nname: a\ntimezone: UTC\nhours: {mon-fri: ['09:00-17:00'], fri: []}\n",
            ["4:40 hours.fri clash"],
        ),
        (
            "kind: calendar\nname: a\ntimezone: UTC\nhours: {mon: '09:00-17:00'}\noff: [2026-02-30]\n",
            ["5:7 off.0 wrong-value"],
        ),
        ("kind: pack\nname: a\nversion: one\n", ["3:10 version wrong-value"]),
        ("kind: patch\nname: a\ntarget: customer\n", ["3:9 target wrong-value"]),
        ("kind: test\nname: a\nthen: [x]\n", ["3:8 then.0 wrong-type"]),
    ],
)
def test_other_kinds(text: str, expected: list[str]) -> None:
    assert short(text) == expected


def test_all_faults_at_once_in_the_order_of_the_file() -> None:
    text = OBJECT + "lable: X\nowned: 1\nfields:\n  a: {type: text, lenght: 1}\n  b: {type: txt}\n"
    assert short(text) == [
        "3:1 lable unknown-key",
        "4:8 owned wrong-type",
        "6:19 fields.a.lenght unknown-key",
        "7:13 fields.b.type unknown-type",
    ]


def test_a_partial_document_may_leave_keys_out_but_not_misspell_them() -> None:
    text = "kind: object\nextend: customer\nfields:\n  level: {required: true}\n"
    assert short(text) == []
    assert short(text + "lable: X\n") == ["5:1 lable unknown-key"]


def test_hints_name_the_nearest_key() -> None:
    hints = [d.hint for d in found(OBJECT + "fields: {a: {type: text, requird: true}}\nviews: {v: {colums: []}}\n")]
    assert hints == ["did you mean 'required'?", "did you mean 'columns'?"]


def test_only_user_may_have_a_field_of_the_owner() -> None:
    assert short("kind: object\nname: user\nfields: {team: {type: team}}\n") == []
    assert short("kind: object\nname: user\nfields: {pool: {type: text}}\n") == ["3:10 fields.pool reserved-name"]
