"""kill -9 of a writing process: every commit that was said is there, and no transaction is there by half."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from guanxi.runtime.storage.database import Handle

ROOT = Path(__file__).parents[3]
KILLS = int(os.environ.get("GUANXI_WRITE_KILLS", "3"))


def test_no_commit_is_lost_and_none_is_half(database: Handle, database_url: str) -> None:
    database.execute("CREATE TABLE t (number integer NOT NULL, half integer NOT NULL, PRIMARY KEY (number, half))")
    env = {**os.environ, "PYTHONPATH": f"{ROOT / '.links'}:{ROOT}"}
    said: set[int] = set()
    for round_number in range(KILLS):
        command = [sys.executable, str(Path(__file__).with_name("killed_writer.py")), database_url]
        writer = subprocess.Popen([*command, str(round_number * 1_000_000)], env=env, stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        said.add(int(writer.stdout.readline()))
        time.sleep(0.05 + 0.03 * round_number)
        os.kill(writer.pid, signal.SIGKILL)
        said |= {int(line) for line in writer.stdout.read().splitlines() if line.strip()}
        writer.wait()
        database.execute(database.sql("DELETE FROM t WHERE number < ?"), (0,))  # the next writer is not held up
    rows = database.rows("SELECT number, count(*) FROM t GROUP BY number")
    assert said <= {number for number, _ in rows}
    assert {halves for _, halves in rows} == {2}
    assert len(said) > KILLS
    if database.engine == "sqlite":
        assert database.rows("PRAGMA integrity_check") == [("ok",)]


def test_a_forked_child_has_its_own_connection(database: Handle) -> None:
    database.execute("CREATE TABLE t (x integer)")
    database.one("SELECT 1")
    child = os.fork()
    if child == 0:
        try:
            database.execute("INSERT INTO t VALUES (1)")
            database.close()
            os._exit(0)
        except BaseException:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    database.execute("INSERT INTO t VALUES (2)")
    assert sorted(database.rows("SELECT x FROM t")) == [(1,), (2,)]
    database.analyze()
