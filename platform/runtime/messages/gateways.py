"""Text messages: a gateway signed in the manner of Aliyun, or any that takes a JSON body; both over checked requests.

An adapter has one method, `send`, that gives the provider's id of the message and raises Permanent or Temporary.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from urllib.parse import quote, urlencode

from .outcome import Permanent, Temporary
from .settings import SmsGateway

MOST_ANSWER = 64 * 1024
_LATER = frozenset((408, 425, 429))
_LIMITS = ("isv.BUSINESS_LIMIT_CONTROL", "isp.SYSTEM_ERROR", "isp.RAM_PERMISSION_DENY", "ServiceUnavailable")


@dataclass(frozen=True, slots=True)
class Short:
    """A message of one short text. `key` is the same at every try."""

    to: str
    text: str
    key: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back over HTTP."""

    status: int
    body: bytes


class Http(Protocol):
    """Requests that may only go where the instance allows. Raises Permanent (never allowed) or Temporary."""

    def __call__(self, method: str, url: str, *, headers: Mapping[str, str], body: bytes) -> Answer:
        """One request, redirects not followed."""
        ...


class Adapter(Protocol):
    """A way out of one channel."""

    def send(self, message: Short, now: datetime) -> str:
        """Send; gives the provider's id of the message."""
        ...


def json_of(answer: Answer) -> dict[str, Any]:
    """The answer's JSON object. Raises Temporary when it is none."""
    try:
        found = json.loads(answer.body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Temporary(f"the gateway answered {answer.status} without JSON")
    return found


class AliyunSms:
    """SendSms of Aliyun's short message service (2017-05-25), signed HMAC-SHA1. The approved template gets the text as
    its parameter `content`.
    """

    def __init__(self, gateway: SmsGateway, http: Http) -> None:
        self.gateway = gateway
        self.http = http

    def send(self, message: Short, now: datetime) -> str:
        """See Adapter."""
        params = {
            "AccessKeyId": self.gateway.key,
            "Action": "SendSms",
            "Format": "JSON",
            "OutId": message.key,
            "PhoneNumbers": message.to.removeprefix("+86").lstrip("+"),
            "RegionId": "cn-hangzhou",
            "SignName": self.gateway.sign_name,
            "SignatureMethod": "HMAC-SHA1",
            "SignatureNonce": hashlib.sha256(f"{message.key}{now.isoformat()}".encode()).hexdigest()[:32],
            "SignatureVersion": "1.0",
            "TemplateCode": self.gateway.template_code,
            "TemplateParam": json.dumps({"content": message.text}, ensure_ascii=False),
            "Timestamp": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "Version": "2017-05-25",
        }
        params["Signature"] = signature(params, self.gateway.secret, "POST")
        answer = self.http(
            "POST",
            self.gateway.url,
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            body=urlencode(params).encode(),
        )
        said = json_of(answer)
        code = str(said.get("Code", ""))
        if code == "OK":
            return str(said.get("BizId") or said.get("RequestId") or "")
        if code.startswith(("Throttling", *_LIMITS)) or answer.status >= 500:
            raise Temporary(f"the gateway answered {code or answer.status}", timedelta(minutes=1))
        raise Permanent(f"the gateway answered {code or answer.status}", bounced=code == "isv.MOBILE_NUMBER_ILLEGAL")


def signature(params: Mapping[str, str], secret: str, method: str) -> str:
    """Aliyun's signature of sorted parameters."""
    pairs = "&".join(f"{quote(k, safe='~')}={quote(params[k], safe='~')}" for k in sorted(params) if k != "Signature")
    text = f"{method}&%2F&{quote(pairs, safe='~')}"
    return b64encode(hmac.new(f"{secret}&".encode(), text.encode(), hashlib.sha1).digest()).decode()


class JsonSms:
    """A gateway that takes JSON: the configured body with {to}, {text} and {id} filled in, signed in `X-Signature`
    (HMAC-SHA256 of the body, hex) when there is a secret. `id_path` leads to the message's id in the answer.
    """

    def __init__(self, gateway: SmsGateway, http: Http) -> None:
        self.gateway = gateway
        self.http = http

    def send(self, message: Short, now: datetime) -> str:  # noqa: ARG002 (the adapters' one interface)
        """See Adapter."""
        places = {"{to}": message.to, "{text}": message.text, "{id}": message.key}
        body = json.dumps(_put(self.gateway.body or {"to": "{to}", "text": "{text}", "id": "{id}"}, places)).encode()
        headers = {"Content-Type": "application/json", "Idempotency-Key": message.key, **self.gateway.headers}
        if self.gateway.secret:
            headers["X-Signature"] = hmac.new(self.gateway.secret.encode(), body, hashlib.sha256).hexdigest()
        answer = self.http("POST", self.gateway.url, headers=headers, body=body)
        if answer.status in _LATER or answer.status >= 500:
            raise Temporary(
                f"the gateway answered {answer.status}", timedelta(minutes=1) if answer.status == 429 else None
            )
        if answer.status >= 300:
            raise Permanent(f"the gateway answered {answer.status}")
        found: Any = json_of(answer) if self.gateway.id_path else ""
        for step in filter(None, self.gateway.id_path.split(".")):
            found = found.get(step, "") if isinstance(found, dict) else ""
        return str(found)[:200]


def _put(value: Any, places: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _put(one, places) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_put(one, places) for one in value]
    if isinstance(value, str):
        if value in places:
            return places[value]
        for place, text in places.items():
            value = value.replace(place, text) if place != "{text}" else value
        return value.replace("{text}", places["{text}"])
    return value


def sms_adapter(gateway: SmsGateway, http: Http) -> Adapter:
    """The adapter of a gateway."""
    return AliyunSms(gateway, http) if gateway.kind == "aliyun" else JsonSms(gateway, http)
