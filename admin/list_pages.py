"""The list page: rows as prebuilt cells, view tabs, chips, the filter builder's data, columns and paging."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import redirect, request
from markupsafe import Markup, escape

from guanxi.registry import View

from .fields import NEVER_LISTED, FieldView
from .filters import OPERATORS, VALUELESS, Filter, operator_text
from .json_pages import JsonPages
from .lists import ListState, choose_columns, expandable, read_state
from .routes import expose
from .texts import gettext, translate
from .visit import current_visit, safe_target

COLUMN_COOKIE = "gx_columns"
YEAR = 365 * 24 * 3600


@dataclass(frozen=True, slots=True)
class RowView:
    """One row; `html` is all its cells, every value escaped by its renderer."""

    key: int
    title: str
    url: str
    html: Markup


@dataclass(frozen=True, slots=True)
class Chip:
    """One filter in words; `url` is the list without it."""

    label: str
    operator: str
    value: str
    url: str


def _frame(field: FieldView) -> str:
    """The beginning of every cell of a column."""
    right = ' class="right"' if field.right else ""
    return f'<td{right} data-label="{escape(field.label)}">'


class ListPages(JsonPages):
    """List pages of one object."""

    def list_page(self, state: ListState) -> Any:
        """The list that the URL asks for."""
        columns = choose_columns(self.chosen_columns(), state.view, self.fields, self.title_name)
        names = [f.name for f in columns]
        found = self.records.list(current_visit().person, state.query(["id", *names], expandable(columns)))
        return self.page(
            "list.html",
            state=state,
            columns=columns,
            rows=self.draw_rows(found.data, columns),
            total=found.total,
            count=len(found.data),
            next_url=state.next_url(found.next) if found.next else None,
            **self.list_head(state),
        )

    def state(self) -> ListState:
        """The list that this request's URL asks for."""
        return self.state_of(list(request.args.items(multi=True)))

    def state_of(self, pairs: Sequence[tuple[str, str]]) -> ListState:
        """The list that some URL parameters ask for."""
        return read_state(self.item.name, pairs, self.fields, self.views, current_visit().person.zone)

    def chosen_columns(self) -> Sequence[str]:
        """The person's own columns from the cookie that only this object's pages get."""
        return [name for name in request.cookies.get(COLUMN_COOKIE, "").split(".") if name]

    def draw_rows(self, data: Sequence[Mapping[str, Any]], columns: Sequence[FieldView]) -> list[RowView]:
        """Rows drawn as text: renderers and the cells' frames are looked up once per column, not once per cell."""
        drawers = [(f.name, self.draw(f, links=f.shape != "long_text"), _frame(f)) for f in columns]
        titles = self.titles(data)
        data = self.named_links(data, columns)
        named = bool(columns) and columns[0].name == self.title_name
        rows = []
        for row in data:
            key = row["id"]
            url = f"{self.base}{key}/"
            cells = [f"{frame}{draw(row.get(name))}" for name, draw, frame in drawers]
            if cells:
                text = escape(titles[key]) if named else escape(drawers[0][1](row.get(drawers[0][0])).striptags())
                cells[0] = f'{drawers[0][2]}<a class="name" href="{url}">{text}</a>'
            rows.append(RowView(key, titles[key], url, Markup("</td>".join(cells) + "</td>")))  # noqa: S704
        return rows

    def list_head(self, state: ListState) -> dict[str, Any]:
        """What list and board have in common."""
        return {
            "tabs": self.view_tabs(state),
            "chips": [self.chip(item, state) for item in state.filters],
            "builder": self.filter_builder(),
            "pickable": [f for f in self.fields.values() if f.shape not in NEVER_LISTED and not f.definition.hidden],
        }

    def view_tabs(self, state: ListState) -> list[tuple[str, str, str, bool]]:
        """(label, icon, url, current) of every saved view and of all records."""
        tabs = [self._tab(view, state) for view in self.views.values()]
        if "all" not in self.views:
            tabs.append((gettext("All"), "", f"{self.base}?view=all", state.view is None))
        return tabs

    def _tab(self, view: View, state: ListState) -> tuple[str, str, str, bool]:
        label = view.label.text(self.language) or view.name
        current = state.view is not None and state.view.name == view.name
        return (label, "square-kanban" if view.shape == "board" else "", f"{self.base}?view={view.name}", current)

    def chip(self, item: Filter, state: ListState) -> Chip:
        """A filter in words."""
        return Chip(
            label=item.field.label,
            operator=gettext(operator_text(item.field.family, item.operator)),
            value="" if item.operator in VALUELESS else self._value_text(item),
            url=state.without_filter(item),
        )

    def _value_text(self, item: Filter) -> str:
        field, value = item.field, item.value
        if field.family in ("choice", "choices"):
            labels = {o.name: o.label for o in field.options}
            return ", ".join(labels.get(v, v) for v in value.split(","))
        if field.family in ("reference", "references"):
            return ", ".join(self._reference_title(field, v) for v in value.split(","))
        if field.family == "boolean":
            return gettext("Yes" if value == "true" else "No")
        if ".." in value:
            low, _, high = value.partition("..")
            return f"{low} – {high}"
        return value

    def _reference_title(self, field: FieldView, value: str) -> str:
        found = self.lookup_titles(field.target, [int(value)])
        return found.get(int(value), f"#{value}")

    def filter_builder(self) -> list[dict[str, Any]]:
        """Fields, operators and options for the filter dialog, as JSON."""
        return [self._builder_entry(f) for f in self.fields.values() if f.filterable and not f.definition.hidden]

    def _builder_entry(self, field: FieldView) -> dict[str, Any]:
        operators = [o for o in OPERATORS[field.family] if o != "me" or field.target == "user"]
        entry: dict[str, Any] = {
            "name": field.name,
            "label": field.label,
            "family": field.family,
            "operators": [
                {"name": o, "label": translate(self.language, operator_text(field.family, o)), "bare": o in VALUELESS}
                for o in operators
            ],
        }
        if field.options:
            entry["options"] = [{"value": o.name, "label": o.label} for o in field.options]
        if field.family == "boolean":
            entry["options"] = [
                {"value": "true", "label": translate(self.language, "Yes")},
                {"value": "false", "label": translate(self.language, "No")},
            ]
        if field.target:
            entry["lookup"] = f"/o/{field.target}/lookup/"
        return entry

    @expose("/columns/", methods=("POST",))
    def columns_view(self) -> Any:
        """Remember the person's columns for this object in a cookie sent to this object's pages only."""
        chosen = [n for n in request.form.getlist("column") if n in self.fields]
        answer = redirect(safe_target(request.form.get("url"), self.base))
        if chosen and "reset" not in request.form:
            value = ".".join(chosen)
            answer.set_cookie(
                COLUMN_COOKIE,
                value,
                max_age=YEAR,
                path=self.base,
                samesite="Lax",
                httponly=True,
                secure=request.is_secure,
            )
        else:
            answer.delete_cookie(COLUMN_COOKIE, path=self.base)
        return answer
