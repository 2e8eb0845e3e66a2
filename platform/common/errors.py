"""What a running platform answers when it cannot do what was asked.

Every class knows its HTTP status so that no channel has to guess; messages name only what the caller may
know. A bad record is `Invalid` with one `FieldError` per fault.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as part
from typing import Any

RECORD_CODES: dict[str, str] = {
    "required": "A value must be given.",
    "type": "The value has the wrong type or form.",
    "choice": "The value is not one of the options.",
    "unique": "Another record has this value.",
    "reference": "The record referred to does not exist or is still referred to.",
    "rule": "A rule of the object does not hold.",
    "length": "The text is too long or too short.",
    "range": "The number or date is out of range.",
    "read_only": "The field cannot be written.",
    "forbidden": "The caller may not do this.",
    "unknown_field": "No field of this name exists.",
    "duplicate": "The record looks like one that exists.",
    "locked": "The record is locked by an approval.",
    "stale": "The record was changed since it was read.",
    "taken": "The record has been taken by somebody else.",
    "quota": "The quota is used up.",
    "holding_cap": "The caller holds as many records as allowed.",
    "cooldown": "The caller must wait before taking this record again.",
    "frozen": "The record cannot be taken yet.",
    "not_in_pool": "The record is not in a pool of the caller.",
    "running": "An approval is running.",
    "no_flow": "No approval flow fits.",
    "duty": "The roles together break a segregation of duties.",
    "stage": "The stage cannot be entered from where the record stands.",
}


@dataclass(frozen=True, slots=True)
class FieldError:
    """One fault of a record: `field` is a field name, or "" for the record as a whole."""

    field: str
    code: str
    message: str
    match: Mapping[str, Any] | None = part(default=None, compare=False)
    """What a `duplicate` was found to be like, as far as the caller may know."""

    def as_dict(self) -> dict[str, Any]:
        """JSON form of RFC 9457's `errors` extension."""
        said: dict[str, Any] = {"field": self.field, "code": self.code, "message": self.message}
        return said if self.match is None else said | {"match": dict(self.match)}


class GuanxiError(Exception):
    """Base of everything the platform answers on purpose."""

    status = 400
    title = "Bad request"
    code = "bad_request"

    def __init__(self, detail: str = "", *, code: str = "", hint: str = "") -> None:
        self.detail = detail or self.title
        self.code = code or self.code
        self.hint = hint
        super().__init__(self.detail)


class BadRequest(GuanxiError):
    """The request itself is malformed; `position` is line:column inside an expression, when it is one."""

    def __init__(self, detail: str, *, code: str = "bad_request", hint: str = "", position: str = "") -> None:
        super().__init__(detail, code=code, hint=hint)
        self.position = position


class Unauthorized(GuanxiError):
    """Nobody is logged in, or the credentials do not hold."""

    status, title, code = 401, "Log in first", "unauthorized"


class Forbidden(GuanxiError):
    """The caller sees the thing but may not do this with it."""

    status, title, code = 403, "Not allowed", "forbidden"


class NotFound(GuanxiError):
    """It does not exist, or the caller may not know that it does."""

    status, title, code = 404, "Not found", "not_found"


class Merged(NotFound):
    """The record went into another one, which the caller may read."""

    title, code = "Merged into another record", "merged"

    def __init__(self, into: int) -> None:
        super().__init__(f"The record was merged into #{into}.")
        self.into = into


class Conflict(GuanxiError):
    """The state does not allow it now (taken, locked, running, stale plan)."""

    status, title, code = 409, "Conflict", "conflict"


class Stale(GuanxiError):
    """The version the change was made from is not the current one."""

    status, title, code = 412, "The record was changed meanwhile", "stale"

    def __init__(self, current_version: int) -> None:
        super().__init__(f"The current version is {current_version}.")
        self.current_version = current_version


class TooLarge(GuanxiError):
    """A size limit is passed."""

    status, title, code = 413, "Too large", "too_large"


class PreconditionRequired(GuanxiError):
    """The object is strict: a change must name the version it was made from."""

    status, title, code = 428, "Name the version (If-Match)", "precondition_required"


class TooManyRequests(GuanxiError):
    """A rate limit is passed; `retry_after` in seconds."""

    status, title, code = 429, "Too many requests", "rate_limit"

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"Try again in {retry_after} s.")
        self.retry_after = retry_after


class Unavailable(GuanxiError):
    """A resource the platform needs cannot be used now (disk full, database away)."""

    status, title, code = 503, "Try again later", "unavailable"


class Invalid(GuanxiError):
    """The record is refused; nothing was written."""

    status, title, code = 422, "The record is not valid", "invalid"

    def __init__(self, errors: Sequence[FieldError]) -> None:
        self.errors = tuple(errors)
        super().__init__("; ".join(f"{e.field}: {e.message}" if e.field else e.message for e in self.errors))
