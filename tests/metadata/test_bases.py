"""Upgrading a pack under a patch: the version published before remembers what the patch was made against."""

from __future__ import annotations

from guanxi.metadata import bundle
from guanxi.metadata.bases import bases_in, record_bases
from guanxi.metadata.fingerprint import hash_of
from guanxi.metadata.load import check
from guanxi.metadata.sources import Layer, builtin_layer, text_layer

PACK = "kind: pack\nname: crm\nversion: {version}\nlabel: CRM\n"
OBJECT = """\
kind: object
name: customer
label: {en: Customer, zh: 客户}
title: name
fields:
  name: {type: text, label: {en: Name, zh: 名称}, length: 80}
  rate: {type: decimal, label: {en: Rate, zh: 比率}, min: 0.5}
"""


def layers(version: str, text: str, patch: str) -> list[Layer]:
    crm = text_layer({"crm/pack.yaml": PACK.format(version=version), "crm/customer.yaml": text}, "crm")
    return [builtin_layer(), crm, text_layer({"metadata/local.yaml": patch})]


def base_of(text: str) -> str:
    made = record_bases(layers("1.0", text, "kind: patch\nname: p\ntarget: object/customer\nbase: 'sha256:'\n"))
    return next(iter(made))


BASE = base_of(OBJECT)
PATCH = f"""\
kind: patch
name: p
target: object/customer
base: {BASE[:30]}
set: {{fields.name.length: 90, fields.rate.min: 1}}
"""


def test_an_upgrade_that_changes_something_else_goes_through() -> None:
    first = layers("1.0", OBJECT, PATCH)
    version = bundle.from_text(bundle.to_text(bundle.Bundle(tuple(first), bases=record_bases(first))))
    assert list(version.bases) == [BASE]
    assert hash_of(version.bases[BASE]) == BASE
    second = layers("1.1", OBJECT.replace("en: Customer", "en: Client"), PATCH)
    registry, found = check(second, bases=bases_in(record_bases(second, version.layers, version.bases)))
    assert registry is not None, [str(one) for one in found]
    assert registry.objects["customer"].label.text("en") == "Client"
    assert registry.objects["customer"].fields["name"].settings.length == 90


def test_an_upgrade_of_the_same_key_stops_and_names_all_three() -> None:
    first = layers("1.0", OBJECT, PATCH)
    second = layers("1.1", OBJECT.replace("length: 80", "length: 100"), PATCH)
    registry, found = check(second, bases=bases_in(record_bases(second, first)))
    assert registry is None
    assert [f"{one.code} {one.place}" for one in found] == ["patch-conflict metadata/local.yaml:5:7"]
    assert "to 90, but it is 100 (at crm/customer.yaml:6:57), and was 80" in found[0].message


def test_a_base_from_two_versions_ago_is_still_known() -> None:
    one = layers("1.0", OBJECT, PATCH)
    two = layers("1.1", OBJECT.replace("en: Customer", "en: Client"), PATCH)
    kept = record_bases(two, one, record_bases(one))
    three = layers("1.2", OBJECT.replace("en: Customer", "en: Account"), PATCH)
    assert list(record_bases(three, two, kept)) == [BASE]


def test_without_patches_nothing_is_kept() -> None:
    assert record_bases(layers("1.0", OBJECT, "# none\n")) == {}
