"""Rate limits: a fixed window of a minute per caller and per address, told in `RateLimit` headers.

Counts stand in a small file that all workers of an instance map into memory, so a limit holds over all of them and a
look costs microseconds and no statement. Keys are derived by the server and stand there as keyed hashes only. Two
workers that count the same key in the same instant may lose one of the two; several machines count each for itself.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import secrets
import struct
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from guanxi.common.errors import TooManyRequests

WINDOW = 60
SLOTS = 1 << 16
PROBES = 8
_SLOT = struct.Struct("=QII")  # the key's hash, the window's number, the count
_SIZE = SLOTS * _SLOT.size


@dataclass(slots=True)
class Budget:
    """What is left in the present window."""

    limit: int
    remaining: int
    reset: int


class Counters:
    """Counts by key and window: a table of fixed size in shared memory, or in this process without a path.

    A key whose eight places are all taken by others in this window counts in the last of them: it may then be refused
    early, never late.
    """

    def __init__(self, path: Path | None = None, secret: bytes | None = None) -> None:
        self._key = hashlib.sha256(secret or secrets.token_bytes(16)).digest()
        self._memory = _mapped(path) if path is not None else mmap.mmap(-1, _SIZE)
        self._lock = threading.Lock()
        self._hashes: dict[str, int] = {}

    def add(self, key: str, window: int, cost: int) -> int:
        """Count; the sum of this window."""
        tag = self._hashes.get(key) or self._hash(key)
        memory, size = self._memory, _SLOT.size
        with self._lock:
            free = -1
            place = (tag % SLOTS) * size
            for _ in range(PROBES):
                held, held_window, count = _SLOT.unpack_from(memory, place)
                if held_window != window:
                    free = place if free < 0 else free
                elif held == tag:
                    _SLOT.pack_into(memory, place, tag, window, min(count + cost, 0xFFFFFFFF))
                    return int(count + cost)
                last, place = place, (place + size) % _SIZE
            if free >= 0:
                _SLOT.pack_into(memory, free, tag, window, cost)
                return cost
            held, _, count = _SLOT.unpack_from(memory, last)
            _SLOT.pack_into(memory, last, held, window, min(count + cost, 0xFFFFFFFF))
            return int(count + cost)

    def _hash(self, key: str) -> int:
        if len(self._hashes) > 10_000:
            self._hashes.clear()
        digest = hashlib.blake2b(key.encode("utf-8", "replace"), digest_size=8, key=self._key).digest()
        found = self._hashes[key] = int.from_bytes(digest, "little") or 1
        return found


def _mapped(path: Path) -> mmap.mmap:
    """The shared file; memory of this process where the folder cannot be written."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if os.fstat(file).st_size < _SIZE:
                os.ftruncate(file, _SIZE)
            return mmap.mmap(file, _SIZE)
        finally:
            os.close(file)
    except OSError:
        return mmap.mmap(-1, _SIZE)


class Limiter:
    """One limit over a table of counters; `name` tells limits apart that share it."""

    def __init__(self, limit: int, counters: Counters | None = None, name: str = "") -> None:
        self.limit = limit
        self.counters = counters or Counters()
        self.name = name

    def take(self, key: str, cost: int = 1) -> Budget:
        """Count one request; raises TooManyRequests over the limit."""
        window, passed = divmod(int(time.time()), WINDOW)
        used = self.counters.add(f"{self.name}{key}", window & 0xFFFFFFFF, cost)
        left = WINDOW - passed
        if used > self.limit:
            raise TooManyRequests(left)
        return Budget(self.limit, self.limit - used, left)
