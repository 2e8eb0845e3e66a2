"""One blueprint for every object: `/o/<object>/…` is dispatched to a view compiled when it is first needed.

Compiled views are kept in a bounded cache keyed by version, object, language and role profile; a publish changes the
version, so the next request gets new views while running ones finish on theirs. Nothing is registered per object.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Any

from flask import g, redirect
from flask_admin import BaseView

from guanxi.common.errors import GuanxiError, NotFound

from .navigation import profile
from .object_view import ObjectView
from .refusals import install
from .routes import expose
from .visit import current_visit

MOST_VIEWS = 512
# Only these of Flask-Admin's and our exposed methods have routes; its own action, export and AJAX routes have none.
ROUTES = frozenset(
    (
        "index_view",
        "create_view",
        "details_view",
        "edit_view",
        "delete_view",
        "columns_view",
        "lane_view",
        "lookup_view",
        "validate_view",
        "bulk_view",
        "move_view",
        "related_view",
        "history_view",
        "sharing_view",
        "share_view",
        "reveal_view",
        "act_view",
        "approvals_view",
        "submit_view",
    )
)


class Host(BaseView):  # type: ignore[misc]
    """The only blueprint of the generated screens."""

    def __init__(self) -> None:
        self._views: OrderedDict[tuple[object, ...], ObjectView] = OrderedDict()
        self._lock = Lock()
        super().__init__(name="Records", endpoint="records", url="/o")

    def is_accessible(self) -> bool:
        """Somebody must be logged in; the object's own view judges the rest."""
        return current_visit().person is not None

    @expose("/")
    def root(self) -> Any:
        """There is nothing at /o/ itself."""
        return redirect("/")

    def create_blueprint(self, admin: Any) -> Any:
        """Flask-Admin's blueprint with one set of routes for all objects."""
        blueprint = super().create_blueprint(admin)
        install(blueprint)
        for url, name, methods in ObjectView._urls:
            if name in ROUTES:
                blueprint.add_url_rule(f"/<object_name>{url}", name, self._dispatch(name), methods=methods)
        return blueprint

    def _dispatch(self, name: str) -> Callable[..., Any]:
        def run(object_name: str, **given: Any) -> Any:
            g.object_name = object_name
            return getattr(self.view(object_name), name)(**given)

        run.__name__ = name
        return run

    def view(self, object_name: str) -> ObjectView:
        """The compiled view of an object for this visit; NotFound when the person may not read it."""
        visit = current_visit()
        key = (
            visit.services.registry.fingerprint,
            visit.services.version,
            object_name,
            visit.language,
            profile(visit),
        )
        with self._lock:
            found = self._views.get(key)
            if found is not None:
                self._views.move_to_end(key)
                return found
        built = self._compile(object_name)
        with self._lock:
            self._views[key] = built
            while len(self._views) > MOST_VIEWS:
                self._views.popitem(last=False)
        return built

    def _compile(self, object_name: str) -> ObjectView:
        visit = current_visit()
        item = visit.services.registry.objects.get(object_name)
        if item is None:
            raise NotFound("There is no such page.")
        rights = visit.services.records.permissions(visit.person, object_name)
        if not rights.get("read"):
            raise NotFound("There is no such page.")
        view = ObjectView(visit, item, rights, self)
        view.admin, view.blueprint, view.url, view.menu = self.admin, self.blueprint, self.url, self.menu
        return view

    def readable(self, object_name: str) -> bool:
        """Whether this visit's person has the object at all."""
        try:
            self.view(object_name)
        except GuanxiError:
            return False
        return True
