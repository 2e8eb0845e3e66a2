"""The format of running numbers: `C-{yyyy}-{0000}` → `C-2026-0042`.

Literal text, the parts of the day {yyyy} {yy} {mm} {dd}, and one run of zeros for the counter (its least width; a
larger number grows). The counter starts again whenever a part of the day in the format changes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

_PART = re.compile(r"\{([^{}]*)\}")
_DAY_PARTS = ("yyyy", "yy", "mm", "dd")
MAX_LENGTH = 40


@dataclass(frozen=True, slots=True)
class AutoNumberFormat:
    """A parsed format: `parts` are literals, day parts and, once, the zeros, in order."""

    source: str
    parts: tuple[tuple[str, str], ...]
    width: int

    @classmethod
    def parse(cls, text: str) -> AutoNumberFormat:
        """Read a format. Raises ValueError with a sentence."""
        if not 0 < len(text) <= MAX_LENGTH:
            raise ValueError(f"the format has 1 to {MAX_LENGTH} characters")
        parts: list[tuple[str, str]] = []
        at = 0
        for found in _PART.finditer(text):
            parts.append(("text", text[at : found.start()]))
            parts.append(_part(found[1]))
            at = found.end()
        parts.append(("text", text[at:]))
        literal = "".join(value for kind, value in parts if kind == "text")
        if "{" in literal or "}" in literal:
            raise ValueError("a brace in the format is not closed")
        if not literal.isprintable():
            raise ValueError("the format contains characters that cannot be shown")
        kinds = [kind for kind, _ in parts]
        if kinds.count("zeros") != 1:
            raise ValueError("the format needs exactly one run of zeros in braces, such as {0000}")
        _whole_dates({value for kind, value in parts if kind == "day"})
        width = next(len(value) for kind, value in parts if kind == "zeros")
        return cls(text, tuple(p for p in parts if p[1]), width)

    def period(self, day: date) -> str:
        """The key of the counter that serves this day: "" for one counter for ever, else "2026", "2026-03" …"""
        used = {value for kind, value in self.parts if kind == "day"}
        if "dd" in used:
            return day.isoformat()
        return day.isoformat()[:7] if "mm" in used else f"{day.year:04d}" if used else ""

    def render(self, day: date, number: int) -> str:
        """The text for the counter's `number` on this day (in the instance's zone)."""
        values = {
            "yyyy": f"{day.year:04d}",
            "yy": f"{day.year % 100:02d}",
            "mm": f"{day.month:02d}",
            "dd": f"{day.day:02d}",
        }
        values["0" * self.width] = str(number).zfill(self.width)
        return "".join(value if kind == "text" else values[value] for kind, value in self.parts)


def _part(inner: str) -> tuple[str, str]:
    if inner in _DAY_PARTS:
        return "day", inner
    if inner and not inner.strip("0") and len(inner) <= 12:
        return "zeros", inner
    raise ValueError(
        f"{{{inner}}} is not known in a format; use {{yyyy}} {{yy}} {{mm}} {{dd}} and one run of up to 12 zeros"
    )


def _whole_dates(used: set[str]) -> None:
    """A counter that restarts must leave a trace of the period in the text, or numbers would come twice."""
    if "mm" in used and not used & {"yyyy", "yy"}:
        raise ValueError("{mm} needs {yyyy} or {yy}, or numbers would repeat every year")
    if "dd" in used and "mm" not in used:
        raise ValueError("{dd} needs {mm}, or numbers would repeat every month")
