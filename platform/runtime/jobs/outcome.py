"""How a piece of background work ends when it does not simply succeed: later again, never again, or stopped."""

from __future__ import annotations

from datetime import timedelta


class Retry(Exception):
    """Try again after `after` (None: after the kind's own back-off). `reason` is shown to operators: no secrets."""

    def __init__(self, after: timedelta | None = None, reason: str = "", *, counted: bool = True) -> None:
        super().__init__(reason or "to be tried again")
        self.after = after
        self.reason = reason
        self.counted = counted
        """False when nothing was attempted (a paused destination): the try is not counted."""


class GiveUp(Exception):
    """Trying again cannot help: a dead letter (an effect) or a failed job, with the reason."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Cancelled(Exception):
    """Raised by work that was told to stop; the state in the database says so already."""
