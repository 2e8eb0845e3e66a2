"""Numbers, money, dates and instants as people of one locale and time zone read them.

A `Formats` is shared by all visits of one locale and zone; the slow part (Babel's patterns) is remembered per value,
because a page shows the same dates again and again. Values come in JSON form, so decimals are text.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime, format_time
from babel.numbers import get_currency_precision, get_currency_symbol

DASH = "—"


@lru_cache(maxsize=256)
def symbol(currency: str, locale: str) -> str:
    """The sign of a currency; the yuan is ¥ everywhere in the product."""
    return "¥" if currency == "CNY" else str(get_currency_symbol(currency, locale=locale))


@lru_cache(maxsize=256)
def digits(currency: str) -> int:
    """The usual number of decimals of a currency."""
    return int(get_currency_precision(currency))


def to_decimal(value: object) -> Decimal | None:
    """A JSON number or decimal text as a Decimal; None when it is neither."""
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return None


class Formats:
    """Text for values. Unusable values come back as they are, so that nothing is hidden."""

    def __init__(self, locale: str, zone: ZoneInfo) -> None:
        self.locale = locale
        self.zone = zone
        self.chinese = locale.startswith("zh")
        self.day = lru_cache(maxsize=4096)(self._day)
        self.instant = lru_cache(maxsize=4096)(self._instant)

    def number(self, value: object, scale: int | None = None) -> str:
        """Grouped digits; at most `scale` decimals, none that are only zeros."""
        found = to_decimal(value)
        if found is None:
            return str(value)
        text = f"{found:,.{scale}f}" if scale is not None else f"{found:,f}"
        return text.rstrip("0").rstrip(".") if "." in text else text

    def money(self, value: object, currency: str) -> str:
        """An exact amount; decimals only where there are any."""
        found = to_decimal(value)
        if found is None:
            return str(value)
        places = digits(currency)
        text = f"{abs(found):,.{places}f}"
        if places and text.endswith("." + "0" * places):
            text = text[: -places - 1]
        return ("−" if found < 0 else "") + symbol(currency, self.locale) + text

    def compact(self, value: object, currency: str = "") -> str:
        """A short amount: 万 and 亿 in Chinese, k, M and B elsewhere."""
        found = to_decimal(value)
        if found is None:
            return str(value)
        sign = symbol(currency, self.locale) if currency else ""
        steps = ((10**8, "亿"), (10**4, "万")) if self.chinese else ((10**9, "B"), (10**6, "M"), (10**3, "k"))
        minus = "−" if found < 0 else ""
        size = abs(found)
        for step, unit in steps:
            if size >= step:
                short = f"{size / step:,.2f}" if self.chinese else f"{size / step:,.1f}"
                return f"{minus}{sign}{short.rstrip('0').rstrip('.')}{unit}"
        return f"{minus}{sign}{self.number(size, 2)}"

    def _day(self, value: str) -> str:
        try:
            return str(format_date(date.fromisoformat(value), "medium", locale=self.locale))
        except ValueError:
            return value

    def _instant(self, value: str) -> str:
        try:
            at = datetime.fromisoformat(value.replace("Z", "+00:00")).astimezone(self.zone)
        except ValueError:
            return value
        pattern = "y年M月d日 HH:mm" if self.chinese else "MMM d, y, HH:mm"
        return str(format_datetime(at, pattern, locale=self.locale))

    def clock(self, value: str) -> str:
        """A time of day."""
        try:
            return str(format_time(time.fromisoformat(value), "HH:mm", locale=self.locale))
        except ValueError:
            return value

    def local_input(self, value: str) -> str:
        """An instant as `<input type=datetime-local>` wants it, in this zone; "" when it is none."""
        try:
            at = datetime.fromisoformat(value.replace("Z", "+00:00")).astimezone(self.zone)
        except ValueError:
            return ""
        return at.strftime("%Y-%m-%dT%H:%M")

    def instant_from_input(self, text: str) -> str:
        """The instant (JSON form) of what a datetime-local input sends; raises ValueError."""
        at = datetime.fromisoformat(text)
        if at.tzinfo is None:
            at = at.replace(tzinfo=self.zone)
        return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


@lru_cache(maxsize=64)
def formats(locale: str, zone: str) -> Formats:
    """The shared formats of a locale and a time zone's name."""
    return Formats(locale, ZoneInfo(zone))
