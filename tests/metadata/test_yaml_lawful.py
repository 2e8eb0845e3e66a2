"""What the strict reader accepts, and which value each spelling gets."""

from __future__ import annotations

from decimal import Decimal

import pytest

from guanxi.common.diagnostics import Diagnostics
from guanxi.metadata.nodes import Origin, ScalarNode, at, find, to_plain
from guanxi.metadata.yaml_reader import MAX_NODES, read_yaml

ORIGIN = Origin("instance", "f.yaml")


def read(text: str | bytes) -> list[object]:
    found = Diagnostics()
    trees = read_yaml(text, ORIGIN, found)
    assert not list(found), [str(d) for d in found]
    return [to_plain(tree) for tree in trees]


@pytest.mark.parametrize(
    ("spelled", "value"),
    [
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("0", 0),
        ("-7", -7),
        ("+5", 5),
        ("120", 120),
        ("2.50", Decimal("2.50")),
        ("-0.1", Decimal("-0.1")),
        ("no", "no"),
        ("on", "on"),
        ("Yes", "Yes"),
        ("True", "True"),
        ("012", "012"),
        ("1_000", "1_000"),
        ("0x1F", "0x1F"),
        ("0o17", "0o17"),
        ("1:30", "1:30"),
        ("2026-01-01", "2026-01-01"),
        ("2026-03-01T08:00:00Z", "2026-03-01T08:00:00Z"),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("1e3", "1e3"),
        ("1.", "1."),
        (".5", ".5"),
        ("1.2.0", "1.2.0"),
        ("'true'", "true"),
        ('"12"', "12"),
        ("'it''s'", "it's"),
        ('"a\\tb\\u4e2d"', "a\tb中"),
        ("a # b", "a"),
        ("http://x/y?z=1", "http://x/y?z=1"),
        ("客户", "客户"),
        ("9" * 60, "9" * 60),
    ],
)
def test_scalars(spelled: str, value: object) -> None:
    got = read(f"key: {spelled}\n")[0]
    assert got == {"key": value}
    assert type(got["key"]) is type(value)  # type: ignore[index]


def test_fraction_is_exact() -> None:
    assert str(read("x: 0.10")[0]["x"]) == "0.10"  # type: ignore[index]


def test_numbers_and_words_as_keys_are_text() -> None:
    assert read("1: a\ntrue: b\nno: c\n2.5: d\nnull: e\n")[0] == {
        "1": "a",
        "true": "b",
        "no": "c",
        "2.5": "d",
        "null": "e",
    }


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "---\n...\n", "\ufeff", "\n\n  \n", "---\n# x\n---\n"])
def test_empty_files_are_lawful(text: str) -> None:
    assert read(text) == []


def test_several_documents() -> None:
    assert read("a: 1\n---\nb: 2\n---\n# none\n---\nc: 3\n...\n") == [{"a": 1}, {"b": 2}, {"c": 3}]


@pytest.mark.parametrize("mark", ["\ufeffa: 1\n", b"\xef\xbb\xbfa: 1\r\nb: 2\r\n"])
def test_byte_order_mark_is_dropped(mark: str | bytes) -> None:
    assert read(mark)[0]["a"] == 1  # type: ignore[index]


def test_order_of_keys_is_kept() -> None:
    assert list(read("z: 1\na: 2\nm: 3")[0]) == ["z", "a", "m"]  # type: ignore[call-overload]


def test_a_hundred_levels_are_lawful() -> None:
    assert read("a: " + "[" * 99 + "]" * 99)


def test_many_values_are_lawful() -> None:
    assert len(read("a: [" + ", ".join(["x"] * (MAX_NODES - 2)) + "]")[0]["a"]) == MAX_NODES - 2  # type: ignore[index]


def test_places() -> None:
    text = 'kind: object\nfields:\n  level: {type: chioce, tags: [a, "b"]}\nwhen: |\n    one\n      two\n'
    tree = read_yaml(text, ORIGIN, Diagnostics())[0]
    assert str(tree.place) == "f.yaml:1:1"
    assert str(at(tree, ("fields", "level", "type"))) == "f.yaml:3:17"
    assert str(at(tree, ("fields", "level", "type"), key=True)) == "f.yaml:3:11"
    assert str(at(tree, ("fields", "level", "tags", 1))) == "f.yaml:3:35"
    assert str(at(tree, ("fields", "level", "missing"))) == "f.yaml:3:10"
    assert str(tree.key_place("when")) == "f.yaml:4:1"


@pytest.mark.parametrize(
    ("text", "inside", "place"),
    [
        ("w: abc == d", (1, 5), "1:8"),
        ("w: 'abc == d'", (1, 5), "1:9"),
        ('w: "abc == d"', (1, 5), "1:9"),
        ('w: "a\\u0062c == d"', (1, 5), "1:4"),
        ("w: 'it''s x'", (1, 6), "1:4"),
        ("w: |\n  abc\n  def", (2, 3), "3:5"),
        ("w: >\n  abc\n  def", (1, 3), "1:4"),
        ("w: abc\n  def", (1, 6), "1:4"),
    ],
)
def test_places_inside_a_text(text: str, inside: tuple[int, int], place: str) -> None:
    node = find(read_yaml(text, ORIGIN, Diagnostics())[0], ("w",))
    assert isinstance(node, ScalarNode)
    assert str(node.place_in(*inside)) == f"f.yaml:{place}"
