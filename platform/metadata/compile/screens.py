"""Form, views and record page: what was written, and what people would expect where nothing was.

- No sections: one section of all fields that are not hidden. With sections: exactly those; fields that must be filled
  and stand in none of them follow in a last section `other`, so that the form can be saved.
- The view `all` is always there. A view without columns shows the title's field and the first useful fields.
- A page without tabs shows details, the related lists in order, and the history when there is one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from guanxi.common.labels import Label
from guanxi.registry import Form, Page, Section, View

from ..documents.fields import PEOPLE_TYPES
from ..documents.object import FormPart, ViewPart
from ..link.related import TABS
from ..nodes import Path
from .scope import Scope, frozen

MOST_COLUMNS = 6
_BULKY = frozenset({"long_text", "rich_text", "json", "file", "image", "address", "location", "references", "tags"})
_LANES = frozenset({"choice", "reference", "boolean"})
_NUMBERS = frozenset({"integer", "decimal"})
_DAYS = frozenset({"date", "datetime"})
DETAILS = Label((("en", "Details"), ("zh", "详细信息")))
OTHER = Label((("en", "Other"), ("zh", "其他")))
ALL = Label((("en", "All"), ("zh", "全部")))


# form -----------------------------------------------------------------------------------------------------------
def compile_form(scope: Scope) -> Form:
    """Sections in order."""
    part = scope.model.form
    if part is None or not part.sections:
        shown = tuple(name for name, one in scope.outline.fields.items() if not one.part.hidden)
        return Form((Section("details", DETAILS, shown),) if shown else ())
    sections = _sections(scope, part)
    used = {name for section in sections for name in section.fields}
    rest = tuple(name for name in scope.outline.fields if name not in used and _must_be_filled(scope, name))
    if rest:
        sections.append(Section("other", OTHER, rest))
    return Form(tuple(sections))


def _sections(scope: Scope, form: FormPart) -> list[Section]:
    made: list[Section] = []
    used: dict[str, str] = {}
    for name, part in form.sections.items():
        path = ("form", "sections", name)
        fields = scope.fields((*path, "fields"), part.fields)
        for index, field in enumerate(part.fields):
            other = used.setdefault(field, name)
            if other != name:
                scope.error("clash", f"'{field}' stands in the section '{other}' already", (*path, "fields", index))
        label = scope.label((*path, "label"), part.label, name)
        made.append(Section(name, label, fields, part.columns, scope.condition((*path, "when"), part.when)))
    return made


def _must_be_filled(scope: Scope, name: str) -> bool:
    part = scope.outline.fields[name].part
    return part.required is True and part.default is None and part.read_only is not True and not part.hidden


# views ----------------------------------------------------------------------------------------------------------
def compile_views(scope: Scope, title: tuple[str, ...]) -> Mapping[str, View]:
    """Saved lists by name, `all` among them; `title` are the fields of which the record's title is made."""
    made: dict[str, View] = {}
    columns = default_columns(scope, title)
    if "all" not in scope.model.views:
        made["all"] = View("all", ALL, columns=columns, layer=scope.document.layer)
    for name, part in scope.model.views.items():
        made[name] = _view(scope, name, part, columns)
    return frozen(made)


def default_columns(scope: Scope, title: tuple[str, ...]) -> tuple[str, ...]:
    """The title's first field, then the first useful ones, then the owner."""
    first = [name for name in title if name in scope.outline.fields][:1]
    stage = [scope.model.stages.field] if scope.model.stages and scope.has(scope.model.stages.field) else []
    useful = [
        name
        for name, one in scope.outline.fields.items()
        if not one.part.hidden and one.part.type not in _BULKY and not one.part.mask
    ]
    chosen = list(dict.fromkeys([*first, *useful[:MOST_COLUMNS], *stage]))[: MOST_COLUMNS + 1]
    return (*chosen, "owner") if scope.model.owned else (*(chosen or ["id"]),)


def _view(scope: Scope, name: str, part: ViewPart, columns: tuple[str, ...]) -> View:
    path = ("views", name)
    shown = tuple(
        column
        for index, column in enumerate(part.columns)
        if scope.column((*path, "columns", index), column) is not None or scope.has(column)
    )
    shape: Literal["table", "board", "calendar"] = part.as_
    by = part.by or (scope.model.stages.field if shape == "board" and scope.model.stages else "")
    if shape == "board" and not by:
        scope.error("missing-key", "'by' is missing: the field that makes the lanes of the board", path)
    if shape == "calendar" and not part.date:
        scope.error("missing-key", "'date' is missing: the day at which records are shown", path)
    for key, value, wants in (("by", part.by, "board"), ("sum", part.sum, "board"), ("date", part.date, "calendar"), ("end", part.end, "calendar")):  # fmt: skip  # noqa: E501
        if value and shape != wants:
            scope.error("model-rule", f"'{key}' belongs to views with as: {wants}", (*path, key), key=True)
    return View(
        name=name,
        label=scope.label((*path, "label"), part.label, name),
        shape=shape,
        where=scope.condition((*path, "where"), part.where, sql=True),
        columns=tuple(dict.fromkeys(shown)) or columns,
        sort=_sort(scope, (*path, "sort"), part.sort),
        by=_of_kind(scope, (*path, "by"), part.by, _LANES, "a choice, a reference or a yes-no field") or by,
        sum=_of_kind(scope, (*path, "sum"), part.sum, _NUMBERS, "a number"),
        date=_of_kind(scope, (*path, "date"), part.date, _DAYS, "a date"),
        end=_of_kind(scope, (*path, "end"), part.end, _DAYS, "a date"),
        layer=scope.document.layer,
    )


def _of_kind(scope: Scope, path: Path, name: str | None, kinds: frozenset[str], said: str) -> str:
    if not name or not scope.field(path, name):
        return ""
    kind = scope.kind(name)
    if kind and kind not in kinds:
        scope.error("model-rule", f"'{name}' is not {said}", path)
    return name


def _sort(scope: Scope, path: tuple[str, ...], keys: list[str]) -> tuple[tuple[str, bool], ...]:
    made: dict[str, bool] = {}
    for index, key in enumerate(keys):
        name = key.removeprefix("-")
        info = scope.column((*path, index), name)
        if info is None:
            continue
        one = scope.outline.fields.get(name)
        if (one is not None and not one.type.sortable) or info.type.kind in ("choices", "references", "json"):
            scope.error("model-rule", f"'{name}' cannot be sorted by", (*path, index))
        elif name in made:
            scope.error("clash", f"'{name}' stands here twice", (*path, index))
        else:
            made[name] = key.startswith("-")
    return tuple(made.items())


# page -----------------------------------------------------------------------------------------------------------
def compile_page(scope: Scope, tracked: bool) -> Page:
    """Highlights and tabs; `tracked` says that the object has a history."""
    part = scope.model.page
    lists = {found.name: found.label for found in scope.context.lists_of(scope.name)}
    highlights = tuple(
        name
        for index, name in enumerate(part.highlights if part else ())
        if scope.column(("page", "highlights", index), name) is not None
    )
    if part is None or part.tabs is None:
        tabs: tuple[str, ...] = ("details", *lists, *(("history",) if tracked else ()))
        return Page(highlights or _highlights(scope), tabs, frozen(lists))
    known = (*TABS, *lists)
    kept: dict[str, None] = {}
    for index, name in enumerate(part.tabs):
        path = ("page", "tabs", index)
        if name not in known:
            scope.context.unknown("unknown-reference", "tab or related list", name, known, scope.document, path)
        elif name in kept:
            scope.error("clash", f"'{name}' stands here twice", path)
        else:
            kept[name] = None
    labels = {name: lists[name] for name in kept if name in lists}
    return Page(highlights or _highlights(scope), tuple(kept) or ("details",), frozen(labels))


def _highlights(scope: Scope) -> tuple[str, ...]:
    """The stage, up to three fields that say where the record belongs, and the owner."""
    stage = [scope.model.stages.field] if scope.model.stages and scope.has(scope.model.stages.field) else []
    telling = [
        name
        for name, one in scope.outline.fields.items()
        if one.part.type in ("choice", "reference", "money", *PEOPLE_TYPES) and not one.part.hidden
    ]
    owner = ["owner"] if scope.model.owned else []
    return tuple(dict.fromkeys([*stage, *telling[:3], *owner]))
