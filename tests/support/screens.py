"""A small published instance for tests of the screens: companies and deals, two sellers, an administrator."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flask import Flask

from guanxi.app.instance import Instance
from guanxi.app.live import Live
from guanxi.app.publisher import Publisher
from guanxi.runtime.access.actor import SYSTEM
from guanxi.runtime.services import Services

METADATA = Path(__file__).parent.parent / "admin" / "metadata.yaml"
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


def seed(site: Site, people: tuple[int, int]) -> None:
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
