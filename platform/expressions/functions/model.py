"""The two shapes of the function table.

An `Entry` is a name that people write; a `Function` is one implementation with fixed argument kinds that an entry
leads to (`add_days` leads to one on dates and one on instants). Entries without a function are built into terms of
the tree by the checker (`blank`, `count`, `changed`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, eq=False)
class Function:
    """One implementation.

    `arguments` are kind codes: text integer number decimal date datetime boolean, `any` (every comparable kind in
    its stored form), `zone` (the caller's time zone, filled in by the executor) or `calendar`. With `variadic` the
    last code repeats. `strict`: a blank argument gives a blank, and `python` never sees None. `postgresql` and
    `sqlite` are templates over the arguments `{0}`, `{1}` or `{all}`; without a `sqlite` template the Python
    implementation is installed in the connection as `gx_<name>`.
    """

    name: str
    arguments: tuple[str, ...]
    result: str
    python: Callable[..., Any]
    postgresql: str
    sqlite: str = ""
    variadic: bool = False
    strict: bool = True

    @property
    def sqlite_name(self) -> str:
        """The name under which SQLite connections know it."""
        return f"gx_{self.name}"


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One name of the language: how it is written, what it does, examples as (expression, value), and how the
    checker builds it: `form` names the builder, `functions` the implementations by kind of the first argument.
    """

    name: str
    group: str
    signature: str
    summary: str
    form: str = "plain"
    functions: tuple[tuple[str, Function], ...] = ()
    least: int = 1
    most: int = 1
    result: str = ""
    examples: tuple[tuple[str, Any], ...] = ()
