"""The whole way: layers in, a Registry or all diagnostics of the failed stage out; caches; the stored form."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from guanxi.common.diagnostics import DefinitionError, Diagnostics
from guanxi.metadata import bundle
from guanxi.metadata.load import ReadCache, check, read_definitions
from guanxi.metadata.sources import builtin_layer, folder_layer, text_layer
from tests.support.project import diagnostics_of, layers_of, registry_of, said

CUSTOMER = """\
kind: object
name: customer
label: {en: Customer, zh: 客户}
title: name
fields:
  name: {type: text, required: true, label: {en: Name, zh: 名称}}
  level: {type: choice, label: {en: Level, zh: 级别}, options: {a: {label: A}, b: {label: B}}, default: b}
"""
CRM = {"pack.yaml": "kind: pack\nname: crm\nversion: 1.10\nlabel: CRM\n", "customer.yaml": CUSTOMER}


def test_a_registry() -> None:
    registry = registry_of(CUSTOMER)
    assert "customer" in registry.objects
    assert registry.objects["customer"].layer == "instance"
    assert registry.fingerprint.startswith("sha256:")
    assert "user" in registry.objects


def test_an_instance_without_metadata_has_people() -> None:
    assert set(registry_of({}).objects) == {"user", "team", "role", "user_task", "user_absence", "user_delegation"}


def test_packs_under_the_instance() -> None:
    over = "kind: object\nextend: customer\nfields: {level: {required: true}}\n"
    registry = registry_of(over, packs={"crm": CRM})
    customer = registry.objects["customer"]
    assert customer.layer == "crm"
    assert customer.fields["level"].required is True
    assert customer.sources["fields.level.required"] == "instance"
    assert registry.packs["crm"].version == "1.10"


def test_all_files_of_a_failed_stage_are_reported() -> None:
    files = {"a.yaml": "a: [", "b.yaml": "kind: object\nkind: object\nname: x\n", "c.yaml": "kind: nothing\nname: x\n"}
    assert said(files) == ["yaml-syntax a.yaml:1:5", "yaml-duplicate-key b.yaml:2:1"]
    files |= {"a.yaml": "", "b.yaml": "kind: object\nname: x\nlable: X\n"}
    assert {"unknown-kind c.yaml:1:7", "unknown-key b.yaml:3:1"} <= set(said(files))
    with pytest.raises(DefinitionError) as raised:
        registry_of(files)
    assert len(raised.value.diagnostics) >= 2


def test_the_example_of_the_documentation() -> None:
    text = CUSTOMER.replace("type: choice,", "type: chioce,")
    first = next(one for one in diagnostics_of({"metadata/objects/customer.yaml": text}) if one.code == "unknown-type")
    assert str(first).startswith(
        "metadata/objects/customer.yaml:7:17: fields.level.type: unknown field type 'chioce' (did you mean 'choice'?)"
    )


def test_a_pack_folder_without_a_head() -> None:
    assert said({}, packs={"crm": {"customer.yaml": CUSTOMER}}) == ["pack-missing customer.yaml:1:1"]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("name: x\n", "yaml-document project.yaml:1:1"),
        ("kind: object\n", "yaml-document project.yaml:1:1"),
        ("kind: [a]\nname: x\n", "yaml-document project.yaml:1:7"),
        ("kind: object\nname: {a: b}\n", "yaml-document project.yaml:2:7"),
        ("kind: object\nextend: a\nname: b\n", "yaml-document project.yaml:3:1"),
        ("kind: object\nname: a\nremove: [x]\n", "yaml-document project.yaml:3:1"),
    ],
)
def test_documents_say_what_they_are(text: str, fault: str) -> None:
    assert said(text) == [fault]


def test_fingerprints_see_content_and_not_form() -> None:
    first = registry_of({"a.yaml": CUSTOMER}).fingerprint
    assert registry_of({"z.yaml": "# moved\n" + CUSTOMER.replace("default: b", "default: 'b'")}).fingerprint == first
    assert registry_of(CUSTOMER.replace("Customer", "Client")).fingerprint != first
    assert registry_of(CUSTOMER, currency="EUR").fingerprint != first


def test_a_second_reading_gives_the_same_and_sees_changes() -> None:
    cache = ReadCache()
    files = {"a.yaml": CUSTOMER, "b.yaml": "kind: object\nextend: customer\nfields: {x: {type: text}}\n"}
    first, _ = check(layers_of(files), cache=cache)
    again, _ = check(layers_of(files), cache=cache)
    assert first is not None
    assert again is not None
    assert again.fingerprint == first.fingerprint
    assert again.objects["customer"] is first.objects["customer"]
    changed, _ = check(layers_of(files | {"b.yaml": files["b.yaml"].replace("x:", "y:")}), cache=cache)
    assert changed is not None
    assert "y" in changed.objects["customer"].fields
    assert "x" not in changed.objects["customer"].fields
    broken, found = check(layers_of(files | {"b.yaml": "a: ["}), cache=cache)
    assert broken is None
    assert len(found) == 1
    back, found = check(layers_of(files), cache=cache)
    assert back is not None
    assert back.fingerprint == first.fingerprint


def test_a_published_version_is_rebuilt_from_its_text() -> None:
    layers = [builtin_layer(), *layers_of(CUSTOMER, {"crm": {"pack.yaml": CRM["pack.yaml"]}})]
    kept = bundle.to_text(bundle.Bundle(tuple(layers), ("zh", "en"), "EUR"))
    back = bundle.from_text(kept)
    assert bundle.to_text(back) == kept
    first = read_definitions(layers, languages=("zh", "en"), currency="EUR")
    assert (
        read_definitions(back.layers, languages=back.languages, currency=back.currency).fingerprint == first.fingerprint
    )
    assert bundle.instance_files(back.layers) == {"project.yaml": CUSTOMER}
    with pytest.raises(ValueError, match="published version"):
        bundle.from_text('{"format": 99}')


def test_folders_are_read_in_order_and_never_left(tmp_path: Path) -> None:
    inside = tmp_path / "metadata"
    (inside / "b").mkdir(parents=True)
    (inside / ".git").mkdir()
    for name in ("b/two.yml", "a.yaml", ".hidden.yaml", ".git/x.yaml", "note.txt", "C.YAML"):
        (inside / name).write_text(f"# {name}\n", encoding="utf-8")
    outside = tmp_path / "secret.yaml"
    outside.write_text("kind: object\nname: x\n", encoding="utf-8")
    (inside / "link.yaml").symlink_to(outside)
    (inside / "up").symlink_to(tmp_path, target_is_directory=True)
    (inside / "same.yaml").symlink_to(inside / "a.yaml")
    os.mkfifo(inside / "pipe.yaml")
    found = Diagnostics()
    layer = folder_layer("instance", inside, found, shown="metadata")
    assert [source.file for source in layer.sources] == [
        "metadata/C.YAML",
        "metadata/a.yaml",
        "metadata/same.yaml",
        "metadata/b/two.yml",
    ]
    assert sorted(f"{one.code} {one.place.file}" for one in found) == [
        "file-missing metadata/link.yaml",
        "file-missing metadata/pipe.yaml",
        "file-missing metadata/up",
    ]


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    found = Diagnostics()
    folder_layer("instance", tmp_path / "nothing", found, shown="nothing")
    assert [str(one.place) for one in found] == ["nothing:1:1"]


def test_texts_are_ordered_by_name() -> None:
    assert [source.file for source in text_layer({"b": "", "a": ""}).sources] == ["a", "b"]
