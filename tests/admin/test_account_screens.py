"""The own account and what stands before the log-in, in a real browser: two languages, light and dark, phone."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Any

import pyotp
import pytest
from playwright.sync_api import expect

from guanxi.app.accounts import Accounts
from guanxi.runtime.access.actor import SYSTEM
from tests.support.screens import PASSWORD

AXE = files("axe_core_python").joinpath("axe.min.js")
OPEN = ("/login/", "/reset/", "/invite/nothing-like-a-link-that-was-made")
INSIDE = ("/account/", "/account/totp/")


def person(site: Any, name: str, *roles: str) -> int:
    return Accounts(site.instance, site.services).add(name, password=PASSWORD, roles=roles or ["sales"])[0]


def violations(page: Any) -> list[Any]:
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
    return [(v["id"], [n["html"][:200] for n in v["nodes"][:3]]) for v in found["violations"]]


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("path", OPEN + INSIDE)
def test_axe_finds_nothing_and_a_phone_has_no_overflow(visitor: Any, path: str, dark: bool) -> None:
    window = visitor(dark=dark, phone=dark, language="zh" if dark else "en", name="li" if path in INSIDE else None)
    page = window.go(path)
    for one in page.locator("details:not([open]) > summary").all():
        if path in INSIDE and one.is_visible():
            one.click()
    assert violations(page) == []
    if dark:
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_an_invitation_from_the_record_to_the_first_log_in(visitor: Any, site: Any) -> None:
    user = person(site, "invited")
    admin = visitor(name="admin")
    page = admin.go(f"/o/user/{user}/")
    page.click("[popovertarget=m-account]")
    page.get_by_role("button", name="Invite").click()
    link = page.get_by_label("Invitation").input_value()
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/invite/[\w-]{40,}", link)
    assert violations(page) == []
    guest = visitor(name=None, language="zh", phone=True)
    guest.page.goto(link)
    guest.page.fill("#password", "1234567890")
    guest.page.fill("#again", "1234567890")
    guest.page.click("form.gatebox button")
    expect(guest.page.get_by_role("alert")).to_contain_text("密码过于常见")
    guest.page.fill("#password", "七辆绿色自行车在桥上走")
    guest.page.fill("#again", "七辆绿色自行车在桥上走")
    guest.page.click("form.gatebox button")
    expect(guest.page).to_have_url(f"{site.url}/login/")
    guest.page.fill("#name", "invited")
    guest.page.fill("#password", "七辆绿色自行车在桥上走")
    guest.page.click("form.gatebox button")
    expect(guest.page).to_have_url(f"{site.url}/")
    guest.page.goto(link)
    expect(guest.page.get_by_role("alert")).to_contain_text("已使用或已过期")


def test_a_second_factor_is_set_up_and_asked_for(visitor: Any, site: Any) -> None:
    person(site, "careful")
    window = visitor(name="careful")
    page = window.go("/account/totp/")
    assert page.locator("img.qr").evaluate("i => i.naturalWidth > 0")
    app = pyotp.TOTP(page.locator("code.key").inner_text())
    page.fill("#code", app.now())
    page.get_by_role("button", name="Turn on").click()
    codes = page.locator("ul.codes code").all_inner_texts()
    assert len(codes) == 10
    assert violations(page) == []
    page.goto(site.url + "/account/")
    expect(page.locator("#totp")).to_contain_text("10 recovery codes are left")
    again = visitor(name=None)
    page = again.go("/login/?url=/account/")
    page.fill("#name", "careful")
    page.fill("#password", PASSWORD)
    page.click("form.gatebox button")
    expect(page).to_have_url(f"{site.url}/login/code/")
    assert violations(page) == []
    again.go("/account/")
    expect(page).to_have_url(re.compile("/login/"))  # the password alone lets nobody in
    again.go("/login/code/")
    page.fill("#code", "000000")
    page.click("form.gatebox button")
    expect(page.get_by_role("alert")).to_contain_text("The code is wrong")
    page.fill("#code", codes[0])
    page.click("form.gatebox button")
    expect(page).to_have_url(f"{site.url}/account/")


def test_tokens_and_sessions_are_shown_and_ended(visitor: Any, site: Any) -> None:
    person(site, "owner1")
    other, window = visitor(name="owner1"), None
    site.cookies.pop("owner1")
    window = visitor(name="owner1")
    page = window.go("/account/")
    page.locator("#tokens summary").click()
    page.fill("#token-name", "reports")
    page.get_by_role("button", name="Make the token").click()
    token = page.locator("#made").input_value()
    client = site.app.test_client()
    me = client.get("/api/me", headers={"Authorization": f"Bearer {token}"}).json
    assert me["name"] == "owner1"
    assert me["scopes"] == ["read"]
    page.goto(site.url + "/account/")
    assert token not in page.content()
    page.get_by_role("button", name="End the token reports").click()
    page.locator("dialog#ask button[value=yes]").click()
    expect(page.locator("#tokens")).not_to_contain_text("reports")
    assert client.get("/api/me", headers={"Authorization": f"Bearer {token}"}).status_code == 401
    page.get_by_role("button", name="End all others").click()
    expect(page.locator("#sessions li")).to_have_count(1)
    other.go("/account/")
    expect(other.page).to_have_url(re.compile("/login/"))


def test_a_new_password_keeps_this_session_under_a_new_id(visitor: Any, site: Any) -> None:
    person(site, "changer")
    window = visitor(name="changer")
    page = window.go("/account/")
    before = {c["name"]: c for c in window.context.cookies()}["guanxi_session"]
    assert before["httpOnly"]
    assert before["sameSite"] == "Lax"
    page.fill("#old", PASSWORD)
    page.fill("#password", "seven green bicycles")
    page.fill("#again", "seven green bicycles")
    page.get_by_role("button", name="Change the password").click()
    expect(page.get_by_role("status")).to_contain_text("Your password is changed")
    after = {c["name"]: c for c in window.context.cookies()}["guanxi_session"]
    assert after["value"] != before["value"]
    window.go("/account/")
    expect(page.get_by_role("heading", name="My account")).to_be_visible()


def test_an_absence_is_kept_and_removed(visitor: Any, site: Any) -> None:
    person(site, "away")
    page = visitor(name="away").go("/account/")
    page.locator("#away summary").first.click()
    page.fill("#a-from", "2099-03-02T09:00")
    page.fill("#a-until", "2099-03-05T18:00")
    page.fill("#a-reason", "Holidays")
    page.locator("#away form").first.get_by_role("button", name="Save").click()
    expect(page.locator("#away li")).to_contain_text("Holidays")
    page.locator("#away li").get_by_role("button", name="Remove").click()
    expect(page.locator("#away li")).to_have_count(0)


def test_somebody_who_must_change_the_password_goes_nowhere_else(visitor: Any, site: Any) -> None:
    user = person(site, "fresh")
    Accounts(site.instance, site.services).service.set_by_operator(user, PASSWORD, SYSTEM, must_change=True)
    window = visitor(name=None)
    page = window.go("/login/")
    page.fill("#name", "fresh")
    page.fill("#password", PASSWORD)
    page.click("form.gatebox button")
    expect(page).to_have_url(f"{site.url}/account/first/")
    assert violations(page) == []
    window.go("/o/deal/")
    expect(page).to_have_url(f"{site.url}/account/first/")
    page.fill("#old", PASSWORD)
    page.fill("#password", "seven green bicycles")
    page.fill("#again", "seven green bicycles")
    page.get_by_role("button", name="Set the password").click()
    expect(page).to_have_url(f"{site.url}/")


def test_the_profile_shows_what_is_kept_and_keeps_what_is_not_changed(visitor: Any, site: Any) -> None:
    accounts = Accounts(site.instance, site.services)
    user, _ = accounts.add("known", password=PASSWORD, roles=["sales"], full_name="Known Person", phone="13800138000")
    before = site.get("user", user)
    page = visitor(name="known").go("/account/")
    expect(page.locator("#full_name")).to_have_value("Known Person")
    page.fill("#time_zone", "Europe/Paris")
    page.locator("#profile").get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_contain_text("Saved.")
    after = site.get("user", user)
    assert (after["full_name"], after["phone"]) == ("Known Person", before["phone"])
    assert after["time_zone"] == "Europe/Paris"
