"""What the values of a caller may need when a statement is bound: other records (`me.manager.name`) and calendars."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any

from guanxi.expressions.calendar import WorkingCalendar
from guanxi.registry.registry import Registry
from guanxi.runtime.ports import Database
from guanxi.runtime.storage.names import quoted
from guanxi.runtime.storage.rows import row_function

from .frame import ReadModel


class RowLookup:
    """Whole rows by id in Python form, without rights: for the caller's own people, never for answers."""

    def __init__(self, model: ReadModel, database: Database) -> None:
        self._model = model
        self._database = database
        self._known: dict[str, tuple[str, Callable[[Any], dict[str, Any]]]] = {}

    def row(self, object_name: str, record_id: int) -> Mapping[str, Any] | None:
        """The record, or None."""
        known = self._known.get(object_name)
        if known is None:
            table = self._model.tables[object_name]
            mark = "?" if self._database.engine == "sqlite" else "%s"
            listed = ", ".join(quoted(name) for name in table.columns)
            sql = f"SELECT {listed} FROM {quoted(table.name)} WHERE id = {mark}"  # noqa: S608 (names from the registry)
            known = sql, row_function(self._database.engine, "python", table.cells(table.columns))
            self._known[object_name] = known
        found = self._database.one(known[0], (record_id,))
        return None if found is None else known[1](found)


class LazyCalendars(Mapping[str, WorkingCalendar]):
    """The working calendars of a version, worked out when the first statement asks for one."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    @cached_property
    def _found(self) -> Mapping[str, WorkingCalendar]:
        from guanxi.runtime.calendars import working_calendars

        return working_calendars(self._registry)

    def __getitem__(self, name: str) -> WorkingCalendar:
        return self._found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._registry.calendars)

    def __len__(self) -> int:
        return len(self._registry.calendars)
