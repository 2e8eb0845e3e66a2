"""One house per engine for the tests of people; each test makes its own people in it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from guanxi.common.clock import FixedClock
from guanxi.runtime.people.service import AccountService, AccountSettings
from tests.support.databases import ENGINES, drop_postgres, new_postgres_url
from tests.support.instances import House, make_house

THINGS = """
kind: object
name: thing
title: name
owned: true
access: private
fields: {name: {type: text, required: true}, other: {type: reference, to: secret, related: things}}
---
kind: object
name: secret
title: name
access: private
fields: {name: {type: text, required: true}}
---
kind: role
name: worker
includes: [employee]
objects: {thing: {create: true, read: all, update: own}, secret: {read: all}}
---
kind: role
name: personnel
includes: [employee]
objects: {user: {create: true, read: all, update: all, delete: all}}
"""


@pytest.fixture(scope="module", params=ENGINES)
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("people")
    url = f"sqlite:///{folder}/guanxi.db" if request.param == "sqlite" else new_postgres_url()
    made = make_house(folder / "instance", url, {"things.yaml": THINGS})
    yield made
    made.close()
    if request.param == "postgresql":
        drop_postgres(url)


_numbers = itertools.count(1)


@pytest.fixture
def new(house: House) -> Callable[..., tuple[int, str]]:
    """Make a person with a name nobody has: (id, name)."""

    def make(*roles: str, **more: str | None) -> tuple[int, str]:
        name = f"p{next(_numbers)}"
        return house.person(name, *roles, **more), name

    return make


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(datetime(2026, 3, 2, 9, 0, tzinfo=UTC))


@pytest.fixture
def accounts(house: House, clock: FixedClock) -> AccountService:
    """The house's accounts with a clock that stands."""
    return AccountService(house.instance.database, clock, AccountSettings(address="https://crm.example.com"))
