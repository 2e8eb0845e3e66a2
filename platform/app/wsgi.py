"""The application a server process loads: the instance is the folder named by `GUANXI_INSTANCE`."""

from __future__ import annotations

import os
from pathlib import Path

from flask import Flask

from .factory import create_app
from .instance import Instance

VARIABLE = "GUANXI_INSTANCE"
BOUND = "GUANXI_BOUND"


def build() -> Flask:
    """Called once in each worker."""
    return create_app(Instance.open(Path(os.environ.get(VARIABLE, "."))), os.environ.get(BOUND, ""))
