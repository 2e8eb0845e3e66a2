"""The Flask-Admin view behind every object, without its pages: compiled for a role profile and a language.

It keeps Flask-Admin's contract (list, one, create, update, delete) over the record service and holds what all pages
share: fields, sections, renderers. The pages are layered on it, one module each, up to `object_view.ObjectView`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from flask import render_template
from flask_admin.model import BaseModelView

from guanxi.common.errors import BadRequest, NotFound
from guanxi.registry import ObjectType, View
from guanxi.runtime.query.request import ListQuery

from .cells import Renderer, reference_text, renderer
from .fields import FieldView, compile_fields
from .formats import Formats, formats
from .forms import RecordForm, editable_sections, form_class, sections_of
from .navigation import tone
from .visit import Visit, current_visit

if TYPE_CHECKING:
    from .host import Host


class Record(dict[str, Any]):
    """A row in JSON form, as the model class that Flask-Admin asks for."""


class ObjectBase(BaseModelView):  # type: ignore[misc]
    """One object for one profile; immutable after construction, so threads may share it."""

    can_export = False
    can_view_details = True

    def __init__(self, visit: Visit, item: ObjectType, rights: Mapping[str, Any], host: Host) -> None:
        self.host = host
        self.item = item
        self.language = visit.language
        self.rights = rights
        self.label = item.label.text(visit.language) or item.name
        self.plural = item.plural.text(visit.language) or self.label
        self.tone = tone(item.name)
        self.base = f"/o/{item.name}/"
        self.fields: dict[str, FieldView] = compile_fields(item, rights.get("fields", {}), visit.language)
        source = item.title.source.strip()
        self.title_name = source if source in self.fields else ""  # "" when several fields make the title
        self.views: Mapping[str, View] = {
            n: v
            for n, v in item.views.items()
            if v.shape in ("table", "board") and n in rights.get("views", item.views)
        }
        self.sections = sections_of(item, self.fields, visit.language)
        self._renderers: dict[tuple[str, str, str, bool], Renderer] = {}
        super().__init__(Record, name=self.plural, endpoint=host.endpoint)
        stage = item.stages.field if item.stages else ""
        self.new_form_type = form_class(self.fields, without=stage, also="owner" if rights.get("assign") else "")
        self.new_sections = editable_sections(self.sections, self.new_form_type)
        self.form_sections = editable_sections(self.sections, self.form_type)

    # rights ----------------------------------------------------------------------------------------------
    def is_accessible(self) -> bool:
        """Nothing is open unless the record service says that this profile reads the object."""
        return bool(self.rights.get("read"))

    def inaccessible_callback(self, name: str, **_given: Any) -> Any:
        """What may not be read does not exist."""
        raise NotFound(f"There is no page '{name}'.")

    def _run_view(self, fn: Any, *args: Any, **given: Any) -> Any:
        """Without Flask-Admin's second try, which hides the real TypeError."""
        return fn(self, *args, **given)

    # Flask-Admin's data contract over the record service ---------------------------------------------------
    def get_pk_value(self, model: Mapping[str, Any]) -> Any:
        """A record's number."""
        return model["id"]

    def scaffold_list_columns(self) -> list[str]:
        """Names of every visible field."""
        return list(self.fields)

    def scaffold_sortable_columns(self) -> dict[str, str]:
        """Fields a list may be ordered by."""
        return {f.name: f.name for f in self.fields.values() if f.sortable}

    def scaffold_form(self) -> type[RecordForm]:
        """The generated form."""
        stages = self.item.stages  # the stage is moved on the record's path, where its gates show
        self.form_type = form_class(self.fields, without=stages.field if stages else "")
        return self.form_type

    def scaffold_list_form(self, widget: Any = None, validators: Any = None) -> None:
        """Flask-Admin's in-place list form is not used."""

    def init_search(self) -> bool:
        """Whether any field can be searched."""
        return any(f.definition.search and f.operand for f in self.fields.values())

    def get_list(  # noqa: PLR0917
        self,
        page: int,
        sort_field: str,
        sort_desc: bool,
        search: str,
        filters: Any,  # noqa: ARG002
        page_size: int = 25,
    ) -> Any:
        """One page in Flask-Admin's terms (pages of this product use keyset paging instead)."""
        sort = ((sort_field, bool(sort_desc)),) if sort_field else ()
        query = ListQuery(
            self.item.name, q=search or "", sort=sort, limit=page_size, offset=page * page_size, total="exact"
        )
        found = self.records.list(current_visit().person, query)
        return found.total, found.data

    def get_one(self, id: Any) -> Mapping[str, Any]:
        """One record, references with their titles."""
        return self.read(int(id))

    def create_model(self, form: RecordForm) -> Any:
        """Store a new record."""
        return self.records.create(current_visit().person, self.item.name, form.values())

    def update_model(self, form: RecordForm, model: Mapping[str, Any]) -> Any:
        """Store what the form changed."""
        values = form.changed(model)
        return self.records.update(
            current_visit().person, self.item.name, model["id"], values, version=model["version"]
        )

    def delete_model(self, model: Mapping[str, Any]) -> bool:
        """Move a record to the trash."""
        self.records.delete(current_visit().person, self.item.name, model["id"])
        return True

    # shared by the pages -----------------------------------------------------------------------------------
    @property
    def records(self) -> Any:
        """The record service of this request."""
        return current_visit().services.records

    @property
    def shown(self) -> Formats:
        """How this visit writes numbers and dates."""
        visit = current_visit()
        return formats(visit.locale, visit.person.zone.key)

    def draw(self, field: FieldView, *, links: bool = True) -> Renderer:
        """The renderer of a field, made once per locale and zone."""
        shown = self.shown
        key = (field.name, shown.locale, shown.zone.key, links)
        found = self._renderers.get(key)
        if found is None:
            found = self._renderers[key] = renderer(field, shown, links=links)
        return found

    def read(self, key: int, *, trashed: bool = False) -> Mapping[str, Any]:
        """One record with the titles of its references; NotFound when out of sight."""
        expand = tuple(f.name for f in self.fields.values() if f.family == "reference" and f.target)
        found = self.records.get(current_visit().person, self.item.name, key, expand=expand, trashed=trashed)
        return self.named_links([found], tuple(self.fields.values()))[0]

    def named_links(
        self, rows: Sequence[Mapping[str, Any]], columns: Sequence[FieldView]
    ) -> Sequence[Mapping[str, Any]]:
        """The rows with titles for fields of many references: one question per field, not per row."""
        many = [f for f in columns if f.family == "references" and f.target and f.operand]
        if not many:
            return rows
        named = [dict(row) for row in rows]
        for field in many:
            keys = sorted({key for row in named for key in row.get(field.name) or () if isinstance(key, int)})
            titles = self.records.titles(current_visit().person, field.target, keys) if keys else {}
            for row in named:
                row[field.name] = [{"id": key, "title": titles.get(key)} for key in row.get(field.name) or ()]
        return named

    def titles(self, rows: Sequence[Mapping[str, Any]]) -> Mapping[int, str]:
        """Id → name of each row; made of one field it is read off the rows, else asked of the record service."""
        if not self.title_name:
            keys = [row["id"] for row in rows]
            found = self.records.titles(current_visit().person, self.item.name, keys) if keys else {}
            return {key: str(found.get(key) or f"#{key}") for key in keys}
        return {row["id"]: self._plain_title(row) for row in rows}

    def _plain_title(self, row: Mapping[str, Any]) -> str:
        value = row.get(self.title_name)
        if value is None or value == "":
            return f"#{row['id']}"
        return reference_text(value)[1] if isinstance(value, dict) else str(value)

    def title(self, row: Mapping[str, Any]) -> str:
        """A record's name."""
        return self.titles([row])[row["id"]]

    def view_named(self, name: str) -> View:
        """A saved view, or BadRequest."""
        if name not in self.views:
            raise BadRequest(f"There is no view '{name}'.", code="unknown_view")
        return self.views[name]

    def page(self, template: str, **values: Any) -> str:
        """A page with what every page of an object needs."""
        return render_template(template, view=self, item=self.item, **values)
