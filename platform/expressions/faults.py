"""What can be wrong with an expression, and where in its text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ExpressionFault:
    """One fault: a code of `common.codes`, a sentence, a hint; `offset` counts characters from 0, `line` and
    `column` from 1, all inside the expression's text.
    """

    code: str
    message: str
    hint: str = ""
    offset: int = 0
    line: int = 1
    column: int = 1

    @property
    def position(self) -> str:
        """`line:column`, as the API answers it."""
        return f"{self.line}:{self.column}"

    def __str__(self) -> str:
        return f"{self.position}: {self.message}" + (f" ({self.hint})" if self.hint else "")


class ExpressionErrors(Exception):
    """The text is not a usable expression; `faults` has at least one entry, in the order of the text."""

    def __init__(self, faults: Sequence[ExpressionFault]) -> None:
        self.faults = tuple(sorted(faults, key=lambda fault: fault.offset))
        super().__init__("; ".join(str(fault) for fault in self.faults))


class BudgetExceeded(Exception):
    """An evaluation took more steps or time than allowed."""
