"""What a channel asks of the read side, and what it gets: frozen values, names not yet resolved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Total = Literal["none", "exact", "estimate"]
Row = dict[str, Any]

MAX_LIMIT = 500
DEFAULT_LIMIT = 50


@dataclass(frozen=True, slots=True)
class ListQuery:
    """One list. `where` is expression text from outside; `rules` are expressions from metadata (already checked)
    such as a view's. `sort` is (field or path, descending) pairs. `after` is the cursor of the last page.
    `related` = (object, id, list name) narrows to the children of one record.
    """

    object: str
    where: str = ""
    q: str = ""
    sort: tuple[tuple[str, bool], ...] = ()
    fields: tuple[str, ...] = ()
    expand: tuple[str, ...] = ()
    limit: int = DEFAULT_LIMIT
    after: str = ""
    offset: int = 0
    total: Total = "none"
    view: str = ""
    pool: str = ""
    trashed: bool = False
    related: tuple[str, int, str] | None = None
    clock: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """Rows in JSON form, the cursor of the next page (None at the end), and the total if it was asked for."""

    data: Sequence[Row]
    next: str | None = None
    total: int | None = None


@dataclass(frozen=True, slots=True)
class AggregateQuery:
    """Groups and measures as text: `group=("region", "account.level")`, `measures=("count()", "sum(amount)")`."""

    object: str
    group: tuple[str, ...] = ()
    measures: tuple[str, ...] = ("count()",)
    where: str = ""
    q: str = ""
    view: str = ""
    sort: tuple[tuple[str, bool], ...] = ()
    limit: int = 1000


@dataclass(frozen=True, slots=True)
class Saved:
    """A write's outcome: `record` is what the actor may read of it, in JSON form; `changed` the fields that moved.

    `approval` is the approval that the change waits for; nothing moved then.
    """

    id: int
    version: int
    record: Mapping[str, Any]
    changed: frozenset[str] = frozenset()
    approval: int | None = None
