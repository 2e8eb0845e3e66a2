"""The pages of docs/ say what the code says: codes are equal, links lead somewhere, commands exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from guanxi.app.cli import COMMANDS
from guanxi.common.codes import CODES
from guanxi.common.errors import RECORD_CODES

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "docs").rglob("*.md"))


def test_the_pages_of_codes_list_every_code_and_no_other() -> None:
    page = (ROOT / "docs/reference/codes.md").read_text("utf-8")
    _, definitions, records = page.split("\n## ")
    for text, codes in ((definitions, CODES), (records, RECORD_CODES)):
        rows = [line for line in text.splitlines() if line.startswith("| `")]
        assert {row.split("`")[1]: row.split("|")[2].strip() for row in rows} == codes


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)", page.read_text("utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_named_in_a_page_exist(page: Path) -> None:
    text = page.read_text("utf-8")
    named = set(re.findall(r"(?:^|`)guanxi (?:--instance \S+ )?([a-z][a-z-]*)", text, re.MULTILINE))
    assert named <= set(COMMANDS), named - set(COMMANDS)
