"""The house on both engines."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from guanxi.common.clock import FixedClock
from guanxi.runtime.storage.database import Handle
from tests.runtime.query.house import House, build


@pytest.fixture
def house(database: Handle) -> House:
    """Six customers of two people in two teams, with deals and products."""
    made = build(database, FixedClock(datetime(2026, 3, 1, 8, tzinfo=UTC)))
    made.add("team", {"id": 1, "name": "One"}, {"id": 2, "name": "Two"})
    made.add(
        "user",
        *(
            {"id": n, "name": f"u{n}", "team": 1 if n < 10 else 2, "phone": "1380000000", "region": "north"}
            for n in (1, 2, 10)
        ),
    )
    made.add("product", {"id": 1, "name": "P1"}, {"id": 2, "name": "P2"})
    made.add(
        "customer",
        {"id": 1, "owner": 1, "team": 1, "name": "Acme 张三丰", "region": "north", "level": "a", "phone": "13812345678",
         "revenue": Decimal("1000.50"), "limit": Decimal("1200.0000"), "secret": "alpha", "due": date(2026, 3, 1),
         "active": True, "seen_at": datetime(2026, 2, 1, 8, 30, tzinfo=UTC), "tags": ("x", "y"), "products": (2, 1)},
        {"id": 2, "owner": 2, "team": 1, "name": "Beta 重庆", "region": "east", "level": "a", "phone": "13900000000",
         "revenue": Decimal("500.00"), "secret": "beta", "parent": 1,
         "seen_at": datetime(2026, 2, 1, 8, 30, 1, 500, tzinfo=UTC)},
        {"id": 3, "owner": 10, "team": 2, "name": "Gamma", "region": "north", "level": "b",
         "revenue": Decimal("700.00"),
         "secret": "gamma", "parent": 1},
        {"id": 4, "owner": 10, "team": 2, "name": "Delta", "region": "east", "secret": "delta", "parent": 3},
        {"id": 5, "owner": 1, "team": 1, "name": "acme two", "region": "north", "parent": 3,
         "revenue": Decimal("-3.20")},
        {"id": 6, "owner": 1, "team": 1, "name": "Gone", "deleted_at": datetime(2026, 2, 2, tzinfo=UTC)},
    )  # fmt: skip
    made.add(
        "deal",
        {"id": 1, "owner": 1, "team": 1, "name": "D1", "customer": 1, "amount": Decimal("100.00"), "stage": "won"},
        {"id": 2, "owner": 10, "team": 2, "name": "D2", "customer": 1, "amount": Decimal("50.25"), "stage": "won"},
        {"id": 3, "owner": 10, "team": 2, "name": "D3", "customer": 3, "amount": Decimal("7.00"), "stage": "open"},
    )
    return made
