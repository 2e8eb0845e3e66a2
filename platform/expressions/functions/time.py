"""Functions of time. Instants are UTC inside; the caller's zone says where a day begins and which day it is.

Where a date is asked for, an instant is taken by its day in the caller's zone. Years run from 1 to 9999; a result
outside is blank.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from .. import zones as z
from .model import Entry, Function

_HOUR = timedelta(hours=1)


def _shift_days(instant: datetime, days: int, zone: Any) -> datetime | None:
    return z.shift_instant(instant, zone, days=days)


def _shift_months(instant: datetime, months: int, zone: Any) -> datetime | None:
    return z.shift_instant(instant, zone, months=months)


LOCAL_DATE = Function("local_date", ("datetime", "zone"), "date", z.local_date, "gx_local_date({0}, {1})")
YEAR = Function("year", ("date",), "integer", lambda d: d.year, "extract(year FROM {0})::bigint",
                "CAST(substr({0}, 1, 4) AS INTEGER)")  # fmt: skip
MONTH = Function("month", ("date",), "integer", lambda d: d.month, "extract(month FROM {0})::bigint",
                 "CAST(substr({0}, 6, 2) AS INTEGER)")  # fmt: skip
DAY = Function("day", ("date",), "integer", lambda d: d.day, "extract(day FROM {0})::bigint",
               "CAST(substr({0}, 9, 2) AS INTEGER)")  # fmt: skip
WEEKDAY = Function("weekday", ("date",), "integer", date.isoweekday, "extract(isodow FROM {0})::bigint")
ADD_DAYS = Function("add_days", ("date", "integer"), "date", z.shift_days, "gx_add_days({0}, {1})")
ADD_DAYS_AT = Function("add_days_at", ("datetime", "integer", "zone"), "datetime", _shift_days,
                       "gx_add_days_at({0}, {1}, {2})")  # fmt: skip
ADD_MONTHS = Function("add_months", ("date", "integer"), "date", z.shift_months, "gx_add_months({0}, {1})")
ADD_MONTHS_AT = Function("add_months_at", ("datetime", "integer", "zone"), "datetime", _shift_months,
                         "gx_add_months_at({0}, {1}, {2})")  # fmt: skip
ADD_HOURS = Function("add_hours", ("datetime", "integer"), "datetime", z.shift_hours, "gx_add_hours({0}, {1})")
DAYS = Function("days_between", ("date", "date"), "integer", lambda a, b: (b - a).days, "(({1}) - ({0}))::bigint")
HOURS = Function("hours_between", ("datetime", "datetime"), "integer", lambda a, b: (b - a) // _HOUR,
                 "gx_hours_between({0}, {1})")  # fmt: skip
WORKING_DAYS = Function(
    "working_days_between", ("date", "date", "calendar"), "integer",
    lambda a, b, calendar: calendar.working_days_between(a, b), "gx_working_days({0}, {1}, {2})",
)  # fmt: skip
# Only ever evaluated for the caller: the border that turns a question about working days into one about a date.
WORKING_BORDER = Function(
    "working_border", ("date", "integer", "calendar"), "date",
    lambda end, left, calendar: calendar.first_day_reaching(end, left), "NULL", "NULL",
)  # fmt: skip
MONTH_START = Function("start_of_month", ("date",), "date", lambda d: d.replace(day=1),
                       "date_trunc('month', ({0})::timestamp)::date", "(substr({0}, 1, 8) || '01')")  # fmt: skip
QUARTER_START = Function("start_of_quarter", ("date",), "date", lambda d: d.replace(month=(d.month - 1) // 3 * 3 + 1, day=1),
                         "date_trunc('quarter', ({0})::timestamp)::date")  # fmt: skip
YEAR_START = Function("start_of_year", ("date",), "date", lambda d: d.replace(month=1, day=1),
                      "date_trunc('year', ({0})::timestamp)::date", "(substr({0}, 1, 5) || '01-01')")  # fmt: skip


def _part(name: str, function: Function, what: str, result: str, example: Any) -> Entry:
    return Entry(name, "time", f"{name}(date) → {result}", what, functions=(("date", function),), result=result,
                 examples=((f'{name}(date("2024-05-17"))' + (" == " + example[0] if isinstance(example, tuple) else ""),
                            True if isinstance(example, tuple) else example),))  # fmt: skip


ENTRIES = (
    Entry("today", "time", "today() → date", "The present day in the caller's zone.", form="today", least=0, most=0, result="date"),
    Entry("now", "time", "now() → datetime", "The present instant.", form="now", least=0, most=0, result="datetime"),
    Entry("date", "time", 'date("2024-06-01") → date; date(datetime) → date',
          "A written date, or the day of an instant in the caller's zone.", form="date", functions=(("datetime", LOCAL_DATE),),
          result="date", examples=(('date(datetime("2024-06-01T20:00:00Z")) == date("2024-06-02")', True),)),
    Entry("datetime", "time", 'datetime("2024-06-01T08:00:00Z") → datetime',
          "A written instant; without Z or an offset it is read as UTC.", form="datetime", result="datetime",
          examples=(('datetime("2024-06-01T08:00:00+08:00") == datetime("2024-06-01T00:00:00Z")', True),)),
    _part("year", YEAR, "The year.", "integer", 2024),
    _part("month", MONTH, "The month, 1 to 12.", "integer", 5),
    _part("day", DAY, "The day of the month.", "integer", 17),
    _part("weekday", WEEKDAY, "The day of the week: 1 is Monday, 7 is Sunday.", "integer", 5),
    Entry("add_days", "time", "add_days(date, n) → date; add_days(datetime, n) → datetime",
          "So many days on; an instant keeps its local time.", form="shift",
          functions=(("date", ADD_DAYS), ("datetime", ADD_DAYS_AT)), least=2, most=2,
          examples=(('add_days(date("2024-02-28"), 2) == date("2024-03-01")', True),
                    ('add_days(datetime("2024-02-28T20:00:00Z"), -1) == datetime("2024-02-27T20:00:00Z")', True))),
    Entry("add_months", "time", "add_months(date, n) → date; add_months(datetime, n) → datetime",
          "The same day so many months on, or the month's last day; an instant keeps its local time.", form="shift",
          functions=(("date", ADD_MONTHS), ("datetime", ADD_MONTHS_AT)), least=2, most=2,
          examples=(('add_months(date("2024-01-31"), 1) == date("2024-02-29")', True),
                    ('add_months(date("2024-03-31"), -13) == date("2023-02-28")', True),
                    ('add_months(datetime("2024-01-30T20:00:00Z"), 1) == datetime("2024-02-28T20:00:00Z")', True))),
    Entry("add_hours", "time", "add_hours(datetime, n) → datetime", "So many hours on.", functions=(("datetime", ADD_HOURS),),
          least=2, most=2, result="datetime",
          examples=(('add_hours(datetime("2024-12-31T23:30:00Z"), 1) == datetime("2025-01-01T00:30:00Z")', True),)),
    Entry("days_between", "time", "days_between(from, to) → integer", "Calendar days from one day to the other, negative backwards.",
          functions=(("date", DAYS),), least=2, most=2, result="integer",
          examples=(('days_between(date("2024-02-28"), date("2024-03-01"))', 2),)),
    Entry("days_since", "time", "days_since(date) → integer", "Calendar days from then until today.", form="since",
          functions=(("date", DAYS),), result="integer"),
    Entry("hours_since", "time", "hours_since(datetime) → integer", "Full hours from then until now.", form="since",
          functions=(("datetime", HOURS),), result="integer"),
    Entry("working_days_between", "time", 'working_days_between(from, to) → integer; with a calendar\'s name as third argument',
          "Working days after `from` up to and including `to`, negative backwards. Without a name the calendar `office` counts, "
          "else the only calendar, else Monday to Friday.", form="working",
          functions=(("date", WORKING_DAYS),), least=2, most=3, result="integer",
          examples=(('working_days_between(date("2024-05-17"), date("2024-05-20"))', 1),
                    ('working_days_between(date("2024-05-20"), date("2024-05-10"))', -6))),
    Entry("working_days_since", "time", "working_days_since(date) → integer; with a calendar's name as second argument",
          "Working days after that day up to and including today.", form="working", functions=(("date", WORKING_DAYS),),
          least=1, most=2, result="integer"),
    _part("start_of_month", MONTH_START, "The first day of the month.", "date", ('date("2024-05-01")',)),
    _part("start_of_quarter", QUARTER_START, "The first day of the quarter.", "date", ('date("2024-04-01")',)),
    _part("start_of_year", YEAR_START, "The first day of the year.", "date", ('date("2024-01-01")',)),
)  # fmt: skip
