"""One entry of the trail: its values, its canonical bytes, and the hash that ties it to the entry before.

hash(n) = HMAC-SHA256(key, hash(n-1) + canonical(n)); the key comes from the instance's secret, so whoever can write
to the database but does not have the secret cannot make a hash that fits.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

COLUMNS = (
    "number",
    "at",
    "actor_id",
    "actor",
    "channel",
    "action",
    "object",
    "record_id",
    "outcome",
    "reason",
    "address",
    "request",
    "detail",
)
START = "0" * 64
LONGEST_TEXT = 500
LARGEST_DETAIL = 8_000
SECRET_NAMES = ("password", "secret", "token", "authorization", "cookie", "csrf", "otp", "totp", "api_key", "apikey")
HIDDEN = "***"


@dataclass(frozen=True, slots=True)
class Entry:
    """One act. `number` counts from 1 without gaps; `detail` is JSON text; `hash` is hexadecimal."""

    number: int
    at: str
    actor_id: int | None
    actor: str
    channel: str
    action: str
    object: str
    record_id: int | None
    outcome: str
    reason: str
    address: str
    request: str
    detail: str
    hash: str

    @classmethod
    def of_row(cls, row: Sequence[Any]) -> Entry:
        """From a row of COLUMNS and the hash."""
        return cls(*row)

    def values(self) -> tuple[Any, ...]:
        """The values of COLUMNS."""
        return tuple(getattr(self, name) for name in COLUMNS)

    def as_dict(self) -> dict[str, Any]:
        """JSON form, as the API and the export tell it."""
        shown = dict(zip(COLUMNS, self.values(), strict=True))
        shown["detail"] = orjson.loads(self.detail) if self.detail else {}
        return shown | {"hash": self.hash}


def chain_key(secret: bytes) -> bytes:
    """The key of the chain; other uses of the same secret have other keys."""
    return hmac.digest(secret, b"guanxi audit chain v1", "sha256")


def link(key: bytes, before: str, values: Sequence[Any]) -> str:
    """The hash of an entry with these values of COLUMNS that follows the entry with the hash `before`."""
    return hmac.new(key, before.encode("ascii") + orjson.dumps(list(values)), hashlib.sha256).hexdigest()


def seal(key: bytes, entries: int, last: str) -> str:
    """What proves that a head was written by the instance."""
    return hmac.new(key, f"head {entries} {last}".encode(), hashlib.sha256).hexdigest()


def detail_text(detail: Mapping[str, Any]) -> str:
    """Canonical JSON of a detail: keys sorted, long texts cut, nothing that is named like a secret."""
    if not detail:
        return "{}"
    text = orjson.dumps(_clean(detail), option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS, default=str).decode()
    if len(text) > LARGEST_DETAIL:
        return orjson.dumps({"cut": text[: LARGEST_DETAIL // 2]}).decode()
    return text


def _clean(value: Any, name: str = "") -> Any:
    if any(word in name.casefold() for word in SECRET_NAMES) and isinstance(value, str | bytes | list | dict):
        return HIDDEN
    if isinstance(value, Mapping):
        return {str(key): _clean(inner, str(key)) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(inner) for inner in (sorted(value, key=str) if isinstance(value, set | frozenset) else value)]
    return one_text(value) if isinstance(value, str) else value


def one_text(text: str) -> str:
    """A text that both engines store and a log line can hold: no surrogates, no control characters, not too long."""
    kept = text.encode("utf-8", "replace").decode("utf-8")
    kept = "".join(char if char.isprintable() else " " for char in kept)
    return kept if len(kept) <= LONGEST_TEXT else kept[: LONGEST_TEXT - 1] + "…"
