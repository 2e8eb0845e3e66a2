"""The names under which an instance is served; a request that names another host is not answered.

Links in mails and redirects are made from the host, so an unknown one must not get that far.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
ANY = ("0.0.0.0", "::", "[::]", "")  # noqa: S104 (compared with, never bound to)
_LAWFUL = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_.-]{0,251}[a-z0-9_])?\.?|\[[0-9a-f:.]{2,45}\])(?::[0-9]{1,5})?\Z")
MOST_SEEN = 1000


class Hosts:
    """Names without ports; `*.example.com` stands for every name below example.com, `*` for every name."""

    def __init__(self, names: Iterable[str] = (), bound: str = "") -> None:
        listed = [name.lower().rstrip(".") for name in names]
        if not listed:
            listed = [*LOOPBACK, *([] if bound in ANY else [_bracketed(bound.lower())])]
        self.names = frozenset(name for name in listed if not name.startswith("*"))
        self.endings = tuple(name[1:] for name in listed if name.startswith("*."))
        self.everything = "*" in listed
        self._seen: dict[str, bool] = {}

    def knows(self, header: str) -> bool:
        """Whether a Host header names this instance."""
        found = self._seen.get(header)
        if found is None:
            if len(self._seen) >= MOST_SEEN:
                self._seen.clear()
            found = self._seen[header] = self._judge(header)
        return found

    def _judge(self, header: str) -> bool:
        if not self.lawful(header):
            return False
        name = header.lower()
        name = name.rsplit(":", 1)[0] if not name.endswith("]") and ":" in name else name
        name = name.rstrip(".")
        return self.everything or name in self.names or name.endswith(self.endings or ("\n",))

    @staticmethod
    def lawful(header: str) -> bool:
        """Whether a Host header has the form of one."""
        return bool(_LAWFUL.match(header.lower()))


def _bracketed(name: str) -> str:
    return f"[{name}]" if ":" in name and not name.startswith("[") else name
