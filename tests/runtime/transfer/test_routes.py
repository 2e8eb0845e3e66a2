"""Import, jobs, export and files over HTTP."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import pytest
from flask import Flask, Request
from flask.testing import FlaskClient

from guanxi.runtime.access.actor import Actor
from guanxi.runtime.api import create_api
from guanxi.runtime.api.blueprint import undeclared
from guanxi.runtime.storage.database import Handle
from tests.runtime.transfer.conftest import SHOP
from tests.support.published import Project, project

TEXT = SHOP.replace("  secret: {type: text}\n", "  secret: {type: text}\n  paper: {type: file}\n")
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40


class StubHost:
    """The wiring room's side: the person is named by a header."""

    def __init__(self, made: Project) -> None:
        self.made = made
        self.people: Any = None
        self.publisher: Any = None
        self.limits: Mapping[str, int] = {"upload_megabytes": 1, "import_rows": 1000}
        self.languages = ("en", "zh")
        self.export_reason = False
        self.actors: dict[str, Actor] = {}

    def services(self) -> Any:
        return self.made.services

    def identify(self, request: Request) -> Actor | None:
        return self.actors.get(request.headers.get("X-Who", ""))

    def csrf_ok(self, request: Request) -> bool:
        return True

    def csrf_token(self) -> str:
        return ""

    def ready(self) -> Mapping[str, str]:
        return {}


class Web:
    def __init__(self, database: Handle) -> None:
        self.made = project(database, TEXT)
        self.host = StubHost(self.made)
        for name, roles in (("root", ["administrator"]), ("li", ["clerk"]), ("wang", ["clerk"]), ("zhao", ["reader"])):
            self.host.actors[name] = self.made.user(name, roles)
        self.app = Flask("test")
        create_api(self.app, self.host)
        self.client: FlaskClient = self.app.test_client()

    def call(self, verb: str, path: str, who: str = "root", **more: Any) -> Any:
        headers = {"X-Who": who, **more.pop("headers", {})}
        return getattr(self.client, verb)(f"/api{path}", headers=headers, **more)

    def send(self, path: str, content: bytes, name: str = "f.csv", who: str = "root", **more: Any) -> Any:
        return self.call("post", path, who, data={"file": (io.BytesIO(content), name)}, **more)

    def work(self) -> int:
        return int(self.app.extensions["guanxi_jobs"].run_waiting())


@pytest.fixture
def web(database: Handle) -> Web:
    return Web(database)


def test_every_route_says_who_may_call_it(web: Web) -> None:
    assert undeclared(web.app) == []


def test_an_import_is_a_job_with_report_rejected_rows_and_undo(web: Web) -> None:
    answer = web.send(
        "/item/import?key=code&map=What:name&map=Junk:", b"code,What,Junk,price\na,A,1,5\nb,,2,6\n", who="li"
    )
    assert (answer.status_code, list(answer.json)) == (202, ["id"])
    path = f"/jobs/{answer.json['id']}"
    assert answer.headers["Location"] == f"/api{path}"
    queued = web.call("get", path, "li").json
    assert (queued["state"], queued["progress"]) == ("queued", 0.0)
    assert queued["counts"] == {"created": 0, "updated": 0, "unchanged": 0, "refused": 0}
    assert web.work() == 1
    job = web.call("get", path, "li").json
    assert (job["state"], job["progress"], job["rows"]) == ("done", 1.0, 2)
    assert job["counts"] == {"created": 1, "updated": 0, "unchanged": 0, "refused": 1}
    report = web.client.get(job["report"] + "?verdict=refused", headers={"X-Who": "li"}).json["data"]
    assert [(row["row"], row["errors"][0]["field"], row["errors"][0]["code"]) for row in report] == [
        (3, "name", "required")
    ]
    rejected = web.client.get(job["rejected"], headers={"X-Who": "li"})
    assert rejected.data.decode("utf-8-sig").splitlines()[0] == "code,What,Junk,price,_row,_reason"
    for other in ("wang", "zhao"):
        assert web.call("get", path, other).status_code == 404
        assert web.call("post", f"{path}/undo", other).status_code == 404
    assert web.call("get", path, "root").status_code == 200
    assert web.made.db.one("SELECT count(*) FROM gx_file_parts") == (0,)
    undo = web.call("post", f"{path}/undo", "li")
    assert undo.status_code == 202
    web.work()
    assert web.call("get", f"/jobs/{undo.json['id']}", "li").json["counts"] == {"deleted": 1, "restored": 0, "kept": 0}
    assert web.call("get", "/item", "li").json["data"] == []
    assert web.call("get", path, "li").json["undone_by"] == undo.json["id"]


def test_a_retry_with_its_key_is_one_import(web: Web) -> None:
    key = {"headers": {"Idempotency-Key": "k1"}}
    first, second = (web.send("/item/import", b"code,name\na,A\n", **key) for _ in range(2))
    assert first.json == second.json
    assert web.send("/item/import", b"code,name\nb,B\n", **key).status_code == 409
    assert web.work() == 1


def test_a_queued_job_can_be_cancelled(web: Web) -> None:
    job = web.send("/item/import", b"code,name\na,A\n").json["id"]
    assert web.call("post", f"/jobs/{job}/cancel").json["state"] == "cancelled"
    assert web.call("post", f"/jobs/{job}/cancel").status_code == 409
    assert web.work() == 0


@pytest.mark.parametrize(
    ("path", "content", "status"),
    [
        ("/item/import?nope=1", b"code\na\n", 400),
        ("/item/import?map=a:b&map=a:c", b"a\n1\n", 400),
        ("/item/import?map=code", b"code\na\n", 400),
        ("/item/import?encoding=zip", b"code\na\n", 400),
        ("/item/import?dry_run=maybe", b"code\na\n", 400),
        ("/item/import?duplicates=x", b"code\na\n", 400),
        ("/item/import?key=nope", b"code\na\n", 400),
        ("/item/import", b"", 400),
        ("/item/import", b'code,name\na,"x\n', 400),
        ("/item/import", b"code,name\n" + b"a,b\n" * 1001, 413),
        ("/item/import", b"x" * 1_200_000, 413),
        ("/nope/import", b"code\na\n", 404),
    ],
)
def test_what_cannot_be_imported_is_a_4xx_and_no_job(web: Web, path: str, content: bytes, status: int) -> None:
    answer = web.send(path, content)
    assert answer.status_code == status, answer.json
    assert answer.content_type == "application/problem+json"
    assert web.made.count("gx_jobs") == 0


def test_bad_parts_and_rights(web: Web) -> None:
    assert web.call("post", "/item/import", data=b"x", content_type="text/csv").status_code == 415
    assert web.call("post", "/item/import", data={"x": (io.BytesIO(b"a"), "a")}).status_code == 400
    assert (
        web.call("post", "/item/import", data={"file": "text"}, content_type="multipart/form-data").status_code == 400
    )
    assert web.send("/item/import", b"code,name\na,A\n", who="zhao").status_code == 403
    assert web.send("/item/import", b"code,name\na,A\n", who="").status_code == 401
    assert web.call("get", "/jobs/0").status_code == 404
    assert web.call("get", "/jobs/x/report").status_code == 404


def test_a_person_who_left_imports_no_more(web: Web) -> None:
    job = web.send("/item/import", b"code,name\na,A\n", who="li").json["id"]
    from guanxi.runtime.access.actor import SYSTEM

    web.made.records.update(SYSTEM, "user", web.host.actors["li"].id, {"active": False})
    web.work()
    shown = web.call("get", f"/jobs/{job}").json
    assert (shown["state"], shown["counts"]["created"]) == ("failed", 0)
    assert "log in" in shown["error"]


def test_exports_are_downloads_with_a_readable_name(web: Web) -> None:
    web.send("/item/import", "code,name\na,张三\n".encode())
    web.work()
    answer = web.call("get", '/item/export?format=csv&where=code == "a"&sort=-code')
    assert answer.status_code == 200
    assert answer.data.decode("utf-8-sig").splitlines()[1].startswith("a,张三")
    assert "filename*=UTF-8''Items.csv" in answer.headers["Content-Disposition"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert web.call("get", "/item/export?format=ndjson").data.count(b"\n") == 1
    assert web.call("get", "/item/export?format=xlsx").data.startswith(b"PK")
    assert web.call("get", "/item/export", "zhao").status_code == 403
    for bad in ("format=pdf", "style=x", "after=x", "nope=1", "where=secret ==", "fields=nope"):
        assert 400 <= web.call("get", f"/item/export?{bad}").status_code < 500
    assert web.made.db.one("SELECT count(*) FROM gx_audit WHERE action = 'export'") == (3,)


def test_files_are_read_by_whoever_reads_their_record(web: Web) -> None:
    card = web.send("/files", PNG, "..\\x/../pic\u202e.png", who="li")
    assert card.status_code == 201
    assert (card.json["name"], card.json["type"], card.json["size"]) == ("pic.png", "image/png", len(PNG))
    path = f"/files/{card.json['id']}"
    assert web.call("get", path, "wang").status_code == 404
    got = web.call("get", path, "li")
    assert (got.data, got.headers["Content-Security-Policy"]) == (PNG, "sandbox; default-src 'none'")
    made = web.call("post", "/item", "li", json={"code": "a", "name": "A", "paper": card.json})
    assert made.status_code == 201, made.json
    assert web.call("get", path, "li").status_code == 200
    assert web.call("get", path, "wang").status_code == 404
    assert web.call("get", path, "zhao").status_code == 200
    again = web.call("post", "/item", "li", json={"code": "b", "name": "B", "paper": card.json})
    assert again.json["errors"][0]["code"] == "reference"
    stolen = web.call("post", "/item", "wang", json={"code": "c", "name": "C", "paper": card.json})
    assert stolen.status_code == 422
    forged = web.send("/files", b"%PDF-1.7", "a.pdf", who="li").json | {"name": "b.pdf"}
    assert web.call("post", "/item", "li", json={"code": "d", "name": "D", "paper": forged}).status_code == 422


def test_a_file_that_lies_is_refused_and_markup_is_a_download(web: Web) -> None:
    assert web.send("/files", b"<html><script>", "a.png").status_code == 422
    assert web.send("/files", b"MZ", "a.pdf").status_code == 422
    page = web.send("/files", b"<html><script>alert(1)</script>", "a.html").json
    got = web.call("get", f"/files/{page['id']}")
    assert got.headers["Content-Disposition"].startswith("attachment")
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    assert web.send("/files", b"x" * 1_200_000, "a.txt").status_code == 413
    assert web.call("get", "/files/../../etc/passwd").status_code == 404
