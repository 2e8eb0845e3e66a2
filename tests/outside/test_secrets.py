"""Secrets are in no log line, answer, export, error page, description or report of an instance that was used."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from guanxi.app.cli import main
from guanxi.app.logs import Redaction, configure
from guanxi.app.settings import read_settings, secret_values
from tests.support.instances import PASSWORD, House, make_house

HOOK, HIDDEN, WRONG = "whsec_hook0123456789abcdef", "hidden-value-8151", "wr0ng-passw0rd-77"
VAULT = """
kind: object
name: vault
label: Vault
title: name
access: private
fields:
  name: {type: text, required: true, search: true}
  hidden: {type: text, search: true}
---
kind: role
name: clerk
label: Clerk
includes: [employee]
objects:
  vault: {create: true, read: all, update: all, delete: all, export: true, history: all, fields: {hidden: none}}
"""


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    folder = tmp_path / "one"
    made = make_house(folder, f"sqlite:///{folder}/data/guanxi.db", {"vault.yaml": VAULT})
    made.person("li", "clerk")
    monkeypatch.setenv("HOOK", HOOK)
    settings = json.loads((folder / "guanxi.yaml").read_text())
    settings["webhooks"] = {"erp": {"url": "https://example.com/in", "secret": "${HOOK}"}}
    (folder / "guanxi.yaml").write_text(json.dumps(settings))
    yield made
    made.close()


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    handler = configure([HOOK], stream, logging.DEBUG)
    yield stream
    logging.getLogger().removeHandler(handler)


def test_nothing_lets_a_secret_out(house: House, log: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    said: dict[str, str] = {}

    def keep(name: str, answer: Any) -> Any:
        said[name] = answer.text + json.dumps(list(answer.headers.items()))
        return answer

    key = house.post("/api/vault", {"name": "a", "hidden": HIDDEN}).json["id"]
    house.patch(f"/api/vault/{key}", {"hidden": f"{HIDDEN}-2"})
    for path in (
        "",
        f"/{key}",
        f"/{key}/history",
        f"/{key}/timeline",
        f"/{key}/view360",
        "/export?format=csv",
        "/export?format=ndjson",
    ):
        keep(path, house.call("GET", f"/api/vault{path}", "li"))
    for asked in ('hidden == "x"', f'name == "{HIDDEN}"'):
        keep(asked, house.get("/api/vault", "li", where=asked.replace(HIDDEN, "zzz"), q="hidden-value"))
    for path in (
        "/api/openapi.json",
        "/api/meta",
        "/api/me",
        "/api/docs",
        "/api/meta/objects/vault",
        "/metrics",
        "/readyz",
    ):
        keep(path, house.get(path, "li"))
    keep("versions", house.get("/api/meta/versions"))
    for name in ("li", "nobody"):
        keep(f"log-in {name}", house.post("/api/auth/token", {"name": name, "password": WRONG}, None))
    token = house.post("/api/auth/token", {"name": "li", "password": PASSWORD}, None).json["token"]
    house.call("GET", f"/api/nope?token={token}&password={WRONG}", None, headers={"Authorization": f"Bearer {token}"})

    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError(f"{HOOK} password={WRONG} Bearer {token} {HIDDEN}\nforged line")

    monkeypatch.setattr("guanxi.runtime.query.reader.Reader.aggregate", broken)
    assert keep("fault", house.get("/api/vault/aggregate", "li")).status_code == 500
    keep("audit", house.get("/api/audit", limit=500))
    keep("audit export", house.get("/api/audit/export"))

    def run(*words: str) -> str:
        done = CliRunner().invoke(main, ["--instance", str(house.instance.folder), *words])
        return str(done.output)

    for words in (("doctor",), ("doctor", "--json"), ("openapi",), ("versions",), ("audit", "export")):
        said[" ".join(words)] = run(*words)
    said["log"] = log.getvalue().replace(HIDDEN, "")  # a fault's own text is for operators
    secrets = [
        HOOK,
        PASSWORD,
        WRONG,
        token,
        house.tokens["li"],
        house.tokens["admin"],
        HIDDEN,
        house.instance.secret.hex(),
    ]
    for name, text in said.items():
        for secret in secrets:
            assert secret not in text, (name, secret)
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert any("trace" in line for line in lines)
    assert any(line.get("path") == "/api/nope" and line["status"] == 404 for line in lines)
    fault = next(line for line in lines if "trace" in line)
    assert len(fault["request"]) == 16
    assert any(line.get("request") == fault["request"] and line.get("status") == 500 for line in lines)


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer abc.def-123456",
        'x {"password": "s3cretXY"} y',
        "password=s3cretXY&x=1",
        "postgresql://gx:s3cretXY@db/name",
        "token gx_abcdefghijklmnopqrstuvwxyz0123 was used",
        "GET /invite/abcdefgh12345678 HTTP/1.1",
        "api_key: s3cretXY,",
        "Cookie: guanxi_session=s3cretXY",
    ],
)
def test_forms_of_secrets(text: str) -> None:
    cleaned = Redaction()(text)
    for secret in ("s3cretXY", "abc.def-123456", "gx_abcdefghij", "abcdefgh12345678"):
        assert secret not in cleaned
    assert "***" in cleaned


def test_lines_cannot_be_forged(log: io.StringIO) -> None:
    logging.getLogger("guanxi.x").warning("a %s", 'b\n{"level": "error"}\r\u2028\x1b[31m')
    lines = log.getvalue().split("\n")
    assert len(lines) == 2
    assert json.loads(lines[0])["message"].startswith("a b\n")
    assert "\x1b" not in lines[0]


def test_settings_name_their_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK", HOOK)
    hook = "webhooks: {erp: {url: 'https://example.com', secret: '${HOOK}'}}\n"
    (tmp_path / "guanxi.yaml").write_text(f"database: postgresql://gx:{WRONG}@db/x\n{hook}")
    settings = read_settings(tmp_path)
    assert set(secret_values(settings)) == {WRONG, HOOK}
    assert not re.search(f"{WRONG}|{HOOK}", repr(settings))


def test_the_doctor_warns(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = house.instance.folder

    def warned() -> str:
        done = CliRunner().invoke(main, ["--instance", str(folder), "doctor", "--json"])
        return " ".join(json.loads(done.stdout)["warnings"])

    assert warned() == ""
    (folder / "data" / "secret.key").chmod(0o644)
    assert "secret.key can be read" in warned()
    (folder / "data" / "secret.key").chmod(0o600)
    monkeypatch.setenv("FLASK_DEBUG", "1")
    assert "FLASK_DEBUG" in warned()
    monkeypatch.delenv("FLASK_DEBUG")
    settings = json.loads((folder / "guanxi.yaml").read_text())
    for server, word in (
        ({"hosts": ["crm.example.com"]}, "without a declared proxy"),
        ({"hosts": ["*"], "proxies": 1}, "every host name"),
        ({"proxies": 1}, "server.hosts is not"),
    ):
        (folder / "guanxi.yaml").write_text(json.dumps(settings | {"server": server}))
        assert word in warned()
    (folder / "guanxi.yaml").write_text(json.dumps(settings | {"server": {"hosts": ["crm.example.com"], "proxies": 1}}))
    assert warned() == ""


def test_exports_may_ask_what_for(tmp_path: Path) -> None:
    folder = tmp_path / "two"
    made = make_house(folder, f"sqlite:///{folder}/data/guanxi.db", {"vault.yaml": VAULT})
    object.__setattr__(made.instance.settings, "audit", type(made.instance.settings.audit)(export_reason=True))
    asked = made.get("/api/vault/export", format="csv")
    assert (asked.status_code, asked.json["errors"][0]["field"]) == (422, "reason")
    assert made.get("/api/vault/export", format="csv", reason=" ").status_code == 422
    assert made.get("/api/vault/export", format="csv", reason="for the fair").status_code == 200
    assert made.get("/api/audit", action="export").json["data"][0]["reason"] == "for the fair"
    made.close()
