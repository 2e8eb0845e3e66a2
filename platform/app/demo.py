"""The demo: an instance with packs, people for each role and sample rows; made once, kept afterwards."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from guanxi.runtime.access.actor import SYSTEM
from guanxi.runtime.query.request import ListQuery
from guanxi.runtime.services import Services

from .accounts import ADMINISTRATOR, Accounts
from .instance import Instance
from .live import Live
from .packs import installed_folders
from .publisher import Publisher
from .scaffold import write_instance
from .seed import load_data

FOLDER = "guanxi-demo"
PASSWORD = "guanxi-demo"  # noqa: S105 (a demo on the loopback address; printed to its user)
ADMINISTRATOR_NAME = "admin"
LOGINS = "data/logins.json"
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Login:
    """One person of the demo."""

    name: str
    roles: str
    password: str


def default_packs() -> tuple[str, ...]:
    """Every pack that came with the product."""
    return tuple(installed_folders())


def make_demo(folder: Path, packs: Sequence[str], say: Say) -> Instance:
    """Make the instance in `folder`: files, first version, people, sample rows. An unfinished one is carried on."""
    if not (folder / "guanxi.yaml").exists():
        write_instance(folder, name="Guanxi", packs=tuple(packs))
    instance = Instance.open(folder)
    live = Live(instance)
    live.services()
    say("publishing the packs …")
    publisher = Publisher(instance, live)
    publisher.apply(SYSTEM, None, (), "", "demo")
    services = live.services()
    accounts = Accounts(instance, services)
    if accounts.find("user", "name", ADMINISTRATOR_NAME) is None:
        accounts.add(ADMINISTRATOR_NAME, password=PASSWORD, roles=[ADMINISTRATOR], full_name="Administrator")
    samples = [data for data in services.registry.data.values() if data.sample]
    say(f"loading {sum(len(data.rows) for data in samples):,} sample records …")
    load_data(services.registry, services.records, instance.clock, samples)
    people = _people(services)
    for _, user_id in people:
        if not accounts.credentials.changed_at(user_id):
            accounts.credentials.set_password(user_id, PASSWORD)
    logins = [login for login, _ in people]
    (instance.folder / LOGINS).write_text(
        json.dumps([[p.name, p.roles, p.password] for p in logins], ensure_ascii=False), encoding="utf-8"
    )
    return instance


def _people(services: Services) -> list[tuple[Login, int]]:
    """Everybody with the titles of the roles given to them."""
    records = services.records
    roles = records.list(SYSTEM, ListQuery(object="role", fields=("id", "name", "label"), limit=500)).data
    titles = {row["id"]: str(row.get("label") or row["name"]) for row in roles}
    users = records.list(SYSTEM, ListQuery(object="user", fields=("id", "name", "roles"), limit=500)).data
    return [
        (Login(str(u["name"]), ", ".join(titles.get(r, "") for r in u.get("roles") or []), PASSWORD), int(u["id"]))
        for u in users
    ]


def is_ready(folder: Path) -> bool:
    """True when the demo was finished before."""
    return (folder / LOGINS).exists()


def logins_of(folder: Path) -> list[Login]:
    """Who can log in."""
    return [Login(*entry) for entry in json.loads((folder / LOGINS).read_text(encoding="utf-8"))]
