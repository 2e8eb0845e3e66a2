"""The web's rules for every route: who may call it, from where, under which name, and what leaves with the answer.

One instance serves all tests of this module; each looks at one promise of docs/reference/security.md.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Blueprint
from werkzeug.routing import AnyConverter

from guanxi.admin.visit import safe_target
from guanxi.app.access import declared
from guanxi.app.factory import create_app
from guanxi.app.gate import CSP, Gate
from guanxi.app.hosts import Hosts
from tests.outside.test_audit_acts import THINGS
from tests.support.instances import PASSWORD, House, make_house

MARK = "peculiar-4711"
HOSTILE = "</script><script>alert(1)</script>"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("safety") / "one"
    made = make_house(folder, f"sqlite:///{folder}/guanxi.db", {"things.yaml": THINGS})
    made.person("li", "maker")
    made.person("eve", "auditor")
    made.person("narrow")
    made.key = made.post("/api/thing", {"name": MARK}).json["id"]  # type: ignore[attr-defined]
    yield made
    made.close()


def paths(house: House) -> list[tuple[str, str, str]]:
    """Endpoint, method and a path that fits, for every rule of the map."""
    given = {"object_name": "thing", "record": "1", "name": "x.css", "filename": "docs.css", "file": "f_x", "job": "1"}
    found = []
    for rule in house.app.url_map.iter_rules():
        values = {name: given.get(name, "1") for name in rule.arguments}
        for name, converter in rule._converters.items():
            if isinstance(converter, AnyConverter):
                values[name] = sorted(converter.items)[0]
        values |= {"kind": "invite"} if "kind" in (rule.defaults or {}) else {}
        with house.app.test_request_context():
            path = rule.build(values)  # type: ignore[attr-defined]
        assert path is not None, rule
        found += [(rule.endpoint, m, path[1]) for m in sorted(rule.methods or ()) if m not in ("HEAD", "OPTIONS")]
    return found


def screen(house: House, name: str) -> Any:
    """A browser that logged in."""
    client = house.app.test_client()
    page = client.get("/login/").text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token is not None
    done = client.post("/login/", data={"name": name, "password": PASSWORD, "csrf_token": token.group(1)})
    assert done.status_code == 302, done.text
    return client


def token_of(client: Any) -> str:
    found = re.search(r'data-token="([^"]+)"', client.get("/").text)
    assert found is not None
    return found.group(1)


# who may ----------------------------------------------------------------------------------------------------
def test_every_route_says_who_may_call_it(house: House) -> None:
    said = declared(house.app)
    assert {endpoint for endpoint, access in said.items() if not access} == set()
    assert set(said.values()) <= {"public", "session", "logged_in", "administrators", "auditors", "forms", "cli"}
    assert [rule for rule in house.app.url_map.iter_rules() if re.search(r"/(export|action|ajax)/", rule.rule)] == []


def test_nobody_gets_nothing(house: House) -> None:
    said = declared(house.app)
    for endpoint, method, path in paths(house):
        answer = house.app.test_client().open(path, method=method, headers={"Accept": "application/json"})
        if said[endpoint] != "public":
            assert answer.status_code in (302, 401, 403, 404), (endpoint, method, answer.status_code)
            assert MARK.encode() not in answer.data, endpoint
            if answer.status_code == 302:
                assert answer.headers["Location"].startswith("/login/"), endpoint
        assert answer.status_code < 500, (endpoint, method)


def test_a_narrow_person_gets_nothing_of_others(house: House) -> None:
    said = declared(house.app)
    client = screen(house, "narrow")
    for endpoint, method, path in paths(house):
        if method != "GET" or endpoint.endswith("logout"):
            continue
        for answer in (house.call("GET", path, "narrow"), client.get(path)):
            assert answer.status_code < 500, endpoint
            assert MARK.encode() not in answer.data, endpoint
            if said[endpoint] in ("administrators", "auditors"):
                assert answer.status_code in (302, 401, 403, 404), (endpoint, answer.status_code)
                assert answer.headers.get("Location", "/login/").startswith("/login/")


def test_the_auditor_and_the_administrator(house: House) -> None:
    assert screen(house, "eve").get("/console/audit/").status_code == 200
    assert screen(house, "admin").get("/console/audit/").status_code == 200
    assert screen(house, "li").get("/console/audit/").status_code == 404
    asked = screen(house, "eve").get("/console/audit/?action=nope")
    assert asked.status_code == 400


def test_an_undeclared_route_is_not_served(house: House) -> None:
    app = create_app(house.instance)
    app.extensions["guanxi_jobs"].stop()
    stray = Blueprint("stray", __name__)
    stray.add_url_rule("/stray", "page", lambda: "open")
    app.register_blueprint(stray)
    assert declared(app)["stray.page"] == ""
    assert app.test_client().get("/stray").status_code == 404


# where from -------------------------------------------------------------------------------------------------
def test_screens_want_the_token(house: House) -> None:
    client = screen(house, "li")
    before = house.get("/api/thing", total="exact").json["total"]
    for path in ("/o/thing/new/", "/preferences/", "/logout/", "/o/thing/bulk/", "/o/thing/1/delete/"):
        for data in ({}, {"csrf_token": "x"}, {"csrf_token": token_of(client)[:-1] + "é"}):
            assert client.post(path, data=data).status_code in (403, 404), path
    assert house.get("/api/thing", total="exact").json["total"] == before


def test_the_api_wants_the_token_of_a_session(house: House) -> None:
    client = screen(house, "li")
    assert client.post("/api/thing", json={"name": "x"}).status_code == 403
    assert client.post("/api/thing", json={"name": "x"}, headers={"X-CSRF-Token": "x"}).status_code == 403
    good = {"X-CSRF-Token": token_of(client)}
    assert client.post("/api/thing", json={"name": "x"}, headers=good).status_code == 201


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost.evil.example"},
        {"Origin": "https://localhost"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Referer": "https://evil.example/x"},
        {"Referer": "//["},
    ],
)
def test_writes_from_other_sites_are_refused(house: House, headers: dict[str, str]) -> None:
    client = screen(house, "li")
    good = {"X-CSRF-Token": token_of(client)}
    answer = client.post("/api/thing", json={"name": "y"}, headers=good | headers)
    assert (answer.status_code, answer.json["code"]) == (403, "cross_site")
    assert client.post("/login/", headers=headers).status_code == 403
    assert house.post("/api/thing", {"name": "by token"}, "li", headers=headers).status_code == 201
    assert client.get("/", headers=headers).status_code == 200


def test_writes_from_here_pass(house: House) -> None:
    client = screen(house, "li")
    good = {"X-CSRF-Token": token_of(client)}
    for headers in (
        {"Origin": "http://localhost"},
        {"Sec-Fetch-Site": "same-origin"},
        {"Referer": "http://localhost/x"},
    ):
        assert client.post("/api/thing", json={"name": "z"}, headers=good | headers).status_code == 201


# under which name -------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("127.0.0.1:8000", 200),
        ("[::1]:99", 200),
        ("LOCALHOST.", 200),
        ("evil.example", 421),
        ("localhost.evil.example", 421),
        ("localhost@evil.example", 400),
        ("local host", 400),
        ("localhost:abc", 400),
        ("a" * 300, 400),
        ("\xff", 400),
    ],
)
def test_hosts(house: House, host: str, status: int) -> None:
    answer = house.app.test_client().get("/login/", headers={"Host": host})
    assert answer.status_code == status
    if status != 200:
        assert answer.content_type == "application/problem+json"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    if status != 400:
        assert house.app.test_client().get("/healthz", headers={"Host": host}).status_code == 200


def test_named_hosts() -> None:
    hosts = Hosts(["crm.example.com", "*.corp.example"])
    assert [hosts.knows(h) for h in ("crm.example.com:443", "a.corp.example", "b.a.corp.example")] == [True] * 3
    assert [hosts.knows(h) for h in ("localhost", "corp.example", "xcorp.example", "", "example.com")] == [False] * 5
    assert Hosts(["*"]).knows("anything.example")
    assert Hosts(bound="10.0.0.7").knows("10.0.0.7:8000")
    assert not Hosts(bound="0.0.0.0").knows("0.0.0.0")


def test_forwarded_headers_only_from_declared_proxies(house: House) -> None:
    sent = {
        "X-Forwarded-For": "203.0.113.7, 198.51.100.2",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "crm.example.com",
    }
    seen: list[Any] = []

    def inner(environ: Any, start: Any) -> Any:
        seen.append((environ["REMOTE_ADDR"], environ["wsgi.url_scheme"], environ["HTTP_HOST"]))
        start("200 OK", [])
        return []

    from werkzeug.test import Client

    for proxies in (0, 1):
        client = Client(Gate(inner, Hosts(["localhost", "crm.example.com"]), proxies))
        answer = client.get("/", headers=sent, environ_base={"REMOTE_ADDR": "127.0.0.1"})
        assert ("Strict-Transport-Security" in answer.headers) is bool(proxies)
    assert seen == [("127.0.0.1", "http", "localhost"), ("198.51.100.2", "https", "crm.example.com")]


# what leaves ------------------------------------------------------------------------------------------------
def test_headers_on_every_answer(house: House) -> None:
    client = screen(house, "li")
    for path in (
        "/",
        "/o/thing/",
        "/nope",
        "/o/nope/",
        "/login/",
        "/api/thing",
        "/api/nope",
        "/api/thing/1%00",
        "/healthz",
    ):
        for answer in (client.get(path), client.post(path), client.open(path, method="BREW")):
            held = answer.headers
            assert held["Content-Security-Policy"] == CSP, path
            assert "unsafe" not in held["Content-Security-Policy"]
            assert held["X-Content-Type-Options"] == "nosniff"
            assert held["Referrer-Policy"] == "same-origin"
            assert held["Cross-Origin-Opener-Policy"] == held["Cross-Origin-Resource-Policy"] == "same-origin"
            assert "camera=()" in held["Permissions-Policy"]
            assert held["Cache-Control"] == "no-store", path
            varied = ", ".join(held.getlist("Vary")).lower()
            assert "cookie" in varied, path
            assert "authorization" in varied, path
            assert not {"server", "x-powered-by"} & {name.lower() for name, _ in held}
            assert "Access-Control-Allow-Origin" not in held
            assert len(held["X-Request-Id"]) == 16


def test_no_inline_code_on_pages(house: House) -> None:
    client = screen(house, "admin")
    for path in (
        "/",
        "/login/",
        "/o/thing/",
        "/o/thing/new/",
        "/o/thing/1/",
        "/o/user/",
        "/console/audit/",
        "/nope",
        "/api/docs",
    ):
        page = client.get(path).text
        assert re.findall(r"<script(?![^>]*(?:\ssrc=|application/json))", page) == [], path
        assert re.findall(r"\son[a-z]+\s*=\s*[\"']|javascript:|<style[\s>]|\sstyle=", page) == [], path


def test_assets_are_kept_for_ever(house: House) -> None:
    client = house.app.test_client()
    found = re.findall(r'(?:href|src)="(/assets/[^"]+)"', client.get("/login/").text)
    assert len(found) >= 2
    for path in found:
        held = client.get(path).headers
        assert "immutable" in held["Cache-Control"]
        assert "Vary" not in held
        assert re.search(r"\.[0-9a-f]{12}\.", path)


def test_cookies(house: House) -> None:
    client = house.app.test_client()
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/login/").text)
    assert token is not None
    done = client.post("/login/", data={"name": "li", "password": PASSWORD, "csrf_token": token.group(1)})
    for cookie in done.headers.getlist("Set-Cookie"):
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie or "SameSite=Strict" in cookie
        assert "Domain" not in cookie


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https://evil.example",
        "/%2f/evil.example",
        "/%2Fevil.example",
        "/%5cevil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "javascript:alert(1)",
        "/\u0000/evil.example",
        "///evil.example",
        " //evil.example",
        "/.//evil.example",
        "/x/..//evil.example",
        "/\u2028/evil.example",
        "/" + "a" * 5000,
    ],
)
def test_redirects_stay_here(house: House, target: str) -> None:
    assert safe_target(target) == "/"
    client = house.app.test_client()
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/login/").text)
    assert token is not None
    data = {"name": "li", "password": PASSWORD, "csrf_token": token.group(1), "url": target}
    assert client.post("/login/", data=data).headers["Location"] == "/"


def test_redirects_go_back() -> None:
    for target in ("/o/thing/?q=%E5%BC%A0&view=a", "/o/thing/1/edit/", "/?a=//b"):
        assert safe_target(target) == target


# errors -----------------------------------------------------------------------------------------------------
def test_a_fault_shows_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("the inside at /srv/secret/path.py")

    monkeypatch.setattr("guanxi.runtime.records.service.RecordService.list", broken)
    for answer in (house.get("/api/thing", "li"), screen(house, "li").get("/o/thing/")):
        assert answer.status_code == 500
        assert "inside" not in answer.text
        assert "Traceback" not in answer.text


PARTS = [
    "thing",
    "nope",
    "1",
    "-1",
    "0",
    "99999999999999999999",
    "%00",
    "..",
    "%2e%2e",
    "a" * 3000,
    "張三",
    "%ff",
    HOSTILE,
    "1;drop",
    "'",
    "$where",
]
HEADER_VALUES = [
    "",
    "x" * 8000,
    "\u00ff",
    "*",
    'W/"1"',
    '"1"',
    "bearer",
    "Bearer ",
    "Bearer gx_",
    "Basic AAAA",
    "bytes=0-",
    "; ; =",
    "{}",
    "null",
]
BODIES: list[bytes] = [
    b"",
    b"null",
    b"[]",
    b"{}",
    b"{",
    b'"x"',
    b"1e999",
    b'{"name":"\\ud800"}',
    b'{"name":"\\u0000"}',
    b"\xff\xfe",
    b"[" * 5000,
    b'{"operations":1}',
    b'{"operations":[1,null,{"op":"x"}]}',
    b'{"files":{"a.yaml":"!!python/object:x"}}',
    b'{"name":' + b"9" * 400 + b"}",
    b'{"to":{"$gt":1}}',
    b'{"version":"1","values":[]}',
]
TYPES = [
    "application/json",
    "text/plain",
    "multipart/form-data",
    "multipart/form-data; boundary=x",
    "application/x-www-form-urlencoded",
    "x",
    "",
]
QUERIES = [
    "",
    "limit=-1",
    "where=(((",
    "sort=%00",
    "fields=,,",
    "a=1&a=2",
    "expand=" + "a." * 200,
    "%",
    "q=%ff",
    "after=zzz",
    "format=exe",
    "url=//x",
]
NAMES = [
    "Authorization",
    "Cookie",
    "If-Match",
    "Idempotency-Key",
    "Accept",
    "Accept-Language",
    "Content-Length",
    "Range",
    "X-CSRF-Token",
    "Origin",
    "Referer",
]


def test_no_request_breaks_it(house: House) -> None:
    """Drawn requests over all routes: never a 5xx, and what was refused has changed nothing."""
    draw = random.Random(20260301)
    rules = sorted((r for r in house.app.url_map.iter_rules()), key=lambda r: (r.rule, r.endpoint))
    who = [None, "li", "narrow", "eve", "admin"]
    clients = {name: screen(house, name) for name in ("li", "admin")}
    tokens = {name: token_of(client) for name, client in clients.items()}
    before = _state(house)
    statuses: dict[int, int] = {}
    written = 0
    for number in range(1_300):
        rule = rules[number % len(rules)]
        path = re.sub(r"<[^>]+>", lambda _: draw.choice(PARTS), rule.rule)
        method = draw.choice(["GET", "POST", "PATCH", "DELETE", "PUT", "OPTIONS", "HEAD", "TRACE"])
        if "logout" in path or "password" in path:
            method = "GET"
        headers = {draw.choice(NAMES): draw.choice(HEADER_VALUES) for _ in range(draw.randrange(3))}
        headers.pop("Content-Length", None)
        data, kind, query = draw.choice(BODIES), draw.choice(TYPES), draw.choice(QUERIES)
        person = draw.choice(who)
        if draw.random() < 0.3:
            name = draw.choice(sorted(clients))
            headers |= {"X-CSRF-Token": tokens[name]}
            answer = clients[name].open(
                path, method=method, headers=headers, data=data, content_type=kind, query_string=query
            )
        else:
            if person is not None:
                headers["Authorization"] = f"Bearer {house.tokens[person]}"
            client = house.app.test_client()
            answer = client.open(path, method=method, headers=headers, data=data, content_type=kind, query_string=query)
        assert answer.status_code < 500, (method, path[:200], query, kind, headers, data[:80], answer.text[:300])
        assert "Traceback" not in answer.text
        statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
        written += method not in ("GET", "HEAD", "OPTIONS") and answer.status_code < 400
    if not written:
        assert _state(house) == before
    assert statuses.get(404, 0) > 50
    assert sum(statuses.values()) == 1_300


def test_refusals_leave_nothing(house: House) -> None:
    before = _state(house)
    for body in BODIES:
        for method, path in (
            ("POST", "/api/thing"),
            ("PATCH", f"/api/thing/{house.key}"),
            ("POST", "/api/thing/batch"),
        ):  # type: ignore[attr-defined]
            answer = house.call(method, path, "narrow", data=body, content_type="application/json")
            assert 400 <= answer.status_code < 500
    assert _state(house) == before


def _state(house: House) -> str:
    db = house.instance.database
    names = ["o_thing", "o_user", "o_role", "gx_history", "gx_versions", "gx_files"]
    return json.dumps({name: db.rows(f"SELECT * FROM {name} ORDER BY 1") for name in names}, default=str)


def test_rate_limits_answer_429(tmp_path: Path) -> None:
    folder = tmp_path / "two"
    made = make_house(folder, f"sqlite:///{folder}/guanxi.db", {"things.yaml": THINGS})
    assert made.app.extensions["guanxi_address_limiter"].limit == 10 * made.app.extensions["guanxi_limiter"].limit
    made.app.extensions["guanxi_address_limiter"].limit = 5
    made.app.extensions["guanxi_address_limiter"].name = "fresh:"
    answers = [made.get("/api/thing", None) for _ in range(7)]
    assert [a.status_code for a in answers] == [401] * 5 + [429] * 2
    assert answers[-1].headers["Retry-After"].isdigit()
    assert answers[0].headers["RateLimit"].startswith('"default";r=4;t=')
    assert answers[0].headers["RateLimit-Policy"] == '"default";q=5;w=60'
    page = made.app.test_client().get("/login/")
    assert (page.status_code, page.headers["Retry-After"].isdigit()) == (429, True)
    assert made.app.test_client().get("/healthz").status_code == 200
    made.app.extensions["guanxi_address_limiter"].limit = 1_000
    made.app.extensions["guanxi_limiter"].limit = 2
    made.app.extensions["guanxi_limiter"].name = "each:"
    assert [made.get("/api/thing").status_code for _ in range(3)] == [200, 200, 429]
    made.person("mate", "administrator")
    assert made.get("/api/thing", "mate").status_code == 200, "behind the same address others go on"
    made.close()
