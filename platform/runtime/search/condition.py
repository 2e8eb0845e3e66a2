"""The condition a search adds to a list: ids of records whose searchable text holds every word asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import peewee

from guanxi.registry.objects import ObjectType
from guanxi.runtime.access.binds import Bind, bound
from guanxi.runtime.ports import Engine

from .grams import fts5_match, tsquery
from .index import column_name, table_name


def search_condition(object_type: ObjectType, fields: Sequence[str], words: int, engine: Engine, key: Any) -> Any:
    """A peewee condition on the record id `key`: all words of the argument `q` (a tuple of safe words) in `fields`.

    Only the number of words shapes the text of the statement; the words themselves are bound.
    """
    columns = [column_name(name) for name in fields]
    table = peewee.Table(table_name(object_type))
    if engine == "sqlite":
        match = Bind("q", lambda moment: fts5_match(columns, moment.args["q"]))
        found = table.select(peewee.SQL("rowid")).where(
            peewee.Expression(peewee.Entity(table_name(object_type)), "MATCH", bound(match))
        )
        return peewee.Expression(key, "IN", found)
    condition: Any = None
    for at in range(words):
        word = Bind(f"q{at}", lambda moment, at=at: tsquery(moment.args["q"][at]))  # type: ignore[misc]
        either: Any = None
        for column in columns:
            part = peewee.Expression(peewee.Column(table, column), "@@", peewee.Cast(bound(word), "tsquery"))
            either = part if either is None else either | part
        condition = either if condition is None else condition & either
    found = table.select(peewee.Column(table, "record_id")).where(condition)
    # An array, not IN: the ids are found first and looked up by key, whatever the planner guesses about a phrase.
    return peewee.Expression(key, "=", peewee.fn.ANY(peewee.fn.ARRAY(found)))
