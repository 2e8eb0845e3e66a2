"""What a form signs: the moment its page was made, and personal links about one record.

Both say nothing that a visitor could change; neither needs a cookie. A link carries its own end and a number that is
used up once where the form says so.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from itsdangerous import BadSignature, URLSafeSerializer

from guanxi.common.errors import GuanxiError, NotFound

LONGEST = 1_000
PAGE_HOURS = 24


class LinkOver(GuanxiError):
    """A personal link that was used or has ended."""

    status, title, code = 410, "This link is over", "link_over"


@dataclass(frozen=True, slots=True)
class Link:
    """What a personal link says: the record, and the number that is used up."""

    form: str
    object: str
    record_id: int
    number: str
    until: int


class Tokens:
    """See the module; `secret` is the instance's."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._starts = URLSafeSerializer(secret, salt="guanxi.form.start")
        self._links = URLSafeSerializer(secret, salt="guanxi.form.link")

    def start(self, form: str, now: datetime) -> str:
        """The mark of a page made now."""
        return str(self._starts.dumps([form, int(now.timestamp())]))

    def age(self, form: str, token: str, now: datetime) -> float | None:
        """Seconds since the page was made; None when the mark is not ours or is older than a day."""
        try:
            made_for, at = self._starts.loads(token[:LONGEST])
        except (BadSignature, ValueError, TypeError):
            return None
        if made_for != form or not isinstance(at, int):
            return None
        passed = now.timestamp() - at
        return passed if -60 <= passed <= PAGE_HOURS * 3600 else None

    def link(self, form: str, object_name: str, record_id: int, now: datetime, days: int) -> str:
        """A personal link's token."""
        until = int((now + timedelta(days=days)).timestamp())
        return str(self._links.dumps([form, object_name, record_id, secrets.token_urlsafe(9), until]))

    def read_link(self, form: str, token: str, now: datetime) -> Link:
        """What a token says. NotFound when it was not made here for this form, LinkOver when it has ended."""
        try:
            found = Link(*self._links.loads(token[:LONGEST]))
        except (BadSignature, ValueError, TypeError):
            raise NotFound("This link is not complete. Copy it whole from the message.") from None
        if found.form != form:
            raise NotFound("This link is not complete. Copy it whole from the message.")
        if found.until < now.timestamp():
            raise LinkOver("This link has ended.")
        return found

    def address(self, address: str) -> str:
        """An address as it is kept: enough to know it again, not to know it."""
        return hmac.new(self._secret, f"form:{address}".encode(), hashlib.sha256).hexdigest()[:32]

    def digest(self, *parts: Any) -> str:
        """What tells equal contents."""
        text = json.dumps(parts, sort_keys=True, default=str, ensure_ascii=False)
        return hmac.new(self._secret, text.encode("utf-8", "replace"), hashlib.sha256).hexdigest()[:32]
