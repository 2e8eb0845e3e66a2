"""What pack authors use under pytest tells what is wrong with a pack."""

from __future__ import annotations

from pathlib import Path

import pytest

from guanxi.app.packs import installed_folders
from guanxi.sdk import Failed, assert_pack

PACK = "kind: pack\nname: tiny\nversion: 1.0.0\n---\nkind: object\nname: thing\nfields: {name: {type: text}}\n"
RULE = "rules: {named: {check: filled(name), message: {en: A name, zh: 名称}}}\n"
TEST = "---\nkind: test\nname: t\n"
REFUSED = "when: [{create: {object: thing, values: {}, refused: {rule: named}}}]\n"


def pack(folder: Path, text: str) -> Path:
    (folder / "pack.yaml").write_text(text, encoding="utf-8")
    return folder


def test_a_shipped_pack_is_right() -> None:
    assert assert_pack(installed_folders()["telecom"]).failed == ()


def test_what_is_wrong_is_told(tmp_path: Path) -> None:
    assert len(assert_pack(pack(tmp_path, PACK + RULE + TEST + REFUSED)).outcomes) == 1
    with pytest.raises(Failed, match=r"pack.yaml:7:23: .*unknown field type 'txt'"):
        assert_pack(pack(tmp_path, PACK.replace("type: text", "type: txt")))
    with pytest.raises(Failed, match=r"t: .*must be refused: rule named; seen: it was done"):
        assert_pack(pack(tmp_path, PACK + RULE + TEST + REFUSED.replace("values: {}", "values: {name: A}")))
    other = (
        TEST
        + "when: [{create: {object: thing, record: a, values: {name: A}}}]\nthen: [{count: {object: thing, is: 1}}]\n"
    )
    with pytest.raises(Failed, match=r"no test touches thing.named \(rule\)"):
        assert_pack(pack(tmp_path, PACK + RULE + other))
    assert assert_pack(pack(tmp_path, PACK + RULE + other), coverage=False).failed == ()
