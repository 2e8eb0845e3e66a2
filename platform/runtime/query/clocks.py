"""Which records a list shows by their clocks (`clock=overdue`): one word, one condition on `gx_clocks`.

The words are the same wherever clocks are asked for; `now` and `day` are the moment and the end of the person's day.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Any

import peewee

from guanxi.common.errors import BadRequest
from guanxi.common.names import did_you_mean
from guanxi.expressions.zones import to_instant
from guanxi.runtime.access.actor import Actor
from guanxi.runtime.access.binds import argument
from guanxi.runtime.storage.rows import instant_text

WORDS: Mapping[str, str] = {
    "open": "ended_at IS NULL",
    "running": "ended_at IS NULL AND state = 'running'",
    "paused": "ended_at IS NULL AND state = 'paused'",
    "due_today": "ended_at IS NULL AND state = 'running' AND due_at <= :day",
    "overdue": "ended_at IS NULL AND due_at <= :now",
    "breached": "(state = 'breached' OR (ended_at IS NULL AND due_at <= :now))",
    "met": "state = 'met'",
}


def word(text: str) -> str:
    """One of WORDS. Raises BadRequest."""
    if text not in WORDS:
        said = f"'clock' is one of {', '.join(WORDS)}."
        raise BadRequest(said, code="bad_parameter", hint=did_you_mean(text, WORDS))
    return text


def moments(actor: Actor, now: datetime) -> dict[str, str]:
    """What `now` and `day` stand for, as stored."""
    day = now.astimezone(actor.zone).date() + timedelta(days=1)
    end = to_instant(datetime.combine(day, time()), actor.zone) or now
    return {"now": instant_text(now), "day": instant_text(end)}


def split(which: str) -> tuple[str, list[str]]:
    """The condition of a word with `?` for each moment, and the moments' names in order."""
    text, names = WORDS[which], []
    for part in text.split(":")[1:]:
        names.append(part[:3])
    for name in ("now", "day"):
        text = text.replace(f":{name}", "?")
    return text, names


def having_clocks(column: Any, object_name: str, which: str, mark: str) -> Any:
    """The condition that a record of the object has such a clock, for a statement that is kept."""
    text, names = split(which)
    sql = f"IN (SELECT record_id FROM gx_clocks WHERE object = ? AND {text})".replace("?", mark)  # noqa: S608 (own text)
    binds = [object_name, *(argument(f"clock_{name}") for name in names)]
    return peewee.NodeList((column, peewee.SQL(sql, binds)))
