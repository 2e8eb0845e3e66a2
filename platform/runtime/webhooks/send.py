"""Delivering one webhook: signed, sent through the one way out, noted, and tried again for three days.

The outbox row holds the body, so every try sends the same bytes under the same `webhook-id`. A destination that says
410 is paused; `Retry-After` is honoured up to an hour.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import orjson

from ..outbound import Answer, Failed, Refused
from ..outbox import Deliverer, Entry, GiveUp, Retry
from ..outside import Destination
from ..storage.rows import instant_from_text
from . import destinations, log, signing

if TYPE_CHECKING:
    from ..services import Services

HOURS = (1, 3, 6, 12, 12, 12, 12, 12)
WAITS = (*(timedelta(seconds=n) for n in (5, 15, 45, 135, 405, 1215)), *(timedelta(hours=n) for n in HOURS))
LONGEST = timedelta(days=3)
MOST_RETRY_AFTER = 3600


def message_id(entry: Entry) -> str:
    """The same at every try, for any number of deliveries of one effect."""
    return "msg_" + entry.key.replace(".", "-")


def deliver(services: Services, entry: Entry) -> None:
    """See `outbox.entry.Deliverer`."""
    destination = services.outside.webhooks.get(entry.destination)
    if destination is None:
        raise GiveUp(f"guanxi.yaml has no webhook '{entry.destination}'")
    wait = destinations.waiting(services, destination.name)
    if wait is not None:
        if services.clock.now() - instant_from_text(entry.at) > LONGEST:
            raise GiveUp("the destination was paused for three days")
        raise Retry(wait, "the destination is paused", counted=False)
    body = orjson.dumps(entry.payload["body"])
    known = {"message_id": message_id(entry), "request": body[: log.MOST_KEPT].decode("utf-8", "replace")}
    moment = services.clock.now()
    headers = {
        "Content-Type": "application/json",
        **destination.headers,
        **signing.headers(destination.secrets, message_id(entry), moment, body),
    }
    try:
        answer = services.outbound.send("POST", destination.url, headers=headers, body=body)
    except Refused as refused:
        log.note(services.database, entry, moment, **known, error=str(refused))
        raise GiveUp(str(refused)) from None
    except Failed as failed:
        log.note(services.database, entry, moment, **known, error=str(failed))
        destinations.failed(services, destination.name, str(failed))
        raise Retry(reason=str(failed)) from None
    said = log.clean(answer.body, (*destination.secrets, destination.url))
    more = {"status": answer.status, "milliseconds": answer.milliseconds, "answer": said}
    log.note(services.database, entry, moment, **known, **more)
    _judge(services, destination, answer)


def _judge(services: Services, destination: Destination, answer: Answer) -> None:
    if 200 <= answer.status < 300:
        destinations.went_well(services, destination.name)
        return
    reason = f"answered {answer.status}"
    if answer.status == 410:
        destinations.pause(services, destination.name, "answered 410: nobody is there any more")
        raise GiveUp(reason)
    destinations.failed(services, destination.name, reason)
    given = answer.headers.get("retry-after", "")
    if answer.status in (429, 503) and given.isascii() and given.isdigit():
        raise Retry(timedelta(seconds=min(max(int(given[:6]), 1), MOST_RETRY_AFTER)), reason)
    raise Retry(reason=reason)


WEBHOOK = Deliverer(deliver, waits=WAITS)
