"""Records that look like the same: exact parts are asked of the database, likeness is judged on what comes back.

Candidates are bounded: records that agree on every exact part, else those the search index finds by the beginning of
the value, newest first. Comparisons know what they compare: company names without their legal form, person names and
texts folded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import peewee

from guanxi.common.text import fold
from guanxi.fieldtypes.companies import company_core
from guanxi.registry.objects import DuplicateRule, MatchPart
from guanxi.runtime.access.binds import Moment, bind_all
from guanxi.runtime.search.condition import search_condition
from guanxi.runtime.search.grams import words_of
from guanxi.runtime.storage.names import quoted
from guanxi.runtime.storage.rows import to_stored

from .draft import Draft, filled

if TYPE_CHECKING:
    from .work import Work

MOST_CANDIDATES = 2_000
LEADING = 4
EXACT = ("exact", "phone", "email")
CORES: dict[str, Callable[[str], str]] = {"company_name": company_core}


def find_duplicate(work: Work, draft: Draft, rule: DuplicateRule) -> int | None:
    """The id of a live record, other than the draft's own, that the rule takes for the same; None without one."""
    row = draft.new
    if not all(filled(row.get(part.field)) for part in rule.match):
        return None
    exact = [part for part in rule.match if part.by in EXACT]
    alike = [part for part in rule.match if part.by not in EXACT]
    own = draft.old["id"] if draft.old is not None else 0
    found = _candidates(work, draft, exact, alike, own)
    if not alike:
        return found[0][0] if found else None
    wanted = [_core(part, row[part.field]) for part in alike]
    for candidate in found:
        if all(_like(part, w, value, rule.score) for part, w, value in zip(alike, wanted, candidate[1:], strict=True)):
            return int(candidate[0])
    return None


def likeness_key(rule: DuplicateRule, row: Mapping[str, Any]) -> tuple[Any, ...]:
    """What two rows of one import have in common when they are the same at full likeness."""
    return tuple(row[part.field] if part.by in EXACT else _core(part, row[part.field]) for part in rule.match)


def _candidates(
    work: Work, draft: Draft, exact: Sequence[MatchPart], alike: Sequence[MatchPart], own: int
) -> list[tuple[Any, ...]]:
    texts = work.statements(draft.plan.name)
    mark, columns = texts.mark, texts.table.columns
    params: list[Any] = []
    conditions = ['"deleted_at" IS NULL', f'"id" <> {mark}']
    params.append(own)
    for part in exact:
        column = columns[part.field]
        conditions.append(f"{quoted(part.field)} = {mark}")
        params.append(to_stored(texts.engine, column.kind, column.scale)(draft.new[part.field]))
    if not exact and (near := _searched(work, draft, alike)) is not None:
        conditions.append(near[0])
        params.extend(near[1])
    selected = ", ".join(['"id"', *(quoted(part.field) for part in alike)])
    limit = MOST_CANDIDATES if alike else 1
    where = " AND ".join(conditions)
    sql = f'SELECT {selected} FROM {texts.name} WHERE {where} ORDER BY "id" DESC LIMIT {limit}'  # noqa: S608
    return work.db.rows(sql, params)


def _searched(work: Work, draft: Draft, alike: Sequence[MatchPart]) -> tuple[str, list[Any]] | None:
    """A condition that the search index answers: the value's beginning stands in the field. None without an index."""
    for part in alike:
        if part.field not in draft.plan.searched:
            continue
        words = words_of(_core(part, draft.new[part.field]))
        if not words:
            continue
        engine = work.db.engine
        node = search_condition(draft.plan.object, [part.field], 1, engine, peewee.SQL('"id"'))
        # A query inside a condition stands in parentheses.
        sql, params = work.db.peewee.get_sql_context(subquery=True).sql(node).query()
        moment = Moment(work.actor, work.now, engine, {"q": (words[0][:LEADING],)})
        return sql, bind_all(params, moment)
    return None


def _core(part: MatchPart, value: Any) -> str:
    text = str(value)
    return CORES.get(part.by, fold)(text) or fold(text)


def _like(part: MatchPart, wanted: str, value: Any, score: float) -> bool:
    if value is None:
        return False
    other = _core(part, value)
    if wanted == other:
        return True
    if score >= 1:
        return False
    from rapidfuzz.fuzz import ratio

    return ratio(wanted, other) / 100 >= score
