"""The board: one lane per option of a choice field, counts and sums from one grouped query, cards capped per lane."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from flask import request
from markupsafe import Markup

from guanxi.common.errors import BadRequest
from guanxi.runtime.query.request import AggregateQuery, ListQuery

from .fields import FieldView, OptionView
from .filters import quote_text
from .list_pages import ListPages
from .lists import ListState, expandable
from .routes import expose
from .visit import current_visit

CARDS = 12
CARD_FIELDS = 4


@dataclass(frozen=True, slots=True)
class Card:
    """One record on a board; `amount` is what it adds to its lane's sum."""

    key: int
    title: str
    url: str
    version: int
    amount: str
    lines: tuple[tuple[str, Markup], ...]


@dataclass(frozen=True, slots=True)
class Lane:
    """One option with its totals; `to` lists where a card of this lane may go ("*" for anywhere)."""

    option: OptionView
    count: int
    total: str
    exact: str
    cards: tuple[Card, ...]
    after: str | None
    to: str


class BoardPages(ListPages):
    """Boards of one object."""

    def board_page(self, state: ListState) -> Any:
        """All lanes of the view's choice field."""
        by, measure = self.board_fields(state)
        totals = self._lane_totals(state, by, measure)
        lanes = [self._lane(state, by, measure, option, totals.get(option.name)) for option in by.options]
        return self.page(
            "board.html",
            state=state,
            by=by,
            measure=measure,
            lanes=lanes,
            total=sum(lane.count for lane in lanes),
            movable=bool(self.rights.get("update")) and by.grant == "edit",
            **self.list_head(state),
        )

    def board_fields(self, state: ListState) -> tuple[FieldView, FieldView | None]:
        """The field of the lanes and the field that is summed."""
        if state.view is None or state.view.by not in self.fields or not self.fields[state.view.by].operand:
            raise BadRequest("This board cannot be shown.", code="board")
        measure = self.fields.get(state.view.sum)
        return self.fields[state.view.by], measure if measure is not None and measure.operand else None

    def _lane_totals(self, state: ListState, by: FieldView, measure: FieldView | None) -> dict[Any, Any]:
        measures = ("count()", f"sum({measure.name})") if measure else ("count()",)
        view = state.view.name if state.view else ""
        query = AggregateQuery(
            self.item.name, group=(by.name,), measures=measures, where=state.where(), q=state.q, view=view
        )
        return {row[by.name]: row for row in self.records.aggregate(current_visit().person, query)}

    def _lane(
        self, state: ListState, by: FieldView, measure: FieldView | None, option: OptionView, totals: Any
    ) -> Lane:
        count = int(totals["count()"]) if totals else 0
        cards, after = self.lane_cards(state, by, measure, option.name) if count else ((), None)
        exact = str(totals[f"sum({measure.name})"] or "0") if totals and measure else "0"
        path = self.item.stages.path if self.item.stages and self.item.stages.field == by.name else None
        to = "*" if path is None else " ".join(path[option.name].to) if option.name in path else ""
        shown = self.shown.compact(exact, measure.currency) if measure else ""
        return Lane(option, count, shown, exact, cards, after, to)

    def lane_cards(
        self, state: ListState, by: FieldView, measure: FieldView | None, value: str
    ) -> tuple[tuple[Card, ...], str | None]:
        """One page of a lane's cards and the cursor of the next."""
        lines = self._card_fields(state, by, measure)
        names = [f.name for f in lines] + ([measure.name] if measure else [])
        base = state.query(["id", "version", self.title_name or "id", *names], expandable(lines), total="none")
        only = f"{by.name} == {quote_text(value)}"
        query: ListQuery = replace(base, where=f"{base.where} and {only}" if base.where else only, limit=CARDS)
        found = self.records.list(current_visit().person, query)
        drawers = [(f.label, f.name, self.draw(f, links=False)) for f in lines]
        titles = self.titles(found.data)
        cards = tuple(
            Card(
                key=row["id"],
                title=titles[row["id"]],
                url=f"{self.base}{row['id']}/",
                version=int(row.get("version") or 0),
                amount=str(row.get(measure.name) or "0") if measure else "0",
                lines=tuple(
                    (label, draw(row[name])) for label, name, draw in drawers if row.get(name) not in (None, "", [])
                ),
            )
            for row in self.named_links(found.data, lines)
        )
        return cards, found.next

    def _card_fields(self, state: ListState, by: FieldView, measure: FieldView | None) -> list[FieldView]:
        """A few telling fields: the view's columns, else the page's highlights, else the first of the form."""
        chosen = state.view.columns if state.view else ()
        names = [*chosen, *self.item.page.highlights, *(f.name for s in self.sections for f in s.fields)]
        skip = {by.name, self.title_name}
        first = [measure.name] if measure else []
        ordered = dict.fromkeys(n for n in [*first, *names] if n in self.fields and n not in skip)
        short = [
            self.fields[n]
            for n in ordered
            if self.fields[n].shape not in ("long_text", "rich_text", "json", "file", "image")
        ]
        cards = short[:CARD_FIELDS]
        owner = self.fields.get("owner")
        if owner is not None and owner not in cards:
            cards = [*cards[: CARD_FIELDS - 1], owner]
        return cards

    @expose("/lane/")
    def lane_view(self) -> Any:
        """More cards of one lane, as a fragment; `lane` and `cursor` beside the list's own parameters."""
        pairs = [(k, v) for k, v in request.args.items(multi=True) if k not in ("lane", "cursor")]
        state = replace(self.state_of(pairs), after=request.args.get("cursor", ""))
        by, measure = self.board_fields(state)
        option = by.option(request.args.get("lane"))
        if option is None:
            raise BadRequest("There is no such lane.", code="lane")
        cards, after = self.lane_cards(state, by, measure, option.name)
        return self.page("parts/cards.html", cards=cards, after=after, movable=bool(self.rights.get("update")))
