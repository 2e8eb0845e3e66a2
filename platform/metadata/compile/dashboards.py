"""`kind: dashboard` → Dashboard: every tile names what exists and asks what the database can answer."""

from __future__ import annotations

from collections.abc import Mapping

from guanxi.expressions import tree
from guanxi.expressions.expression import Expression
from guanxi.expressions.types import BOOLEAN, DECIMAL
from guanxi.registry.dashboards import Dashboard, Tile

from ..documents.dashboard import MEASURE, DashboardDocument, TilePart
from ..link.context import Context
from ..nodes import Document, Path
from .scope import Scope, label_of

GROUPED = frozenset({"funnel", "bar", "ranking"})
TIMED = frozenset({"trend", "line"})
_GROUPABLE = frozenset({"text", "choice", "integer", "decimal", "boolean", "date", "datetime", "time", "reference"})


def compile_dashboard(context: Context, document: Document, model: DashboardDocument) -> Dashboard:
    """One dashboard; tiles with faults are left out, which are noted."""
    for index, role in enumerate(model.roles):
        if not context.has("role", role):
            context.unknown("unknown-reference", "role", role, context.names("role"), document, ("roles", index))
    made = (_tile(context, document, name, part) for name, part in model.tiles.items())
    return Dashboard(
        name=document.name,
        label=label_of(context, document, ("label",), model.label, document.name),
        tiles=tuple(tile for tile in made if tile is not None),
        description=model.description,
        icon=model.icon or "layout-dashboard",
        roles=tuple(model.roles),
        layer=document.layer,
    )


def _tile(context: Context, document: Document, name: str, part: TilePart) -> Tile | None:
    path: Path = ("tiles", name)
    if not context.has("object", part.object):
        names = context.names("object")
        context.unknown("unknown-object", "object", part.object, names, document, (*path, "object"))
        return None
    outline = context.outline_of(part.object)
    if outline is None:
        return None
    scope = Scope(context, document, outline.model, outline)
    where = scope.expression((*path, "where"), part.where, BOOLEAN, sql=True) if part.where is not None else None
    _needs(scope, path, part)
    _measured(scope, path, part)
    _grouped(scope, path, part)
    if part.target is not None:
        scope.expression((*path, "target"), part.target, DECIMAL)
    _list(scope, path, part)
    return Tile(
        name=name,
        label=label_of(context, document, (*path, "label"), part.label, name),
        kind=part.as_,
        object=part.object,
        measure=part.measure,
        group=part.group or "",
        where=part.where or "",
        date=_date(scope, path, part, where),
        by=part.by,
        compare=part.compare or "",
        target=part.target or "",
        view=part.view or "",
        columns=tuple(part.columns),
        sort=tuple((key.removeprefix("-"), key.startswith("-")) for key in part.sort),
        limit=part.limit,
        width=part.width,
        help=part.help,
    )


def _needs(scope: Scope, path: Path, part: TilePart) -> None:
    if part.as_ in GROUPED and part.group is None:
        scope.error("missing-key", f"'group' is missing: what the {part.as_} is broken down by", path, key=True)
    if part.as_ == "target" and part.target is None:
        scope.error("missing-key", "'target' is missing: what is to be reached", path, key=True)
    if part.compare is not None and part.as_ not in ("number", "target"):
        scope.error("model-rule", f"a {part.as_} compares nothing; put it on a number", (*path, "compare"))


def _measured(scope: Scope, path: Path, part: TilePart) -> None:
    found = MEASURE.match(part.measure)
    inner = found[2].strip() if found else ""
    if not inner:
        if found and found[1] != "count":
            scope.error("missing-key", f"{found[1]}() needs a field", (*path, "measure"))
        return
    expression = scope.expression((*path, "measure"), inner, sql=True)
    if (
        expression is not None
        and found
        and found[1] in ("sum", "avg")
        and expression.type.kind
        not in (
            "integer",
            "decimal",
        )
    ):
        scope.error("expression-type", f"{found[1]} needs a number, not {expression.type}", (*path, "measure"))


def _grouped(scope: Scope, path: Path, part: TilePart) -> None:
    if part.group is None:
        return
    expression = scope.expression((*path, "group"), part.group, sql=True)
    if expression is not None and expression.type.kind not in _GROUPABLE:
        scope.error("expression-type", f"nothing is grouped by {expression.type}", (*path, "group"))


def _list(scope: Scope, path: Path, part: TilePart) -> None:
    for index, column in enumerate(part.columns):
        scope.column((*path, "columns", index), column)
    for index, key in enumerate(part.sort):
        scope.column((*path, "sort", index), key.removeprefix("-"))
    views: Mapping[str, object] = scope.model.views
    if part.view is not None and part.view not in views:
        scope.context.unknown("unknown-reference", "view", part.view, views, scope.document, (*path, "view"))


def _date(scope: Scope, path: Path, part: TilePart, where: Expression | None) -> str:
    """The date of comparisons and trends: the one given, or the only one that `where` speaks of."""
    if part.date is not None:
        info = scope.context.field(scope.name, part.date)
        if scope.field((*path, "date"), part.date) and info is not None and info.type.kind not in ("date", "datetime"):
            scope.error("expression-type", f"'{part.date}' is not a date", (*path, "date"))
        return part.date
    if part.as_ not in TIMED and part.compare is None:
        return ""
    found = {
        term.name
        for term in (tree.walk(where.tree) if where is not None else ())
        if isinstance(term, tree.FieldTerm)
        and term.type.kind in ("date", "datetime")
        and isinstance(term.row, tree.Row)
    }
    if len(found) != 1:
        scope.error("missing-key", "'date' is missing: the field that says when", path, key=True)
        return ""
    return found.pop()
