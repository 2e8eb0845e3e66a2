"""What is done through every channel stands in the audit trail, and only those may read it who should."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from guanxi.app.cli import main
from guanxi.runtime.audit import AuditQuery, find, verify
from tests.support.instances import House, make_house

THINGS = """
kind: object
name: thing
label: Thing
title: name
access: private
owned: true
fields: {name: {type: text, required: true}}
---
kind: role
name: maker
label: Maker
includes: [employee]
objects: {thing: {create: true, read: all, update: all, delete: all, restore: all, export: true, import: true}}
"""


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> Iterator[House]:
    made = make_house(tmp_path / "one", database_url, {"things.yaml": THINGS})
    made.person("li", "maker")
    made.person("eve", "auditor")
    yield made
    made.close()


def acts(house: House, **asked: Any) -> list[tuple[str, str, str, int | None]]:
    found = find(house.instance.database, AuditQuery(limit=500, **asked))
    return [(e.action, e.actor, e.object, e.record_id) for e in reversed(found)]


def last(house: House, action: str) -> dict[str, Any]:
    return find(house.instance.database, AuditQuery(action=action))[0].as_dict()


def test_records_come_and_go(house: House) -> None:
    key = house.post("/api/thing", {"name": "a"}, "li").json["id"]
    before = len(acts(house))
    house.patch(f"/api/thing/{key}", {"name": "b"}, "li")
    assert len(acts(house)) == before  # an ordinary change is history, not audit
    assert house.delete(f"/api/thing/{key}", "li").status_code == 204
    assert house.post(f"/api/thing/{key}/restore", {}, "li").status_code == 200
    assert house.delete(f"/api/thing/{key}?permanent=true", "li").status_code == 403
    assert house.delete(f"/api/thing/{key}?permanent=true").status_code == 204
    assert acts(house, object="thing") == [
        ("delete", "li", "thing", key),
        ("restore", "li", "thing", key),
        ("purge", "admin", "thing", key),
    ]
    assert find(house.instance.database, AuditQuery(action="delete"))[0].address == "127.0.0.1"
    assert verify(house.instance.database, house.instance.secret).good


def test_definitions(house: House) -> None:
    first = last(house, "publish")
    assert (first["actor"], first["detail"]["author"]) == ("admin", "admin")
    version = first["detail"]["version"]
    house.publish({"things.yaml": THINGS.replace("{type: text, required: true}", "{type: text}")})
    assert last(house, "publish")["detail"]["version"] == version + 1
    assert len(last(house, "publish")["detail"]["fingerprint"]) > 10
    count = len(acts(house))
    house.publish({"things.yaml": THINGS.replace("{type: text, required: true}", "{type: text}")})
    assert len(acts(house)) == count  # nothing changed, nothing published
    done = house.post("/api/meta/rollback", {"version": version})
    assert done.status_code == 200, done.text
    assert last(house, "rollback")["detail"]["rollback_to"] == version


def test_rights(house: House) -> None:
    li = next(r["id"] for r in house.get("/api/user").json["data"] if r["name"] == "li")
    roles = {r["name"]: r["id"] for r in house.get("/api/role").json["data"]}
    house.patch(f"/api/user/{li}", {"roles": [roles["auditor"]]})
    assert last(house, "roles_changed")["detail"] == {"added": ["auditor"], "removed": ["maker"]}
    house.patch(f"/api/user/{li}", {"active": False})
    assert last(house, "user_suspended")["record_id"] == li
    house.patch(f"/api/user/{li}", {"active": True})
    assert last(house, "user_resumed")["actor"] == "admin"
    assert last(house, "user_added")["detail"] == {"name": "eve", "roles": ["auditor"]}


def test_data_in_and_out(house: House) -> None:
    file = (io.BytesIO(b"name\nx\n"), "things.csv")
    made = house.call("POST", "/api/thing/import", "li", data={"file": file})
    assert made.status_code == 202, made.text
    assert last(house, "import")["detail"] == {
        "job": made.json["id"],
        "file": "things.csv",
        "dry_run": False,
        "key": [],
    }
    asked = house.get("/api/thing/export", "li", format="csv", where='name == "x"', reason="for the fair")
    assert asked.status_code == 200
    entry = last(house, "export")
    assert entry["reason"] == "for the fair"
    assert entry["detail"] == {"format": "csv", "style": "", "asked": {"where": 'name == "x"'}}


def test_who_may_read(house: House) -> None:
    for path in ("/api/audit", "/api/audit/head", "/api/audit/export"):
        assert house.get(path, None).status_code == 401
        assert house.get(path, "li").status_code == 404
        assert house.get(path, "eve").status_code == 200
        assert house.get(path).status_code == 200
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            assert house.call(method, path, json={}).status_code in (404, 405)
    assert house.get("/api/thing", "eve").status_code in (403, 404)


def test_pages_and_filters(house: House) -> None:
    everything = house.get("/api/audit", "eve", limit=500).json["data"]
    seen: list[int] = []
    after: dict[str, Any] = {}
    while True:
        page = house.get("/api/audit", "eve", limit=3, **after).json
        seen += [row["number"] for row in page["data"]]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert seen == [row["number"] for row in everything] == list(range(len(everything), 0, -1))
    found = house.get("/api/audit", "eve", action="user_added", actor="system").json["data"]
    assert {row["action"] for row in found} == {"user_added"}
    assert house.get("/api/audit", "eve", **{"from": "2020-01-01", "to": "2020-01-02"}).json["data"] == []
    for bad in ({"action": "nope"}, {"nope": "1"}, {"limit": "0"}, {"from": "x"}, {"record": "-1"}, {"outcome": "x"}):
        assert house.get("/api/audit", "eve", **bad).status_code == 400
    text = house.get("/api/audit/export", "eve").text
    rows = [json.loads(line) for line in text.splitlines()]
    assert [row["number"] for row in rows] == list(range(1, len(rows) + 1))
    assert rows[-1]["action"] == "audit_read"


def test_the_command_line(house: House, tmp_path: Path) -> None:
    def run(*words: str) -> Any:
        return CliRunner().invoke(main, ["--instance", str(house.instance.folder), *words])

    assert run("user", "add", "wang", "--role", "maker").exit_code == 0
    entry = last(house, "user_added")
    assert entry["actor"].startswith("cli:")
    assert entry["channel"] == "cli"
    out = tmp_path / "out.csv"
    assert run("export", "thing", "--out", str(out), "--reason", "audit").exit_code == 0
    assert last(house, "export")["actor"].startswith("cli:")
    kept = tmp_path / "head.json"
    kept.write_text(run("audit", "head").output)
    assert run("audit", "verify", "--head", str(kept)).exit_code == 0
    assert run("audit", "verify").exit_code == 0
    doctor = json.loads(run("doctor", "--json").stdout)
    assert "the chain holds" in doctor["checks"]["audit"]
    lines = run("audit", "export").stdout.splitlines()
    assert json.loads(lines[-1])["action"] == "audit_read"
    db = house.instance.database
    with db.write():
        drop = "TRIGGER gx_audit_no_update" if db.engine == "sqlite" else "TRIGGER gx_audit_kept ON gx_audit"
        db.execute(f"DROP {drop}")
        db.execute("UPDATE gx_audit SET actor = 'nobody' WHERE number = 2")
    broken = run("audit", "verify")
    assert (broken.exit_code, "entry 2" in broken.output) == (1, True)
    wrong = run("doctor")
    assert (wrong.exit_code, "audit trail: entry 2" in wrong.output) == (1, True)
    kept.write_text("[]")
    assert run("audit", "verify", "--head", str(kept)).exit_code == 1
