"""The production server: granian with one blocking thread a worker, so that processes share the work.

Figures of it and of others stand in docs/performance.md. It buffers bodies, so a slow client holds no worker, and
separate processes are not held up by each other's interpreter lock.
"""

from __future__ import annotations

import gc
import os
from contextlib import nullcontext
from pathlib import Path

from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels

from .worker import Beside
from .wsgi import BOUND, VARIABLE

TARGET = "guanxi.app.wsgi:build"
BACKLOG = 1024


def default_workers() -> int:
    """One for each processor, four at the most unless told otherwise."""
    return max(1, min(4, os.cpu_count() or 1))


def serve(folder: Path, host: str, port: int, *, workers: int, threads: int, background: bool = True) -> None:
    """Serve until the process is ended; workers that die are started again. With `background` one more process beside
    them does the background work.
    """
    os.environ[VARIABLE] = str(folder.resolve())
    os.environ[BOUND] = host
    server = Granian(
        TARGET,
        factory=True,
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=threads,
        backlog=BACKLOG,
        respawn_failed_workers=True,
        log_level=LogLevels.warning,
        websockets=False,
    )
    gc.collect()
    gc.freeze()  # workers are forks: what is loaded by now stays shared, and no collection walks through it again
    with Beside(folder) if background else nullcontext():
        server.serve()
