"""Mail: one logged message as MIME, and its way through the relay.

A part of text and one of HTML, attachments, the thread's headers, List-Unsubscribe for marketing (RFC 8058). Headers
are made by the standard library's policy from single-line values, so nothing that people type can add one. The
envelope's sender is the configured address. DKIM is the relay's work.
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr

from .addresses import email_of, header_address, one_line, plus
from .html import html_of
from .outcome import Permanent, Temporary
from .settings import MessageSettings, Smtp
from .texts import said

_UNKNOWN_MAILBOX = ("5.1.1", "5.1.10", "5.1.2", "5.1.3")
MOST_REFERENCES = 10


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes along."""

    name: str
    type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Mail:
    """What a message needs to become MIME; `unsubscribe` is the address of its unsubscribe page, or ""."""

    to: str
    subject: str
    text: str
    html: str
    message_id: str
    at: datetime
    cc: Sequence[str] = ()
    in_reply_to: str = ""
    references: Sequence[str] = ()
    token: str = ""
    language: str = ""
    automatic: bool = True
    unsubscribe: str = ""
    attachments: Sequence[Attachment] = ()


def build(mail: Mail, settings: MessageSettings) -> EmailMessage:
    """The MIME message. Raises Permanent when an address cannot be written in a header."""
    made = EmailMessage(policy=SMTP)
    name, address = parseaddr(settings.sender)
    sender = header_address(name or settings.name, address)
    to_name, to_address = parseaddr(mail.to)
    to = header_address(to_name, to_address)
    if sender is None or to is None:
        raise Permanent("the address cannot be written in a header" if sender is not None else "mail.from is missing")
    made["From"], made["To"] = sender, to
    cc = [found for one in mail.cc if (found := header_address("", one)) is not None]
    if cc:
        made["Cc"] = cc
    back = email_of(settings.reply_to or settings.sender)
    if back and mail.token and (settings.imap is not None or settings.hook_token):
        back = plus(back, mail.token)
    if back and (settings.reply_to or mail.token):
        made["Reply-To"] = header_address(settings.name, back)
    made["Subject"] = one_line(mail.subject)
    made["Date"] = format_datetime(mail.at)
    made["Message-ID"] = mail.message_id
    if mail.in_reply_to:
        made["In-Reply-To"] = mail.in_reply_to
        made["References"] = " ".join([*mail.references, mail.in_reply_to][-MOST_REFERENCES:])
    if mail.automatic:
        made["Auto-Submitted"] = "auto-generated"
        made["X-Auto-Response-Suppress"] = "All"
    if mail.unsubscribe:
        made["List-Unsubscribe"] = f"<{mail.unsubscribe}>"
        made["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    text, html = _bodies(mail)
    made.set_content(text)
    made.add_alternative(f"<!doctype html><html><body>{html}</body></html>", subtype="html")
    for one in mail.attachments:
        main, _, sub = one.type.partition("/")
        made.add_attachment(
            one.content, maintype=main or "application", subtype=sub or "octet-stream", filename=one_line(one.name)
        )
    return made


def _bodies(mail: Mail) -> tuple[str, str]:
    text, html = mail.text, mail.html or html_of(mail.text)
    if mail.unsubscribe:
        why, stop = said("why_marketing", mail.language), said("unsubscribe", mail.language)
        text += f"\n\n--\n{why} {stop}: {mail.unsubscribe}"
        html += f'<hr><p style="font-size:12px;color:#666">{why} <a href="{mail.unsubscribe}">{stop}</a></p>'
    return text, html


def hand_over(message: EmailMessage, recipients: Sequence[str], sender: str, relay: Smtp) -> None:
    """Give a message to the relay. Raises Permanent or Temporary."""
    try:
        with _connected(relay) as server:
            if relay.user:
                server.login(relay.user, relay.password)
            refused = server.send_message(message, from_addr=email_of(sender), to_addrs=list(recipients))
    except smtplib.SMTPRecipientsRefused as fault:
        raise _judged(*next(iter(fault.recipients.values()))) from None
    except smtplib.SMTPSenderRefused as fault:
        raise _judged(fault.smtp_code, fault.smtp_error, whose="sender") from None
    except smtplib.SMTPAuthenticationError as fault:
        raise Temporary(f"the relay refused the log-in ({fault.smtp_code})") from None
    except smtplib.SMTPResponseException as fault:
        raise _judged(fault.smtp_code, fault.smtp_error, whose="message") from None
    except smtplib.SMTPNotSupportedError as fault:
        raise Permanent(f"the relay cannot do this: {fault}") from None
    except (smtplib.SMTPException, OSError) as fault:
        raise Temporary(f"the relay cannot be reached: {type(fault).__name__}") from None
    if refused and recipients[0] in refused:
        raise _judged(*refused[recipients[0]])


def _connected(relay: Smtp) -> smtplib.SMTP:
    if relay.tls == "tls":
        return smtplib.SMTP_SSL(relay.host, relay.port, timeout=relay.timeout, context=ssl.create_default_context())
    server = smtplib.SMTP(relay.host, relay.port, timeout=relay.timeout)
    if relay.tls == "starttls":
        try:
            server.starttls(context=ssl.create_default_context())
        except BaseException:
            server.close()
            raise
    return server


def _judged(code: int, said_: bytes | str, whose: str = "recipient") -> Permanent | Temporary:
    text = one_line(said_.decode("utf-8", "replace") if isinstance(said_, bytes) else str(said_))
    if 500 <= code < 600:
        unknown = whose == "recipient" and text.startswith(_UNKNOWN_MAILBOX)
        return Permanent(f"{code} {text}", bounced=unknown)
    return Temporary(f"{code} {text}")
