"""The tab "Sharing" of a record page: who works on the record, sharing and ending it, and why one sees it."""

from __future__ import annotations

from typing import Any

from guanxi.runtime.access import shares
from tests.admin.test_screens_server import fixture_log_in, token

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
