"""Names and paths of the language: fields, hops over references, `me`, `old`, `outer`, parameters, related lists."""

from __future__ import annotations

from dataclasses import dataclass

from guanxi.common.names import did_you_mean

from . import syntax as s
from . import tree as t
from .checker import Checker, Mention
from .expression import Use
from .functions.catalogue import ENTRIES
from .limits import MAX_HOPS
from .schema import FieldInfo
from .types import INTEGER, TEXT, ValueType

# What people write for the truth values in YAML of an older kind.
_TRUTHS = {"yes": "write true", "on": "write true", "no": "write false", "off": "write false"}
_USER = ValueType("reference", object="user")
_TEAM = ValueType("reference", object="team")
_CALLER = {
    "teams": t.CallerTerm("teams", ValueType("list", element=_TEAM)),
    "roles": t.CallerTerm("roles", ValueType("list", element=TEXT)),
}


@dataclass(frozen=True, slots=True)
class Start:
    """Where a path begins: its row and the index of the first name that is a field of it."""

    row: t.RowTerm
    index: int


def value(checker: Checker, node: s.Path) -> t.Term:
    """The term of a path that stands for a value."""
    first = node.names[0]
    if first == "me":
        if not _people(checker, node.spans[0]):
            return t.Bad()
        if len(node.names) == 2 and node.names[1] in _CALLER:
            return _CALLER[node.names[1]]
    elif first in checker.place.params and len(node.names) == 1:
        return t.ParamTerm(first, checker.place.params[first])
    start = _start(checker, node)
    if start is None:
        return t.Bad()
    if start.index == len(node.names):
        if first == "me":
            return t.FieldTerm(t.MeRow(), "id", _USER)
        return checker.fault(node.span, "name", f"'{first}' needs a field after it", f"write {first}.field")
    row = _hops(checker, node, start, len(node.names) - 1)
    return t.Bad() if row is None else field(checker, row, node.names[-1], node.spans[-1])


def listed(checker: Checker, node: s.Path) -> tuple[t.Source, s.Path | None] | None:
    """The related list that a path leads to, and the path on its children that follows; None when there is none."""
    silent = len(checker.faults)
    start = _start(checker, node, quiet=True)
    if start is None:
        del checker.faults[silent:]
        return None
    row = start.row
    for index in range(start.index, len(node.names)):
        source = _source(checker, row, node.names[index])
        if source is not None:
            checker.mentions.append(Mention(node.spans[index], row.object, node.names[index]))
            rest = node.names[index + 1 :]
            if not rest:
                return source, None
            spans = node.spans[index + 1 :]
            return source, s.Path(rest, spans, s.Span(spans[0].start, spans[-1].end))
        info = checker.schema.field(row.object, node.names[index])
        if info is None or info.type.kind != "reference" or index + 1 == len(node.names):
            return None
        further = _hops(checker, node, Start(row, index), index + 1)
        if further is None:
            return None
        row = further
    return None


def _source(checker: Checker, row: t.RowTerm, name: str) -> t.Source | None:
    found = checker.schema.related(row.object, name)
    if found is not None:
        checker.uses.add(Use(found.object, found.field))
        return t.Source(row, name, found.object, found.field, "linked" if found.many else "children")
    info = checker.schema.field(row.object, name)
    if info is not None and info.type.kind == "references" and info.value is None:
        checker.uses.add(Use(row.object, name))
        if isinstance(row, t.Row) and not checker.depth:
            checker.own.add(name)
        return t.Source(row, name, info.type.object, name, "links")
    return None


def _people(checker: Checker, span: s.Span) -> bool:
    checker.volatile = True
    if not checker.place.people:
        checker.fault(span, "name", "the person who looks is not known here")
    return checker.place.people


def _start(checker: Checker, node: s.Path, *, quiet: bool = False) -> Start | None:
    first, span = node.names[0], node.spans[0]
    if first == "me":
        checker.volatile = True
        return Start(t.MeRow(), 1)
    if first == "old":
        if not checker.place.change:
            checker.fault(span, "name", "the old record is only known where a change is judged")
            return None
        checker.change = True
        return Start(t.Old(checker.main), 1)
    if first == "outer":
        if checker.outer is None:
            checker.fault(span, "name", "'outer' only has a meaning inside the condition of a related list")
            return None
        return Start(t.Outer(checker.outer), 1)
    if first in checker.place.params:
        kind = checker.place.params[first]
        if kind.kind != "reference":
            if not quiet:
                checker.fault(span, "type", f"'{first}' is {kind}, not a record: it has no fields")
            return None
        return Start(t.ParamRow(first, kind.object), 1)
    return Start(t.Row(checker.object), 0)


def _hops(checker: Checker, node: s.Path, start: Start, end: int) -> t.RowTerm | None:
    """Follow the references `names[start.index:end]`."""
    row = start.row
    for index in range(start.index, end):
        name, span = node.names[index], node.spans[index]
        info = _info(checker, row, name, span)
        if info is None:
            return None
        if info.type.kind != "reference" or info.value is not None:
            hint = "count, sum, any and all look into a list" if info.type.kind == "references" else ""
            checker.fault(span, "type", f"'{name}' is not a reference, a path cannot go on from it", hint)
            return None
        if _length(row) >= MAX_HOPS:
            checker.fault(span, "limit", f"a path has at most {MAX_HOPS} hops")
            return None
        row = t.Hop(row, name, info.type.object)
    return row


def _length(row: t.RowTerm) -> int:
    return 1 + _length(row.base) if isinstance(row, t.Hop) else 0


def _info(checker: Checker, row: t.RowTerm, name: str, span: s.Span) -> FieldInfo | None:
    info = checker.schema.field(row.object, name)
    if info is None and isinstance(row, t.MeRow) and name in ("id", "team"):
        return FieldInfo(name, INTEGER if name == "id" else _TEAM)
    if info is None:
        _unknown(checker, row, name, span)
        return None
    checker.mentions.append(Mention(span, row.object, name))
    checker.uses.add(Use(row.object, name))
    if isinstance(row, t.Row) and not checker.depth:
        checker.own.add(name)
    return info


def _unknown(checker: Checker, row: t.RowTerm, name: str, span: s.Span) -> None:
    known = list(checker.schema.field_names(row.object))
    lists = list(checker.schema.related_names(row.object))
    if name in lists:
        hint = f"'{name}' is a list: ask count({name}), sum({name}.field), any({name}, condition)"
        checker.fault(span, "type", f"'{name}' is not a value", hint)
        return
    bare = isinstance(row, t.Row)
    if bare:
        known += [*checker.place.params, "me"]
    hint = (_TRUTHS.get(name, "") if bare else "") or did_you_mean(name, known)
    if bare and name in ENTRIES and not hint:
        hint = f"a function is called with brackets: {name}()"
    if bare and not hint:
        hint = "text stands in quotes"
    checker.fault(span, "name", f"unknown name '{name}'" if bare else f"{row.object} has no field '{name}'", hint)


def field(checker: Checker, row: t.RowTerm, name: str, span: s.Span) -> t.Term:
    """The term of one field of a row, its formula put in place."""
    info = _info(checker, row, name, span)
    if info is None:
        return t.Bad()
    if info.value is None:
        return t.FieldTerm(row, name, info.type)
    found = info.value
    checker.uses |= found.uses
    checker.roles |= found.roles
    checker.volatile = checker.volatile or found.volatile
    size = found.cache.get("size")
    if not isinstance(size, int):
        size = found.cache["size"] = sum(1 for _ in t.walk(found.tree))
    if not checker.inline(span, size):
        return t.Bad()
    return t.Inline(row, name, found.tree, info.type)


def known(checker: Checker, name: str) -> bool:
    """Whether a bare word stands for something."""
    return (
        name in checker.place.params
        or checker.schema.field(checker.object, name) is not None
        or checker.schema.related(checker.object, name) is not None
    )


def options_of(checker: Checker, node: s.Path) -> frozenset[str]:
    """The options of the choice field that a path leads to, without noting anything."""
    probe = Checker(checker.text, checker.schema, checker.object, checker.place, checker.outer)
    probe.main = checker.main
    found = value(probe, node)
    return found.type.options or frozenset() if found.type.kind == "choice" else frozenset()
