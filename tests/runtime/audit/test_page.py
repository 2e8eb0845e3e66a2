"""The reference page lists the acts as the catalogue has them."""

from __future__ import annotations

from pathlib import Path

from guanxi.runtime.audit import ACTIONS


def test_the_page_lists_every_act() -> None:
    page = Path(__file__).parents[3].joinpath("docs/reference/audit.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    assert rows == [f"| `{name}` | {said} |" for name, said in ACTIONS.items()]
