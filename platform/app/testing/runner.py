"""Runs tests one after the other, each on its own copy of a freshly published database, with its own clock.

The order of tests means nothing. A step that fails ends its test; everything under `then` is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from time import perf_counter
from zoneinfo import ZoneInfo

from guanxi.common.clock import FixedClock
from guanxi.registry import MetadataTest, Registry
from guanxi.runtime.access.actor import UTC_ZONE
from guanxi.runtime.schema.service import SchemaService
from guanxi.runtime.services import Services, build_services
from guanxi.runtime.storage.database import Handle

from ..seed import load_data
from ..settling import sync_roles
from .coverage import Touched
from .outcome import Failure, Outcome, Report
from .scratch import Scratch
from .steps import do, holds
from .world import TestFault, World, instant

Done = Callable[[Outcome], None]


def run_tests(
    registry: Registry,
    tests: Iterable[MetadataTest],
    scratch: Scratch,
    *,
    zone: ZoneInfo = UTC_ZONE,
    done: Done | None = None,
) -> Report:
    """Run the tests; `done` hears of each as it ends."""
    touched = Touched(registry)
    outcomes = []
    for test in tests:
        outcome = _run(registry, test, scratch, zone, touched)
        outcomes.append(outcome)
        if done is not None:
            done(outcome)
    return Report(tuple(outcomes), touched.coverage())


def _run(registry: Registry, test: MetadataTest, scratch: Scratch, zone: ZoneInfo, touched: Touched) -> Outcome:
    began = perf_counter()
    clock = FixedClock(instant(test.at, zone))

    def prepare(handle: Handle) -> None:
        SchemaService(handle, clock).publish(registry, {}, "test")
        services = _services(registry, handle, clock, zone)
        sync_roles(services)
        seeds = [data for data in registry.data.values() if not data.sample]
        load_data(registry, services.records, clock, seeds)

    with scratch.database(clock.now().isoformat(), prepare) as handle:
        world = World(_services(registry, handle, clock, zone), clock, test, zone)
        failures = _failures(world, test, touched)
    return Outcome(test.name, test.place, tuple(failures), perf_counter() - began)


def _services(registry: Registry, handle: Handle, clock: FixedClock, zone: ZoneInfo) -> Services:
    return build_services(registry, handle, clock=clock, version=1, zone=zone, language=registry.languages[0])


def _failures(world: World, test: MetadataTest, touched: Touched) -> list[Failure]:
    try:
        world.do_due()
        world.build()
        touched.made(world, test.layer)
        for step in test.when:
            touched.step(world, step, do(world, step))
    except TestFault as fault:
        return [fault.failure]
    found = []
    for step in test.then:
        touched.check(step)
        try:
            failure = holds(world, step)
        except TestFault as fault:
            failure = fault.failure
        if failure is not None:
            found.append(failure)
    return found
