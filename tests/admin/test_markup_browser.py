"""Live markup in every text a person or a definition can give: on no screen does it become an element or run."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser
from werkzeug.serving import make_server

from tests.support.instances import PASSWORD, House, make_house

LIVE = "<img src=x onerror=alert(1)>\"'><script>alert(2)</script></script><svg/onload=alert(3)>"
RICH = '<p>fine</p><img src=x onerror=alert(4)><a href="javascript:alert(5)">go</a><script>alert(6)</script><iframe>'
LABEL = json.dumps("</script><script>alert(7)</script><b onmouseover=alert(8)>")
NOTE = f"""
kind: object
name: note
label: {LABEL}
plural: {LABEL}
description: {LABEL}
title: text
access: private
owned: true
history: all
fields:
  text: {{type: text, label: {LABEL}, help: {LABEL}, placeholder: {LABEL}, required: true, search: true}}
  long_text: {{type: long_text, label: {LABEL}, help: {LABEL}, search: true}}
  rich_text: {{type: rich_text, label: {LABEL}}}
  tags: {{type: tags, label: {LABEL}}}
  data: {{type: json, label: {LABEL}}}
  kind: {{type: choice, label: {LABEL}, options: {{a: {LABEL}, b: {LABEL}}}}}
  several: {{type: choices, label: {LABEL}, options: {{a: {LABEL}, b: {LABEL}}}}}
  paper: {{type: file, label: {LABEL}}}
  parent: {{type: reference, to: note, label: {LABEL}, related: children}}
  shout: {{type: formula, returns: text, value: 'text + "!"', label: {LABEL}}}
views:
  odd: {{label: {LABEL}, columns: [text, long_text, rich_text, tags, kind, several, paper, parent, shout]}}
page:
  highlights: [kind, parent, long_text]
  tabs: [details, children, history]
---
kind: app
name: desk
label: {LABEL}
menu: [note]
---
kind: role
name: clerk
label: {LABEL}
includes: [employee]
objects: {{note: {{create: true, read: all, update: all, delete: all}}}}
"""
FOREIGN = """() => [...document.querySelectorAll('*')].filter(e =>
    [...e.attributes].some(a => a.name.startsWith('on')
        || (/^(href|src|action)$/.test(a.name) && /^\\s*javascript:/i.test(a.value)))
    || (e.tagName === 'SCRIPT' && !e.src && e.type !== 'application/json') || e.tagName === 'IFRAME'
    || (e.tagName === 'IMG' && e.getAttribute('src') === 'x')).map(e => e.outerHTML.slice(0, 200))"""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[House, str, list[str]]]:
    folder = tmp_path_factory.mktemp("markup") / "one"
    made = make_house(folder, f"sqlite:///{folder}/guanxi.db", {"note.yaml": NOTE})
    made.person("li", "clerk")
    li = next(r["id"] for r in made.get("/api/user").json["data"] if r["name"] == "li")
    assert made.patch(f"/api/user/{li}", {"title": LIVE}).status_code == 200
    paper = made.call(
        "POST", "/api/files", "li", data={"file": (io.BytesIO(b"text"), "<img src=x onerror=alert(9)>.txt")}
    )
    assert paper.status_code == 201, paper.text
    values: dict[str, Any] = {
        "text": LIVE,
        "long_text": f"{LIVE}\n{LIVE}",
        "rich_text": RICH,
        "tags": ["<b onclick=alert(1)>x</b>"],
        "data": {"<script>": LIVE},
        "kind": "a",
        "several": ["a", "b"],
        "paper": paper.json,
    }
    first = made.post("/api/note", values, "li")
    assert first.status_code == 201, first.text
    second = made.post("/api/note", {"text": LIVE, "parent": first.json["id"]}, "li")
    made.patch(f"/api/note/{first.json['id']}", {"long_text": f"changed {LIVE}"}, "li")
    server = make_server("127.0.0.1", 0, made.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    key, other = first.json["id"], second.json["id"]
    user = f"/o/user/{li}/"
    pages = [
        "/",
        "/o/note/",
        "/o/note/?view=odd",
        f"/o/note/{key}/",
        f"/o/note/{other}/",
        f"/o/note/{key}/edit/",
        "/o/note/new/",
    ]
    pages += [
        f"/o/note/{key}/?tab=history",
        "/o/note/?q=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E",
        "/search/?q=img",
        user,
        "/o/user/",
    ]
    pages += [
        "/search/?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
        "/o/role/",
        "/nope%3Cscript%3E",
        "/o/%3Cimg%20src=x%20onerror=alert(1)%3E/",
    ]
    pages += ["/console/audit/", "/console/audit/?actor=%22%3E%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E", "/api/docs"]
    yield made, f"http://127.0.0.1:{server.server_port}", pages
    server.shutdown()
    thread.join()
    made.close()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_markup_comes_alive(house: Any, browser: Browser, language: str) -> None:
    _, url, pages = house
    context = browser.new_context(locale="zh-CN" if language == "zh" else "en-US")
    page = context.new_page()
    page.set_default_timeout(15_000)
    alive: list[str] = []
    page.on("dialog", lambda dialog: (alive.append(f"dialog {page.url}"), dialog.dismiss()))
    page.on("pageerror", lambda fault: alive.append(f"{page.url}: {fault}"))

    def note(message: Any) -> None:
        if "Content Security Policy" in message.text or "Refused to" in message.text:
            alive.append(f"{page.url}: {message.text}")

    page.on("console", note)
    page.goto(f"{url}/login/?url=%22%3E%3Cscript%3Ealert(1)%3C/script%3E")
    page.fill("input[name=name]", "admin")
    page.fill("input[type=password]", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{url}/")
    seen = 0
    for path in pages:
        page.goto(url + path)
        page.wait_for_timeout(120)
        alive += [f"{path}: {element}" for element in page.evaluate(FOREIGN)]
        seen += "onerror=alert" in page.content() or "onmouseover" in page.content()
    page.goto(f"{url}/o/note/new/")
    page.keyboard.press("Control+k")
    page.wait_for_timeout(200)
    page.keyboard.type("img")
    page.wait_for_timeout(600)
    alive += [f"palette: {element}" for element in page.evaluate(FOREIGN)]
    context.close()
    assert alive == []
    assert seen > 8  # the texts are shown, as texts


def test_the_server_cleans_rich_text(house: Any) -> None:
    made, _, _ = house
    rows = made.get("/api/note", "li", where="rich_text != null").json["data"]
    text = rows[0]["rich_text"]
    assert "fine" in text
    for word in ("script", "onerror", "javascript", "iframe"):
        assert word not in text


def test_one_person_cannot_fill_the_store(house: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    made, _, _ = house
    made.host.__dict__["limits"] = dict(made.host.limits) | {"waiting_megabytes": 1}

    def send(size: int, who: str) -> int:
        file = (io.BytesIO(b"t" * size), "a.txt")
        return int(made.call("POST", "/api/files", who, data={"file": file}).status_code)

    assert [send(600_000, "admin"), send(600_000, "admin"), send(100_000, "admin")] == [201, 413, 201]
    assert send(600_000, "li") == 201


def test_file_names_and_kinds(house: Any) -> None:
    """A picture that is markup, or says it is a picture and is not, is never shown in place."""
    made, _, _ = house

    def send(name: str, content: bytes, kind: str) -> Any:
        return made.call("POST", "/api/files", "li", data={"file": (io.BytesIO(content), name, kind)})

    svg = send("a.svg", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "image/svg+xml")
    assert svg.status_code == 201
    page = send("a.html", b"<!doctype html><script>alert(1)</script>", "text/html")
    for sent in (svg, page):
        got = made.get(f"/api/files/{sent.json['id']}", "li")
        assert got.headers["Content-Disposition"].startswith("attachment")
        assert got.headers["X-Content-Type-Options"] == "nosniff"
        assert got.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert send("a.png", b"<script>alert(1)</script>", "image/png").status_code == 422
    assert send("a.jpg", b"\x89PNG\r\n\x1a\n", "image/jpeg").status_code == 422
    for name in ("../../etc/passwd", "..\\..\\win.ini", "a\r\nX-Evil: 1.txt", "/etc/shadow", "."):
        sent = send(name, b"text", "text/plain")
        assert sent.status_code in (201, 400), name
        if sent.status_code == 201:
            assert not set("/\\\r\n") & set(sent.json["name"])
            got = made.get(f"/api/files/{sent.json['id']}", "li")
            assert "X-Evil" not in got.headers
