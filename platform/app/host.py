"""What the API and the screens ask of the wiring room, answered from one instance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

from flask import Request, session

from guanxi.common.errors import GuanxiError
from guanxi.registry import Registry
from guanxi.runtime.access.actor import Actor
from guanxi.runtime.api.caller import hold
from guanxi.runtime.api.host import People
from guanxi.runtime.api.host import Publisher as PublisherPort
from guanxi.runtime.audit import Audit
from guanxi.runtime.people import Credentials, Tokens
from guanxi.runtime.ports import Records
from guanxi.runtime.services import Services

from .instance import Instance
from .live import Live
from .publisher import Publisher

SESSION_USER = "user"
SESSION_BEGAN = "at"
SESSION_TOKEN = "csrf"  # noqa: S105


class PeopleDoor:
    """Log-in and tokens for the API."""

    def __init__(self, credentials: Credentials, tokens: Tokens) -> None:
        self.credentials = credentials
        self.tokens = tokens

    def authenticate(self, name: str, password: str, code: str = "") -> int | None:  # noqa: ARG002
        """See `runtime.api.host.People`."""
        return self.credentials.authenticate(name, password)

    def issue_token(self, user_id: int, *, name: str, days: int) -> tuple[str, datetime]:
        """See `runtime.api.host.People`."""
        return self.tokens.issue(user_id, name=name, days=days)

    def revoke_token(self, token: str) -> None:
        """See `runtime.api.host.People`."""
        self.tokens.revoke(token)


class Host:
    """One process serving one instance: the API's host and the source of the screens' services."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.live = Live(instance)
        self.credentials = Credentials(instance.database, instance.clock)
        self.tokens = Tokens(instance.database, instance.clock)
        self.people: People = PeopleDoor(self.credentials, self.tokens)
        self.publisher: PublisherPort = Publisher(instance, self.live)

    @cached_property
    def limits(self) -> Mapping[str, int]:
        """The instance's limits by name."""
        return self.instance.settings.limits.model_dump()

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
            bearer = self.tokens.find(token.strip())
            if bearer is None:
                return None
            services = self.live.services(bearer.version)
            hold(services)
            found = services.actors.load(bearer.user_id, bearer.revision)
        else:
            found = self.session_actor()
        if found is None:
            return None
        language = _language(request, self.languages)
        if language and language != found.language:
            return replace(found, language=language)
        return found

    def session_actor(self) -> Actor | None:
        """The person of the screens' session."""
        user = session.get(SESSION_USER)
        return self.actor_of(user, int(session.get(SESSION_BEGAN, 0))) if isinstance(user, int) else None

    def actor_of(self, user_id: int, began: int) -> Actor | None:
        """The person of a session begun at `began` (epoch seconds); None when the password changed since."""
        changed = self.credentials.changed_at(user_id)
        if not changed or datetime.fromisoformat(changed).timestamp() > began + 1:
            return None
        return self.services().actors.load(user_id)

    def csrf_ok(self, request: Request) -> bool:
        """A token in the Authorization header cannot be forged by another site; a session needs its own."""
        if request.headers.get("Authorization"):
            return True
        from secrets import compare_digest

        expected = session.get(SESSION_TOKEN)
        given = request.headers.get("X-CSRF-Token", "")
        return isinstance(expected, str) and compare_digest(given.encode(), expected.encode())

    def csrf_token(self) -> str:
        """The session's token, for the API's own page."""
        token = session.get(SESSION_TOKEN)
        return token if isinstance(token, str) else ""

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
        """The services as the screens see them."""
        return SiteBundle(self, self.services())


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

    def authenticate(self, name: str, password: str) -> int | None:
        """The user's id, or None."""
        return self.host.credentials.authenticate(name, password)

    def actor(self, user_id: int, signed_in_at: int, language: str) -> Actor | None:
        """The person of a session, speaking `language`."""
        found = self.host.actor_of(user_id, signed_in_at)
        return replace(found, language=language, channel="screen") if found else None


def _language(request: Request, languages: tuple[str, ...]) -> str:
    """The first language of Accept-Language that the instance has; "" without the header."""
    if "Accept-Language" not in request.headers:
        return ""
    return request.accept_languages.best_match([*languages, *(f"{one}-CN" for one in languages)], "")[:2]
