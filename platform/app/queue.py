"""The queue of an instance, as `guanxi.yaml` says: `jobs: {storage: …, url: …, workers: n}`."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Callable

    from guanxi.runtime.jobs.engine import Engine
    from guanxi.runtime.jobs.queue import Storage
    from guanxi.runtime.services import Services

    from .instance import Instance

FILE = "sqlite:///data/jobs.db"


def make_engine(instance: Instance, services: Callable[[], Services]) -> Engine:
    """The background work of one process, sending to the instance's queue; nothing is consumed yet."""
    from guanxi.runtime.jobs.engine import Engine
    from guanxi.runtime.jobs.queue import make_queue

    storage, url = place_of(instance)
    queue = make_queue(storage, url, secret=instance.secret, base=instance.folder)
    return Engine(services, queue, threads=instance.settings.jobs.workers)


def place_of(instance: Instance) -> tuple[Storage, str]:
    """The kind of storage and its URL: what the settings say, else the database's own kind."""
    jobs, database = instance.settings.jobs, instance.settings.database
    storage = jobs.storage or _kind(jobs.url or database)
    if jobs.url:
        return cast("Storage", storage), jobs.url
    return cast("Storage", storage), {"sqlite": FILE, "postgresql": database}.get(storage, "redis://127.0.0.1:6379/0")


def _kind(url: str) -> str:
    scheme = url.partition(":")[0]
    return {"postgres": "postgresql", "rediss": "redis", "unix": "redis"}.get(scheme, scheme)
