"""What the screens ask of the place that wires the product together.

`create_site` gets a callable that answers the `SiteServices` of the version published now; it is asked once per
request, so a page is always drawn from one version. Everything about records passes `records`, the one door.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from flask import Request, Response

from guanxi.registry import Registry
from guanxi.runtime.access.actor import Actor
from guanxi.runtime.access.grants import AccessTable
from guanxi.runtime.approvals.service import ApprovalService
from guanxi.runtime.audit import Audit
from guanxi.runtime.dashboards import DashboardService
from guanxi.runtime.jobs.desk import Desk
from guanxi.runtime.messages.room import Messaging
from guanxi.runtime.people.service import AccountService
from guanxi.runtime.people.sessions import Session
from guanxi.runtime.ports import Records
from guanxi.runtime.sla.views import ClockService


class SessionDoor(Protocol):
    """Where sessions begin and end."""

    def session_of(self, request: Request) -> Session | None:
        """The living session of a request."""
        ...

    def begin_session(
        self, request: Request, response: Response, user_id: int, must: tuple[str, ...], how: str
    ) -> None:
        """A new session, its id in a cookie of the response; the one there was ends."""
        ...

    def rotate_session(self, request: Request, response: Response) -> None:
        """A new id for the session of a request."""
        ...

    def end_session(self, request: Request, response: Response) -> None:
        """End the session of a request."""
        ...


class SiteServices(Protocol):
    """One published version as the screens see it."""

    @property
    def registry(self) -> Registry:
        """All definitions of this version."""
        ...

    @property
    def records(self) -> Records:
        """The one door to records."""
        ...

    @property
    def version(self) -> int | str:
        """Names the published version; a new value drops every compiled view."""
        ...

    @property
    def name(self) -> str:
        """The instance's name, shown as the brand."""
        ...

    @property
    def export_reason(self) -> bool:
        """Whether an export must say what it is for."""
        ...

    @property
    def languages(self) -> tuple[str, ...]:
        """Languages of the instance, the default first ("en", "zh")."""
        ...

    @property
    def access(self) -> AccessTable:
        """Rights of every set of roles, and the key under which what depends on them may be kept."""
        ...

    @property
    def dashboards(self) -> DashboardService:
        """Pages of figures."""
        ...

    @property
    def audit(self) -> Audit:
        """The trail of acts that matter."""
        ...

    @property
    def messaging(self) -> Messaging:
        """Notices, messages, consent."""
        ...

    @property
    def approvals(self) -> ApprovalService:
        """Inboxes, single approvals, acts on them."""
        ...

    @property
    def clocks(self) -> ClockService:
        """Clocks of service levels."""
        ...

    @property
    def background(self) -> Desk:
        """Background work for operators."""
        ...

    @property
    def accounts(self) -> AccountService:
        """Log-in, passwords, second factors, tokens, sessions."""
        ...

    @property
    def door(self) -> SessionDoor:
        """Sessions and their cookies."""
        ...

    def person(self, user_id: int) -> Actor | None:
        """The actor of an active user, or None."""
        ...

    def actor(self, held: Session, language: str) -> Actor | None:
        """The person of a session, speaking `language`; None when the account no longer holds."""
        ...


ServicesSource = Callable[[], SiteServices]
