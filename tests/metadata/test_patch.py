"""Three-way merging of local patches when a pack changes under them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guanxi.common.diagnostics import Diagnostics
from guanxi.metadata.fingerprint import definition_hash, definition_value
from guanxi.metadata.nodes import Document, to_plain
from guanxi.metadata.overlay import overlay
from guanxi.metadata.parse import parse_sources
from guanxi.metadata.sources import Source

V1 = """\
kind: object
name: customer
label: Customer
fields:
  name: {type: text, length: 80}
  level: {type: text}
views:
  board: {as: board}
"""
V2_OTHER = V1.replace("label: Customer", "label: Account")
V2_SAME = V1.replace("length: 80", "length: 100")


def lay(pack: str, patch: str, bases: Mapping[str, Any] | None = None) -> tuple[dict[str, Any], list[str]]:
    found = Diagnostics()
    documents = parse_sources([Source("crm", "crm.yaml", pack), Source("instance", "me.yaml", patch)], found)
    assert not list(found)
    merged = overlay(documents, ["crm", "instance"], found, bases=(bases or {}).get)
    assert all(d.kind != "patch" for d in merged)
    return to_plain(merged[0].node), [f"{d.code} {d.place} {d.message}" for d in found]


def document(text: str) -> Document:
    return parse_sources([Source("crm", "crm.yaml", text)], Diagnostics())[0]


BASE = definition_hash(document(V1))


def patch(body: str, base: str = BASE) -> str:
    head = f"kind: patch\nname: local\ntarget: object/customer\n{f'base: {base}' if base else '# none'}\n"
    return head + body


def test_a_patch_sets_and_removes() -> None:
    plain, faults = lay(V1, patch("set: {fields.level.required: true, page.tabs: [details]}\nremove: [views.board]\n"))
    assert not faults
    assert plain["fields"]["level"] == {"type": "text", "required": True}
    assert plain["page"] == {"tabs": ["details"]}
    assert plain["views"] == {}


def test_a_change_elsewhere_in_the_pack_does_not_matter() -> None:
    text = patch("set: {fields.name.length: 90}\nwas: {fields.name.length: 80}\n")
    plain, faults = lay(V2_OTHER, text)
    assert not faults
    assert plain["label"] == "Account"
    assert plain["fields"]["name"]["length"] == 90


def test_an_earlier_version_tells_what_stood_there() -> None:
    bases = {BASE: definition_value(document(V1))}
    text = patch("set: {fields.name.length: 90, fields.level.required: true}\nremove: [views.board]\n")
    plain, faults = lay(V2_OTHER, text, bases)
    assert not faults
    assert (plain["fields"]["name"]["length"], plain["fields"]["level"]["required"]) == (90, True)
    assert plain["views"] == {}
    _, faults = lay(V2_SAME, text, bases)
    assert len(faults) == 1
    assert "and was 80 when the patch was made" in faults[0]


def test_the_same_key_is_a_conflict_with_both_places() -> None:
    plain, faults = lay(V2_SAME, patch("set: {fields.name.length: 90}\nwas: {fields.name.length: 80}\n"))
    assert faults == [
        "patch-conflict me.yaml:5:7 the patch sets 'fields.name.length' of object/customer to 90, "
        "but it is 100 (at crm.yaml:5:30), and was 80 when the patch was made"
    ]
    assert plain["fields"]["name"]["length"] == 100


def test_both_sides_agreeing_is_no_conflict() -> None:
    plain, faults = lay(V2_SAME, patch("set: {fields.name.length: 100}\nwas: {fields.name.length: 80}\n"))
    assert not faults
    assert plain["fields"]["name"]["length"] == 100


def test_an_unknown_base_stops_publishing_rather_than_overwrites() -> None:
    plain, faults = lay(V2_SAME, patch("set: {fields.name.length: 90}\n"))
    assert len(faults) == 1
    assert "what the patch was made against is not known" in faults[0]
    assert plain["fields"]["name"]["length"] == 100


def test_an_unknown_base_is_a_warning_where_no_version_can_be_asked() -> None:
    found = Diagnostics()
    text = patch("set: {fields.name.length: 90}\n")
    documents = parse_sources([Source("crm", "crm.yaml", V2_SAME), Source("instance", "me.yaml", text)], found)
    merged = overlay(documents, ["crm", "instance"], found)
    assert [(one.code, one.severity) for one in found] == [("patch-conflict", "warning")]
    assert definition_hash(document(V2_SAME)) in found.found[0].hint
    assert to_plain(merged[0].node)["fields"]["name"]["length"] == 90


def test_a_conflict_is_resolved_in_the_patch() -> None:
    body = "set: {fields.name.length: 90}\nwas: {fields.name.length: 80}\nresolve: {fields.name.length: %s}\n"
    assert lay(V2_SAME, patch(body % "mine"))[0]["fields"]["name"]["length"] == 90
    assert lay(V2_SAME, patch(body % "theirs")) == lay(V2_SAME, patch("reason: nothing"))


def test_removal_conflicts_with_a_change_and_not_with_a_removal() -> None:
    body = "remove: [views.board]\nwas: {views.board: {as: board}}\n"
    _, faults = lay(V1.replace("as: board", "as: table"), patch(body))
    assert [fault.split(" the")[0] for fault in faults] == ["patch-conflict me.yaml:5:10"]
    plain, faults = lay(V1.replace("  board: {as: board}", "  list: {as: table}"), patch(body))
    assert not faults
    assert list(plain["views"]) == ["list"]


def test_a_new_key_of_the_pack_under_a_new_key_of_mine_is_a_conflict() -> None:
    body = "set: {fields.level.required: true}\nwas: {fields.level.required: ~}\n"
    assert not lay(V2_OTHER, patch(body))[1]
    _, faults = lay(V1.replace("level: {type: text}", "level: {type: text, required: false}"), patch(body))
    assert len(faults) == 1


def test_without_a_base_mine_is_applied() -> None:
    assert lay(V2_SAME, patch("set: {fields.name.length: 90}\n", base=""))[0]["fields"]["name"]["length"] == 90


def test_two_patches_speak_of_the_same_base() -> None:
    two = patch("set: {fields.level.required: true}\n") + "---\n" + patch("set: {label: X}\n").replace("local", "other")
    plain, faults = lay(V1, two)
    assert not faults
    assert (plain["label"], plain["fields"]["level"]["required"]) == ("X", True)


def test_wrong_paths_and_targets_name_the_nearest() -> None:
    _, faults = lay(V1, patch("set: {fields.nmae.length: 1, kind: role, fields..x: 1}\nremove: [views.bord]\n"))
    assert [fault.split(" ")[0] for fault in faults] == ["extend-missing"] * 3 + ["remove-missing"]
    _, faults = lay(V1, "kind: patch\nname: p\ntarget: object/custmer\nset: {label: X}\n")
    assert faults == ["extend-missing me.yaml:3:9 there is no object 'custmer' to patch"]
