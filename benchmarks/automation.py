"""What rules cost an update, in CPU time: none, ten that watch other fields, ten whose condition is asked and fails.

`python -m benchmarks.automation [sqlite|postgresql]`. The figures are ratios to the same update of the same object
without rules, taken in turns in one process; the goal is at most 1.3.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from statistics import median
from time import process_time

from guanxi.common.clock import SystemClock
from guanxi.runtime.access.actor import SYSTEM
from guanxi.runtime.schema.service import SchemaService
from guanxi.runtime.services import Services, build_services
from guanxi.runtime.storage.database import open_database
from guanxi.runtime.storage.system import create_platform_tables
from tests.support.project import registry_of

from .workload import METADATA
from .write import place, values

ROUNDS, UPDATES = 9, 300
_RULE = "---\nkind: automation\nname: r{n}\nobject: customer\non: update\nwhen: {when}\ndo: [{{post: seen}}]\n"
VARIANTS = {
    "no rule": "",
    "ten rules, none watches the field": "".join(_RULE.format(n=n, when="changed(city)") for n in range(10)),
    "ten rules, every condition asked": "".join(_RULE.format(n=n, when=f"revenue > 1{'0' * 12}{n}") for n in range(10)),
}


def services(url: str, rules: str) -> Services:
    """The workload's object with rules, published in an empty database."""
    db, clock = open_database(url), SystemClock()
    create_platform_tables(db)
    registry = registry_of(METADATA + rules)
    SchemaService(db, clock).publish(registry, {}, "bench")
    return build_services(registry, db, clock=clock, version=1)


def update_of(made: Services) -> Callable[[int], None]:
    """One update of one field of one record."""
    key = made.records.create(SYSTEM, "customer", values(1)).id

    def update(n: int) -> None:
        made.records.update(SYSTEM, "customer", key, {"name": f"Customer number {n}"})

    return update


def main(engine: str) -> None:
    """Print the ratios."""
    with place(engine) as first, place(engine) as second, place(engine) as third:
        updates = [
            update_of(services(url, rules))
            for url, rules in zip((first, second, third), VARIANTS.values(), strict=True)
        ]
        times: list[list[float]] = [[] for _ in updates]
        for round_ in range(ROUNDS):
            for index, update in enumerate(updates):
                began = process_time()
                for n in range(UPDATES):
                    update(round_ * UPDATES + n)
                times[index].append((process_time() - began) / UPDATES)
        plain = median(times[0])
        for name, taken in zip(VARIANTS, times, strict=True):
            print(f"{engine:11} {name:36} {median(taken) * 1e6:8.0f} µs CPU  {median(taken) / plain:5.2f}")


if __name__ == "__main__":
    for one in sys.argv[1:] or ["sqlite"]:
        main(one)
