"""Run as a process by test_killed_writes: writes pairs of rows and says each number once it was committed.

Arguments: database URL, first number.
"""

from __future__ import annotations

import sys
from itertools import count

from guanxi.runtime.storage.database import open_database


def main(url: str, start: int) -> None:
    db = open_database(url)
    insert = db.sql("INSERT INTO t (number, half) VALUES (?, ?)")
    for number in count(start):
        with db.write():
            db.execute(insert, (number, 1))
            db.execute(insert, (number, 2))
        print(number, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
