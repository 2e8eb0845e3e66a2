"""The console of background work: open to administrators only; what is done there happens and is audited."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from flask.testing import FlaskClient

from guanxi.runtime.outbox import OutboxStore, post
from tests.support.instances import PASSWORD, House, make_house


def _log_in(house: House, name: str) -> FlaskClient:
    client = house.app.test_client()
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/login/").text)
    assert token is not None
    given = {"name": name, "password": PASSWORD, "csrf_token": token.group(1)}
    assert client.post("/login/", data=given).status_code in (302, 303)
    return client


def _press(client: FlaskClient, page: str, action: str) -> int:
    form = re.search(rf'action="{re.escape(action)}".*?name="(\w+)" value="([^"]+)"', page, re.DOTALL)
    assert form is not None
    return client.post(action, data={form.group(1): form.group(2)}).status_code


def test_dead_letters_and_jobs_are_seen_and_acted_on(tmp_path: Path) -> None:
    house = make_house(tmp_path / "house", "sqlite:///data/guanxi.db", {})
    try:
        house.host.engine.stop()
        bundle, db = house.host.services(), house.instance.database
        job = bundle.jobs.enqueue("housekeeping", {}, due_at=datetime(2099, 1, 1, tzinfo=UTC))
        with db.write():
            number = post(db, kind="webhook", payload={"body": {}}, at=datetime.now(UTC), destination="<gone>")
        store = OutboxStore(db)
        (entry,) = store.claim("w", ("webhook",), datetime.now(UTC), lease=timedelta(minutes=1), limit=1)
        store.dead("w", entry, datetime.now(UTC), "no <b>such</b> place")
        house.person("li")
        assert _log_in(house, "li").get("/console/jobs/").status_code == 404
        client = _log_in(house, "admin")
        page = client.get("/console/jobs/").text
        assert "no &lt;b&gt;such&lt;/b&gt; place" in page
        assert f"/console/jobs/{job}/" in page
        assert _press(client, page, f"/console/jobs/act/letter/drop/{number}/") == 302
        assert db.rows("SELECT * FROM gx_outbox WHERE dead_at IS NOT NULL") == []
        one = client.get(f"/console/jobs/{job}/").text
        assert _press(client, one, f"/console/jobs/act/job/cancel/{job}/") == 302
        assert bundle.jobs.get(job).state == "cancelled"  # type: ignore[union-attr]
        acts = [row[0] for row in db.rows("SELECT action FROM gx_audit WHERE action IN ('dead_letter', 'job_changed')")]
        assert sorted(acts) == ["dead_letter", "job_changed"]
    finally:
        house.close()
