"""The pages around records: home with counts and recent work, search over everything readable, preferences."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from flask import jsonify, redirect, render_template, request
from flask_admin import AdminIndexView

from guanxi.common.errors import GuanxiError
from guanxi.runtime.query.request import AggregateQuery, ListQuery

from .host import Host
from .lists import choose_columns, expandable
from .navigation import Entry, navigation
from .refusals import install
from .routes import expose
from .texts import gettext
from .visit import LANGUAGE_COOKIE, THEME_COOKIE, THEMES, current_visit, safe_target

YEAR = 365 * 24 * 3600
PANELS = 4
PANEL_ROWS = 6
PANEL_COLUMNS = 3
TILES = 6
SEARCHED = 16
HITS = 5
PANEL_TEXTS = {True: "My %(things)s", False: "Latest %(things)s"}


@dataclass(frozen=True, slots=True)
class Panel:
    """A short list on the home page."""

    title: str
    entry: Entry
    url: str
    columns: Any
    rows: Any
    view: Any


class Home(AdminIndexView):  # type: ignore[misc]
    """Index view of the site."""

    def __init__(self, host: Host) -> None:
        self.host = host
        super().__init__(name="Home", endpoint="admin", url="/")
        self.static_folder = None
        self.static_url_path = "/assets/none"  # Flask-Admin's own front-end files have no route

    def create_blueprint(self, admin: Any) -> Any:
        """Flask-Admin's blueprint with our answers to errors."""
        blueprint = super().create_blueprint(admin)
        install(blueprint)
        return blueprint

    def is_accessible(self) -> bool:
        """Preferences are open; the others ask for a person themselves."""
        return True

    def _run_view(self, fn: Any, *args: Any, **given: Any) -> Any:
        return fn(self, *args, **given)

    # home --------------------------------------------------------------------------------------------------
    @expose("/")
    def index(self) -> Any:
        """Counts per object and the latest records of the person's apps."""
        visit = current_visit()
        entries = [e for e in navigation(visit).entries if not visit.services.registry.objects[e.object].system]
        tiles = [(e, n) for e in entries[:TILES] if (n := self._count(e)) is not None]
        panels = [p for e in entries[:PANELS] if (p := self._panel(e)) is not None]
        return render_template("home.html", tiles=tiles, panels=panels)

    def _count(self, entry: Entry) -> int | None:
        visit = current_visit()
        try:
            rows = visit.services.records.aggregate(visit.person, AggregateQuery(entry.object))
        except GuanxiError:
            return None
        return int(rows[0]["count()"]) if rows else 0

    def _panel(self, entry: Entry) -> Panel | None:
        visit = current_visit()
        view = self.host.view(entry.object)
        mine = view.item.owned and "owner" in view.fields and visit.person.id is not None
        columns = [f for f in choose_columns((), None, view.fields, view.title_name) if f.name != "owner"][
            :PANEL_COLUMNS
        ]
        query = ListQuery(
            entry.object,
            where="owner == me" if mine else "",
            fields=("id", *(f.name for f in columns)),
            expand=expandable(columns),
            sort=(("updated_at", True),),
            limit=PANEL_ROWS,
        )
        try:
            found = visit.services.records.list(visit.person, query)
            if mine and not found.data:
                mine, found = False, visit.services.records.list(visit.person, replace(query, where=""))
        except GuanxiError:
            return None
        text = PANEL_TEXTS[mine]
        url = f"{entry.url}?view=all" + ("&f.owner=me:" if mine else "")
        rows = view.draw_rows(found.data, columns)
        return Panel(gettext(text, things=_lower(entry.label)), entry, url, columns, rows, view)

    # search ------------------------------------------------------------------------------------------------
    @expose("/search/")
    def search(self) -> Any:
        """Records of every readable object by text: a page, or JSON for the palette."""
        q = request.args.get("q", "").strip()[:200]
        wants_json = request.accept_mimetypes.best_match(("text/html", "application/json")) == "application/json"
        found = self._search(q, HITS if wants_json else HITS * 4)
        if wants_json:
            flat = [
                {"title": h["title"], "note": h["note"], "group": e.singular, "url": h["url"]}
                for e, hits in found
                for h in hits
            ]
            return jsonify(flat)
        return render_template("search.html", q=q, found=found)

    def _search(self, q: str, most: int) -> list[tuple[Entry, list[dict[str, Any]]]]:
        visit = current_visit()
        entries = [e for e in navigation(visit).entries if e.searchable][:SEARCHED]
        results: list[tuple[Entry, list[dict[str, Any]]]] = []
        for entry in entries if q and visit.person else ():
            hits = self.host.view(entry.object).lookup(q, most)
            if hits:
                results.append((entry, [{**h, "url": f"{entry.url}{h['id']}/"} for h in hits]))
        return results

    # preferences ---------------------------------------------------------------------------------------------
    @expose("/preferences/", methods=("POST",))
    def preferences(self) -> Any:
        """Language and theme, kept in cookies, then back to the page."""
        answer = redirect(safe_target(request.form.get("url")))
        language, theme = request.form.get("language"), request.form.get("theme")
        if language in current_visit().services.languages:
            answer.set_cookie(LANGUAGE_COOKIE, str(language), max_age=YEAR, samesite="Lax", secure=request.is_secure)
        if theme in THEMES:
            answer.set_cookie(THEME_COOKIE, str(theme), max_age=YEAR, samesite="Lax", secure=request.is_secure)
        elif theme == "system":
            answer.delete_cookie(THEME_COOKIE)
        return answer


def _lower(text: str) -> str:
    """A noun inside a sentence: small in Latin script, unless it is an abbreviation."""
    return text if text[:2].isupper() else text[:1].lower() + text[1:]
