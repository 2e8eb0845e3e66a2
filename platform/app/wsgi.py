"""The application a server process loads: the instance is the folder named by `GUANXI_INSTANCE`."""

from __future__ import annotations

import gc
import os
from pathlib import Path

from flask import Flask

from .factory import create_app
from .instance import Instance
from .logs import configure
from .settings import secret_values

VARIABLE = "GUANXI_INSTANCE"
BOUND = "GUANXI_BOUND"


def build() -> Flask:
    """Called once in each worker."""
    instance = Instance.open(Path(os.environ.get(VARIABLE, ".")))
    configure([*secret_values(instance.settings), instance.secret.hex()])
    app = create_app(instance, os.environ.get(BOUND, ""), worker=False)
    gc.collect()
    gc.freeze()  # what is loaded by now stays: a collection that walked through it would hold up a request by 100 ms
    return app
