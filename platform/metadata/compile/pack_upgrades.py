"""`upgrades` of a pack → PackUpgrade: what is renamed, and what records get, when a version is left or passed.

A step names things as the pack calls them now; only `from` holds old names. Values are expressions on the record's own
stored fields, because they are worked out inside the publication, where no other record is asked.
"""

from __future__ import annotations

from collections.abc import Mapping

from guanxi.expressions.expression import Expression
from guanxi.expressions.types import BOOLEAN
from guanxi.registry import PackBackfill, PackUpgrade

from ..documents.fields import COMPUTED_TYPES
from ..documents.pack import BackfillPart, PackDocument, RenamedPart, UpgradePart
from ..fingerprint import hash_of
from ..link.context import Context
from ..link.outline import Outline
from ..nodes import Document, Path, to_plain
from .scope import frozen


def compile_upgrades(context: Context, document: Document, model: PackDocument) -> Mapping[str, PackUpgrade]:
    """All steps by version; faults are noted in the context."""
    return {version: _upgrade(context, document, version, part) for version, part in model.upgrades.items()}


def old_path(text: str) -> tuple[str, ...]:
    """`object.field=option` → its names."""
    return tuple(text.replace("=", ".").split("."))


def _upgrade(context: Context, document: Document, version: str, part: UpgradePart) -> PackUpgrade:
    path: Path = ("upgrades", version)
    for index, renamed in enumerate(part.renamed):
        _judge(context, document, (*path, "renamed", index), renamed)
    made = [_backfill(context, document, (*path, "backfill", i), one) for i, one in enumerate(part.backfill)]
    given = document.node.entries["upgrades"].get(version)  # type: ignore[attr-defined]
    return PackUpgrade(
        version=version,
        renamed=tuple((old_path(one.from_), one.to) for one in part.renamed),
        backfill=tuple(one for one in made if one is not None),
        digest=hash_of(to_plain(given)) if given is not None else "",
    )


def _judge(context: Context, document: Document, path: Path, part: RenamedPart) -> None:
    """An old name that is still in use was not renamed."""
    steps = old_path(part.from_)
    if len(steps) == 1:
        taken = context.has("object", steps[0])
    else:
        outline = context.outlines.get(steps[0])
        one = outline.fields.get(steps[1]) if outline is not None else None
        taken = one is not None and (len(steps) == 2 or steps[2] in one.options)
    if taken:
        said = f"'{part.from_}' still exists, so it was not renamed"
        context.error("model-rule", said, document, (*path, "from"))


def _backfill(context: Context, document: Document, path: Path, part: BackfillPart) -> PackBackfill | None:
    outline = context.outlines.get(part.object)
    if outline is None:
        context.unknown("unknown-object", "object", part.object, context.names("object"), document, (*path, "object"))
        return None
    where = None
    if part.where is not None:
        where = context.expression(document, (*path, "where"), part.where, part.object, expect=BOOLEAN)
        _own(context, document, (*path, "where"), where, outline)
    values = {}
    for name, given in part.set.items():
        value = _value(context, document, (*path, "set", name), outline, given)
        if value is not None:
            values[name] = value
    return PackBackfill(part.object, frozen(values), where)


def _value(context: Context, document: Document, path: Path, outline: Outline, given: object) -> Expression | None:
    name = str(path[-1])
    one, info = outline.fields.get(name), context.field(outline.name, name)
    if one is None or info is None:
        context.unknown("unknown-field", f"field of {outline.name}", name, outline.fields, document, path, key=True)
        return None
    if one.part.type in COMPUTED_TYPES or not one.type.writable or one.part.type == "references":
        context.error("model-rule", f"'{name}' cannot be filled by an upgrade", document, path, key=True)
        return None
    value = context.value(document, path, given, outline.name, info.type)
    _own(context, document, path, value, outline)
    return value


def _own(context: Context, document: Document, path: Path, value: Expression | None, outline: Outline) -> None:
    """Note an expression that asks for anything besides the record's own stored fields and the moment."""
    if value is None:
        return
    plain = {n for n, one in outline.fields.items() if one.part.type not in {*COMPUTED_TYPES, "references"}}
    if any(use.object != outline.name or use.field not in plain for use in value.uses) or value.roles:
        said = "a step of an upgrade reads the record's own stored fields only"
        context.error("model-rule", said, document, path)
