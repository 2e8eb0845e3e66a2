"""What the API and the screens ask of the wiring room, answered from one instance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from secrets import compare_digest
from typing import TYPE_CHECKING

from flask import Request, Response, g, has_request_context
from flask import request as flask_request

from guanxi.common.errors import GuanxiError
from guanxi.registry import Registry
from guanxi.runtime.access.actor import Actor
from guanxi.runtime.access.grants import AccessTable
from guanxi.runtime.api.caller import hold
from guanxi.runtime.api.host import Publisher as PublisherPort
from guanxi.runtime.approvals.service import ApprovalService
from guanxi.runtime.audit import Audit
from guanxi.runtime.dashboards import DashboardService
from guanxi.runtime.messages.room import Messaging
from guanxi.runtime.people.scopes import narrowed
from guanxi.runtime.people.service import AccountService
from guanxi.runtime.people.sessions import Session
from guanxi.runtime.ports import Records
from guanxi.runtime.services import Services
from guanxi.runtime.sla.views import ClockService

from .account_settings import account_settings
from .instance import Instance
from .live import Live
from .publisher import Publisher
from .queue import make_engine

if TYPE_CHECKING:
    from guanxi.runtime.jobs.desk import Desk
    from guanxi.runtime.jobs.engine import Engine

COOKIE = "guanxi_session"
SECURE_COOKIE = "__Host-guanxi_session"


class Host:
    """One process serving one instance: the API's host and the source of the screens' services."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.live = Live(instance)
        self.accounts = AccountService(instance.database, instance.clock, account_settings(instance), instance.audit)
        self.publisher: PublisherPort = Publisher(instance, self.live)

    @cached_property
    def engine(self) -> Engine:
        """Background work: told of it here, done here only where the application says so."""
        return make_engine(self.instance, self.services)

    @cached_property
    def limits(self) -> Mapping[str, int]:
        """The instance's limits by name."""
        return self.instance.settings.limits.model_dump(exclude_none=True)

    @property
    def export_reason(self) -> bool:
        """Whether an export must say what it is for."""
        return self.instance.settings.audit.export_reason

    @property
    def languages(self) -> tuple[str, ...]:
        """Languages of the instance, the default first."""
        return tuple(self.instance.settings.languages)

    def services(self) -> Services:
        """The services of the version published now."""
        return self.live.services()

    def identify(self, request: Request) -> Actor | None:
        """A bearer token's person, else the session's; None when nobody is logged in or the token is dead."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme:
            if scheme.lower() != "bearer":
                return None
            bearer = self.accounts.tokens.find(token.strip())
            if bearer is None:
                return None
            services = self.live.services(bearer.version)
            hold(services)
            found = services.actors.load(bearer.user_id, bearer.revision)
            if found is not None:
                found = narrowed(found, bearer.scopes)
        else:
            held = self.session_of(request)
            found = self.actor_of(held) if held is not None and not held.must else None
        if found is None:
            return None
        language = _language(request, self.languages)
        if language and language != found.language:
            found = replace(found, language=language)
        return replace(found, address=request.remote_addr or "")

    # sessions ----------------------------------------------------------------------------------------
    def secure(self, request: Request) -> bool:
        """True when the browser speaks TLS, to us or to what stands before us."""
        return request.is_secure or (self.instance.settings.url or "").startswith("https://")

    def session_of(self, request: Request) -> Session | None:
        """The screens' session of a request; asked once."""
        if "guanxi_session" not in g:
            token = request.cookies.get(SECURE_COOKIE if self.secure(request) else COOKIE, "")
            g.guanxi_session = self.accounts.sessions.find(token) if token else None
        found: Session | None = g.guanxi_session
        return found

    def begin_session(
        self, request: Request, response: Response, user_id: int, must: tuple[str, ...], how: str
    ) -> None:
        """A new session in place of the one there may be, its id in a cookie of the response."""
        self.end_session(request, response)
        agent = request.headers.get("User-Agent", "")
        address = request.remote_addr or ""
        token = self.accounts.sessions.begin(user_id, address=address, agent=agent, must=must, how=how)
        self._set_cookie(request, response, token)

    def rotate_session(self, request: Request, response: Response) -> None:
        """A new id for the session of this request."""
        held = self.session_of(request)
        if held is not None:
            self._set_cookie(request, response, self.accounts.sessions.rotate(held))

    def end_session(self, request: Request, response: Response) -> None:
        """End the session of a request and take its cookie away."""
        name = SECURE_COOKIE if self.secure(request) else COOKIE
        if token := request.cookies.get(name, ""):
            self.accounts.sessions.end(token)
        response.delete_cookie(name, secure=self.secure(request), httponly=True, samesite="Lax")

    def _set_cookie(self, request: Request, response: Response, token: str) -> None:
        secure = self.secure(request)
        age = int(self.accounts.settings.longest.total_seconds())
        name = SECURE_COOKIE if secure else COOKIE
        response.set_cookie(name, token, max_age=age, secure=secure, httponly=True, samesite="Lax", path="/")

    def actor_of(self, held: Session) -> Actor | None:
        """The person of a living session; None when the account no longer holds."""
        services = self.live.services(held.version)
        hold(services)
        return services.actors.load(held.user_id, held.revision)

    def csrf_ok(self, request: Request) -> bool:
        """A token in the Authorization header cannot be forged by another site; a session needs its own."""
        if request.headers.get("Authorization"):
            return True
        held = self.session_of(request)
        given = request.headers.get("X-CSRF-Token", "")
        return held is not None and compare_digest(given.encode(), held.csrf.encode())

    def csrf_token(self) -> str:
        """The session's token, for the API's own page."""
        held = self.session_of(flask_request)
        return held.csrf if held is not None else ""

    def ready(self) -> Mapping[str, str]:
        """Whether the database answers and a version is in use."""
        checks = {}
        try:
            self.instance.database.one("SELECT 1")
            checks["database"] = "ok"
            self.services()
            checks["metadata"] = "ok"
        except (GuanxiError, OSError) as fault:
            checks.setdefault("database", type(fault).__name__)
            checks.setdefault("metadata", "unknown")
        return checks

    def site(self) -> SiteBundle:
        """The services as the screens see them, of the version that was read with the session."""
        held = self.session_of(flask_request) if has_request_context() else None
        return SiteBundle(self, self.live.services(held.version) if held is not None else self.services())


@dataclass(frozen=True)
class SiteBundle:
    """`guanxi.admin.ports.SiteServices` for one version."""

    host: Host
    services: Services

    @property
    def registry(self) -> Registry:
        """All definitions of this version."""
        return self.services.registry

    @property
    def records(self) -> Records:
        """The one door to records."""
        return self.services.records

    @property
    def background(self) -> Desk:
        """Background work for operators."""
        from guanxi.runtime.jobs.desk import Desk

        return Desk(self.services, self.host.engine)

    @property
    def approvals(self) -> ApprovalService:
        """Inboxes, single approvals, acts on them."""
        return self.services.approvals

    @property
    def messaging(self) -> Messaging:
        """Notices, messages, consent."""
        return self.services.messaging

    @property
    def clocks(self) -> ClockService:
        """Clocks of service levels."""
        return self.services.clocks

    @property
    def access(self) -> AccessTable:
        """Rights of every set of roles."""
        return self.services.access

    @property
    def dashboards(self) -> DashboardService:
        """Pages of figures."""
        return self.services.dashboards

    @property
    def audit(self) -> Audit:
        """The trail of acts that matter."""
        return self.services.audit

    @property
    def version(self) -> int:
        """The published version's number."""
        return self.services.version

    @property
    def name(self) -> str:
        """The instance's name."""
        return self.host.instance.settings.name

    @property
    def export_reason(self) -> bool:
        """Whether an export must say what it is for."""
        return self.host.export_reason

    @property
    def languages(self) -> tuple[str, ...]:
        """Languages of the instance."""
        return self.host.languages

    @property
    def accounts(self) -> AccountService:
        """Log-in, passwords, second factors, tokens, sessions."""
        return self.host.accounts

    @property
    def door(self) -> Host:
        """Sessions and their cookies."""
        return self.host

    def person(self, user_id: int) -> Actor | None:
        """The actor of an active user, or None."""
        return self.services.actors.load(user_id)

    def actor(self, held: Session, language: str) -> Actor | None:
        """The person of a session, speaking `language`."""
        found = self.services.actors.load(held.user_id, held.revision)
        if found is None:
            return None
        return replace(found, language=language, channel="screen", address=flask_request.remote_addr or "")


def _language(request: Request, languages: tuple[str, ...]) -> str:
    """The first language of Accept-Language that the instance has; "" without the header."""
    if "Accept-Language" not in request.headers:
        return ""
    return request.accept_languages.best_match([*languages, *(f"{one}-CN" for one in languages)], "")[:2]
