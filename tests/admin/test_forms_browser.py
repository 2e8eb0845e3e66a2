"""Public forms in a browser: the page, wide and narrow, light and dark, in both languages."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import pytest

AXE = files("axe_core_python").joinpath("axe.min.js")


def faults(page: Any) -> list[str]:
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
    return [f"{one['id']}: {one['nodes'][0]['html'][:120]}" for one in found["violations"]]


def named(site: Any, name: str) -> list[Any]:
    return list(site.instance.database.rows("SELECT email, score FROM o_enquiry WHERE name = ?", (name,)))


@pytest.mark.parametrize(("language", "dark", "phone"), [("en", False, False), ("zh", True, True), ("en", True, True)])
def test_the_page(visitor: Any, site: Any, language: str, *, dark: bool, phone: bool) -> None:
    page = visitor(language=language, dark=dark, phone=phone, name=None).page
    page.goto(f"{site.url}/forms/ask_us")
    assert page.inner_text("h1") == ("联系我们" if language == "zh" else "Ask us")
    assert faults(page) == []
    assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")
    name = f"Visitor {language} {dark}"
    page.fill("#f-name", name)
    page.fill("#f-email", "wrong@")
    page.evaluate("document.querySelector('form').noValidate = true")
    page.click("form button")
    assert page.is_visible("#email-fault")
    assert page.input_value("#f-name") == name
    assert faults(page) == []
    page.fill("#f-email", "v@example.com")
    page.check("input[name=score][value='7']")
    page.click("form button")
    assert page.inner_text("[role=status]") == (
        "谢谢，我们已收到您的信息。" if language == "zh" else "Thank you. We have received it."
    )
    assert named(site, name) == [("v@example.com", 7)]
