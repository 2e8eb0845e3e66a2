"""The bell, its page and settings in a browser: at phone width, in the dark, without a console message."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.parametrize("phone", [False, True])
def test_bell_and_settings(visitor: Any, site: Any, *, phone: bool) -> None:
    messaging = site.services.messaging
    messaging.notifications.send([site.user], "task", "Call <b>Ann</b>")
    page = visitor(language="zh", dark=True, phone=phone).page
    page.goto(f"{site.url}/")
    before = messaging.notifications.unread(site.user)
    assert page.inner_text("[data-bell] .count") == str(before)
    page.click("[data-bell]")
    page.wait_for_selector("#m-bell .notice.new")
    assert "Call <b>Ann</b>" in page.inner_text("#m-bell .notices")
    page.click("#m-bell header button")
    page.wait_for_selector("[data-bell] .count", state="hidden")
    assert messaging.notifications.unread(site.user) == 0
    page.goto(f"{site.url}/account/notifications/")
    assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")
    page.select_option('select[name="task.email"]', "daily")
    page.click("main button.primary")
    page.wait_for_load_state()
    found = messaging.preferences.of([site.user])[site.user]
    assert found.value("task", "email") == "daily"
