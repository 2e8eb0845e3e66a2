"""The step that gives records what a pack's upgrade says: worked out in Python, written in the same transaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from guanxi.runtime.storage.names import object_table, quoted

from .convert import reader, writer
from .pack_upgrades import filler
from .shapes import FieldShape
from .steps import Step, listed
from .tool import Tool


@listed
@dataclass(frozen=True, slots=True)
class Backfill(Step):
    """One backfill of a pack: `upgrade` is the version it stands under, `index` its place there, `fields` all that it
    reads or sets. Records in the trash get it too.
    """

    kind = "backfill"
    object: str
    pack: str
    upgrade: str
    index: int
    fields: tuple[FieldShape, ...]

    def title(self) -> str:
        """See Step."""
        return f"fill {self.object} as the upgrade of {self.pack} says ({self.upgrade})"

    def run(self, tool: Tool) -> None:
        """See Step."""
        backfill = tool.registry.packs[self.pack].upgrades[self.upgrade].backfill[self.index]
        fill = filler(backfill, tool.registry.objects[self.object], tool.clock.now())
        reads = [reader(tool.engine, shape) for shape in self.fields]
        writes = {shape.name: writer(tool.engine, shape) for shape in self.fields if shape.name in backfill.values}
        table, names = object_table(self.object), [shape.name for shape in self.fields]
        sql = {
            name: f"UPDATE {quoted(table)} SET {quoted(name)} = ? WHERE id = ?"  # noqa: S608
            for name in writes
        }
        for chunk in tool.chunks(table, names):
            changed: dict[str, list[tuple[Any, int]]] = {}
            for number, *stored in chunk:
                row = {name: read(value) for name, read, value in zip(names, reads, stored, strict=True)}
                for name, value in fill(row).items():
                    changed.setdefault(name, []).append((None if value is None else writes[name](value), number))
            for name, rows in changed.items():
                tool.many(sql[name], rows)
