"""The consoles, in the order of the navigation; one row each."""

from __future__ import annotations

from guanxi.runtime.access.actor import Actor

from .approvals import ApprovalsConsole
from .audit import AuditConsole
from .automations import AutomationConsole
from .base import Console
from .forms import FormsConsole
from .jobs import JobsConsole
from .messages import MessagesConsole

CONSOLES: tuple[type[Console], ...] = (
    ApprovalsConsole,
    AutomationConsole,
    MessagesConsole,
    FormsConsole,
    JobsConsole,
    AuditConsole,
)


def consoles_of(actor: Actor | None) -> list[type[Console]]:
    """Those that a person has."""
    return [one for one in CONSOLES if one.open_to(actor)]
