"""The metadata tests of a reading: checked first, then run on a scratch SQLite database in a folder that goes away."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from guanxi.common.diagnostics import Diagnostic
from guanxi.common.errors import BadRequest
from guanxi.common.names import did_you_mean
from guanxi.metadata.sources import INSTANCE
from guanxi.registry import MetadataTest, Registry

from .checking import Reading
from .testing import Outcome, Report, SqliteScratch, run_tests


@dataclass(frozen=True, slots=True)
class Ran:
    """What checking found, and the report; None when the definitions have errors."""

    found: list[Diagnostic]
    report: Report | None = None


def run_reading(
    reading: Reading, *, every: bool = False, names: Collection[str] = (), done: Callable[[Outcome], None] | None = None
) -> Ran:
    """Run the tests of what was read: its own, or `every` one of the packs it uses too. Raises BadRequest for a name
    that no test has.
    """
    read = reading.inspect()
    if read.registry is None:
        return Ran(read.found)
    tests = [one for one in read.registry.tests.values() if every or _own(reading, one)]
    unknown = [name for name in names if all(one.name != name for one in tests)]
    if unknown:
        hint = did_you_mean(unknown[0], [one.name for one in tests])
        raise BadRequest(f"no test is called '{unknown[0]}'", code="unknown_test", hint=hint)
    if names:
        tests = [one for one in tests if one.name in names]
    return Ran(read.found, run_on_scratch(read.registry, tests, zone_name=reading.settings.time_zone, done=done))


def run_on_scratch(
    registry: Registry,
    tests: Collection[MetadataTest],
    *,
    zone_name: str = "UTC",
    done: Callable[[Outcome], None] | None = None,
) -> Report:
    """Run tests on SQLite in a temporary folder."""
    from zoneinfo import ZoneInfo

    with tempfile.TemporaryDirectory(prefix="guanxi-test-", ignore_cleanup_errors=True) as folder:
        return run_tests(registry, tests, SqliteScratch(Path(folder)), zone=ZoneInfo(zone_name), done=done)


def _own(reading: Reading, test: MetadataTest) -> bool:
    layers = {INSTANCE, *(pack.head.name for pack in reading.packs)}
    if test.layer not in layers:
        return False
    return not reading.only or any(_below(test.place.file, shown) for shown in reading.only) or bool(reading.packs)


def _below(file: str, shown: str) -> bool:
    return file == shown or file.startswith(shown.rstrip("/") + "/")
