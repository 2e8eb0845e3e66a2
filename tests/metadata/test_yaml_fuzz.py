"""Mutants of real definitions: whatever happens to the bytes, the answer is documents or diagnostics with a place."""

from __future__ import annotations

import random

import pytest

from guanxi.common.diagnostics import Diagnostics
from guanxi.metadata.load import ReadCache, check
from guanxi.metadata.nodes import Document, to_plain, walk
from guanxi.metadata.parse import parse_sources
from guanxi.metadata.sources import Source, builtin_layer, text_layer

SEED = """\
kind: object
name: customer
label: {en: Customer, zh: 客户}
title: name
fields:
  name:  {type: text, required: true, length: 120, search: true}
  level: {type: choice, options: {a: {label: A, color: green}, b: {label: B}}, default: b}
  note:
    type: long_text
    help: |
      Say what matters,
      and only that.
unique: {one: [name, level]}
rules:
  reachable: {check: filled(name) or level == "a", message: "It's needed: give one"}
---
kind: object
extend: customer
remove: [fields.note]
""".encode()
SPICE = [
    b"\t",
    b"&a ",
    b"*a",
    b"!!x ",
    b"'",
    b'"',
    b"[",
    b"{",
    b"}",
    b": ",
    b"- ",
    b"\x00",
    b"\xff",
    b"%",
    b"|",
    b"<<: ",
]
SPICE += [b"---\n", b"...\n", "\u2028".encode(), b"\r", b"#", b"? ", b"[" * 150, b"a: {" * 150, b"9" * 5000]


def mutant(seed: int) -> bytes:
    dice = random.Random(seed)
    data = bytearray(SEED)
    for _ in range(dice.randint(1, 6)):
        at = dice.randrange(len(data) + 1)
        act = dice.randrange(5)
        if act == 0:
            data[at:at] = dice.choice(SPICE)
        elif act == 1:
            del data[at : at + dice.randint(1, 30)]
        elif act == 2:
            data[at : at + 1] = bytes([dice.randrange(256)])
        elif act == 3:
            start = dice.randrange(len(data) + 1)
            data[at:at] = data[start : start + dice.randint(1, 80)]
        else:
            lines = bytes(data).split(b"\n")
            dice.shuffle(lines)
            data = bytearray(b"\n".join(lines))
    return bytes(data)


@pytest.mark.parametrize("batch", range(10))
def test_mutants_never_raise(batch: int) -> None:
    for seed in range(batch * 30, batch * 30 + 30):
        data = mutant(seed)
        found = Diagnostics()
        documents = parse_sources([Source("instance", "m.yaml", data)], found)
        lines = data.count(b"\n") + data.count(b"\r") + 1
        for one in found:
            assert one.place.file == "m.yaml"
            assert 1 <= one.place.line <= lines + 1, (seed, str(one))
            assert one.place.column >= 1
            assert one.message
        for document in documents:
            whole(document)


def test_mutants_never_break_a_check() -> None:
    cache = ReadCache()
    right = 0
    for seed in range(300, 600):
        registry, found = check([text_layer({"m.yaml": mutant(seed)})], cache=cache)
        errors = [one for one in found if one.severity == "error"]
        assert (registry is None) == bool(errors), seed
        assert all(one.place.file and one.place.line >= 1 and one.place.column >= 1 for one in found), seed
        right += registry is not None
    assert right, "some mutants are lawful, or nothing was tried"


def whole(document: Document) -> None:
    to_plain(document.node)
    for _, node in walk(document.node):
        assert node.line >= 1
        assert node.column >= 1


def test_the_seed_itself_is_lawful() -> None:
    found = Diagnostics()
    documents = parse_sources([Source("instance", "s.yaml", SEED)], found)
    assert not list(found)
    assert [(d.kind, d.name, d.extends) for d in documents] == [
        ("object", "customer", False),
        ("object", "customer", True),
    ]


def test_what_is_shipped_is_lawful() -> None:
    found = Diagnostics()
    documents = parse_sources(builtin_layer().sources, found)
    assert not list(found)
    assert all(d.layer == "platform" for d in documents)
