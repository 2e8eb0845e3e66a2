"""The office in which flows run."""

from __future__ import annotations

import pytest

from guanxi.runtime.storage.database import Handle
from tests.support.approvals import Builder


@pytest.fixture
def office(database: Handle) -> Builder:
    return Builder(database)
