"""Fetching mail from a mailbox: what is not seen yet, oldest first, each marked seen once it is kept.

A mail that cannot be read is marked too, so that it does not come again, and is noted in the log of the job. The size
is asked before anything is fetched.
"""

from __future__ import annotations

import logging
import re
import ssl
from collections.abc import Callable
from typing import Any

from imap_tools import AND, MailBox, MailBoxStartTls, MailBoxUnencrypted
from imap_tools.errors import ImapToolsError

from guanxi.common.errors import GuanxiError

from .outcome import Temporary
from .settings import Imap

log = logging.getLogger("guanxi.messages")
_SIZE = re.compile(rb"RFC822\.SIZE (\d+)")


def fetch(box: Imap, most_bytes: int, take: Callable[[bytes], object]) -> tuple[int, int]:
    """Hand every unseen mail to `take`; returns (taken, refused). Raises Temporary when the server cannot be used."""
    try:
        with _opened(box).login(box.user, box.password, box.folder) as mailbox:
            taken = refused = 0
            for uid in mailbox.uids(AND(seen=False))[: box.most]:
                raw = _raw(mailbox.client, uid, most_bytes)
                done = raw is not None and _taken(raw, uid, take)
                taken, refused = taken + done, refused + (not done)
                mailbox.flag(uid, "\\Seen", True)
            return taken, refused
    except (ImapToolsError, OSError, EOFError) as fault:
        raise Temporary(f"the mailbox cannot be read: {type(fault).__name__}") from fault
    except Exception as fault:
        if type(fault).__module__ == "imaplib":  # its errors are classes inside a class
            raise Temporary("the mailbox broke the conversation off") from fault
        raise


def _opened(box: Imap) -> Any:
    if box.tls == "none":
        return MailBoxUnencrypted(box.host, box.port, timeout=box.timeout)
    context = ssl.create_default_context()
    if box.tls == "starttls":
        return MailBoxStartTls(box.host, box.port, timeout=box.timeout, ssl_context=context)
    return MailBox(box.host, box.port, timeout=box.timeout, ssl_context=context)


def _raw(client: Any, uid: str, most: int) -> bytes | None:
    """The mail's bytes without marking it; None when it is too large or gone."""
    _, sized = client.uid("FETCH", uid, "(RFC822.SIZE)")
    found = _SIZE.search(b" ".join(one if isinstance(one, bytes) else b"" for one in sized or ()))
    if found is not None and int(found.group(1)) > most:
        log.warning("a mail of %s bytes was left in the mailbox", int(found.group(1)))
        return None
    _, parts = client.uid("FETCH", uid, "(BODY.PEEK[])")
    for part in parts or ():
        if isinstance(part, tuple) and len(part) > 1 and isinstance(part[1], bytes):
            return part[1]
    return None


def _taken(raw: bytes, uid: str, take: Callable[[bytes], object]) -> bool:
    try:
        take(raw)
    except GuanxiError as refusal:
        log.warning("mail %s could not be read: %s", uid, refusal.detail)
        return False
    return True
