"""A pack under pytest: its definitions are checked, its `kind: test` documents run on a scratch database.

from guanxi.sdk import assert_pack

def test_my_pack() -> None:
    assert_pack("packs/my_pack")
"""

from __future__ import annotations

from pathlib import Path

from guanxi.app.checking import read_paths
from guanxi.app.metadata_tests import run_reading
from guanxi.app.testing import Report


class Failed(AssertionError):
    """The pack is not as it says; the message tells every place."""


def pack_report(folder: Path | str) -> Report:
    """Check the pack in `folder` and run its tests. Raises Failed for every error and warning of its definitions."""
    ran = run_reading(read_paths([Path(folder)]))
    if ran.found or ran.report is None:
        raise Failed("\n".join(str(one) for one in ran.found))
    return ran.report


def assert_pack(folder: Path | str, *, coverage: bool = True) -> Report:
    """As `pack_report`; raises Failed when a test fails, or when `coverage` is asked for and something is untouched."""
    report = pack_report(folder)
    failures = [f"{outcome.name}: {failure}" for outcome in report.failed for failure in outcome.failures]
    if failures:
        raise Failed("\n".join(failures))
    if coverage and report.coverage.missing:
        raise Failed("no test touches " + ", ".join(report.coverage.missing))
    return report
