"""The tab "Sharing" of a record page: who works on the record, sharing and ending it, and why one sees it."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Browser

from guanxi.runtime.access import shares
from guanxi.runtime.access.actor import SYSTEM
from tests.admin.test_screens_server import fixture_log_in, token
from tests.support.screens import PASSWORD

__all__ = ["fixture_log_in"]


def test_sharing_and_ending_it_through_the_record_page(log_in: Any, site: Any) -> None:
    browser = log_in("admin")
    key = site.services.database.rows("SELECT min(id) FROM o_deal WHERE deleted_at IS NULL")[0][0]
    page = browser.get(f"/o/deal/{key}/")
    assert f'data-load="/o/deal/{key}/sharing/"' in page.text
    tab = browser.get(f"/o/deal/{key}/sharing/").text
    assert 'name="until"' in tab
    assert "administrator" in tab
    user = site.services.somebody("marco").id
    csrf = token(browser, f"/o/deal/{key}/")
    form = {
        "csrf_token": csrf,
        "kind": "user",
        "who": user,
        "access": "read",
        "until": "2999-01-01",
        "reason": "holiday <b>",
    }
    done = browser.post(f"/o/deal/{key}/share/", data=form)
    assert done.status_code in (302, 303)
    now = site.services.clock.now()
    assert [s.who for s in shares.of_record(site.services.database, "deal", key, now)] == [user]
    tab = browser.get(f"/o/deal/{key}/sharing/").text
    assert "holiday &lt;b&gt;" in tab
    browser.post(f"/o/deal/{key}/share/", data={"csrf_token": csrf, "kind": "user", "who": user, "end": "1"})
    assert shares.of_record(site.services.database, "deal", key, now) == []


def test_the_form_offers_teams_too(log_in: Any, site: Any) -> None:
    browser = log_in("admin")
    key = site.services.database.rows("SELECT max(id) FROM o_deal WHERE deleted_at IS NULL")[0][0]
    team = site.services.records.create(SYSTEM, "team", {"name": "Harbour"}).id
    tab = browser.get(f"/o/deal/{key}/sharing/").text
    for kind in ("user", "team", "role"):
        assert f'data-url="/o/{kind}/lookup/"' in tab
    form = {"csrf_token": token(browser, f"/o/deal/{key}/"), "kind": "team", "who_team": team, "who_user": ""}
    assert browser.post(f"/o/deal/{key}/share/", data={**form, "access": "read"}).status_code in (302, 303)
    now = site.services.clock.now()
    assert [(s.kind, s.who) for s in shares.of_record(site.services.database, "deal", key, now)] == [("team", team)]
    assert "Harbour" in browser.get(f"/o/deal/{key}/sharing/").text


def test_only_the_lookup_of_the_chosen_kind_is_shown(site: Any, browser: Browser) -> None:
    client = browser.new_context(viewport={"width": 390, "height": 844})
    page = client.new_page()
    page.goto(f"{site.url}/login/")
    page.fill("input[name=name]", "admin")
    page.fill("input[type=password]", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "login" not in url)
    page.goto(f"{site.url}/o/deal/1/?tab=sharing")
    page.locator(".sharing summary").click()
    for kind in ("team", "role", "user"):
        page.select_option("#share-kind", kind)
        assert page.locator(".share-who:visible").count() == 1
        assert page.locator(f".share-who[data-kind={kind}]").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    client.close()
