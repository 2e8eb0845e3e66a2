"""Webhooks in both directions, by the Standard Webhooks convention; see README.md."""

from .events import EVENT_KINDS, RELAY, listened
from .send import WEBHOOK
from .verb import webhook

__all__ = ["EVENT_KINDS", "RELAY", "WEBHOOK", "listened", "webhook"]
