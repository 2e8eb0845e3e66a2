"""An audit trail on an empty database of each engine."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from guanxi.common.clock import FixedClock
from guanxi.runtime.audit import Audit

SECRET = b"a secret of thirty-two bytes!!!!"


@pytest.fixture
def trail(database: Any) -> Audit:
    return Audit(database, FixedClock(datetime(2026, 3, 1, 8, tzinfo=UTC)), SECRET)
