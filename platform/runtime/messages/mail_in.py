"""Raw mail into a frozen value, within limits: nobody's mail can cost more than its size, and no part is trusted.

Parsed by the standard library's default policy, which follows the standards and repairs what breaks them. HTML is
cleaned, text stands first. What a machine answered is told from what a person wrote; a report of non-delivery says
which address of which of our messages it is about.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.errors import MessageError
from email.message import EmailMessage, Message
from email.parser import BytesParser
from email.utils import getaddresses, parsedate_to_datetime
from typing import Any, Literal

from guanxi.common.errors import BadRequest, TooLarge
from guanxi.common.text import text_fault

from .addresses import email_of, one_line
from .html import clean_foreign, text_of

MOST_PARTS = 200
MOST_DEEP = 20
MOST_FILES = 20
MOST_TEXT = 200_000
MOST_IDS = 50
_ID = re.compile(r"<[^<>\s]{1,500}>")
_JSON_HEADERS = (
    ("From", "from"),
    ("To", "to"),
    ("Cc", "cc"),
    ("Subject", "subject"),
    ("Message-ID", "message_id"),
    ("In-Reply-To", "in_reply_to"),
    ("References", "references"),
    ("Date", "date"),
)
_BULK = frozenset(("bulk", "junk", "list", "auto_reply"))
_REPLY_MARKS = ("x-autoreply", "x-autorespond", "x-auto-reply")


@dataclass(frozen=True, slots=True)
class Bounce:
    """A report of non-delivery: the address it names, whether for good, and the Message-ID of what was sent."""

    address: str
    permanent: bool
    original: str
    said: str


@dataclass(frozen=True, slots=True)
class Piece:
    """An attached file."""

    name: str
    type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Incoming:
    """One mail as it is kept. `nature` is person, automatic (an answer or list made by a machine) or bounce."""

    message_id: str
    sender: str
    sender_name: str
    recipients: tuple[str, ...]
    subject: str
    text: str
    html: str
    at: datetime | None
    in_reply_to: str
    references: tuple[str, ...]
    nature: Literal["person", "automatic", "bounce"]
    bounce: Bounce | None
    files: tuple[Piece, ...]


def parse(raw: bytes, most: int) -> Incoming:
    """A mail. Raises TooLarge or BadRequest."""
    if len(raw) > most:
        raise TooLarge(f"A mail has at most {most:,} bytes.")
    try:
        mail = BytesParser(policy=policy.default).parsebytes(raw)
        parts = list(_parts(mail))
        return _read(mail, parts, raw)
    except (MessageError, LookupError, ValueError, RecursionError, AttributeError, IndexError, TypeError) as fault:
        raise BadRequest(f"The mail cannot be read: {type(fault).__name__}.", code="mail") from None


def _parts(mail: Message, depth: int = 0) -> Iterator[EmailMessage]:
    """Parts in order, without walking into attached mails; bounded in number and depth."""
    waiting: list[tuple[Message, int]] = [(mail, depth)]
    count = 0
    while waiting:
        part, deep = waiting.pop(0)
        count += 1
        if count > MOST_PARTS or deep > MOST_DEEP:
            raise BadRequest(f"A mail has at most {MOST_PARTS} parts, {MOST_DEEP} deep.", code="mail")
        if part.get_content_maintype() == "multipart":
            inner = part.get_payload()
            waiting = (
                [(one, deep + 1) for one in inner if isinstance(one, Message)] + waiting
                if isinstance(inner, list)
                else waiting
            )
        else:
            yield part  # type: ignore[misc]


def _read(mail: Message, parts: list[EmailMessage], raw: bytes) -> Incoming:
    senders = getaddresses([_header(mail, "From")])
    sender = email_of(senders[0][1]) if senders else ""
    text, html = _bodies(parts)
    bounce = _bounce(mail, parts)
    said_id = _ID.search(_header(mail, "Message-ID"))
    return Incoming(
        message_id=said_id.group() if said_id else f"<{hashlib.sha256(raw).hexdigest()}@received.invalid>",
        sender=sender,
        sender_name=_clean(one_line(senders[0][0]) if senders else "")[:200],
        recipients=_recipients(mail),
        subject=_clean(one_line(_header(mail, "Subject")))[:400],
        text=text,
        html=html,
        at=_date(mail),
        in_reply_to=next(iter(_ID.findall(_header(mail, "In-Reply-To"))), ""),
        references=tuple(_ID.findall(_header(mail, "References"))[-MOST_IDS:]),
        nature="bounce" if bounce is not None else ("automatic" if _automatic(mail, sender) else "person"),
        bounce=bounce,
        files=tuple(_files(parts)),
    )


def _header(mail: Message, name: str) -> str:
    try:
        value = mail.get(name)
    except (ValueError, LookupError, AttributeError, IndexError, TypeError):  # a header that the parser cannot stand
        return ""
    return str(value) if value is not None else ""


def _clean(text: str) -> str:
    """A text that can be kept: no NUL, no lone surrogates."""
    if text_fault(text) is None or not text_fault(text):
        return text
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def _recipients(mail: Message) -> tuple[str, ...]:
    names = ("To", "Cc", "Delivered-To", "X-Original-To", "Envelope-To")
    headers = [str(one) for name in names for one in (_all(mail, name))]
    return tuple(dict.fromkeys(found for _, one in getaddresses(headers[:50]) if (found := email_of(one))))[:100]


def _all(mail: Message, name: str) -> list[Any]:
    try:
        return list(mail.get_all(name, []))
    except (ValueError, LookupError, AttributeError, IndexError, TypeError):
        return []


def _date(mail: Message) -> datetime | None:
    try:
        found = parsedate_to_datetime(_header(mail, "Date"))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    try:
        return found.astimezone(UTC) if found.tzinfo is not None else found.replace(tzinfo=UTC)
    except (OverflowError, ValueError):
        return None


def _automatic(mail: Message, sender: str) -> bool:
    said = _header(mail, "Auto-Submitted").split(";")[0].strip().lower()
    if said and said != "no":
        return True
    if _header(mail, "Precedence").strip().lower() in _BULK or _header(mail, "List-Id"):
        return True
    if any(_header(mail, mark) for mark in _REPLY_MARKS):
        return True
    if _header(mail, "Return-Path").strip() == "<>":
        return True
    suppress = _header(mail, "X-Auto-Response-Suppress").strip().lower()
    local = sender.partition("@")[0].lower()
    return suppress in ("all", "autoreply", "oof") or local in ("mailer-daemon", "postmaster", "noreply", "no-reply")


def _content(part: EmailMessage) -> str:
    try:
        found = part.get_content()
    except (LookupError, ValueError, KeyError, AttributeError):
        payload = part.get_payload(decode=True)
        found = payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""
    return _clean(found) if isinstance(found, str) else ""


def _bodies(parts: list[EmailMessage]) -> tuple[str, str]:
    text, html = [], []
    for part in parts:
        if part.get_content_disposition() == "attachment" or part.get_filename():
            continue
        if part.get_content_type() == "text/plain":
            text.append(_content(part))
        elif part.get_content_type() == "text/html":
            html.append(_content(part))
    shown = clean_foreign("\n".join(html))[:MOST_TEXT] if html else ""
    words = "\n".join(text).strip() or text_of(shown)
    return words.replace("\r\n", "\n")[:MOST_TEXT], shown


def _files(parts: list[EmailMessage]) -> Iterator[Piece]:
    count = 0
    for part in parts:
        name = part.get_filename() or ""
        kind = part.get_content_type()
        body = not name and part.get_content_disposition() != "attachment" and kind in ("text/plain", "text/html")
        if body or kind in ("message/delivery-status", "text/rfc822-headers"):
            continue
        count += 1
        if count > MOST_FILES:
            return
        if kind == "message/rfc822":
            inner: Any = part.get_payload()
            content = inner[0].as_bytes() if isinstance(inner, list) and inner else b""
            yield Piece(_clean(one_line(name)) or "message.eml", kind, content)
            continue
        payload = part.get_payload(decode=True)
        if isinstance(payload, bytes):
            yield Piece(_clean(one_line(name))[:200] or "attachment", kind, payload)


def _bounce(mail: Message, parts: list[EmailMessage]) -> Bounce | None:
    if mail.get_content_type() != "multipart/report" or mail.get_param("report-type") not in ("delivery-status", None):
        return None
    fields: dict[str, str] = {}
    original = ""
    for part in parts:
        if part.get_content_type() == "message/delivery-status":
            blocks: Any = part.get_payload()
            for block in blocks if isinstance(blocks, list) else ():
                fields.update({name.lower(): str(value) for name, value in block.items()})
        elif part.get_content_type() in ("message/rfc822", "text/rfc822-headers"):
            original = original or _original(part)
    address = email_of(fields.get("final-recipient", "").rpartition(";")[2]) or email_of(
        fields.get("original-recipient", "").rpartition(";")[2]
    )
    if not fields:
        return None
    status = fields.get("status", "").strip()
    permanent = fields.get("action", "").strip().lower() == "failed" and not status.startswith("4")
    said = one_line(f"{status} {fields.get('diagnostic-code', '').rpartition(';')[2]}")[:300]
    return Bounce(address, permanent, original, said)


def _original(part: EmailMessage) -> str:
    inner: Any = part.get_payload()
    text = str(inner[0].get("Message-ID", "")) if isinstance(inner, list) and inner else str(part.get_payload())
    found = re.search(r"(?im)^message-id:\s*(<[^<>\s]{1,500}>)", text) or _ID.search(text[:1000])
    return found.group(found.lastindex or 0) if found else ""


def from_json(given: Mapping[str, Any]) -> bytes:
    """The raw form of a mail that a provider delivers as JSON: from, to, subject, text, html, message_id, in_reply_to,
    references, headers and attachments [{name, type, content (base64)}]. Raises BadRequest.
    """
    import base64
    import binascii

    made = EmailMessage(policy=policy.default)
    for header, key in _JSON_HEADERS:
        value = given.get(key)
        value = ", ".join(map(str, value)) if isinstance(value, list) else value
        if value is not None and not isinstance(value, str):
            raise BadRequest(f"'{key}' has the wrong type.", code="type")
        if value:
            _put(made, header, value)
    for name, value in (given.get("headers") or {}).items() if isinstance(given.get("headers"), Mapping) else ():
        if re.fullmatch(r"[A-Za-z0-9-]{1,60}", str(name)) and str(name).lower().startswith(
            ("auto-", "x-", "precedence", "list-")
        ):
            _put(made, str(name), str(value))
    text, html = given.get("text"), given.get("html")
    if not all(isinstance(one, str | None) for one in (text, html)):
        raise BadRequest("'text' and 'html' are texts.", code="type")
    made.set_content(_clean(text or (text_of(html) if html else "")))
    if html:
        made.add_alternative(_clean(html), subtype="html")
    attachments = given.get("attachments") or []
    if not isinstance(attachments, list) or len(attachments) > MOST_FILES:
        raise BadRequest(f"'attachments' is a list of at most {MOST_FILES}.", code="type")
    for one in attachments:
        try:
            content = base64.b64decode(one["content"], validate=True)
            main, _, sub = str(one.get("type") or "application/octet-stream").partition("/")
            made.add_attachment(
                content, maintype=main, subtype=sub or "octet-stream", filename=one_line(str(one["name"]))
            )
        except (KeyError, TypeError, AttributeError, ValueError, binascii.Error):
            raise BadRequest("An attachment has a name, a type and its content in base64.", code="type") from None
    return made.as_bytes()


def _put(made: EmailMessage, header: str, value: str) -> None:
    try:
        made[header] = one_line(value)[:4_000]
    except (ValueError, LookupError, AttributeError, IndexError, TypeError):
        raise BadRequest(f"The header {header} cannot be read.", code="mail") from None
