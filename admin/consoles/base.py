"""What every console is: one Flask-Admin view below /console/, open to administrators and to the roles it names.

A new console is a class here in its own module and a row in `catalogue.CONSOLES`; the navigation shows it to whom it is
open. To everybody else it does not exist.
"""

from __future__ import annotations

from typing import Any, ClassVar

from flask_admin import BaseView

from guanxi.common.errors import NotFound
from guanxi.runtime.access.actor import Actor

from ..refusals import install
from ..visit import current_visit


class Console(BaseView):  # type: ignore[misc]
    """Base of consoles. `name` is its address and endpoint, `title` its English name (translated where shown)."""

    address: ClassVar[str] = ""
    title: ClassVar[str] = ""
    sign: ClassVar[str] = "settings"
    roles: ClassVar[frozenset[str]] = frozenset()

    def __init__(self) -> None:
        super().__init__(name=self.title, endpoint=f"console_{self.address}", url=f"/console/{self.address}")

    @classmethod
    def open_to(cls, actor: Actor | None) -> bool:
        """Whether this person has the console."""
        return actor is not None and (actor.administrator or bool(cls.roles & actor.roles))

    def is_accessible(self) -> bool:
        """Somebody must be logged in (else Unauthorized leads to the log-in) and have the console."""
        return self.open_to(current_visit().person)

    def inaccessible_callback(self, name: str, **_given: Any) -> Any:
        """What may not be read does not exist."""
        raise NotFound(f"There is no page '{name}'.")

    def _run_view(self, fn: Any, *args: Any, **given: Any) -> Any:
        return fn(self, *args, **given)

    def create_blueprint(self, admin: Any) -> Any:
        """Flask-Admin's blueprint with our answers to errors."""
        blueprint = super().create_blueprint(admin)
        install(blueprint)
        return blueprint
