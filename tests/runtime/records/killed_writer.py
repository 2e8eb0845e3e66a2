"""A process that writes until it is killed, saying each acknowledged write on its output. Run by test_races."""

from __future__ import annotations

import sys

from guanxi.runtime.access.actor import SYSTEM
from guanxi.runtime.services import build_services
from guanxi.runtime.storage.database import open_database
from tests.runtime.records.conftest import HOUSE
from tests.support.project import registry_of


def main(url: str, name: str) -> None:
    """Create, change and trash records for ever."""
    records = build_services(registry_of(HOUSE), open_database(url)).records
    number = 0
    while True:
        number += 1
        saved = records.create(SYSTEM, "customer", {"name": f"{name} {number}"})
        print("created", saved.id, flush=True)
        records.update(SYSTEM, "customer", saved.id, {"email": "a@b.cn"})
        print("updated", saved.id, flush=True)


main(*sys.argv[1:])
