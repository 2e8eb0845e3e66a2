"""How each person wants to be told: per kind and channel, quiet hours, the WeCom account.

Nothing stored means the defaults of `kinds`. Quiet hours hold back what leaves (mail, SMS, WeCom) until they end, in
the person's own zone; the screen is never held back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from guanxi.common.errors import FieldError, Invalid
from guanxi.runtime.ports import Database

from .kinds import DEFAULTS, KINDS, VALUES, group_of

_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_WECOM = re.compile(r"[A-Za-z0-9_@.-]{0,64}")
DIGEST_HOUR = 8
MOST_ASKED = 400


@dataclass(frozen=True, slots=True)
class Preferences:
    """One person's. `chosen` maps (kind, channel) to a value; `quiet` is (from, to) local time or None."""

    chosen: Mapping[tuple[str, str], str] = field(default_factory=dict)
    quiet_from: str = ""
    quiet_to: str = ""
    wecom: str = ""

    def value(self, kind: str, channel: str) -> str:
        """on, off, now, hourly or daily."""
        return self.chosen.get((group_of(kind), channel), DEFAULTS[channel])

    def due(self, now: datetime, zone: ZoneInfo) -> datetime:
        """The first moment from `now` on that is not quiet."""
        if not self.quiet_from or not self.quiet_to or self.quiet_from == self.quiet_to:
            return now
        local = now.astimezone(zone)
        start, end = time.fromisoformat(self.quiet_from), time.fromisoformat(self.quiet_to)
        at = local.time().replace(tzinfo=None)
        inside = start <= at < end if start < end else (at >= start or at < end)
        if not inside:
            return now
        day = local.date() + timedelta(days=1 if start > end and at >= start else 0)
        return datetime.combine(day, end, zone).astimezone(UTC)

    def digest_at(self, how: str, now: datetime, zone: ZoneInfo) -> datetime:
        """When a digest that begins to fill now is sent: at the next full hour, or at eight next morning."""
        local = now.astimezone(zone)
        if how == "hourly":
            return self.due(
                (local.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)).astimezone(UTC), zone
            )
        day = local.date() + timedelta(days=1 if local.hour >= DIGEST_HOUR else 0)
        return self.due(datetime.combine(day, time(DIGEST_HOUR), zone).astimezone(UTC), zone)

    def as_dict(self) -> dict[str, Any]:
        """JSON form, defaults filled in."""
        return {
            "kinds": {kind: {channel: self.value(kind, channel) for channel in VALUES} for kind in KINDS},
            "quiet": {"from": self.quiet_from or None, "to": self.quiet_to or None},
            "wecom": self.wecom or None,
        }


class PreferenceStore:
    """Reads and writes preferences."""

    def __init__(self, database: Database) -> None:
        self.db = database

    def of(self, users: Iterable[int]) -> dict[int, Preferences]:
        """The preferences of several people at once."""
        ids = list(dict.fromkeys(users))
        chosen: dict[int, dict[tuple[str, str], str]] = {user: {} for user in ids}
        people: dict[int, tuple[str, str, str]] = {}
        for start in range(0, len(ids), MOST_ASKED):
            part = ids[start : start + MOST_ASKED]
            marks = ", ".join("?" * len(part))
            for user, kind, channel, value in self.db.rows(
                self.db.sql(
                    f"SELECT user_id, kind, channel, value FROM gx_notification_settings WHERE user_id IN ({marks})"  # noqa: S608
                ),
                part,
            ):
                chosen[int(user)][str(kind), str(channel)] = str(value)
            for user, *rest in self.db.rows(
                self.db.sql(
                    "SELECT user_id, quiet_from, quiet_to, wecom FROM gx_notification_people"  # noqa: S608
                    f" WHERE user_id IN ({marks})"
                ),
                part,
            ):
                people[int(user)] = (str(rest[0]), str(rest[1]), str(rest[2]))
        return {user: Preferences(chosen[user], *people.get(user, ("", "", ""))) for user in ids}

    def save(self, user_id: int, given: Mapping[str, Any]) -> Preferences:
        """Change what `given` names: `{"kinds": {kind: {channel: value}}, "quiet": {"from", "to"}, "wecom"}`.

        Raises Invalid with one fault per wrong part; nothing is written then.
        """
        errors: list[FieldError] = []
        chosen = _kinds(given.get("kinds"), errors)
        quiet = _quiet(given["quiet"], errors) if "quiet" in given else None
        wecom = given.get("wecom")
        if wecom is not None and (not isinstance(wecom, str) or not _WECOM.fullmatch(wecom)):
            errors.append(FieldError("wecom", "type", "A WeCom account is letters, digits and . _ - @."))
        if errors:
            raise Invalid(errors)
        with self.db.write():
            for (kind, channel), value in chosen.items():
                self.db.execute(
                    self.db.sql(
                        "INSERT INTO gx_notification_settings (user_id, kind, channel, value) VALUES (?, ?, ?, ?)"
                        " ON CONFLICT (user_id, kind, channel) DO UPDATE SET value = excluded.value"
                    ),
                    (user_id, kind, channel, value),
                )
            if quiet is not None or "wecom" in given:
                now = self.of([user_id])[user_id]
                start, end = quiet if quiet is not None else (now.quiet_from, now.quiet_to)
                account = (wecom or "") if "wecom" in given else now.wecom
                self.db.execute(
                    self.db.sql(
                        "INSERT INTO gx_notification_people (user_id, quiet_from, quiet_to, wecom) VALUES (?, ?, ?, ?)"
                        " ON CONFLICT (user_id) DO UPDATE SET quiet_from = excluded.quiet_from,"
                        " quiet_to = excluded.quiet_to, wecom = excluded.wecom"
                    ),
                    (user_id, start, end, account),
                )
            return self.of([user_id])[user_id]


def _kinds(given: Any, errors: list[FieldError]) -> dict[tuple[str, str], str]:
    found: dict[tuple[str, str], str] = {}
    if given is None:
        return found
    if not isinstance(given, Mapping):
        errors.append(FieldError("kinds", "type", "A map from kinds to channels is needed."))
        return found
    for kind, channels in given.items():
        if kind not in KINDS or not isinstance(channels, Mapping):
            errors.append(FieldError(f"kinds.{str(kind)[:60]}", "choice", f"Kinds are {', '.join(KINDS)}."))
            continue
        for channel, value in channels.items():
            if channel not in VALUES or value not in VALUES[channel]:
                said = f"One of {', '.join(VALUES[channel])}." if channel in VALUES else f"One of {', '.join(VALUES)}."
                errors.append(FieldError(f"kinds.{kind}.{str(channel)[:60]}", "choice", said))
            else:
                found[kind, channel] = value
    return found


def _quiet(given: Any, errors: list[FieldError]) -> tuple[str, str] | None:
    if given is None:
        return ("", "")
    if not isinstance(given, Mapping) or set(given) - {"from", "to"}:
        errors.append(FieldError("quiet", "type", "Quiet hours have a 'from' and a 'to'."))
        return None
    start, end = given.get("from") or "", given.get("to") or ""
    if not start and not end:
        return ("", "")
    for name, value in (("from", start), ("to", end)):
        if not isinstance(value, str) or not _CLOCK.fullmatch(value):
            errors.append(FieldError(f"quiet.{name}", "type", "A time is written 22:00."))
    return (start, end)
