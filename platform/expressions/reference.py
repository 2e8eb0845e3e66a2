"""The reference page of the language, written from the function table and the limits."""

from __future__ import annotations

from . import limits as m
from .functions.catalogue import ENTRIES, GROUPS

_TITLES = {
    "text": "Text",
    "numbers": "Numbers",
    "time": "Time",
    "blank": "Blank",
    "people": "People",
    "children": "Related lists",
    "change": "Change (only where a change is judged: rules, automations, approvals)",
}


def reference_markdown() -> str:
    """The whole page `docs/reference/expressions.md`."""
    return "\n".join([_LANGUAGE.format(m=m), *_functions(), _LIMITS.format(m=m)]).rstrip() + "\n"


def _functions() -> list[str]:
    lines = ["## Functions", ""]
    for group in GROUPS:
        lines += [f"### {_TITLES[group]}", "", "| function | meaning |", "| --- | --- |"]
        for entry in ENTRIES.values():
            if entry.group == group:
                signature = "<br>".join(f"`{part.strip()}`" for part in entry.signature.split(";"))
                lines.append(f"| {signature} | {entry.summary} |")
        lines.append("")
    return lines


_LANGUAGE = """# Expressions

One language for formulas, roll-ups, rules, filters (`where=`), row permissions, pools, approvals, automations and
dashboards. The same text is evaluated on a record and inside the database, with the same result.

    stage != "lost" and amount >= 100000 and days_since(last_follow_up_at) > 15
    count(orders, paid_at > add_months(today(), -12)) >= 3 and account.region in ["north", "east"]
    amount * (100 - discount) / 100 if filled(discount) else amount

## Values

| type | written | remarks |
| --- | --- | --- |
| text | `"north"`, `'north'` | escapes `\\\\ \\" \\' \\n \\t`; an empty text is blank |
| choice | `"won"` | an option's name in quotes; a name that is not an option is an error |
| integer | `42` | 64 bits |
| decimal | `0.5`, `1_000.00` | exact |
| boolean | `true`, `false` | |
| date | `date("2024-06-01")` | |
| datetime | `datetime("2024-06-01T08:00:00Z")` | an instant; without offset UTC |
| time | `"09:30"` | where it meets a time field |
| list | `["a", "b"]` | only after `in` |
| blank | `None`, `null` | |

## Names

A field of the record; a path over references, `account.owner.team`, at most {m.MAX_HOPS} hops (a reference that is blank, or
leads to a record in the trash or one that may not be seen, makes the path blank); `me` for the caller: `me.id`, `me.team`, `me.teams`,
`me.roles` and every field of the user record. Where a change is judged, `old.field` is the value before. Inside the
condition on a related list the names are the child's, and `outer.field` is a field of the record whose list it is.
`in` looks into a written list, into a field that holds several options or references, and into `me.teams` and `me.roles`.

## Operators

By rising precedence: `a if condition else b`; `or`; `and`; `not`; `== != < <= > >= in not in` (chains such as
`0 < x <= 10` are possible); `+ -`; `* / // %`; unary `-`. `+` also joins two texts.

## Meaning

- A blank equals only a blank. A comparison of order with a blank is false, so `not (x > 5)` is true for a blank `x`.
  A condition that is blank counts as false. Arithmetic with a blank is blank; a function of a blank is blank, except
  `blank`, `filled`, `coalesce`, `concat` and the last argument of `replace`.
- Integers stay integers under `+ - * // %`; with a decimal, and for `/`, the result is a decimal. `/` is rounded half to
  even to {m.DIVISION_SCALE} digits after the point. `//` rounds down and `%` has the sign of the right side. Division by zero is blank.
- An integer result outside 64 bits is blank. A decimal result keeps at most {m.DECIMAL_SCALE} digits after the point (rounded half to
  even) and is blank from 10^{m.MAX_DIGITS} on. A text result of more than {m.MAX_TEXT:,} characters is blank.
- Text compares by code point; `lower` and `upper` work character by character; `contains` ignores case (Unicode
  case folding). `starts_with`, `ends_with` and `==` do not.
- `today()` is the day in the caller's time zone. Where a date is asked for, an instant is taken by its day in that zone;
  so `created_at >= date("2024-06-01")` compares days. Adding days or months to an instant keeps its local time; a local
  time that the change of the clock skips is read with the offset before the change, a repeated one as the second.
- `count` and `sum` of nothing are 0, `avg`, `min` and `max` blank, `any` false, `all` true.
"""

_LIMITS = """## Limits

{m.MAX_CHARACTERS:,} characters; {m.MAX_DEPTH} levels; {m.MAX_NODES:,} parts, {m.MAX_INLINED_NODES:,} with the formulas it uses; {m.MAX_LIST} items in a list; \
{m.MAX_HOPS} hops in a path; written decimals of
{m.MAX_DIGITS} digits before the point. Evaluated on one record: {m.MAX_STEPS:,} related records and {m.MAX_MILLISECONDS} ms. A fault is reported as code, sentence, hint
and line:column. Codes: `expression-syntax` (cannot be read), `expression-name` (no such name or option), `expression-type`
(types do not fit), `expression-call` (no such function, or wrong arguments), `expression-sql` (cannot run in the database),
`expression-limit` (a limit is passed).
"""
