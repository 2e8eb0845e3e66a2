"""What is wrong in a definition, and where: the value that `guanxi check` prints.

Definitions are judged by collecting diagnostics, never by raising at the first one; a caller that
cannot go on raises `DefinitionError` with all of them. Every code stands in `codes.CODES`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from .codes import CODES

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A position in a source file; line and column count from 1."""

    file: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"

    def shifted(self, columns: int) -> Place:
        """The place `columns` characters further on the same line."""
        return Place(self.file, self.line, self.column + columns)


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding: a code from the closed catalogue, a sentence, a place, a path and a hint."""

    code: str
    message: str
    place: Place
    path: str = ""
    hint: str = ""
    severity: Severity = "error"

    def __post_init__(self) -> None:
        if self.code not in CODES:
            raise ValueError(f"unlisted diagnostic code {self.code!r}")

    def __str__(self) -> str:
        path = f"{self.path}: " if self.path else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{self.place}: {path}{self.message}{hint} [{self.code}]"

    def as_dict(self) -> dict[str, object]:
        """The machine form used by `--format json`, the API and the studio."""
        return {
            "file": self.place.file,
            "line": self.place.line,
            "column": self.place.column,
            "path": self.path,
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
            "severity": self.severity,
        }


@dataclass(slots=True)
class Diagnostics:
    """A collector handed down through a stage."""

    found: list[Diagnostic] = field(default_factory=list)

    def error(self, code: str, message: str, place: Place, *, path: str = "", hint: str = "") -> None:
        """Note an error."""
        self.found.append(Diagnostic(code, message, place, path, hint))

    def warning(self, code: str, message: str, place: Place, *, path: str = "", hint: str = "") -> None:
        """Note something lawful but most likely not meant."""
        self.found.append(Diagnostic(code, message, place, path, hint, "warning"))

    def extend(self, more: Iterable[Diagnostic]) -> None:
        """Take in what another judge found."""
        self.found.extend(more)

    @property
    def errors(self) -> list[Diagnostic]:
        """Only the errors, sorted by file and position."""
        return [d for d in self if d.severity == "error"]

    @property
    def failed(self) -> bool:
        """True when at least one error was noted."""
        return any(d.severity == "error" for d in self.found)

    def raise_if_failed(self) -> None:
        """Raise DefinitionError with everything found when there is an error."""
        if self.failed:
            raise DefinitionError(list(self))

    def __iter__(self) -> Iterator[Diagnostic]:
        return iter(sorted(self.found, key=lambda d: (d.place, d.path, d.code)))

    def __len__(self) -> int:
        return len(self.found)


class DefinitionError(Exception):
    """Definitions cannot be used; carries every diagnostic of the stage that failed."""

    def __init__(self, diagnostics: list[Diagnostic]) -> None:
        self.diagnostics = diagnostics
        super().__init__("\n".join(str(d) for d in diagnostics))
