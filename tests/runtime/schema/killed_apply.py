"""Run as a process by test_killed_apply: applies the second version and kills itself before statement N.

Arguments: database URL, N (0: never). Prints the number of statements when it lives to the end.
"""

from __future__ import annotations

import os
import signal
import sys

from guanxi.runtime.schema.service import SchemaService
from guanxi.runtime.storage.database import open_database
from tests.runtime.schema.versions import ALLOW, second


def main(url: str, at: int) -> None:
    seen = 0

    def on_statement(number: int, _: str) -> None:
        nonlocal seen
        seen = number
        if number == at:
            os.kill(os.getpid(), signal.SIGKILL)

    service = SchemaService(open_database(url))
    made = second()
    service.apply(service.plan(made, {"v": "2"}, allow=ALLOW), made, on_statement=on_statement)
    print(seen)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
