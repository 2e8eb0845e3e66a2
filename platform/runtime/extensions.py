"""The catalogue of rooms that take part in writes of records: one line each, in the order they are asked.

See `records.extensions` for what an entry looks like. Locks come before effects, so a refusal costs nothing.
"""

from __future__ import annotations

from .approvals import taking_part as approvals
from .audit.watching import watch_rights
from .automation import engine, verbs
from .merging import collision
from .merging import taking_part as merging
from .messages import verbs as messages
from .people.watch import people_watchers
from .pools import taking_part as pools
from .records import reveal, sharing
from .records.duties import watch_duties
from .records.extensions import Extensions
from .sla import watching as clocks
from .webhooks.events import listened
from .webhooks.verb import webhook

# One entry a line, so that rooms which arrive at the same time do not stand in each other's way.
# fmt: off
EXTENSIONS = Extensions(
    watchers=(
        people_watchers,
        approvals.WATCHERS,
        *pools.WATCHERS,
        watch_rights,
        clocks.watchers,
        engine.watchers,
        watch_duties,
        collision.watchers,
    ),
    actions=(
        *sharing.ACTIONS,
        *reveal.ACTIONS,
        approvals.SUBMIT,
        *merging.ACTIONS,
        *pools.ACTIONS,
    ),
    verbs={
        **approvals.VERBS,
        **pools.VERBS,
        "assign": verbs.assign,
        "email": messages.email,
        "notify": messages.notify,
        "post": verbs.post,
        "sms": messages.sms,
        "task": verbs.task,
        "webhook": webhook,
    },
    listeners=(
        listened,
    ),
)
# fmt: on
