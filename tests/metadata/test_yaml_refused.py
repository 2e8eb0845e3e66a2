"""What the strict reader refuses: the code and the exact place of each fault."""

from __future__ import annotations

import pytest

from guanxi.common.diagnostics import Diagnostics
from guanxi.metadata import yaml_reader
from guanxi.metadata.nodes import Origin
from guanxi.metadata.yaml_reader import read_yaml

ORIGIN = Origin("instance", "f.yaml")
GBK = "a: 中文".encode("gbk")

CASES: list[tuple[str, str | bytes, list[str]]] = [
    ("unclosed single quote", "a: 1\nb: 'x\nc: 2\n", ["yaml-syntax 2:4"]),
    ("unclosed double quote", 'a: "x\n', ["yaml-syntax 1:4"]),
    ("unclosed list", "a: [1, 2\nb: 3\n", ["yaml-syntax 2:2"]),
    ("unclosed map", "a: {b: 1\n", ["yaml-syntax 2:1"]),
    ("tab as indentation", "a:\n\tb: 1\n", ["yaml-tab 2:1"]),
    ("tab after spaces", "a:\n  b: 1\n  \tc: 2\n", ["yaml-tab 3:3"]),
    ("second colon", "a: b: c\n", ["yaml-syntax 1:5"]),
    ("reserved start", "a: @x\n", ["yaml-syntax 1:4"]),
    ("backtick", "a: `x`\n", ["yaml-syntax 1:4"]),
    ("wrong dedent", "a:\n    b: 1\n  c: 2\n", ["yaml-syntax 3:3"]),
    ("text after quote", 'a: "x" y\n', ["yaml-syntax 1:8"]),
    ("key without colon", "a: 1\nb\nc: 3\n", ["yaml-syntax 3:1"]),
    ("alias", "a: *x\n", ["yaml-anchor 1:4"]),
    ("alias as key", "*x : 1\n", ["yaml-anchor 1:1"]),
    ("anchor", "a: &x 1\n", ["yaml-anchor 1:4"]),
    ("anchor on a map", "a: &x\n  b: 1\n", ["yaml-anchor 1:4"]),
    ("anchor and alias", "a: &x [1]\nb: *x\n", ["yaml-anchor 1:4", "yaml-anchor 2:4"]),
    ("merge key", "a:\n  <<: {b: 1}\n", ["yaml-anchor 2:3"]),
    ("tag", "a: !!str 1\n", ["yaml-tag 1:4"]),
    ("python tag", "a: !!python/object/apply:os.system [x]\n", ["yaml-tag 1:4"]),
    ("local tag", "a: !include x.yaml\n", ["yaml-tag 1:4"]),
    ("bare exclamation mark", "a: ! x\n", ["yaml-tag 1:4"]),
    ("binary tag", "a: !!binary aGk=\n", ["yaml-tag 1:4"]),
    ("tag directive", "%TAG ! tag:x,2000:\n---\na: 1\n", ["yaml-tag 1:1"]),
    ("old version", "%YAML 1.1\n---\na: 1\n", ["yaml-syntax 1:1"]),
    ("duplicate key", "a: 1\nb: 2\na: 3\n", ["yaml-duplicate-key 3:1"]),
    ("duplicate nested key", "a: {x: 1, x: 2}\n", ["yaml-duplicate-key 1:11"]),
    ("duplicate quoted key", "a: 1\n'a': 2\n", ["yaml-duplicate-key 2:1"]),
    ("duplicate after NFC", "\u00e9: 1\ne\u0301: 2\n", ["yaml-duplicate-key 2:1"]),
    ("duplicate number key", "1: a\n'1': b\n", ["yaml-duplicate-key 2:1"]),
    ("list as key", "? [a]\n: 1\n", ["yaml-key 1:3"]),
    ("map as key", "{a: 1}: 2\n", ["yaml-key 1:1"]),
    ("empty key", "?\n: 1\n", ["yaml-key 1:2"]),
    ("null key", "~: 1\n", ["yaml-key 1:1"]),
    ("list as document", "- a\n- b\n", ["yaml-document 1:1"]),
    ("text as document", "hello\n", ["yaml-document 1:1"]),
    ("number as document", "a: 1\n---\n7\n", ["yaml-document 3:1"]),
    ("control character", "a: x\x07y\n", ["yaml-syntax 1:5"]),
    ("NUL", "a: x\x00y\n", ["yaml-syntax 1:5"]),
    ("escaped NUL", 'a: "x\\0"\n', ["yaml-scalar 1:4"]),
    ("half a surrogate", "a: x\ud800\n", ["yaml-syntax 1:5"]),
    ("escaped surrogate", 'a: "\\ud800"\n', ["yaml-syntax 1:7"]),
    ("line separator", "a: x\u2028y\n", ["yaml-scalar 1:5"]),
    ("next line", "a: x\n\nb: y\x85z\n", ["yaml-scalar 3:5"]),
    ("GBK", GBK, ["yaml-encoding 1:4"]),
    ("bad byte in the second line", b"a: 1\nb: \xff\n", ["yaml-encoding 2:4"]),
    ("cut character", "a: 中".encode()[:-1], ["yaml-encoding 1:4"]),
    ("UTF-16", "a: 1\n".encode("utf-16"), ["yaml-encoding 1:1"]),
    ("UTF-16 without mark", "a: 1\n".encode("utf-16-le"), ["yaml-encoding 1:2"]),
    ("UTF-32", "a: 1\n".encode("utf-32"), ["yaml-encoding 1:1"]),
    ("deep lists", "a: " + "[" * 100 + "]" * 100, ["yaml-limit 1:103"]),
    ("very deep lists", "[" * 50_000, ["yaml-limit 1:101"]),
    ("deep blocks", "\n".join(" " * i + f"k{i}:" for i in range(700)), ["yaml-limit 101:101"]),
    ("many values", "a: [" + ", ".join(["x"] * 10_001) + "]", ["yaml-limit 1:4"]),
    ("large file", "a: 1 #" + "x" * 1_000_000, ["yaml-limit 1:1"]),
    ("large file of three-byte characters", "a: " + "中" * 400_000, ["yaml-limit 1:1"]),
    (
        "several faults in one file",
        "a: &x 1\nb: !t 2\na: 3\n---\n- 1\n---\nc: *x\n",
        ["yaml-anchor 1:4", "yaml-tag 2:4", "yaml-duplicate-key 3:1", "yaml-document 5:1", "yaml-anchor 7:4"],
    ),
]


def faults(text: str | bytes) -> list[str]:
    found = Diagnostics()
    read_yaml(text, ORIGIN, found)
    return [f"{d.code} {d.place.line}:{d.place.column}" for d in found]


@pytest.mark.parametrize(("text", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_refused_at_its_place(text: str | bytes, expected: list[str]) -> None:
    assert faults(text) == expected


def codes(said: list[str]) -> list[str]:
    """The codes; an escaped half of a surrogate is a syntax error for one parser and a bad text for the other."""
    return sorted({one.split()[0].replace("yaml-scalar", "yaml-syntax") for one in said})


@pytest.mark.parametrize(("text", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_the_pure_python_parser_refuses_the_same(
    text: str | bytes, expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if len(text) > 20_000 and expected != ["yaml-limit 1:1"]:
        pytest.skip("slow without libyaml")
    monkeypatch.setattr(yaml_reader, "_parser", None)
    assert codes(faults(text)) == codes(expected)


def test_hints_say_what_to_do() -> None:
    found = Diagnostics()
    read_yaml(GBK, ORIGIN, found)
    read_yaml("a: 1\na: 2", ORIGIN, found)
    read_yaml("a: @x", ORIGIN, found)
    hints = [d.hint for d in found.found]
    assert hints == [
        "the file looks like GBK; save it as UTF-8",
        "the first stands in line 1",
        "put the text in quotes",
    ]
