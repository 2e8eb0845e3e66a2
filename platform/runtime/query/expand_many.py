"""Expanded lists of references: a `references` field answered as records, read by two more statements a field and page.

The page itself answers ids; here they become `{"id", "title", fields…}` in the same order. What the reader may not see
is `{"id", "title": null}`. Paths may go on behind the list: `products.category` is expanded inside each product.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from guanxi.common.errors import BadRequest
from guanxi.registry.objects import ObjectType
from guanxi.runtime.access.actor import Actor
from guanxi.runtime.access.gate import operand
from guanxi.runtime.access.grants import Grants

from .expand import MAX_DEPTH, MAX_EXPAND
from .request import Row

if TYPE_CHECKING:
    from .reader import Reader

Many = dict[str, tuple[str, ...]]
"""The list of references to expand → what is expanded inside its records."""
IDS_AT_ONCE = 500


def split(grants: Grants, kind: ObjectType | None, asked: Sequence[str]) -> tuple[tuple[str, ...], Many]:
    """What the page's own statement expands (a list of references by its name alone), and the lists with their inside.

    Raises BadRequest for a list the reader may not judge by, and past the limits of expansion.
    """
    many: dict[str, list[str]] = {}
    own: list[str] = []
    for path in asked:
        first, _, rest = path.partition(".")
        field = kind.fields.get(first) if kind is not None else None
        if kind is None or field is None or field.type != "references":
            own.append(path)
            continue
        operand(grants, kind, first, "lookup")
        if path.count(".") >= MAX_DEPTH or len(asked) > MAX_EXPAND:
            raise BadRequest(f"{path!r} expands more than {MAX_DEPTH} references.", code="bad_request")
        many.setdefault(first, []).extend([rest] if rest else [])
    return tuple(dict.fromkeys((*own, *many))), {name: tuple(dict.fromkeys(inner)) for name, inner in many.items()}


def fill(reader: Reader, actor: Actor, kind: ObjectType, many: Many, rows: Sequence[Row]) -> None:
    """Put records where the rows hold ids."""
    for name, inside in many.items():
        ids = {number for row in rows for number in row.get(name) or () if isinstance(number, int)}
        known = _records(reader, actor, kind.fields[name].target, sorted(ids), inside)
        for row in rows:
            value: Any = row.get(name)
            if isinstance(value, list):
                row[name] = [known.get(number, {"id": number, "title": None}) for number in value]


def _records(
    reader: Reader, actor: Actor, target: str, ids: Sequence[int], inside: Sequence[str]
) -> dict[int, dict[str, Any]]:
    rights = reader.access.of(actor).on(target)
    if not rights.of("read"):
        if inside:
            raise BadRequest(f"{inside[0]!r} leads to records you cannot read.", code="unknown_field")
        return {}
    columns = reader.model.tables[target].columns
    fields = [
        f.name
        for f in reader.registry.objects[target].fields.values()
        if not f.system and f.name in columns and f.name not in ("id", "title") and rights.shown(f.name)
    ]
    found: dict[int, dict[str, Any]] = {}
    for start in range(0, len(ids), IDS_AT_ONCE):
        part = ids[start : start + IDS_AT_ONCE]
        titles = reader.titles(actor, target, part)
        for row in reader.by_ids(actor, target, part, fields=("id", *fields), expand=inside):
            number = row["id"]
            found[number] = {"id": number, "title": titles.get(number), **{k: v for k, v in row.items() if k != "id"}}
    return found
