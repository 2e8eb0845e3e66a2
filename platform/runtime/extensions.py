"""The catalogue of rooms that take part in writes of records: one row each, in the order they are asked.

See `records.extensions` for what an entry looks like. Locks come before effects, so a refusal costs nothing.
"""

from __future__ import annotations

from .audit.watching import watch_rights
from .records.extensions import Extensions
from .webhooks.events import listened
from .webhooks.verb import webhook

EXTENSIONS = Extensions(watchers=(watch_rights,), actions=(), verbs={})
EXTENSIONS = Extensions(watchers=(), actions=(), verbs={"webhook": webhook}, listeners=(listened,))
