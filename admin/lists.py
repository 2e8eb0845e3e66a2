"""The state of a list page: what its URL says, checked against metadata, and links that change one thing of it.

URL parameters: `view`, `q`, `where` (an expression), `f.<field>` (see `filters`), `sort=-amount,name`, `size`, and for
keyset paging `after` (the cursor shown now), `back` (cursors of the pages before, oldest first) and `start` (how many
rows lie before). Links that change what is listed drop the paging parameters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from guanxi.common.errors import BadRequest
from guanxi.registry import View
from guanxi.runtime.query.request import ListQuery, Total

from .fields import NEVER_LISTED, FieldView
from .filters import Filter, FilterFault, parse_filters, where_text

SIZES = (25, 50, 100)
PAGING = ("after", "back", "start")
MOST_SORTS = 3
MOST_BACK = 12
MOST_COLUMNS = 16
KNOWN = frozenset(("view", "q", "sort", "size", "where", *PAGING))

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ListState:
    """One list as asked for. `pairs` are the URL's parameters, `view` the chosen view or None for all records."""

    object: str
    base: str
    pairs: Pairs
    view: View | None
    q: str
    filters: tuple[Filter, ...]
    sort: tuple[tuple[str, bool], ...]
    size: int
    after: str
    back: tuple[str, ...]
    start: int
    zone: ZoneInfo
    condition: str = ""

    def where(self) -> str:
        """Condition and filters as an expression (the view adds its own inside the record service)."""
        parts = [f"({part})" for part in (self.condition, where_text(self.filters, self.zone)) if part]
        return " and ".join(parts) if len(parts) > 1 else parts[0][1:-1] if parts else ""

    def query(self, fields: Sequence[str], expand: Sequence[str], total: Total = "exact") -> ListQuery:
        """The list to ask the record service for."""
        return ListQuery(
            object=self.object,
            where=self.where(),
            q=self.q,
            sort=self.sort,
            fields=tuple(fields),
            expand=tuple(expand),
            limit=self.size,
            after=self.after,
            total=total,
            view=self.view.name if self.view else "",
        )

    def url(self, changes: Mapping[str, str | None], *, keep_page: bool = False) -> str:
        """This list with some single parameters set, or removed by None."""
        dropped = set(changes) if keep_page else {*changes, *PAGING}
        pairs = [(k, v) for k, v in self.pairs if k not in dropped]
        pairs += [(k, v) for k, v in changes.items() if v]
        return _join(self.base, pairs)

    def without_filter(self, item: Filter) -> str:
        """This list less one filter."""
        gone = (f"f.{item.field.name}", item.text)
        return _join(self.base, [(k, v) for k, v in self.pairs if k not in PAGING and (k, v) != gone])

    def without_filters(self) -> str:
        """This list with neither search nor filters."""
        return _join(self.base, [(k, v) for k, v in self.pairs if k in ("view", "sort", "size")])

    def sort_url(self, name: str) -> str:
        """Sorted by a column; by it the other way round when it is already the first."""
        first = self.sort[0] if self.sort else ("", False)
        descending = not first[1] if first[0] == name else False
        return self.url({"sort": f"-{name}" if descending else name})

    def next_url(self, cursor: str) -> str:
        """The page after this one."""
        back = (*self.back, self.after or "~")[-MOST_BACK:]
        pairs = [(k, v) for k, v in self.pairs if k not in PAGING]
        pairs += [("after", cursor), ("start", str(self.start + self.size)), *(("back", b) for b in back)]
        return _join(self.base, pairs)

    def previous_url(self) -> str | None:
        """The page before this one; None on the first."""
        if not self.after:
            return None
        pairs = [(k, v) for k, v in self.pairs if k not in PAGING]
        if self.back and self.back[-1] != "~":
            start = max(0, self.start - self.size)
            pairs += [("after", self.back[-1]), ("start", str(start)), *(("back", b) for b in self.back[:-1])]
        return _join(self.base, pairs)

    @property
    def hidden_pairs(self) -> list[tuple[str, str]]:
        """Parameters a search form must carry along."""
        return [(k, v) for k, v in self.pairs if k not in (*PAGING, "q")]


def _join(base: str, pairs: Sequence[tuple[str, str]]) -> str:
    return f"{base}?{urlencode(pairs)}" if pairs else base


def read_state(
    object_name: str,
    arguments: Sequence[tuple[str, str]],
    fields: Mapping[str, FieldView],
    views: Mapping[str, View],
    zone: ZoneInfo,
) -> ListState:
    """Judge the URL. Raises BadRequest for what it cannot mean; unknown parameters are errors."""
    single: dict[str, str] = {}
    for key, value in arguments:
        if key not in KNOWN and not key.startswith("f."):
            raise BadRequest(f"Unknown parameter '{key}'.", code="unknown_parameter")
        if key not in single:
            single[key] = value
    view = _choose_view(single.get("view", ""), views)
    try:
        filters = tuple(parse_filters(arguments, fields, zone))
    except FilterFault as fault:
        raise BadRequest(f"The filter {fault} cannot be used.", code="filter") from fault
    return ListState(
        object=object_name,
        base=f"/o/{object_name}/",
        pairs=tuple((k, v) for k, v in arguments if v),
        view=view,
        q=single.get("q", "").strip()[:200],
        filters=filters,
        sort=_read_sort(single.get("sort", ""), fields),
        size=_read_size(single.get("size", "")),
        after=single.get("after", ""),
        back=tuple(v for k, v in arguments if k == "back")[-MOST_BACK:],
        start=_read_start(single.get("start", "")),
        zone=zone,
        condition=single.get("where", "").strip(),
    )


def _choose_view(name: str, views: Mapping[str, View]) -> View | None:
    if name in ("", "all") and name not in views:
        return None if name == "all" or not views else next(iter(views.values()))
    if name not in views:
        raise BadRequest(f"There is no view '{name}'.", code="unknown_view")
    return views[name]


def _read_sort(text: str, fields: Mapping[str, FieldView]) -> tuple[tuple[str, bool], ...]:
    pairs: list[tuple[str, bool]] = []
    for part in filter(None, text.split(",")):
        name, descending = part.lstrip("-"), part.startswith("-")
        field = fields.get(name)
        if field is None or not field.sortable or len(pairs) >= MOST_SORTS:
            raise BadRequest(f"The list cannot be sorted by '{name}'.", code="sort")
        pairs.append((name, descending))
    return tuple(pairs)


def _read_size(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and int(text[:4]) in SIZES else SIZES[0]


def _read_start(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def choose_columns(
    chosen: Sequence[str], view: View | None, fields: Mapping[str, FieldView], title: str
) -> tuple[FieldView, ...]:
    """The columns to draw: the person's own choice, else the view's, else the first plain fields; the title first."""
    wanted = [name for name in chosen if name in fields]
    if not wanted and view is not None:
        wanted = [name for name in view.columns if name in fields]
    if not wanted:
        plain = [
            f.name for f in fields.values() if not f.definition.system and not f.definition.hidden and _listable(f)
        ]
        wanted = [*plain[:7], *(["owner"] if "owner" in fields else [])]
    ordered = dict.fromkeys([title, *wanted] if title in fields else wanted)
    return tuple(fields[name] for name in list(ordered)[:MOST_COLUMNS] if _listable(fields[name]))


def _listable(field: FieldView) -> bool:
    return field.shape not in NEVER_LISTED


def expandable(columns: Sequence[FieldView]) -> tuple[str, ...]:
    """The columns whose references are read with their titles in the same statement."""
    return tuple(f.name for f in columns if f.family == "reference" and f.target)
