"""The published schema and the reference: made from the models, so they agree with what is accepted."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from guanxi.common.codes import CODES
from guanxi.common.diagnostics import Diagnostics
from guanxi.metadata.json_schema import json_schema
from guanxi.metadata.kinds import KINDS
from guanxi.metadata.nodes import to_plain
from guanxi.metadata.parse import parse_source
from guanxi.metadata.reference import reference_markdown
from guanxi.metadata.sources import BUILTIN, Source
from guanxi.metadata.validate import validate

ROOT = Path(__file__).parents[2]
FILES = sorted([*(ROOT / "industry_packs").rglob("*.yaml"), *BUILTIN.glob("*.yaml")])


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    schema = json_schema()
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [plain(one) for one in value]
    return float(value) if isinstance(value, Decimal) else value


def documents(text: str) -> list[Any]:
    read, faults = parse_source(Source("instance", "m.yaml", text))
    assert faults == []
    return [plain(to_plain(one.node)) for one in read]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.name))
def test_every_document_of_the_product_fits(path: Path, validator: Draft202012Validator) -> None:
    for document in documents(path.read_text("utf-8")):
        assert [e.message for e in validator.iter_errors(document)] == []


BAD = [
    "kind: objekt\nname: a\n",
    "kind: object\nname: A\n",
    "kind: object\nname: a\nlable: X\n",
    "kind: object\nname: a\nfields: {b: {type: txt}}\n",
    "kind: object\nname: a\nfields: {B: {type: text}}\n",
    "kind: object\nname: a\nfields: {b: {type: text, lenght: 1}}\n",
    "kind: object\nname: a\nfields: {b: {type: reference}}\n",
    "kind: object\nname: a\nviews: {v: {as: bord}}\n",
    "kind: role\nname: a\nobjects: {b: {read: teem}}\n",
    "kind: app\nname: a\n",
    "kind: object\nextend: a\nlable: X\n",
]
GOOD = [
    "kind: object\nname: a\nunique: {k: [b, c], l: b}\nduplicates: {d: {match: [b, {field: c, by: text}]}}\n",
    "kind: object\nextend: a\nfields: {b: {required: true}}\nremove: [views.all]\n",
    "kind: options\nname: a\noptions: {x: X, y: {en: Y, zh: 乙}, z: {label: Z, color: red}}\n",
    "kind: calendar\nname: a\ntimezone: UTC\nhours: {mon-fri: ['09:00-12:00', '13:30-24:00'], sat: '09:00-12:00'}\n",
]


@pytest.mark.parametrize("text", BAD)
def test_what_the_models_refuse_the_schema_refuses(text: str, validator: Draft202012Validator) -> None:
    read, _ = parse_source(Source("instance", "m.yaml", text))
    found = Diagnostics()
    validate(read, found)
    assert found.failed
    assert not validator.is_valid(documents(text)[0])


@pytest.mark.parametrize("text", GOOD)
def test_what_the_models_take_the_schema_takes(text: str, validator: Draft202012Validator) -> None:
    read, _ = parse_source(Source("instance", "m.yaml", text))
    found = Diagnostics()
    validate(read, found)
    assert list(found) == []
    assert [e.message for e in validator.iter_errors(documents(text)[0])] == []


def test_every_key_says_what_it_means() -> None:
    schema = json_schema()
    silent = [
        f"{kind}.{key}"
        for kind in KINDS
        for key, one in schema["$defs"][kind]["properties"].items()
        if "description" not in one and "$ref" not in one
    ]
    assert silent == []


def test_the_reference_page_is_what_the_models_say() -> None:
    page = (ROOT / "docs/reference/metadata.md").read_text("utf-8")
    assert page == reference_markdown(), "write reference_markdown() to docs/reference/metadata.md again"


def test_the_page_of_codes_lists_every_code() -> None:
    page = (ROOT / "docs/reference/codes.md").read_text("utf-8")
    listed = {line.split("`")[1]: line.split("|")[2].strip() for line in page.splitlines() if line.startswith("| `")}
    assert {code: listed.get(code) for code in CODES} == CODES
