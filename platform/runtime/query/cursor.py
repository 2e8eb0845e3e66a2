"""The cursor of a page: where it ended, as opaque text that only fits the list it came from.

It holds the sort values of the last row and its id, and a keyed check over them and the list's order, so that a cursor
of another sort, a cut or an altered one is refused instead of answering nonsense.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from hashlib import blake2b
from typing import Any

import orjson

from guanxi.common.errors import BadRequest

_CHECK = 10
LONGEST = 8_000


class Cursors:
    """Writes and reads cursors under one key; every worker of an instance needs the same key."""

    def __init__(self, secret: bytes) -> None:
        self._key = blake2b(secret, digest_size=32, person=b"guanxi-cursor").digest()

    def write(self, order: str, values: Sequence[Any]) -> str:
        """The cursor after a row; `order` names the list's order, `values` are driver values."""
        body = orjson.dumps([_packed(v) for v in values])
        return base64.urlsafe_b64encode(self._check(order, body) + body).rstrip(b"=").decode()

    def read(self, order: str, text: str, count: int) -> list[Any]:
        """The values of a cursor; BadRequest when it is not one of this order."""
        try:
            if len(text) > LONGEST:
                raise ValueError("too long")
            raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
            check, body = raw[:_CHECK], raw[_CHECK:]
            if not hmac.compare_digest(check, self._check(order, body)):
                raise ValueError("check")
            values = [_unpacked(v) for v in orjson.loads(body)]
        except (ValueError, TypeError, InvalidOperation, KeyError):
            values = []
        if len(values) != count:
            raise BadRequest("The cursor in 'after' does not belong to this list.", code="bad_cursor")
        return values

    def _check(self, order: str, body: bytes) -> bytes:
        return blake2b(order.encode() + b"\x00" + body, digest_size=_CHECK, key=self._key).digest()


def _packed(value: Any) -> Any:
    if isinstance(value, Decimal):
        return {"n": str(value)}
    if isinstance(value, datetime):
        return {"i": value.astimezone(UTC).isoformat()}
    if isinstance(value, date):
        return {"d": value.isoformat()}
    return {"t": value.isoformat()} if isinstance(value, time) else value


def _unpacked(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    ((kind, text),) = value.items()
    if kind == "n":
        return Decimal(text)
    return {"i": datetime, "d": date, "t": time}[kind].fromisoformat(text)  # type: ignore[attr-defined]
