"""The select list of a statement and the function that turns its rows into JSON-form dictionaries, compiled once.

Entries are added in answer order; each says which nodes it selects and how they become a value. The source of the
function holds positions and literals of our own making only; field names enter it as literals.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from guanxi.runtime.query.request import Row
from guanxi.runtime.storage.rows import Convert

RowsFunction = Callable[[Sequence[Sequence[Any]]], list[Row]]


class Shape:
    """Collects what is selected; `code` texts are expressions over the positions' names c0, c1, …."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.costly = False  # a column needs work of its own for every row
        self._scope: dict[str, Any] = {}
        self._shared: dict[Any, str] = {}
        self._entries: list[tuple[str, str]] = []

    def select(self, node: Any) -> str:
        """Select a node; returns the name of its value in code."""
        self.nodes.append(node)
        return f"c{len(self.nodes) - 1}"

    def once(self, key: Any, make: Callable[[], Any]) -> str:
        """The name of a node that several entries share."""
        if key not in self._shared:
            self._shared[key] = self.select(make())
        return self._shared[key]

    def converted(self, name: str, *converts: Convert | None) -> str:
        """Code for a value sent through functions, a blank staying blank."""
        code = name
        for convert in converts:
            if convert is not None:
                code = f"{self.function(convert)}({code})"
        return code if code == name else f"(None if {name} is None else {code})"

    def function(self, convert: Callable[..., Any]) -> str:
        """The name of a function in code."""
        for known, value in self._scope.items():
            if value is convert:
                return known
        name = f"f{len(self._scope)}"
        self._scope[name] = convert
        return name

    def put(self, key: str, code: str) -> None:
        """The next entry of the answer."""
        self._entries.append((key, code))

    def rows(self) -> RowsFunction:
        """The compiled function from driver rows to dictionaries."""
        names = ", ".join(f"c{i}" for i in range(len(self.nodes)))
        source = f"def rows(found):\n    return [{braces(self._entries)} for {names}, in found]\n"
        if len(self.nodes) > 1:
            source = source.replace(f"{names}, in", f"{names} in")
        scope = dict(self._scope)
        exec(compile(source, "<rows>", "exec"), scope)  # noqa: S102 (positions and literals of our own making)
        return scope["rows"]  # type: ignore[no-any-return]


def braces(entries: Sequence[tuple[str, str]]) -> str:
    """Code of a dictionary."""
    return "{" + ", ".join(f"{key!r}: {code}" for key, code in entries) + "}"
