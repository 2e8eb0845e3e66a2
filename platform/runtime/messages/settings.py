"""What an instance says about messages, as frozen values: servers, gateways, where mail lands, caps.

The wiring room makes them from `guanxi.yaml`. Secrets are never in a repr.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

Channel = Literal["email", "sms", "wecom"]
Security = Literal["starttls", "tls", "none"]
NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Smtp:
    """The relay that mail leaves through."""

    host: str
    port: int = 587
    tls: Security = "starttls"
    user: str = ""
    password: str = field(default="", repr=False)
    timeout: float = 20.0


@dataclass(frozen=True, slots=True)
class Imap:
    """The mailbox that mail is fetched from."""

    host: str
    port: int = 993
    tls: Security = "tls"
    user: str = ""
    password: str = field(default="", repr=False)
    folder: str = "INBOX"
    most: int = 50
    timeout: float = 20.0


@dataclass(frozen=True, slots=True)
class Inbound:
    """What is made of mail that matches no record: an object, and which of its fields take what."""

    object: str
    subject: str = ""
    body: str = ""
    sender: str = ""
    to: str = ""
    role: str = ""
    values: Mapping[str, Any] = field(default_factory=lambda: NOTHING)


@dataclass(frozen=True, slots=True)
class SmsGateway:
    """An HTTP gateway: a signed form in the manner of Aliyun, or any JSON body with `{to}`, `{text}` and `{id}`."""

    kind: Literal["aliyun", "json"]
    url: str
    key: str = ""
    secret: str = field(default="", repr=False)
    sign_name: str = ""
    template_code: str = ""
    body: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    headers: Mapping[str, str] = field(default_factory=lambda: NOTHING, repr=False)
    id_path: str = ""


@dataclass(frozen=True, slots=True)
class WeCom:
    """An application of the company in WeCom."""

    corp_id: str
    agent_id: int
    secret: str = field(default="", repr=False)
    url: str = "https://qyapi.weixin.qq.com"


@dataclass(frozen=True, slots=True)
class Cap:
    """At most `count` marketing messages to one address within `days`."""

    count: int
    days: int


DEFAULT_CAPS: Mapping[str, Cap] = MappingProxyType({"email": Cap(2, 30), "sms": Cap(2, 30)})


@dataclass(frozen=True, slots=True)
class MessageSettings:
    """Everything. Without `smtp` (or `sms`, `wecom`) messages of that channel are kept and shown, and nothing leaves.
    `url` is where people reach the instance, for links in messages; `secret` signs links.
    """

    name: str = "Guanxi"
    url: str = ""
    sender: str = ""
    reply_to: str = ""
    smtp: Smtp | None = None
    imap: Imap | None = None
    inbound: Inbound | None = None
    hook_token: str = field(default="", repr=False)
    sms: SmsGateway | None = None
    wecom: WeCom | None = None
    caps: Mapping[str, Cap] = field(default_factory=lambda: DEFAULT_CAPS)
    secret: bytes = field(default=b"guanxi", repr=False)
    max_megabytes: int = 25
