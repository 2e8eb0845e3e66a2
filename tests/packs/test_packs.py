"""The shipped packs keep their promises: they check clean, their tests pass on both engines, samples load twice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import psycopg
import pytest

from guanxi.app.checking import read_paths
from guanxi.app.packs import installed
from guanxi.app.seed import load_data
from guanxi.app.settling import sync_roles
from guanxi.app.testing import SqliteScratch, run_tests
from guanxi.app.testing.scratch import Prepare
from guanxi.common.clock import FixedClock
from guanxi.registry import Registry
from guanxi.runtime.schema.service import SchemaService
from guanxi.runtime.services import build_services
from guanxi.runtime.storage.database import Handle, open_database
from tests.support.databases import ENGINES, drop_postgres, new_postgres_url, postgres_server, with_database

PACKS = {pack.head.name: pack.layer.folder for pack in installed()}


def registry_of(name: str) -> Registry:
    folder = PACKS[name]
    assert folder is not None
    read = read_paths([Path(folder)]).inspect()
    assert read.found == []
    assert read.registry is not None
    return read.registry


class PostgresScratch:
    """Databases copied from a template."""

    def __init__(self) -> None:
        self.made: dict[str, str] = {}

    @contextmanager
    def database(self, key: str, prepare: Prepare) -> Iterator[Handle]:
        if key not in self.made:
            self.made[key] = new_postgres_url()
            handle = open_database(self.made[key])
            prepare(handle)
            handle.close()
        source = urlsplit(self.made[key]).path.lstrip("/")
        name = f"{source}_copy"
        with psycopg.connect(postgres_server(), autocommit=True) as conn:
            conn.execute(f'CREATE DATABASE "{name}" TEMPLATE "{source}" STRATEGY FILE_COPY')
        url = with_database(postgres_server(), name)
        handle = open_database(url)
        try:
            yield handle
        finally:
            handle.close()
            drop_postgres(url)


@pytest.mark.parametrize("name", PACKS)
def test_a_pack_checks_clean_and_says_everything_in_both_languages(name: str) -> None:
    registry = registry_of(name)
    for kind in registry.objects.values():
        for one in (kind, *kind.fields.values(), *kind.views.values(), *kind.form.sections):
            if one.label and not getattr(one, "system", False):
                assert {"en", "zh"} <= {language for language, _ in one.label.texts}, (kind.name, one.name)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", PACKS)
def test_its_tests_pass_and_touch_everything(name: str, engine: str, tmp_path: Path) -> None:
    registry = registry_of(name)
    tests = [test for test in registry.tests.values() if test.layer == name]
    assert tests
    scratch = SqliteScratch(tmp_path) if engine == "sqlite" else PostgresScratch()
    report = run_tests(registry, tests, scratch, zone=ZoneInfo("Asia/Shanghai"))
    assert [str(failure) for outcome in report.failed for failure in outcome.failures] == []
    assert report.coverage.missing == []
    own = [kind for kind in registry.objects.values() if kind.layer == name]
    rules = {f"{kind.name}.{rule}" for kind in own for rule in kind.rules}
    stages = {f"{kind.name}.{stage}" for kind in own if kind.stages for stage in kind.stages.path}
    formulas = {f"{kind.name}.{one.name}" for kind in own for one in kind.fields.values() if one.value is not None}
    assert rules <= set(report.coverage.known["rules"])
    assert stages <= set(report.coverage.known["stages"])
    assert formulas <= set(report.coverage.known["formulas"])


@pytest.mark.parametrize("name", PACKS)
def test_sample_rows_load_twice_without_change(name: str, database: Handle) -> None:
    registry = registry_of(name)
    clock = FixedClock(datetime.now(UTC))  # rows are relative to the moment
    SchemaService(database, clock).publish(registry, {}, "test")
    services = build_services(registry, database, clock=clock, version=1)
    sync_roles(services)
    rows = sum(len(data.rows) for data in registry.data.values())
    first = load_data(registry, services.records, clock, registry.data.values())
    assert (first.created + first.updated, first.unchanged) == (rows, 0)
    second = load_data(registry, services.records, clock, registry.data.values())
    assert (second.created, second.updated, second.unchanged) == (0, 0, rows)
