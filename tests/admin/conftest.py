"""A small instance behind a real server, and a browser that must be there in CI.

The instance is built from `metadata.yaml` through the same doors as a real one; pages are asked of a server on the
loopback address, so cookies, headers and the content security policy are what users get.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright
from werkzeug.serving import make_server

from guanxi.app.accounts import Accounts
from guanxi.app.factory import create_app
from tests.support.screens import METADATA, PASSWORD, Site, make_instance, seed


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("instance")
    instance, live, _ = make_instance(folder / "one", METADATA.read_text("utf-8"))
    services = live.services()
    accounts = Accounts(instance, services)
    user, _ = accounts.add("li", password=PASSWORD, roles=["sales"], full_name="李娜")
    other, _ = accounts.add("marco", password=PASSWORD, roles=["sales"], full_name="Marco Rossi")
    accounts.add("admin", password=PASSWORD, roles=["administrator"], full_name="Administrator")
    app = create_app(instance)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    made = Site(app, f"http://127.0.0.1:{server.server_port}", instance, services, user)
    seed(made, (user, other))
    yield made
    server.shutdown()
    thread.join()
    instance.close()
    shutil.rmtree(folder, ignore_errors=True)


# browser ---------------------------------------------------------------------------------------------------
@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = next(
        (p for p in ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome") if Path(p).exists()),
        None,
    )
    playwright: Playwright = sync_playwright().start()
    try:
        found = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
    except Exception as fault:
        playwright.stop()
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(f"no browser in CI: {fault}")
        pytest.skip(f"no Chromium to drive: {fault}")
    yield found
    found.close()
    playwright.stop()


class Visitor:
    """One person's browser window; everything the console complains about is kept."""

    def __init__(self, site: Site, context: BrowserContext) -> None:
        self.site = site
        self.context = context
        self.page: Page = context.new_page()
        self.complaints: list[str] = []
        self.page.set_default_timeout(10_000)
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda fault: self.complaints.append(f"error: {fault}"))

    def _note(self, message: Any) -> None:
        refused = "the server responded with a status of 4" in message.text  # a refusal that the page shows itself
        if message.type in ("error", "warning") and not refused:
            self.complaints.append(f"{message.type}: {message.text}")

    def log_in(self, name: str = "li") -> Visitor:
        """Through the form the first time, with the cookies it gave afterwards."""
        if name in self.site.cookies:
            self.context.add_cookies(self.site.cookies[name])
            self.go("/")
            return self
        self.go("/login/")
        self.page.fill("#name", name)
        self.page.fill("#password", PASSWORD)
        self.page.click("form.gatebox button")
        self.page.wait_for_url(f"{self.site.url}/")
        self.site.cookies[name] = [c for c in self.context.cookies() if "session" in c["name"]]
        return self

    def go(self, path: str) -> Page:
        self.page.goto(self.site.url + path)
        return self.page


@pytest.fixture
def visitor(site: Site, browser: Browser, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A function that opens a window: `visitor(language="zh", dark=True, phone=True)`. At the test's end no console may
    have complained.
    """
    opened: list[Visitor] = []

    def open_window(
        *, language: str = "en", dark: bool = False, phone: bool = False, name: str | None = "li"
    ) -> Visitor:
        context = browser.new_context(
            viewport={"width": 390, "height": 844} if phone else {"width": 1440, "height": 900},
            locale="zh-CN" if language == "zh" else "en-US",
            color_scheme="dark" if dark else "light",
            timezone_id="Asia/Shanghai",
            has_touch=phone,
        )
        made = Visitor(site, context)
        opened.append(made)
        return made.log_in(name) if name else made

    yield open_window
    complaints = [line for one in opened for line in one.complaints]
    for one in opened:
        one.context.close()
    assert complaints == []
