"""The view that `Host` hands requests to: every page of one object, with the addresses they answer."""

from __future__ import annotations

from typing import Any

from .board_pages import BoardPages
from .form_pages import FormPages
from .record_pages import RecordPages
from .routes import expose


class ObjectView(RecordPages, FormPages, BoardPages):
    """One object for one profile; immutable after construction, so threads may share it."""

    @expose("/")
    def index_view(self) -> Any:
        """The list, or the board when the chosen view is one."""
        state = self.state()
        if state.view is not None and state.view.shape == "board":
            return self.board_page(state)
        return self.list_page(state)

    @expose("/new/", methods=("GET", "POST"))
    def create_view(self) -> Any:
        """The form of a new record."""
        return self.new_page()

    @expose("/<int:key>/")
    def details_view(self, key: int) -> Any:
        """The record page."""
        return self.record_page(key)

    @expose("/<int:key>/edit/", methods=("GET", "POST"))
    def edit_view(self, key: int) -> Any:
        """The form of a record."""
        return self.edit_page(key)

    @expose("/<int:key>/delete/", methods=("POST",))
    def delete_view(self, key: int) -> Any:
        """To the trash."""
        return self.delete_page(key)
