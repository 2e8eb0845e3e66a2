"""ListQuery → ReadPlan: names resolved behind the gate, conditions compiled, the statement's text made once.

A plan depends on the shape of a query and on the reader's profile, never on values: those are markers among its
parameters. `ReadPlan` is frozen and can be kept as long as its published version.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from functools import reduce
from typing import Any, NamedTuple

import peewee

from guanxi.common.errors import BadRequest, Forbidden, NotFound
from guanxi.common.names import did_you_mean
from guanxi.expressions.types import BOOLEAN
from guanxi.registry.objects import ObjectType, Related
from guanxi.registry.screens import View
from guanxi.runtime.access.binds import argument, bound
from guanxi.runtime.access.gate import Purpose, operand, visible_object
from guanxi.runtime.access.grants import Grants, ObjectRights
from guanxi.runtime.access.predicate import row_predicate
from guanxi.runtime.search.condition import search_condition
from guanxi.runtime.search.index import searched_fields
from guanxi.runtime.storage.names import quoted

from .cells import put_field
from .clocks import having_clocks
from .expand import expansions
from .frame import Frame, ReadModel
from .order import SortKey, after, order_name
from .outside import checked, usable_views
from .request import Total
from .shape import RowsFunction, Shape

MAX_SORT = 8
ESTIMATE_AT_MOST = 10_000


class ReadShape(NamedTuple):
    """All of a query that shapes its statement; the key under which a plan is kept (with the reader's profile)."""

    object: str
    fields: tuple[str, ...] = ()
    expand: tuple[str, ...] = ()
    sort: tuple[tuple[str, bool], ...] = ()
    where: str = ""
    view: str = ""
    words: int = 0
    total: Total = "none"
    related: tuple[str, str] | None = None
    pool: bool = False
    trashed: bool = False
    one: bool = False
    ids: bool = False
    offset: bool = False
    blanks: tuple[bool, ...] | None = None
    titles: bool = False
    rights: str = ""
    clock: str = ""


@dataclass(frozen=True, slots=True)
class ReadPlan:
    """A statement ready to run: its text, its parameters (markers among them), the compiler of its rows.

    The last `keys` values of a row are the cursor's. `order` is what a cursor is bound to. `count` is the statement
    of the total, `counted` true when it may answer from the table's statistics.
    """

    sql: str
    params: tuple[Any, ...]
    rows: RowsFunction
    keys: int
    order: str
    count: tuple[str, tuple[Any, ...]] | None = None

    def explain(self) -> str:
        """The statement with its markers, for people."""
        return f"{self.sql}\n-- {', '.join(map(repr, self.params))}"


class Planner:
    """Builds plans for one published version."""

    def __init__(self, model: ReadModel) -> None:
        self.model = model

    def plan(self, grants: Grants, ask: ReadShape) -> ReadPlan:
        """The plan of a list, of one record (`one`), or of some records by id (`ids`)."""
        object_type = visible_object(grants, ask.object)
        rights = grants.on(ask.object)
        frame = Frame(self.model, object_type, grants)
        view = _view(grants, object_type, ask.view)
        shape = Shape()
        self._answer(shape, frame, rights, ask, view)
        keys = [] if ask.one or ask.ids else self._keys(frame, grants, ask, view)
        for key in keys:
            shape.select(key.node)
        if keys and shape.costly:
            chosen = self._chosen(grants, ask, view)
            query = frame.select(shape.nodes).where(frame.among(chosen)).order_by(*self._ordering(keys))
        else:
            conditions = self.conditions(frame, rights, ask)
            query = self._narrowed(frame.select(shape.nodes), conditions, keys, ask)
        sql, params = self.model.sql(query)
        return ReadPlan(sql, params, shape.rows(), len(keys), order_name(ask.object, keys), self._count(grants, ask))

    def _chosen(self, grants: Grants, ask: ReadShape, view: View | None) -> Any:
        """The ids of a page alone, so that costly columns are worked out for its rows and no others."""
        frame = Frame(self.model, self.model.registry.objects[ask.object], grants, "s")
        conditions = self.conditions(frame, grants.on(ask.object), ask)
        keys = self._keys(frame, grants, ask, view)
        return self._narrowed(frame.select([frame.column("id")]), conditions, keys, ask)

    def _narrowed(self, query: Any, conditions: list[Any], keys: list[SortKey], ask: ReadShape) -> Any:
        paged = conditions if ask.blanks is None else [*conditions, after(keys, ask.blanks)]
        query = query.where(reduce(operator.and_, paged)) if paged else query
        if keys:
            query = query.order_by(*self._ordering(keys)).limit(bound(argument("limit")))
        return query.offset(bound(argument("offset"))) if ask.offset else query

    def _ordering(self, keys: list[SortKey]) -> list[Any]:
        return [key.ordering(self.model.engine) for key in keys]

    # which rows -------------------------------------------------------------------------------------
    def conditions(self, frame: Frame, rights: ObjectRights, ask: ReadShape) -> list[Any]:
        """Everything that narrows the rows: life, the reader's row rule, view, filter, search."""
        view = _view(frame.reader, frame.object, ask.view)
        found = [self._life(frame, rights, ask), self._mine(frame, rights, "read")]
        if ask.trashed:
            found.append(self._mine(frame, rights, "restore"))
        if ask.rights:
            found.append(self._mine(frame, rights, ask.rights))
        if ask.one:
            found.append(frame.column("id") == bound(argument("id")))
        if ask.ids:
            found.append(frame.one_of(frame.column("id"), "ids"))
        if view is not None and view.where is not None:
            found.append(frame.condition(view.where))
        if ask.where:
            asked = frame.judged(checked(frame.reader, ask.object, ask.where, "filter", BOOLEAN))
            found.append(frame.condition(asked, outside=True))
        if ask.related is not None:
            found.append(self._related(frame, *ask.related))
        if ask.pool:
            found.append(frame.column("owner").is_null() & (frame.column("pool") == bound(argument("pool"))))
        if ask.clock:
            mark = "?" if self.model.engine == "sqlite" else "%s"
            found.append(having_clocks(frame.column("id"), ask.object, ask.clock, mark))
        if ask.words:
            found.append(self._search(frame, rights, ask.words))
        found.append(frame.unjudged())
        return [condition for condition in found if condition is not None]

    @staticmethod
    def _life(frame: Frame, rights: ObjectRights, ask: ReadShape) -> Any:
        if ask.trashed and not rights.of("restore"):
            raise Forbidden("You cannot see the trash of these records.")
        return frame.column("deleted_at").is_null(not ask.trashed)

    @staticmethod
    def _mine(frame: Frame, rights: ObjectRights, operation: str) -> Any:
        rule = row_predicate(frame.object, rights, operation, frame)
        if rule is True:
            return None
        return peewee.SQL("(1 = 0)") if rule is False else rule

    def _related(self, frame: Frame, parent: str, name: str) -> Any:
        found = related_list(self.model, frame.grants, parent, name)
        if found.object != frame.object.name:
            raise NotFound(f"There is no list {name!r}.")
        marker = bound(argument("parent"))
        if not found.many:
            return frame.column(found.field) == marker
        link = frame.table.links[found.field]
        children = link.table.select(link.c("source")).where(link.c("target") == marker)
        return peewee.Expression(frame.column("id"), "IN", children)

    @staticmethod
    def _search(frame: Frame, rights: ObjectRights, words: int) -> Any:
        fields = [f.name for f in searched_fields(frame.object) if rights.readable(f.name)]
        if not fields:
            return peewee.SQL("(1 = 0)")
        found = search_condition(frame.object, fields, words, frame.engine, frame.column("id"))
        hidden = frame.hidden(frame.object.name)
        pools = frozenset(name for field in fields for name in hidden.get(field, ()))
        if not pools:
            return found
        inside = frame.closed(frame.root, pools)
        found &= peewee.Expression(inside, "IS NOT", peewee.SQL("TRUE"))
        shown = [field for field in fields if field not in hidden]
        if not shown:
            return found
        return found | (inside & search_condition(frame.object, shown, words, frame.engine, frame.column("id")))

    # what of them -----------------------------------------------------------------------------------
    def _answer(self, shape: Shape, frame: Frame, rights: ObjectRights, ask: ReadShape, view: View | None) -> None:
        if ask.titles:
            shape.put("id", shape.select(frame.column("id")))
            shape.put("title", frame.title(shape, frame.root, "c0"))
            return
        expanded = expansions(frame, ask.expand)
        names = _names(frame, rights, ask, view)
        for path in dict.fromkeys((*names, *expanded)):
            expansion = expanded.get(path)
            shape.put(path, expansion.code(shape, frame) if expansion else self._cell(shape, frame, path))

    @staticmethod
    def _cell(shape: Shape, frame: Frame, path: str) -> str:
        used = operand(frame.reader, frame.object, path, "select")
        parent = frame.parent(tuple(hop.name for hop in used.hops)) if used.hops else frame.root
        return put_field(shape, used.field, frame, parent, masked=used.masked)

    # in which order ---------------------------------------------------------------------------------
    def _keys(self, frame: Frame, grants: Grants, ask: ReadShape, view: View | None) -> list[SortKey]:
        asked: list[tuple[str, bool]] = list(ask.sort)
        if not asked and view is not None:
            asked = [key for key in view.sort if _usable(grants, frame.object, key[0], "sort")]
        if len(asked) > MAX_SORT:
            raise BadRequest(f"A list is sorted by at most {MAX_SORT} keys.", code="bad_sort")
        keys: list[SortKey] = []
        for path, descending in asked:
            if any(key.name == path for key in keys):
                continue
            keys.append(frame.sort_key(path, descending))
            if path == "id":
                return keys
        return [*keys, SortKey("id", frame.column("id"), keys[-1].descending if keys else False, nullable=False)]

    # how many ---------------------------------------------------------------------------------------
    def _count(self, grants: Grants, ask: ReadShape) -> tuple[str, tuple[Any, ...]] | None:
        """The statement of the total: its own frame, so that it joins nothing but what the conditions need."""
        if ask.total == "none":
            return None
        frame = Frame(self.model, self.model.registry.objects[ask.object], grants)
        where = reduce(operator.and_, self.conditions(frame, grants.on(ask.object), ask))
        if ask.total == "exact":
            return self.model.sql(frame.select([peewee.fn.COUNT(peewee.SQL("*"))]).where(where))
        some = frame.select([peewee.SQL("1").alias("one")]).where(where).limit(ESTIMATE_AT_MOST + 1)
        sql, params = self.model.sql(peewee.Select([some.alias("some")], [peewee.fn.COUNT(peewee.SQL("*"))]))
        plain = not (
            ask.where or ask.view or ask.words or ask.related or ask.pool or ask.trashed or ask.rights or ask.clock
        )
        if self.model.engine == "sqlite" or not plain or not grants.on(ask.object).all_rows("read"):
            return sql, params
        table = quoted(frame.table.name)
        sql = (
            f"SELECT CASE WHEN c.reltuples > {ESTIMATE_AT_MOST} THEN c.reltuples::bigint ELSE ({sql}) END"  # noqa: S608
            " FROM pg_class c WHERE c.oid = to_regclass(%s)"
        )
        return sql, (*params, table)


def related_list(model: ReadModel, grants: Grants | None, parent: str, name: str) -> Related:
    """The list of children, when the reader may know of it; NotFound otherwise."""
    owner = model.registry.objects.get(parent)
    found = owner.related.get(name) if owner is not None else None
    if found is None or (grants is not None and not _list_open(grants, found)):
        lists = [r.name for r in owner.related.values() if grants is None or _list_open(grants, r)] if owner else []
        raise NotFound(f"There is no list {name!r}.", hint=did_you_mean(name, lists))
    return found


def _list_open(grants: Grants, found: Related) -> bool:
    rights = grants.on(found.object)
    return bool(rights.of("read")) and rights.readable(found.field)


def _view(grants: Grants, object_type: ObjectType, name: str) -> View | None:
    if not name:
        return None
    usable = usable_views(grants, object_type)
    if name not in usable:
        raise BadRequest(f"There is no view {name!r}.", code="unknown_view", hint=did_you_mean(name, usable))
    return object_type.views[name]


def _names(frame: Frame, rights: ObjectRights, ask: ReadShape, view: View | None) -> tuple[str, ...]:
    """The paths that are answered: those asked for, else the view's columns, else everything the reader may see."""
    if ask.fields:
        return ask.fields
    if view is not None and view.columns:
        shown = [path for path in view.columns if _usable(frame.reader, frame.object, path, "select")]
        return ("id", "version", *shown)
    return tuple(name for name in frame.object.fields if rights.shown(name))


def _usable(grants: Grants, object_type: ObjectType, path: str, purpose: Purpose) -> bool:
    """A view is written for everybody: what this reader may not use of it is left out."""
    try:
        operand(grants, object_type, path, purpose)
    except BadRequest:
        return False
    return True


__all__ = ["Planner", "ReadPlan", "ReadShape", "related_list"]
