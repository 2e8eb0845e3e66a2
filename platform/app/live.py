"""The version that runs: one Services bundle, swapped whole when a newer version is published by anybody.

Asking costs one indexed row. A running request keeps the bundle it began with.
"""

from __future__ import annotations

import logging
from threading import Lock

import orjson

from guanxi.registry import Registry
from guanxi.runtime.services import Services, build_services

from .instance import Instance, compile_stored
from .messages import messages_of
from .outside import outside_of
from .settling import publish_first, settle
from .upgrade import bring_up

log = logging.getLogger("guanxi.live")


class Live:
    """The services of the version published now, for one process; its first look brings the platform's layer up."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self._lock = Lock()
        self._held: Services | None = None

    def services(self, known: int | None = None) -> Services:
        """The bundle of the current version; publishes the bare platform when nothing was published yet.

        `known` is the current version's number where the caller has just read it.
        """
        if known is None:
            current = self.instance.versions.current()
            known = current[0] if current else 0
        held = self._held
        if held is not None and held.version == known:
            return held
        return self._swap()

    def _swap(self) -> Services:
        with self._lock:
            current = self.instance.versions.current()
            first = current is None
            if current is None:
                publish_first(self.instance)
                current = self.instance.versions.current()
            elif self._held is None:
                first = bring_up(self.instance)
                current = self.instance.versions.current()  # another process may have been the one that did it
            if current is None:
                raise RuntimeError("publishing the platform left no version")
            number = current[0]
            if self._held is not None and self._held.version == number:
                return self._held
            services = self._use(self._registry(number), number)
        if first:
            settle(services, self.instance)
        return services

    def published(self) -> Registry | None:
        """The definitions of the current version as they are, whether this release can run them or not."""
        current = self.instance.versions.current()
        return self._registry(current[0]) if current else None

    def _registry(self, number: int) -> Registry:
        """A version's definitions: as whoever published it left them, else compiled here and left for the others."""
        sources = self.instance.versions.sources_of(number)
        known = self.instance.snapshots.load(sources)
        if known is None:
            known = compile_stored(orjson.loads(sources))
            self.instance.snapshots.keep(sources, known)
        return known

    def _use(self, registry: Registry, number: int) -> Services:
        instance = self.instance
        services = build_services(
            registry,
            instance.database,
            clock=instance.clock,
            version=number,
            zone=instance.settings.zone,
            language=instance.settings.languages[0],
            secret=instance.secret,
            outside=outside_of(instance.settings),
            messages=messages_of(instance.settings, instance.secret),
        )
        self._held = services
        log.info("version %s is in use", number)
        return services
