"""Effects outside, as rows written in the transaction that causes them and delivered after it, at least once."""

from ..jobs.outcome import GiveUp, Retry
from .dispatch import deliver_due
from .entry import Deliverer, Entry
from .store import OutboxStore, post, post_many

__all__ = ["Deliverer", "Entry", "GiveUp", "OutboxStore", "Retry", "deliver_due", "post", "post_many"]
