"""Public sample data beside the repository: `data_file("telecom/telco_customer_churn.csv")`.

Looked for in `GUANXI_DATA`, else in a folder `shared/data` next to any folder above; a test that needs a file which is
not there is skipped and says so.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def data_file(name: str) -> Path:
    """The path of a sample file; skips the test when the sample data is not installed."""
    given = os.environ.get("GUANXI_DATA")
    bases = [Path(given)] if given else [up / "shared" / "data" for up in Path(__file__).resolve().parents]
    for base in bases:
        if (base / name).is_file():
            return base / name
    pytest.skip(f"sample data {name} is not here; say where with GUANXI_DATA")
