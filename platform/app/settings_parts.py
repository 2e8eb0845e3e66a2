"""The grammar of `guanxi.yaml` as models. Secrets are never in a repr; how they get in is told in `settings`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

SECRETS = frozenset({"secret", "previous_secret", "token", "password", "client_secret"})
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

    requests_per_minute: int = Field(default=6000, ge=1, le=10_000_000, description="Requests a minute of one person")
    requests_per_minute_per_address: int | None = Field(
        default=None, ge=1, le=100_000_000, description="Requests a minute from one address; ten times the person's"
    )
    login_tries_per_minute: int = Field(
        default=120, ge=1, le=10_000, description="Log-ins a minute from one address, right or wrong, in each process"
    )
    import_rows: int = Field(default=1_000_000, ge=1, description="Rows of one import file")
    upload_megabytes: int = Field(default=64, ge=1, le=4096, description="Size of an uploaded file")
    waiting_megabytes: int = Field(
        default=1024, ge=1, le=1_000_000, description="Files of one person that no record holds yet, together"
    )


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
    access_log: bool = Field(default=True, description="Whether every request is a line of the log")


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


def _mailbox(value: str) -> str:
    if not value or value.startswith(UNSET) or _MAILBOX.fullmatch(value):
        return value
    raise ValueError("an address is written crm@example.com or Name <crm@example.com>")


_MAILBOX = re.compile(r"(?:[^<>\r\n]{1,120} )?<?[^\s<>@,;]{1,64}@[^\s<>@,;]{1,253}>?")
Mailbox = Annotated[str, AfterValidator(_mailbox)]


class Smtp(Part):
    """The relay that mail leaves through."""

    host: str = Field(min_length=1, description="Name or address of the SMTP server")
    port: int = Field(default=587, ge=1, le=65535, description="Its port")
    tls: Literal["starttls", "tls", "none"] = Field(default="starttls", description="How the connection is protected")
    user: str = Field(default="", description="Log-in name")
    password: str = Field(default="", repr=False, description="Log-in password")


class Imap(Part):
    """The mailbox that mail is fetched from, every minute."""

    host: str = Field(min_length=1, description="Name or address of the IMAP server")
    port: int = Field(default=993, ge=1, le=65535, description="Its port")
    tls: Literal["starttls", "tls", "none"] = Field(default="tls", description="How the connection is protected")
    user: str = Field(default="", description="Log-in name")
    password: str = Field(default="", repr=False, description="Log-in password")
    folder: str = Field(default="INBOX", description="The folder that is read")


class Inbound(Part):
    """The record that is made of a new mail: an object, and which of its fields take what."""

    object: str = Field(description="The object, such as case")
    subject: str = Field(default="", description="The field that takes the subject")
    body: str = Field(default="", description="The field that takes the text")
    sender: str = Field(default="", alias="from", description="The field that takes the sender's address")
    to: str = Field(default="", description="The field that takes the address it was sent to")
    role: str = Field(default="", alias="as", description="A role whose rights alone make the record")
    values: Mapping[str, Any] = Field(default_factory=dict, description="Fixed values of further fields")


class Hook(Part):
    """The address /hooks/mail, for providers that deliver mail over HTTP."""

    secret: str = Field(min_length=16, repr=False, description="What callers prove themselves with")


class Incoming(Part):
    """A webhook that comes in at /hooks/NAME: signed (Standard Webhooks) or with a token, made into a record."""

    secret: str = Field(default="", repr=False, description="Signs what comes in (Standard Webhooks)")
    previous_secret: str = Field(default="", repr=False, description="Good besides, while a secret is changed")
    token: str = Field(default="", repr=False, description="Or: what comes in carries `Authorization: Bearer TOKEN`")
    object_: str = Field(default="", alias="object", description="The object that gets a record")
    key: tuple[str, ...] = Field(default=(), description="Fields that find the record to change")
    values: Mapping[str, Any] = Field(
        default_factory=dict, description="Field → path into the body (body.contact.name) or a fixed value"
    )
    as_: str = Field(default="", alias="as", description="The role whose rights the write has")

    @model_validator(mode="after")
    def _guarded(self) -> Incoming:
        if not (self.secret or self.token):
            raise ValueError("a hook has a secret or a token")
        if self.object_ and not self.as_:
            raise ValueError("a hook that writes records says 'as', the role whose rights it has")
        return self


class Mail(Part):
    """Mail out and in; without `smtp`, mail is kept and shown to administrators, and nothing leaves."""

    smtp: Smtp | None = None
    sink: Literal["local"] | None = Field(default=None, description="`local`: nothing leaves although there is a relay")
    sender: Mailbox = Field(default="", alias="from", description="The address mail comes from")
    reply_to: Mailbox = Field(default="", description="Where answers go; the address mail comes from when not given")
    imap: Imap | None = None
    inbound: Inbound | None = None
    hook: Hook | None = None
    megabytes: int = Field(default=25, ge=1, le=100, description="Size of a mail that is taken in")

    @model_validator(mode="after")
    def _sender_for_relay(self) -> Mail:
        if self.smtp is not None and not self.sender:
            raise ValueError("mail leaves through 'smtp' only with a 'from' address")
        return self


class Sms(Part):
    """The gateway of text messages; without one they are kept and shown."""

    gateway: Literal["aliyun", "json"] = Field(default="json", description="How the gateway is spoken to")
    url: Url | None = Field(default=None, description="Its address; Aliyun's own for aliyun when not given")
    key: str = Field(default="", description="aliyun: the access key's id")
    secret: str = Field(default="", repr=False, description="aliyun: the access key's secret; json: signs the body")
    sign_name: str = Field(default="", description="aliyun: the approved signature")
    template_code: str = Field(default="", description="aliyun: the approved template, with one parameter content")
    body: Mapping[str, Any] = Field(default_factory=dict, description="json: the body, with {to}, {text} and {id}")
    headers: Mapping[str, str] = Field(default_factory=dict, repr=False, description="json: further headers")
    id: str = Field(default="", description="json: where the message's id stands in the answer, such as data.id")


class WeCom(Part):
    """The company's application in WeCom."""

    corp_id: str = Field(min_length=1, description="The company's id")
    agent_id: int = Field(ge=1, description="The application's id")
    secret: str = Field(min_length=1, repr=False, description="The application's secret")
    url: Url = Field(default="https://qyapi.weixin.qq.com", description="The interface's address")


class Cap(Part):
    """How often one address may get marketing."""

    count: int = Field(ge=0, le=1000, description="At most so many messages")
    days: int = Field(ge=1, le=366, description="within so many days")


class Messages(Part):
    """Rules for all messages."""

    marketing_cap: Mapping[Literal["email", "sms", "wecom"], Cap] = Field(
        default_factory=dict, description="By channel; two in thirty days for e-mail and SMS when not given"
    )


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
    scopes: tuple[str, ...] = Field(default=("openid", "email", "profile"), description="Scopes asked for")
    name_claim: str = Field(default="preferred_username", description="The claim that names a new account")
    create: bool = Field(default=False, description="Whether an unknown person gets an account")
    roles: tuple[str, ...] = Field(default=(), description="Roles of accounts made so")
    role_claim: str = Field(default="", description="The claim that holds groups or roles, such as groups")
    role_map: Mapping[str, str] = Field(
        default_factory=dict, description="A value of role_claim → the role it gives; kept in step at every log-in"
    )


class RequiredFor(Part):
    """Roles whose people must have a second factor."""

    required_for: tuple[str, ...] = Field(min_length=1, description="Names of roles")


class Security(Part):
    """How people log in."""

    totp: Literal["off", "optional"] | RequiredFor = Field(
        default="optional", description="A second factor: off, optional, or required_for: [roles]"
    )
    session_idle_hours: float = Field(default=8, gt=0, le=720, description="Hours after which an unused session ends")
    session_days: float = Field(default=30, gt=0, le=365, description="Days after which every session ends")


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
    sms: Sms | None = None
    wecom: WeCom | None = None
    messages: Messages = Messages()
    url: Url | None = Field(default=None, description="Where people reach the instance, for links in messages")
    outbound: Outbound = Outbound()
    hooks: Mapping[str, Incoming] = Field(default_factory=dict, description="Webhooks that come in, by name")
    webhooks: Mapping[str, Webhook] = Field(default_factory=dict, description="Destinations by name")
    limits: Limits = Limits()
    server: Server = Server()
    audit: Auditing = Auditing()
    oidc: Oidc | None = None
    security: Security = Security()

    @property
    def zone(self) -> ZoneInfo:
        """The instance's zone."""
        return ZoneInfo(self.time_zone)
