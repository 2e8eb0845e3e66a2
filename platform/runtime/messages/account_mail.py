"""Mail about accounts: invitations and ways to a new password. Its links are secrets, so it is in no message log, and
its row leaves the outbox as soon as it is handed over. Without a relay nothing is sent: administrators hand links over.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from email.utils import parseaddr
from typing import TYPE_CHECKING

from guanxi.runtime.outbox import Deliverer, Entry, GiveUp, Retry
from guanxi.runtime.people.mail import KIND, wording

from .mail_out import Mail, build, hand_over
from .outcome import Permanent, Temporary

if TYPE_CHECKING:
    from ..services import Services

__all__ = ["ACCOUNT_MAIL", "KIND"]


def _deliver(services: Services, entry: Entry) -> None:
    settings, given = services.messaging.settings, entry.payload
    to = str(given["to"])
    if not to or settings.smtp is None:
        return
    subject, text = wording(str(given["kind"]), str(given["language"]), settings.name, given)
    domain = parseaddr(settings.sender)[1].partition("@")[2] or "localhost"
    mail = Mail(
        to=to,
        subject=subject,
        text=text,
        html="",
        message_id=f"<{entry.key}.{secrets.token_hex(4)}@{domain}>",
        at=services.clock.now(),
        language=str(given["language"]),
    )
    try:
        hand_over(build(mail, settings), [to], settings.sender, settings.smtp)
    except Permanent as fault:
        raise GiveUp(fault.reason) from None
    except Temporary as fault:
        raise Retry(fault.after, fault.reason) from None


# A reset link is dead after half an hour: later tries would help nobody.
ACCOUNT_MAIL = Deliverer(
    deliver=_deliver, waits=tuple(timedelta(seconds=n) for n in (10, 30, 120, 300, 600)), keep=False
)
