"""`kind: form`: what is refused, and where it stands in the file."""

from __future__ import annotations

import pytest

from tests.support.project import diagnostics_of

BASE = """
kind: object
name: lead
fields:
  name: {type: text, required: true}
  phone: {type: phone}
  source: {type: choice, options: {web: Web}, required: true}
  total: {type: formula, returns: integer, value: 1 + 1}
  fixed: {type: text, read_only: true}
  paper: {type: file}
  boss: {type: user}
---
kind: form
name: ask
object: lead
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("fields: [name]\nvalues: {source: web}", []),
        ("fields: {name: {help: x}, phone: }\nvalues: {source: web}", []),
        ("fields: [name]", ["model-rule 16:1"]),
        ("fields: [nam, name]\nvalues: {source: web}", ["unknown-field 16:10"]),
        ("fields: [name, name]\nvalues: {source: web}", ["clash 16:16"]),
        (
            "fields: [name, total, fixed, boss, id, paper]\nvalues: {source: web}",
            [f"model-rule 16:{column}" for column in (16, 23, 30, 36, 40)],
        ),
        ("fields: [name]\nvalues: {source: wep}", ["expression-name 17:18"]),
        ("fields: [name]\nvalues: {source: web, name: '\"x\"'}", ["clash 17:23"]),
        ("fields: {name: {lable: x}}\nvalues: {source: web}", ["unknown-key 16:17"]),
        ("fields: []\nvalues: {source: web}", ["wrong-value 16:9"]),
        ("fields: [name]\nvalues: {source: web}\nobject: leed", ["yaml-duplicate-key 18:1"]),
        ("fields: [name]\nvalues: {source: web}\nas: nobody", ["unknown-reference 18:5"]),
        ("fields: [name]\nvalues: {source: web}\nthanks: {redirect: 'http://x.y'}", ["wrong-value 18:20"]),
        ("fields: [name]\nvalues: {source: web}\nthanks: {redirect: 'https://x.y/\"z'}", ["wrong-value 18:20"]),
        ("fields: [name]\nvalues: {source: web}\nconsent: {text: Yes, version: 1, channels: email}",
         ["model-rule 18:44"]),
        ("fields: [name]\nvalues: {source: web}\nlink: {field: phone}", ["model-rule 18:15"]),
        ("fields: [name]\nvalues: {source: web}\nask_once: true", ["model-rule 18:1"]),
        ("fields: [name]\nvalues: {source: web}\nlimits: {min_seconds: 900}", ["wrong-value 18:23"]),
        ("fields: [name]\nvalues: {source: web}\nlink: {field: boss}", []),
        (
            "fields: [name]\nvalues: {source: web}\n---\nkind: automation\nname: a\nobject: lead\non: create\n"
            "do:\n  - email: {to: {role: r}, subject: s, body: b, form: ask}\n---\nkind: role\nname: r",
            ["model-rule 24:5"],
        ),
    ],
)  # fmt: skip
def test_what_is_refused_and_where(text: str, expected: list[str]) -> None:
    found = [
        f"{one.code} {one.place.line}:{one.place.column}"
        for one in diagnostics_of(BASE + text + "\n")
        if one.severity == "error"
    ]
    assert found == expected
