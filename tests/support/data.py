"""Sample data files that live outside the repository: found by `GUANXI_DATA`, or as `shared/data` near by."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def data_folder() -> Path | None:
    """The folder, or None when there is none."""
    given = os.environ.get("GUANXI_DATA")
    if given:
        return Path(given)
    for parent in Path(__file__).resolve().parents:
        found = parent / "shared" / "data"
        if found.is_dir():
            return found
    return None


def data_file(name: str) -> Path:
    """A file of the folder by its relative path; skips the test when it is not there."""
    folder = data_folder()
    if folder is None or not (folder / name).is_file():
        pytest.skip(f"no sample data: {name}")
    return folder / name
