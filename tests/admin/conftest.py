"""A small instance behind a real server, and a browser that must be there in CI.

The instance is built from `metadata.yaml` through the same doors as a real one; pages are asked of a server on the
loopback address, so cookies, headers and the content security policy are what users get.
"""

from __future__ import annotations

import itertools
import os
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright
from werkzeug.serving import make_server

from guanxi.app.accounts import Accounts
from guanxi.app.factory import create_app
from guanxi.app.instance import Instance
from guanxi.app.live import Live
from guanxi.app.publisher import Publisher
from guanxi.runtime.access.actor import SYSTEM
from guanxi.runtime.services import Services

HERE = Path(__file__).parent
PASSWORD = "correct horse 9"
COMPANIES = [
    "Northwind Robotics",
    "苏州市政务服务中心",
    "Blue Harbor Bank",
    "华联超市集团",
    "Meridian Health",
    "长江证券",
]
DEALS = ["Fleet renewal", "数据中台二期", "Loyalty platform", "一网通办升级", "Call-centre seats", "CRM 许可续签"]
STAGES = ("new", "new", "qualified", "proposal", "won", "lost")
SETTINGS = "name: 澜心 Lanxin\nlanguages: [en, zh]\ntime_zone: Asia/Shanghai\ncurrency: CNY\npacks: []\ndatabase: sqlite:///data/test.db\n"


@dataclass
class Site:
    """A running instance."""

    app: Flask
    url: str
    instance: Instance
    services: Services
    user: int
    companies: list[int] = field(default_factory=list)
    cookies: dict[str, Any] = field(default_factory=dict)

    def deal(self, name: str, **values: Any) -> int:
        """A new deal of the first company."""
        stage = values.pop("stage", None)
        given = {"name": name, "company": self.companies[0], "owner": self.user, "amount": "1000", **values}
        saved = self.services.records.create(SYSTEM, "deal", given)
        if stage:
            self.services.records.update(SYSTEM, "deal", saved.id, {"stage": stage})
        return saved.id

    def get(self, object_name: str, key: int) -> Any:
        """A record as the system sees it."""
        return self.services.records.get(SYSTEM, object_name, key)


def make_instance(folder: Path, metadata: str) -> tuple[Instance, Live, Publisher]:
    """A published instance in `folder`."""
    (folder / "metadata").mkdir(parents=True)
    (folder / "guanxi.yaml").write_text(SETTINGS, encoding="utf-8")
    (folder / "metadata" / "all.yaml").write_text(metadata, encoding="utf-8")
    instance = Instance.open(folder)
    live = Live(instance)
    live.services()
    publisher = Publisher(instance, live)
    publisher.apply(SYSTEM, None, (), "", "test")
    return instance, live, publisher


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("instance")
    instance, live, _ = make_instance(folder / "one", (HERE / "metadata.yaml").read_text("utf-8"))
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
    _seed(made, (user, other))
    yield made
    server.shutdown()
    thread.join()
    instance.close()
    shutil.rmtree(folder, ignore_errors=True)


def _seed(site: Site, people: tuple[int, int]) -> None:
    records = site.services.records
    owners = itertools.cycle(people)
    for number, name in enumerate(COMPANIES):
        values = {"name": name, "industry": ("mfg", "fin", "gov")[number % 3], "phone": f"1380013800{number}"}
        site.companies.append(records.create(SYSTEM, "company", {**values, "owner": next(owners), "staff": 10}).id)
    for number in range(60):
        values = {
            "amount": str(18_000 + (number * 37 % 60) * 12_500),
            "probability": str((number * 7) % 80),
            "close_on": f"2027-0{number % 6 + 1}-1{number % 9}",
            "company": site.companies[number % 6],
            "owner": next(owners),
            "source": ("web", "fair")[number % 2],
            "topics": [["cloud"], ["data"], []][number % 3],
            "stage": STAGES[number % 6],
        }
        site.deal(f"{DEALS[number % 6]} #{number + 1}", **values)


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


@pytest.fixture()
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
