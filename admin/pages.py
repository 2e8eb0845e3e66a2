"""What our pages on Flask-Admin's frame have in common: our answers to errors, views called as they stand."""

from __future__ import annotations

from typing import Any

from flask_admin import BaseView

from .refusals import install


class Pages(BaseView):  # type: ignore[misc]
    """Base of pages; who may open them is said in `access` and by `is_accessible`."""

    def _run_view(self, fn: Any, *args: Any, **given: Any) -> Any:
        return fn(self, *args, **given)

    def create_blueprint(self, admin: Any) -> Any:
        """Flask-Admin's blueprint with our answers to errors."""
        blueprint = super().create_blueprint(admin)
        install(blueprint)
        return blueprint
