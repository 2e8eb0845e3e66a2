"""The background worker: a process of its own, alone (`guanxi worker`) or beside a server that looks after it."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from .instance import Instance
from .live import Live
from .queue import make_engine

log = logging.getLogger("guanxi.worker")
PARENT = "GUANXI_PARENT"
FIRST = 1.0  # seconds: the server's own start goes first
AGAIN = 2.0


def work(instance: Instance, *, threads: int | None = None) -> None:
    """Do background work until a signal ends the process."""
    live = Live(instance)
    engine = make_engine(instance, live.services)
    if threads:
        engine.threads = threads
    engine.listen()
    parent = os.environ.pop(PARENT, "")
    if parent:
        threading.Thread(target=_follow, args=(int(parent),), name="guanxi-parent", daemon=True).start()
    engine.run()


def _follow(parent: int) -> None:
    """End with the server that started this worker, however that one ended."""
    while os.getppid() == parent:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)


class Beside:
    """A worker process beside a server: started a moment after it, again when it dies, ended with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._stop = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._watch, name="guanxi-worker", daemon=True)

    def __enter__(self) -> Beside:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        process = self._process
        if process is not None and process.poll() is None:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(12)
            if process.poll() is None:
                process.kill()

    def _watch(self) -> None:
        wait = FIRST
        while not self._stop.wait(wait):
            wait = AGAIN
            program = "from guanxi.app.cli import main; main()"
            command = [sys.executable, "-P", "-c", program, "--instance", str(self.folder), "worker"]
            environment = os.environ | {PARENT: str(os.getpid())}
            self._process = subprocess.Popen(command, env=environment)  # noqa: S603 (our own program)
            code = self._process.wait()
            if not self._stop.is_set():
                log.warning("the worker ended (%s) and is started again", code)
