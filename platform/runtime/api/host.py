"""What the API needs from the wiring room, as a port: the current services, who is asking, and publishing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from flask import Request

from guanxi.common.clock import Clock
from guanxi.registry import Registry

from ..access.actor import Actor
from ..access.grants import AccessTable
from ..approvals.service import ApprovalService
from ..audit import Audit
from ..dashboards import DashboardService
from ..jobs.store import JobStore
from ..messages.room import Messaging
from ..outside import Outside
from ..people.service import AccountService
from ..people.sessions import Session
from ..pools.service import PoolService
from ..ports import Database, Records
from ..sla.views import ClockService


class ApiServices(Protocol):
    """One published version, whole; read once per request."""

    @property
    def registry(self) -> Registry:
        """The compiled definitions."""
        ...

    @property
    def records(self) -> Records:
        """The one door to records."""
        ...

    @property
    def database(self) -> Database:
        """The database of the instance."""
        ...

    @property
    def version(self) -> int:
        """Number of the published version."""
        ...

    @property
    def clock(self) -> Clock:
        """The source of now."""
        ...

    @property
    def access(self) -> AccessTable:
        """Rights of every set of roles."""
        ...

    @property
    def audit(self) -> Audit:
        """The trail of acts that matter."""
        ...

    @property
    def clocks(self) -> ClockService:
        """Clocks of service levels."""
        ...

    @property
    def approvals(self) -> ApprovalService:
        """Approvals: inboxes and acts."""
        ...

    @property
    def pools(self) -> PoolService:
        """Pools and ownership."""
        ...

    @property
    def jobs(self) -> JobStore:
        """Work for the background."""
        ...

    @property
    def outside(self) -> Outside:
        """What `guanxi.yaml` says of the surroundings."""
        ...

    @property
    def dashboards(self) -> DashboardService:
        """Pages of figures."""
        ...

    @property
    def messaging(self) -> Messaging:
        """Notices, messages, consent."""
        ...

    def actor(self, user_id: int) -> Actor | None:
        """The actor of an active user, or None."""
        ...

    def somebody(self, user: str) -> Actor:
        """The actor of an active user given by log-in name or id. Raises NotFound."""
        ...


class Publisher(Protocol):
    """Planning and publishing definitions; answers and errors are JSON-ready."""

    def plan(self, actor: Actor, files: Mapping[str, str] | None, allow: Sequence[str]) -> dict[str, Any]:
        """What publishing these files (None: the instance's own) would do. Raises Invalid with diagnostics."""
        ...

    def apply(
        self, actor: Actor, files: Mapping[str, str] | None, allow: Sequence[str], plan: str, note: str
    ) -> dict[str, Any]:
        """Publish; `plan` is the fingerprint of a plan that was read, or "". Raises Conflict when it is stale."""
        ...

    def versions(self) -> Sequence[dict[str, Any]]:
        """Published versions, newest first."""
        ...

    def rollback(self, actor: Actor, number: int, allow: Sequence[str]) -> dict[str, Any]:
        """Publish the definitions of an earlier version again."""
        ...

    def json_schema(self) -> Mapping[str, Any]:
        """The JSON Schema of the YAML grammar."""
        ...

    def packs(self) -> Sequence[dict[str, Any]]:
        """Packs of the installed set, with what the instance has of them."""
        ...

    def pack(self, actor: Actor, name: str, act: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """install, upgrade or uninstall a pack."""
        ...


class ApiHost(Protocol):
    """The wiring room's side."""

    @property
    def accounts(self) -> AccountService:
        """Log-in, passwords, second factors, tokens, sessions."""
        ...

    @property
    def publisher(self) -> Publisher:
        """Planning and publishing."""
        ...

    @property
    def limits(self) -> Mapping[str, int]:
        """Limits of the instance by name."""
        ...

    @property
    def export_reason(self) -> bool:
        """Whether an export must say what it is for."""
        ...

    @property
    def languages(self) -> Sequence[str]:
        """Languages of the instance, the default first."""
        ...

    def services(self) -> ApiServices:
        """The services of the version published now."""
        ...

    def identify(self, request: Request) -> Actor | None:
        """Who is asking: a bearer token, or the screens' session; None when nobody is.

        Whoever reads the services for it hands them to `caller.hold`, so that the request asks once.
        """
        ...

    def session_of(self, request: Request) -> Session | None:
        """The screens' session of a request."""
        ...

    def csrf_ok(self, request: Request) -> bool:
        """True when an unsafe request from a session carries the session's token."""
        ...

    def csrf_token(self) -> str:
        """The session's token, for the API's own page; "" without a session."""
        ...

    def ready(self) -> Mapping[str, str]:
        """Checks of readiness: name → "ok" or what is wrong. Raises nothing."""
        ...
