"""Layers on top of each other: extend, remove, duplicates, the order of packs, who set what."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from guanxi.common.diagnostics import DefinitionError, Diagnostics
from guanxi.metadata.nodes import Document, to_plain
from guanxi.metadata.overlay import order_packs, overlay, pack_heads, provenance
from guanxi.metadata.overlay.packs import fits
from guanxi.metadata.parse import parse_sources
from guanxi.metadata.sources import Source
from tests.support.project import registry_of

BASE = """\
kind: object
name: customer
label: Customer
fields:
  name: {type: text, length: 80}
  level: {type: choice, options: {a: {label: A}, b: {label: B}}}
views:
  board: {as: board}
page: {tabs: [details, timeline, history]}
"""


def lay(layers: Mapping[str, str]) -> tuple[dict[str, Document], list[str]]:
    found = Diagnostics()
    sources = [Source(layer, f"{layer}.yaml", text) for layer, text in layers.items()]
    documents = parse_sources(sources, found)
    assert not list(found), [str(d) for d in found]
    merged = overlay(documents, list(layers), found)
    return {d.label: d for d in merged}, [f"{d.code} {d.place} {d.message} {d.hint}".strip() for d in found]


def test_extend_merges_maps_and_replaces_the_rest() -> None:
    over = "kind: object\nextend: customer\nlabel: Client\nfields:\n  level: {required: true}\n  phone: {type: phone}\n"
    merged, faults = lay({"crm": BASE, "instance": over})
    assert not faults
    plain = to_plain(merged["object/customer"].node)
    assert plain["label"] == "Client"
    assert list(plain["fields"]) == ["name", "level", "phone"]
    assert plain["fields"]["level"]["required"] is True
    assert list(plain["fields"]["level"]["options"]) == ["a", "b"]
    assert plain["name"] == "customer"
    assert "extend" not in plain
    assert merged["object/customer"].layer == "crm"


def test_lists_are_replaced_whole() -> None:
    merged, _ = lay({"crm": BASE, "instance": "kind: object\nextend: customer\npage: {tabs: [history]}\n"})
    assert to_plain(merged["object/customer"].node)["page"] == {"tabs": ["history"]}


def test_remove_takes_away_before_it_adds() -> None:
    over = "kind: object\nextend: customer\nremove: [views.board, page.tabs.timeline]\nviews: {board: {as: table}}\n"
    merged, faults = lay({"crm": BASE, "instance": over})
    assert not faults
    plain = to_plain(merged["object/customer"].node)
    assert plain["views"] == {"board": {"as": "table"}}
    assert plain["page"]["tabs"] == ["details", "history"]


def test_remove_of_what_is_not_there_names_the_nearest() -> None:
    over = "kind: object\nextend: customer\nremove:\n  - views.boards\n  - fields.nmae\n  - nothing.at.all\n  - kind\n"
    _, faults = lay({"crm": BASE, "instance": over})
    assert faults == [
        "remove-missing instance.yaml:4:5 there is no 'views.boards' to remove did you mean 'views.board'?",
        "remove-missing instance.yaml:5:5 there is no 'fields.nmae' to remove did you mean 'fields.name'?",
        "remove-missing instance.yaml:6:5 there is no 'nothing' to remove",
        "remove-missing instance.yaml:7:5 'kind' cannot be removed",
    ]


def test_an_original_is_never_changed() -> None:
    found = Diagnostics()
    documents = parse_sources(
        [Source("crm", "a", BASE), Source("instance", "b", "kind: object\nextend: customer\nremove: [fields.level]\n")],
        found,
    )
    before = to_plain(documents[0].node)
    overlay(documents, ["crm", "instance"], found)
    assert to_plain(documents[0].node) == before


def test_two_definitions_of_one_name_name_both_places() -> None:
    _, faults = lay({"crm": BASE, "instance": "kind: object\nname: customer\n"})
    assert faults == [
        "duplicate-definition instance.yaml:2:1 object 'customer' is already defined at crm.yaml:1:1 "
        "write 'extend: customer' to add to it"
    ]
    _, faults = lay({"instance": "kind: role\nname: a\n---\nkind: object\nname: a\n---\nkind: role\nname: a\n"})
    assert [fault.split(" role")[0] for fault in faults] == ["duplicate-definition instance.yaml:8:1"]


def test_extending_nothing_names_the_nearest() -> None:
    _, faults = lay({"crm": BASE, "instance": "kind: object\nextend: custmer\n---\nkind: role\nextend: customer\n"})
    assert faults == [
        "extend-missing instance.yaml:2:9 there is no object 'custmer' to extend did you mean 'customer'?",
        "extend-missing instance.yaml:5:9 there is no role 'customer' to extend there is object 'customer'",
    ]


def test_a_later_layer_is_not_visible_to_an_earlier_one() -> None:
    _, faults = lay({"crm": "kind: object\nextend: customer\nlabel: X\n", "instance": BASE})
    assert faults[0].startswith("extend-missing crm.yaml:2:9")


def test_every_value_knows_its_layer() -> None:
    over = "kind: object\nextend: customer\nfields:\n  level: {required: true}\n  phone: {type: phone}\n"
    merged, _ = lay({"crm": BASE, "telecom": over, "instance": "kind: object\nextend: customer\nlabel: Me\n"})
    assert provenance(merged["object/customer"]) == {
        "label": "instance",
        "fields.level.required": "telecom",
        "fields.phone": "telecom",
    }


def test_places_of_merged_values_are_where_they_were_written() -> None:
    over = "kind: object\nextend: customer\nfields:\n  level: {required: true}\n"
    merged, _ = lay({"crm": BASE, "instance": over})
    level = merged["object/customer"].node.entries["fields"].entries["level"]  # type: ignore[attr-defined]
    assert str(level.entries["required"].place) == "instance.yaml:4:21"
    assert str(level.key_place("required")) == "instance.yaml:4:11"
    assert str(level.key_place("options")) == "crm.yaml:6:25"


def order(*packs: str) -> tuple[list[str], list[str]]:
    found = Diagnostics()
    sources = [Source(str(n), f"{n}.yaml", f"kind: pack\n{text}\n") for n, text in enumerate(packs)]
    names = order_packs(pack_heads(parse_sources(sources, found)), found)
    return names, [f"{d.code} {d.place} {d.message}" for d in found]


def test_required_packs_come_first() -> None:
    names, faults = order(
        'name: telecom\nversion: 1.2.0\nrequires: {crm: ">=1.0,<2", base: "*"}',
        "name: crm\nversion: 1.10\nrequires: {base: 1.0}",
        "name: base\nversion: 1.0.0",
    )
    assert (names, faults) == (["base", "crm", "telecom"], [])


def test_missing_and_wrong_packs() -> None:
    _, faults = order('name: telecom\nversion: 1.0\nrequires:\n  crm: ">=2"\n  base: "*"', "name: crm\nversion: 1.10")
    assert faults == [
        "pack-version 0.yaml:5:3 the pack 'telecom' requires 'crm' >=2, but version 1.10 is installed",
        "pack-missing 0.yaml:6:3 the pack 'telecom' requires 'base', which is not installed",
    ]


@pytest.mark.parametrize("first", ["a", "b", "c"])
def test_a_circle_is_named_once(first: str) -> None:
    packs = {
        "a": 'name: a\nversion: 1\nrequires: {b: "*"}',
        "b": 'name: b\nversion: 1\nrequires: {c: "*"}',
        "c": 'name: c\nversion: 1\nrequires: {a: "*"}',
    }
    names, faults = order(packs.pop(first), *packs.values())
    assert sorted(names) == ["a", "b", "c"]
    assert len(faults) == 1
    assert faults[0].startswith("pack-cycle")


@pytest.mark.parametrize(
    ("version", "wanted", "holds"),
    [
        ("1.2.0", ">=1.0,<2", True),
        ("1.10", ">=1.9", True),
        ("2.0", ">=1.0,<2", False),
        ("1.2.3", "1.2.3", True),
        ("1.2.3", "1.2", False),
        ("1.2.3", "1.2.*", True),
        ("1.2.3", "~=1.2", True),
        ("1.0.0-rc1", ">=0.9", True),
        ("nonsense", ">=1", False),
    ],
)
def test_version_ranges(version: str, wanted: str, holds: bool) -> None:
    assert fits(version, wanted) is holds


def test_a_role_that_the_platform_only_offers_may_be_defined() -> None:
    registry = registry_of("kind: role\nname: employee\nlabel: Staff\nobjects: {team: {read: all, update: own}}\n")
    employee = registry.roles["employee"]
    assert employee.label.text() == "Staff"
    assert dict(employee.objects["team"].scopes) == {"read": "all", "update": "own"}
    assert dict(employee.objects["user"].scopes) == {"read": "all"}
    with pytest.raises(DefinitionError, match="already defined"):
        registry_of("kind: role\nname: administrator\n")
