"""Field changes of one record, under the reader's rights of today: hidden fields are left out, masked ones masked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from guanxi.common.errors import BadRequest
from guanxi.fieldtypes import CATALOGUE
from guanxi.registry.objects import ObjectType
from guanxi.runtime.access.actor import Actor
from guanxi.runtime.access.grants import ObjectRights
from guanxi.runtime.access.pooled import hidden_fields, hidden_for
from guanxi.runtime.storage.rows import instant_text_json

from .request import MAX_LIMIT, Page, Row

if TYPE_CHECKING:
    from .reader import Reader

_SQL = (
    "SELECT h.id, h.at, h.by_id, h.version, h.action, h.changes, h.run_id, r.rule FROM gx_history h"
    " LEFT JOIN gx_automation_runs r ON r.id = h.run_id"
    " WHERE h.object = ? AND h.record_id = ? AND h.id < ? ORDER BY h.id DESC LIMIT ?"
)
NEWEST = 2**63 - 1


class HistoryReader:
    """Reads `gx_history`, which the record service writes."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._sql = _SQL if reader.database.engine == "sqlite" else _SQL.replace("?", "%s")

    def page(self, actor: Actor, object_name: str, record_id: int, *, limit: int, after: str) -> Page:
        """Newest first; `after` is the cursor of the last page."""
        if not 1 <= limit <= MAX_LIMIT:
            raise BadRequest(f"'limit' is between 1 and {MAX_LIMIT}.", code="bad_limit")
        reader = self._reader
        reader.seen(actor, object_name, record_id, "history")
        order = f"history|{object_name}|{record_id}"
        before = reader.cursors.read(order, after, 1)[0] if after else NEWEST
        found = reader.database.rows(self._sql, (object_name, record_id, before, limit + 1))
        more, found = len(found) > limit, found[:limit]
        object_type, rights = reader.registry.objects[object_name], reader.access.rights(actor, object_name)
        closed = self._closed(actor, object_name, record_id)
        people = self._people(actor, [row[2] for row in found])
        data = [_entry(object_type, rights, row, people, closed) | self._rule(actor, row) for row in found]
        return Page(data, reader.cursors.write(order, [found[-1][0]]) if more else None)

    def _closed(self, actor: Actor, object_name: str, record_id: int) -> frozenset[str]:
        """The fields that are masked because the record waits in a pool."""
        reader = self._reader
        if actor.unrestricted or not hidden_fields(reader.registry, object_name):
            return frozenset()
        row = reader.get(actor, object_name, record_id, fields=("owner", "pool"))
        return hidden_for(reader.registry, object_name, actor, row)

    def _rule(self, actor: Actor, row: tuple[Any, ...]) -> Row:
        """The automation that wrote a change: {"automation": {"run", "name", "label"}}, nothing where a person did."""
        run, name = row[6], row[7]
        if run is None or name is None:
            return {}
        rule = self._reader.registry.automations.get(name)
        label = rule.label.text(actor.language) if rule is not None else name
        return {"automation": {"run": run, "name": name, "label": label}}

    def _people(self, actor: Actor, ids: list[int | None]) -> dict[int, str]:
        known = sorted({i for i in ids if i is not None})
        if not known or not self._reader.access.rights(actor, "user").of("read"):
            return {}
        return self._reader.titles(actor, "user", known)


def _entry(
    object_type: ObjectType, rights: ObjectRights, row: tuple[Any, ...], people: dict[int, str], closed: frozenset[str]
) -> Row:
    _, at, by, version, action, changes = row[:6]
    shown = {}
    for name, change in (orjson.loads(changes) if changes else {}).items():
        if name in object_type.fields and rights.shown(name):
            shown[name] = (
                change
                if rights.readable(name) and name not in closed
                else _masked(object_type, name, change, rights.masks.get(name))
            )
    return {
        "at": instant_text_json(at),
        "by": None if by is None else {"id": by, "title": people.get(by)},
        "version": version,
        "action": action,
        "changes": shown,
    }


def _masked(object_type: ObjectType, name: str, change: dict[str, Any], said: str | None) -> dict[str, Any]:
    field = object_type.fields[name]
    kind, style = CATALOGUE[field.type], said or field.mask
    return {side: None if value is None else kind.masked(value, style) for side, value in change.items()}
