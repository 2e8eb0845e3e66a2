"""The Standard Webhooks signature, both ways: `v1,<base64 HMAC-SHA256 of id.timestamp.body>`.

A secret that begins with `whsec_` is base64 after that; any other is taken as its bytes. While a secret is changed, a
message is signed with each and good with any.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

TOLERANCE = timedelta(minutes=5)
PREFIX = "whsec_"


def key_of(secret: str) -> bytes:
    """The bytes that sign."""
    if secret.startswith(PREFIX):
        try:
            return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
        except binascii.Error:
            return secret.encode()
    return secret.encode()


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """One signature with its version."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key_of(secret), signed, hashlib.sha256).digest()).decode()


def headers(secrets: Sequence[str], message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """The headers of a message; without secrets there is no signature."""
    stamp = int(at.timestamp())
    made = {"webhook-id": message_id, "webhook-timestamp": str(stamp)}
    if secrets:
        made["webhook-signature"] = " ".join(signature(secret, message_id, stamp, body) for secret in secrets)
    return made


def fault(secrets: Sequence[str], given: Mapping[str, str], now: datetime, body: bytes) -> str:
    """What is wrong with a message that came in, "" when it is good. Compares in constant time."""
    message_id, stamp = given.get("webhook-id", ""), given.get("webhook-timestamp", "")
    if not message_id or len(message_id) > 200 or not message_id.isprintable() or "." in message_id:
        return "webhook-id is missing or not usable"
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) < 13):
        return "webhook-timestamp is missing or not a number"
    if abs(now.timestamp() - int(stamp)) > TOLERANCE.total_seconds():
        return "webhook-timestamp is more than five minutes off"
    wanted = [signature(secret, message_id, int(stamp), body).encode() for secret in secrets]
    signatures = given.get("webhook-signature", "").encode().split(b" ")[:10]
    good = [hmac.compare_digest(one, mine) for one in signatures for mine in wanted]
    return "" if any(good) else "the signature does not hold"
