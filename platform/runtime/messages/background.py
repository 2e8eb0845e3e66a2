"""What messages do in the background: deliver, gather digests, fetch mail."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from guanxi.common.labels import Label
from guanxi.runtime.jobs.kinds import JobKind, Run
from guanxi.runtime.jobs.outcome import Retry
from guanxi.runtime.jobs.schedules import Schedule
from guanxi.runtime.outbox.entry import Deliverer

from .delivery import DELIVERER
from .imap import fetch
from .outcome import Temporary
from .outgoing import KIND

if TYPE_CHECKING:
    from ..services import Services

DIGEST = "messages.digest"
FETCH = "messages.fetch"


def _digest(services: Services, run: Run) -> Mapping[str, Any]:  # noqa: ARG001 (a handler's one interface)
    return {"sent": services.messaging.digests.send_due()}


def _fetch(services: Services, run: Run) -> Mapping[str, Any]:
    messaging = services.messaging
    box = messaging.settings.imap
    if box is None:
        return {"taken": 0, "refused": 0}
    try:
        taken, refused = fetch(
            box, messaging.settings.max_megabytes * 1024 * 1024, lambda raw: messaging.inbox.receive(raw, "imap")
        )
    except Temporary as fault:
        run.log(fault.reason, "warning")
        raise Retry(reason=fault.reason) from None
    if refused:
        run.log(f"{refused} mails could not be read and were left in the mailbox, marked as seen", "warning")
    return {"taken": taken, "refused": refused}


def schedules(services: Services) -> Iterable[Schedule]:
    """Digests every five minutes; the mailbox every minute, where there is one."""
    yield Schedule("messages.digest", DIGEST, every=timedelta(minutes=5))
    if services.messaging.settings.imap is not None:
        yield Schedule("messages.fetch", FETCH, every=timedelta(minutes=1))


MESSAGE_DELIVERERS: Mapping[str, Deliverer] = {KIND: DELIVERER}
MESSAGE_JOBS: Mapping[str, JobKind] = {
    DIGEST: JobKind(_digest, Label.of({"en": "Send digests", "zh": "发送通知摘要"})),
    FETCH: JobKind(_fetch, Label.of({"en": "Fetch mail", "zh": "收取邮件"}), lease=timedelta(minutes=10)),
}
