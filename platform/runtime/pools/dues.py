"""When an owned record falls back: the clocks of the pool it belongs to, worked out for one record as it is now.

A clock runs from the latest of the owner's start, the fields it names, the last follow-up and the end of protection;
what lies ahead counts as now. The owner keeps the whole last day (`due_on`) in the zone of the clock's calendar.
Exemptions are asked when records are taken, not here: a record that stops being exempt is due at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from guanxi.expressions.calendar import DEFAULT_CALENDAR
from guanxi.registry.pools import FollowUp, Pool, RecycleRule

from ..storage.rows import instant_from_text
from .book import Book
from .ledger import State

if TYPE_CHECKING:
    from ..records.work import Work

Row = Mapping[str, Any]


def zone_of(book: Book, rule: RecycleRule) -> ZoneInfo:
    """The zone in which the rule's days begin."""
    calendar = book.room.registry.calendars.get(rule.calendar) if rule.calendar else None
    return ZoneInfo(calendar.timezone) if calendar is not None else book.room.zone


def today(book: Book, rule: RecycleRule, now: datetime) -> date:
    """The local day of a rule."""
    return now.astimezone(zone_of(book, rule)).date()


def key_of(pool: Pool, rule: RecycleRule) -> str:
    """The name under which a record notes the rule it falls by."""
    return f"{pool.name}/{rule.name}"


def due(work: Work, book: Book, object_name: str, row: Row, state: State) -> tuple[str | None, str | None]:
    """(the last day the owner keeps the record, the rule's key), of the rule that is due first; (None, None) where no
    clock runs.
    """
    if row.get("owner") is None or row.get("deleted_at") is not None:
        return None, None
    pool = book.holder(work, object_name, row)
    found: tuple[date, str] | None = None
    for rule in pool.recycle if pool is not None else ():
        assert pool is not None  # noqa: S101 (the loop has rules only then)
        if not book.holds(work, object_name, row, rule.when):
            continue
        last = _last_day(work, book, pool, rule, row, state)
        if last is not None and (found is None or last < found[0]):
            found = last, key_of(pool, rule)
    if found is None:
        return None, None
    notice = state.notice_until
    day = found[0].isoformat()
    return (max(day, notice) if notice else day), found[1]


def _last_day(  # noqa: PLR0917
    work: Work, book: Book, pool: Pool, rule: RecycleRule, row: Row, state: State
) -> date | None:
    zone = zone_of(book, rule)
    now = work.now.astimezone(zone)
    since = state.clock_since or state.owned_since
    days = [_day(since, now, zone)] if since else [now.date()]
    days += [_day(row.get(name), now, zone) for name in rule.fields if row.get(name) is not None]
    if rule.follow_ups and pool.follow_up is not None:
        followed = last_follow_up(work, book, pool.follow_up, row)
        if followed is not None:
            days.append(_day(followed, now, zone))
    base = max(days)
    protected = state.protected()
    if protected:
        base = max(base, instant_from_text(protected).astimezone(zone).date())
    if not rule.working:
        return base + timedelta(days=rule.days)
    calendar = book.room.calendars[rule.calendar] if rule.calendar else DEFAULT_CALENDAR
    return calendar.add_working_days(base, rule.days)


def _day(value: Any, now: datetime, zone: ZoneInfo) -> date:
    """The local day of an instant or date; what lies ahead is today."""
    if isinstance(value, str):
        value = instant_from_text(value)
    day: date = value.astimezone(zone).date() if isinstance(value, datetime) else value
    return min(day, now.date())


def last_follow_up(work: Work, book: Book, spec: FollowUp, row: Row) -> date | datetime | None:
    """When the last child that counts was; what is dated ahead counts as now."""
    found: list[Any] = []
    for child in work.children(spec.object, spec.field, row["id"]):
        at = child.get(spec.at)
        if at is not None and book.holds(work, spec.object, child, spec.when):
            found.append(at)
    if not found:
        return None
    ahead = work.now if isinstance(found[0], datetime) else work.now.date() + timedelta(days=1)
    return max(min(at, ahead) for at in found)  # type: ignore[no-any-return]


def watched(pool: Pool) -> frozenset[str]:
    """The record's own fields that move a clock of the pool."""
    found: set[str] = set() if pool.holds is None else set(pool.holds.own)
    for rule in pool.recycle:
        found.update(rule.fields)
        found.update(rule.when.own if rule.when is not None else ())
    return frozenset(found)
