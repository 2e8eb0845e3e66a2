"""The grammar of `guanxi.yaml` as models. Secrets are never in a repr; how they get in is told in `settings`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

SECRETS = frozenset({"secret", "previous_secret", "password", "client_secret"})
"""Keys that may be given as `<key>_file` and are warned about when they stand in the file."""


UNSET = "${"
"""How a text begins whose variable is not set: the one fault of it is reported where it is read."""


_HOST = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_.-]{0,251}[a-z0-9_])?|\[[0-9a-f:.]{2,45}\])\Z")


class Part(BaseModel):
    """Base of every map in the file: unknown keys refused, frozen, numbers as texts accepted where text is meant."""

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"there is no time zone '{value}'") from None
    return value


def _database(value: str) -> str:
    if not value.startswith(("sqlite:///", "postgresql://", "postgres://", UNSET)):
        raise ValueError("a database is written sqlite:///path or postgresql://user@host/name")
    return value


def _web(value: str) -> str:
    if not value.startswith(("http://", "https://", UNSET)):
        raise ValueError("an address begins with http:// or https://")
    return value


Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}([_-][A-Za-z]{2,8})*$")]
Zone = Annotated[str, AfterValidator(_zone)]
DatabaseUrl = Annotated[str, AfterValidator(_database)]
Url = Annotated[str, AfterValidator(_web)]
Event = Annotated[str, Field(pattern=r"^([a-z][a-z0-9_]*|\*)\.(created|updated|deleted|restored|purged|\*)$")]


class Limits(Part):
    """What one caller or one request may use; see docs/reference/limits.md."""

    requests_per_minute: int = Field(
        default=6000, ge=1, le=10_000_000, description="Requests a minute, per caller and address"
    )
    login_tries_per_minute: int = Field(
        default=20, ge=1, le=10_000, description="Log-in tries a minute, per address and name"
    )
    import_rows: int = Field(default=1_000_000, ge=1, description="Rows of one import file")
    upload_megabytes: int = Field(default=64, ge=1, le=4096, description="Size of an uploaded file")


def _host(value: str) -> str:
    name = value.removeprefix("*.") or "-"
    if value != "*" and not (value.startswith(UNSET) or _HOST.match(name.lower())):
        raise ValueError(f"'{value}' is not a host name: write crm.example.com, *.example.com or *, without a port")
    return value


class Server(Part):
    """Where the instance is reached; see docs/reference/security.md."""

    hosts: tuple[Annotated[str, AfterValidator(_host)], ...] = Field(
        default=(), description="Host names it answers to; without them the loopback names and the address served on"
    )
    proxies: int = Field(
        default=0, ge=0, le=10, description="Proxies before it whose X-Forwarded-For, -Proto and -Host are believed"
    )


class Auditing(Part):
    """What the audit trail asks for."""

    export_reason: bool = Field(default=False, description="Whether an export must say what it is for")


class Outbound(Part):
    """Addresses that requests from the server may go to besides public ones."""

    allow: tuple[str, ...] = Field(default=(), description="Host names, addresses or networks such as 10.0.0.0/8")


class Webhook(Part):
    """A destination that automations name."""

    url: Url = Field(description="Where requests go")
    secret: str = Field(default="", repr=False, description="Signs every request (Standard Webhooks)")
    previous_secret: str = Field(
        default="", repr=False, description="Signs besides, while the other side learns a new secret"
    )
    on: tuple[Event, ...] = Field(default=(), description="Events sent by themselves: customer.created, deal.*")
    fields: tuple[str, ...] = Field(default=(), description="Fields of the record that go along with an event")
    as_: str = Field(default="", alias="as", description="A role whose rights decide what may go along")
    headers: Mapping[str, str] = Field(default_factory=dict, repr=False, description="Sent with every request")
    at_once: int = Field(default=4, ge=1, le=64, description="Requests under way at the same time")


class Mail(Part):
    """The server that mail leaves through; without a host, mail is kept and shown to administrators."""

    host: str = Field(default="", description="Name or address of the SMTP server")
    port: int = Field(default=587, ge=1, le=65535, description="Port of the SMTP server")
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="How the connection is protected"
    )
    user: str = Field(default="", description="Log-in name")
    password: str = Field(default="", repr=False, description="Log-in password")
    sender: str = Field(default="", alias="from", description="The address mail comes from")


class Sms(Part):
    """Text messages leave through a webhook of this instance."""

    webhook: str = Field(default="", description="The name of a webhook; without it, messages are kept")


class Jobs(Part):
    """Background work."""

    workers: int = Field(default=4, ge=1, le=64, description="Threads of the worker")
    storage: Literal["", "sqlite", "postgresql", "redis"] = Field(
        default="", description="What carries the word that work is due; the database's own kind when not given"
    )
    url: str = Field(
        default="",
        repr=False,
        description="redis://…, postgresql://… or sqlite:///path; the database, or data/jobs.db, when not given",
    )
    keep_days: int = Field(default=30, ge=1, le=3650, description="How long ended jobs and deliveries are kept")


class Oidc(Part):
    """Single sign-on with an OpenID Connect provider."""

    issuer: Url = Field(description="The provider's issuer address")
    client_id: str = Field(description="This instance as the provider knows it")
    client_secret: str = Field(default="", repr=False, description="The secret given by the provider")
    label: str = Field(default="", description="What the log-in button says")
    name_claim: str = Field(default="preferred_username", description="The claim that holds the log-in name")
    create_users: bool = Field(default=False, description="Whether an unknown person gets an account")
    roles: tuple[str, ...] = Field(default=(), description="Roles of accounts made so")


class Settings(Part):
    """One instance. Relative paths count from the instance's folder."""

    name: str = Field(default="Guanxi", max_length=200, description="Shown as the product's name")
    languages: tuple[Language, ...] = Field(
        default=("en", "zh"), min_length=1, description="Languages, the default first"
    )
    time_zone: Zone = Field(default="Asia/Shanghai", description="Zone of people who did not choose one")
    currency: str = Field(
        default="CNY", pattern=r"^[A-Z]{3}$", description="ISO 4217 code for money without a currency"
    )
    packs: tuple[str, ...] = Field(default=(), description="Packs by name, or folders that begin with . or /")
    database: DatabaseUrl = Field(
        default="sqlite:///data/guanxi.db", repr=False, description="sqlite:///path or postgresql://…"
    )
    jobs: Jobs = Jobs()
    mail: Mail = Mail()
    sms: Sms = Sms()
    outbound: Outbound = Outbound()
    webhooks: Mapping[str, Webhook] = Field(default_factory=dict, description="Destinations by name")
    limits: Limits = Limits()
    server: Server = Server()
    audit: Auditing = Auditing()
    oidc: Oidc | None = None

    @property
    def zone(self) -> ZoneInfo:
        """The instance's zone."""
        return ZoneInfo(self.time_zone)
