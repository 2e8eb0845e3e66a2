"""A dashboard in the browser: figures with a table beside them, and behind each figure the very list it counts."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Any

import pytest
from playwright.sync_api import expect

AXE = files("axe_core_python").joinpath("axe.min.js")
PAGE = "/dashboards/deals/"


@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_nothing_and_a_phone_has_no_overflow(visitor: Any, dark: bool) -> None:
    page = visitor(dark=dark, phone=dark, language="zh" if dark else "en").go(PAGE)
    page.evaluate("document.querySelectorAll('main details').forEach(one => one.open = true)")
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
    assert [(v["id"], [n["html"][:200] for n in v["nodes"][:3]]) for v in found["violations"]] == []
    if dark:
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_figure_leads_to_the_list_it_counts(visitor: Any) -> None:
    window = visitor()
    page = window.go("/")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="At a glance").click()
    bar = page.locator(".k-funnel li a").first
    label, count = bar.locator(".tr").inner_text(), bar.locator("b").inner_text()
    bar.click()
    expect(page.get_by_role("heading", name="Deals")).to_be_visible()
    expect(page.locator(".phead p")).to_have_text(re.compile(rf"^{count} records?$"))
    expect(page.locator(".chip")).to_contain_text("stage ==")
    shown = page.locator("tbody tr").all_inner_texts()
    assert shown
    assert all(label in row for row in shown)
    page.get_by_role("link", name="Remove the filter Condition").click()
    expect(page.locator(".chip")).to_have_count(0)


def test_a_condition_that_is_none_is_refused(visitor: Any) -> None:
    page = visitor().go("/o/deal/?where=nothing+%3D%3D+1")
    expect(page.get_by_role("main")).to_contain_text("nothing")


def test_what_is_not_there(visitor: Any) -> None:
    page = visitor().go("/dashboards/none/")
    expect(page.get_by_role("main")).to_be_visible()
    assert page.locator(".dash").count() == 0
