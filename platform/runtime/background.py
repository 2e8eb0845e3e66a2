"""The catalogue of background work: how effects of each kind leave, what each kind of job does, what runs when.

One row each. A handler or deliverer gets the services of the version published now; see `jobs.kinds`, `outbox.entry`
and `jobs.schedules` for what an entry looks like.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .approvals.timers import APPROVAL_JOBS
from .approvals.timers import schedules as approval_schedules
from .automation.timed import AUTOMATION_JOBS
from .automation.timed import schedules as automation_schedules
from .jobs.housekeeping import JOB_KINDS as HOUSEKEEPING
from .jobs.housekeeping import schedules as housekeeping
from .jobs.kinds import JobKind
from .jobs.schedules import Schedule
from .messages.account_mail import ACCOUNT_MAIL, KIND
from .messages.background import MESSAGE_DELIVERERS, MESSAGE_JOBS
from .messages.background import schedules as message_schedules
from .outbox.entry import Deliverer
from .pools.background import POOL_JOBS
from .pools.background import schedules as pool_schedules
from .sla.timers import SLA_JOBS
from .sla.timers import schedules as sla_schedules
from .transfer.service import JOB_KINDS as TRANSFER_JOBS
from .webhooks.events import EVENT_KINDS, RELAY
from .webhooks.inbound import HOOK_JOBS
from .webhooks.send import WEBHOOK

if TYPE_CHECKING:
    from .services import Services

Schedules = Callable[["Services"], Iterable[Schedule]]


@dataclass(frozen=True)
class Background:
    """What a bundle of services can do in the background. `schedules` are asked once per published version."""

    deliverers: Mapping[str, Deliverer] = field(default_factory=dict)
    kinds: Mapping[str, JobKind] = field(default_factory=dict)
    schedules: Sequence[Schedules] = ()


DELIVERERS: dict[str, Deliverer] = {
    **dict.fromkeys(EVENT_KINDS, RELAY),
    "webhook": WEBHOOK,
    **MESSAGE_DELIVERERS,
    KIND: ACCOUNT_MAIL,
}
JOB_KINDS: dict[str, JobKind] = {
    **TRANSFER_JOBS,
    **HOOK_JOBS,
    **HOUSEKEEPING,
    **MESSAGE_JOBS,
    **APPROVAL_JOBS,
    **AUTOMATION_JOBS,
    **POOL_JOBS,
    **SLA_JOBS,
}
SCHEDULES: tuple[Schedules, ...] = (
    housekeeping,
    message_schedules,
    approval_schedules,
    automation_schedules,
    pool_schedules,
    sla_schedules,
)

BACKGROUND = Background(DELIVERERS, JOB_KINDS, SCHEDULES)
