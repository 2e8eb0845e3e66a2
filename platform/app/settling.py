"""What follows a publish: role records as the definitions say, seed rows; and the first version of a new instance.

All of it can be repeated, so a process that died in between catches up at the next publish.
"""

from __future__ import annotations

from guanxi.runtime.access.actor import SYSTEM
from guanxi.runtime.merging.index import book
from guanxi.runtime.query.request import ListQuery
from guanxi.runtime.services import Services

from .instance import Instance, compile_bundle, stored
from .seed import load_data


def publish_first(instance: Instance) -> None:
    """Give a new instance its first version: the platform's own objects and nothing else."""
    bundle = instance.bundle({}, ())
    instance.schema.publish(compile_bundle(bundle), stored(bundle), "system")


def settle(services: Services, instance: Instance) -> None:
    """Role records as the definitions say, the keys of duplicate rules, and seed rows."""
    sync_roles(services)
    index_keys(services)
    seeds = [data for data in services.registry.data.values() if not data.sample]
    if seeds:
        load_data(services.registry, services.records, instance.clock, seeds)


def index_keys(services: Services) -> None:
    """Make the keys of objects whose duplicate rules have changed, object by object."""
    keys = book(services.records.room)
    for name in keys.sources:
        with services.database.write():
            keys.ensure(name)


def sync_roles(services: Services) -> None:
    """One role record for each defined role, so that people can be given it; others lose theirs."""
    records = services.records
    query = ListQuery(object="role", fields=("id", "name", "label"))
    have = {str(row["name"]): row for row in records.scan(SYSTEM, query)}
    for name, role in services.registry.roles.items():
        label = role.label.text(services.registry.languages[0]) or name
        if name not in have:
            records.create(SYSTEM, "role", {"name": name, "label": label})
        elif have[name].get("label") != label:
            records.update(SYSTEM, "role", int(have[name]["id"]), {"label": label})
    for name, row in have.items():
        if name not in services.registry.roles:
            records.delete(SYSTEM, "role", int(row["id"]), permanent=True)
