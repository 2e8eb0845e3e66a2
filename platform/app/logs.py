"""What the process writes to its log: one JSON object a line, without secrets, whatever a program or a person put in.

JSON has no raw line breaks, so no text can forge a line. Secrets are taken out twice: those of the instance are known
by value, those of people (bearer tokens, passwords in addresses, cookies, codes in a query) by their form.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, TextIO

import orjson

from guanxi.runtime.audit import place

HIDDEN = "***"
LONGEST = 8_000
SHORTEST_SECRET = 6
_FORMS = (
    (re.compile(r"\bgx_[A-Za-z0-9_-]{20,}"), HIDDEN),
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9+/=._~-]{6,}"), rf"\1 {HIDDEN}"),
    (re.compile(r"(//[^:/@\s]*):[^@/\s]+@"), rf"\1:{HIDDEN}@"),
    (
        re.compile(
            r"(?i)([\"']?(?:password|passwd|secret|token|api_?key|csrf_token|authorization|cookie|session)[\"']?\s*[=:]\s*)"
            r"(?:\"[^\"]*\"|'[^']*'|[^\s,;&}\"']+)"
        ),
        rf"\1{HIDDEN}",
    ),
    (re.compile(r"(/(?:invite|reset)/)[A-Za-z0-9_-]{8,}"), rf"\1{HIDDEN}"),
)


# What every form above has in it: a text without any of these is let through after one look.
_SUSPICIOUS = re.compile(r"(?i)gx_|bearer|basic|//|pass|secret|token|api_?key|author|cookie|session|/invite/|/reset/")


class Redaction:
    """Takes secrets out of texts."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = sorted({s for s in secrets if len(s) >= SHORTEST_SECRET}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    def __call__(self, text: str) -> str:
        """The text without secrets."""
        if self._known is not None:
            text = self._known.sub(HIDDEN, text)
        if _SUSPICIOUS.search(text):
            for form, instead in _FORMS:
                text = form.sub(instead, text)
        return text


class Lines(logging.Formatter):
    """A record as one line of JSON."""

    def __init__(self, redact: Redaction) -> None:
        super().__init__()
        self.redact = redact

    def format(self, record: logging.LogRecord) -> str:
        """See logging."""
        said = record.getMessage()
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line: dict[str, object] = {"at": at, "level": record.levelname.lower(), "log": record.name}
        if place.get().request:
            line["request"] = place.get().request
        access = getattr(record, "access", None)
        if isinstance(access, dict):
            line |= access | {"path": self._clean(access["path"]), "method": self._clean(access["method"])}
        else:
            line["message"] = self._clean(said)
        if record.exc_info:
            line["trace"] = self._clean(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False)

    def _clean(self, value: object) -> object:
        return self.redact(value[:LONGEST]) if isinstance(value, str) else value


class AccessLines:
    """Writes the line of a request straight to the log's stream: one a request, so it has to be cheap."""

    def __init__(self, handler: logging.StreamHandler[TextIO], redact: Redaction) -> None:
        self.handler = handler
        self.redact = redact
        self._second = 0
        self._prefix = ""

    def __call__(self, line: dict[str, Any]) -> None:
        """One request's line; `line` has its method and path as they came."""
        now = time.time()
        second = int(now)
        if second != self._second:
            self._second, self._prefix = second, datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S.")
        head = {"at": f"{self._prefix}{int(now % 1 * 1000):03d}Z", "level": "info", "log": "guanxi.access"}
        line["path"], line["method"] = self.redact(line["path"]), self.redact(line["method"])
        text = orjson.dumps(head | line).decode("utf-8", "replace") + "\n"
        handler = self.handler
        handler.acquire()
        try:
            handler.stream.write(text)
            handler.flush()
        except (OSError, ValueError):
            pass  # the log's end is gone; the request is not to fail for it
        finally:
            handler.release()


_access: list[AccessLines] = []


def access(line: dict[str, Any]) -> bool:
    """Log a request; False when nobody configured the log, and nothing was written."""
    for write in _access:
        write(line)
    return bool(_access)


def configure(secrets: Iterable[str] = (), stream: TextIO | None = None, level: int = logging.INFO) -> logging.Handler:
    """Send every log line to standard error (or `stream`) as JSON; replaces a handler this set before."""
    handler = logging.StreamHandler(stream or sys.stderr)
    redact = Redaction(secrets)
    handler.setFormatter(Lines(redact))
    handler.set_name("guanxi")
    root = logging.getLogger()
    for old in [one for one in root.handlers if one.get_name() == "guanxi"]:
        root.removeHandler(old)
    root.addHandler(handler)
    logging.getLogger("guanxi").setLevel(level)
    _access[:] = [AccessLines(handler, redact)]
    return handler
