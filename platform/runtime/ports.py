"""The doors of the runtime as protocols: what channels (API, screens, import, packs) may call, and what the storage
room offers to the rooms above it. Implementations live in `storage.database`, `query.reader`, `records.service`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Literal, Protocol, TypeVar

from guanxi.common.errors import FieldError

from .access.actor import Actor
from .query.request import AggregateQuery, ListQuery, Page, Row, Saved

Engine = Literal["sqlite", "postgresql"]
T = TypeVar("T")


class Database(Protocol):
    """One database. Connections are pooled per thread; a nested `write()` joins the outer transaction."""

    engine: Engine
    peewee: Any  # the peewee Database: builds SQL text (`query.sql()`), never executes records' queries

    def rows(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query, as the driver gives them."""
        ...

    def one(self, sql: str, params: Sequence[Any] = ()) -> tuple[Any, ...] | None:
        """The first row, or None."""
        ...

    def execute(self, sql: str, params: Sequence[Any] = ()) -> int:
        """Run a statement inside `write()`; returns the number of rows touched."""
        ...

    def returning(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of a statement that writes (RETURNING) inside `write()`."""
        ...

    def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run one statement for many parameter rows inside `write()`."""
        ...

    def insert_many(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Put many new rows into a table, in the fastest way the engine has, inside `write()`; names not quoted."""
        ...

    def sql(self, text: str) -> str:
        """Fixed SQL text written with `?`, with the marks of this engine's driver."""
        ...

    def write(self) -> AbstractContextManager[None]:
        """One write transaction: BEGIN IMMEDIATE on SQLite, BEGIN on PostgreSQL; commits at the outermost end."""
        ...

    def savepoint(self) -> AbstractContextManager[None]:
        """A part of a write transaction that can fail alone."""
        ...

    def read(self) -> AbstractContextManager[None]:
        """Several reads on one snapshot."""
        ...

    def retry(self, work: Callable[[], T], attempts: int = 4) -> T:
        """Do `work` (which opens its own `write()`) again when it lost against another transaction."""
        ...

    def after_commit(self, effect: Callable[[], None]) -> None:
        """Run once the outermost transaction has committed; dropped when it rolls back."""
        ...

    def before_commit(self, key: Any, work: Callable[[list[Any]], None]) -> list[Any]:
        """The list that `work` is given as the last act inside the outermost `write()`; the caller appends to it."""
        ...

    @property
    def in_write(self) -> bool:
        """True inside `write()` on this thread."""
        ...


class Records(Protocol):
    """The one door to records. Every method judges the actor's rights first; a record out of scope is NotFound.

    Values arrive in JSON form (strict API values); rows leave in JSON form with the actor's field mask applied.
    Raises the classes of `common.errors`: Invalid (422 with field errors), NotFound, Forbidden, Stale,
    PreconditionRequired, Conflict, BadRequest. Nothing is written when something is raised.
    """

    def get(
        self,
        actor: Actor,
        object_name: str,
        record_id: int,
        *,
        fields: Sequence[str] = (),
        expand: Sequence[str] = (),
        trashed: bool = False,
    ) -> Row:
        """One record."""
        ...

    def list(self, actor: Actor, query: ListQuery) -> Page:
        """One page of records."""
        ...

    def scan(self, actor: Actor, query: ListQuery) -> Iterable[Row]:
        """All records of a list, streamed in pages (exports); `limit` and `after` are ignored."""
        ...

    def aggregate(self, actor: Actor, query: AggregateQuery) -> Sequence[Row]:
        """Groups with measures; a measure's key is the text that asked for it."""
        ...

    def history(self, actor: Actor, object_name: str, record_id: int, *, limit: int = 50, after: str = "") -> Page:
        """Field changes, newest first.

        Row: {"at", "by": {"id", "title"}, "version", "action", "changes": {field: {"from", "to"}}}.
        """
        ...

    def validate(
        self, actor: Actor, object_name: str, values: Mapping[str, Any], record_id: int | None = None
    ) -> Sequence[FieldError]:
        """What a create (or update of `record_id`) with these values would be refused for; writes nothing."""
        ...

    def duplicates(
        self, actor: Actor, object_name: str, values: Mapping[str, Any], record_id: int | None = None
    ) -> Sequence[Row]:
        """What the duplicate rules find for these values: {"object", "id" and "title" only to those who may read it,
        "owner", "state" (mine, other, pool, trash), "rule", "score", "strength" (strong, weak)}, refusing rules first.
        """
        ...

    def create(
        self, actor: Actor, object_name: str, values: Mapping[str, Any], *, force_duplicates: bool = False
    ) -> Saved:
        """A new record."""
        ...

    def update(
        self,
        actor: Actor,
        object_name: str,
        record_id: int,
        values: Mapping[str, Any],
        *,
        version: int | None = None,
        force_duplicates: bool = False,
    ) -> Saved:
        """Change the given fields; `version` is the one the change was made from."""
        ...

    def upsert(
        self, actor: Actor, object_name: str, key: Mapping[str, Any], values: Mapping[str, Any]
    ) -> tuple[Literal["created", "updated", "unchanged"], Saved]:
        """Update the one live record whose fields equal `key`, else create it with key and values."""
        ...

    def delete(
        self, actor: Actor, object_name: str, record_id: int, *, version: int | None = None, permanent: bool = False
    ) -> int | None:
        """To the trash, or for good. Returns the approval that it waits for, None when it is done."""
        ...

    def restore(self, actor: Actor, object_name: str, record_id: int) -> Saved:
        """Out of the trash."""
        ...

    def batch(
        self, actor: Actor, object_name: str, operations: Sequence[Mapping[str, Any]], *, atomic: bool = True
    ) -> Sequence[Row]:
        """Up to 1,000 operations in the HTTP API's form; one result each: {"status", "id", "version"} or
        {"status", "errors"}. Atomic: all or nothing (the others of a failed batch answer 424).
        """
        ...

    def act(self, actor: Actor, object_name: str, record_id: int, action: str, payload: Mapping[str, Any]) -> Row:
        """A named action: `move_stage` {"to", "values"}, `assign` {"owner", "reason"}, or one declared in metadata."""
        ...

    def shares(self, actor: Actor, object_name: str, record_id: int) -> Sequence[Row]:
        """With whom the record is shared by hand now: {"id", "user"|"team"|"role": {"id", "title"}, "access", "until",
        "by", "at", "reason"}, oldest first.
        """
        ...

    def explain(
        self,
        actor: Actor,
        object_name: str,
        record_id: int,
        *,
        about: Actor | None = None,
        operation: str = "read",
    ) -> Row:
        """Why `about` (the actor without one) may or may not do `operation` with the record, rule by rule. NotFound
        when the actor may not see the record; whether the actor may ask about others is the caller's to judge.
        """
        ...

    def titles(self, actor: Actor, object_name: str, ids: Sequence[int]) -> Mapping[int, str]:
        """Id → title of records; those the actor may not read are left out."""
        ...

    def form_state(
        self, actor: Actor, object_name: str, values: Mapping[str, Any], record_id: int | None = None
    ) -> Mapping[str, frozenset[str]]:
        """What a form holding these values shows, of a new record or a change of `record_id`: names under "hidden" and
        "hidden_sections" (their `when` does not hold), "required" and "read_only". Writes nothing, refuses no value.
        """
        ...

    def permissions(self, actor: Actor, object_name: str, record_id: int | None = None) -> Mapping[str, Any]:
        """What the actor may do: {"create", "read", "update", …: bool, "fields": {name: grant}, "actions": {…}}.

        A grant is one of none, masked, read, edit.
        """
        ...
