"""How a try to send ends when it does not succeed: for good, or for now."""

from __future__ import annotations

from datetime import timedelta


class Permanent(Exception):
    """The message will never leave like this; `bounced` says that the address itself is at fault."""

    def __init__(self, reason: str, *, bounced: bool = False) -> None:
        self.reason = reason[:500]
        self.bounced = bounced
        super().__init__(self.reason)


class Temporary(Exception):
    """Try again later, after `after` when the other side said so."""

    def __init__(self, reason: str, after: timedelta | None = None) -> None:
        self.reason = reason[:500]
        self.after = after
        super().__init__(self.reason)
