"""Local time and back, with one rule for the hours that a change of the clock skips or repeats.

A skipped local time is read with the offset before the change, a repeated one as its second occurrence; that is the
rule PostgreSQL follows, and both come down to taking the smaller of the two offsets.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

MAX_SHIFT = 4_000_000


@lru_cache(maxsize=600)
def zone_of(name: str) -> ZoneInfo:
    """The zone by its key, kept."""
    return ZoneInfo(name)


def local_date(instant: datetime, zone: tzinfo) -> date:
    """The calendar day of an instant in a zone; the first or last day of the calendar where it would lie outside."""
    try:
        return instant.astimezone(zone).date()
    except OverflowError:
        return date.min if instant.year < 5000 else date.max


def to_instant(local: datetime, zone: tzinfo) -> datetime | None:
    """A naive local time as an instant."""
    first = local.replace(tzinfo=zone, fold=0).utcoffset() or timedelta()
    second = local.replace(tzinfo=zone, fold=1).utcoffset() or timedelta()
    try:
        return (local - min(first, second)).replace(tzinfo=UTC)
    except OverflowError:
        return None


def start_of_day(day: date, zone: tzinfo) -> datetime | None:
    """The first instant whose local date is `day` or later."""
    found = to_instant(datetime.combine(day, time.min), zone)
    if found is None:
        return None
    before = found - _MICROSECOND if found > _FIRST else None
    if local_date(found, zone) == day and (before is None or local_date(before, zone) != day):
        return found
    # Midnight is skipped or repeated on this day: search for the border.
    low = int((found - timedelta(hours=30) - _EPOCH).total_seconds())
    high = low + 60 * 3600
    while low < high:
        middle = (low + high) // 2
        at = local_date(_EPOCH + timedelta(seconds=middle), zone)
        low, high = (low, middle) if at >= day else (middle + 1, high)
    return _EPOCH + timedelta(seconds=low)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST = datetime(1, 1, 3, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def shift_months(day: date, months: int) -> date | None:
    """The same day so many months on, or the month's last day when it is shorter."""
    index = day.year * 12 + day.month - 1 + months
    year, month = index // 12, index % 12 + 1
    if not 1 <= year <= 9999:
        return None
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def shift_days(day: date, days: int) -> date | None:
    """So many days on."""
    if abs(days) > MAX_SHIFT:
        return None
    try:
        return day + timedelta(days=days)
    except OverflowError:
        return None


def shift_instant(instant: datetime, zone: tzinfo, *, days: int = 0, months: int = 0) -> datetime | None:
    """The same local time so many days or months on."""
    try:
        local = instant.astimezone(zone).replace(tzinfo=None, fold=0)
    except OverflowError:
        return None
    day = shift_months(local.date(), months) if months else shift_days(local.date(), days)
    return None if day is None else to_instant(datetime.combine(day, local.time()), zone)


def shift_hours(instant: datetime, hours: int) -> datetime | None:
    """So many hours on."""
    if abs(hours) > MAX_SHIFT * 24:
        return None
    try:
        return instant + timedelta(hours=hours)
    except OverflowError:
        return None
