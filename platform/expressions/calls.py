"""Function calls: which entry is meant, whether its arguments fit, and the term it becomes."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime

from guanxi.common.names import did_you_mean

from . import paths
from . import syntax as s
from . import tree as t
from .checker import Checker
from .functions import ENTRIES, Entry, Function
from .functions.numbers import ROUND_INTEGER, ROUND_WHOLE
from .functions.text import DATE_TEXT, NUMBER_TEXT
from .functions.time import HOURS
from .limits import MAX_ROUND
from .types import BLANK, BOOLEAN, DATE, DATETIME, DECIMAL, INTEGER, TEXT, ValueType
from .typing_rules import DAYS, NUMBERS, ORDERED, SINGLE, TEXTS, as_date, coerce, computed, named, unify

_TYPES = {"text": TEXT, "integer": INTEGER, "decimal": DECIMAL, "boolean": BOOLEAN, "date": DATE, "datetime": DATETIME}
_ACCEPTS: dict[str, frozenset[str]] = {
    "text": TEXTS,
    "integer": frozenset({"integer"}),
    "number": NUMBERS,
    "decimal": NUMBERS,
    "date": DAYS,
    "datetime": frozenset({"datetime"}),
    "boolean": frozenset({"boolean"}),
}
_DATE = re.compile(r"\d{4}-\d\d-\d\d\Z", re.ASCII)
_DATETIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)?\Z", re.ASCII)
_TODAY = t.CallerTerm("today", DATE)
_NOW = t.CallerTerm("now", DATETIME)
_USER = ValueType("reference", object="user")
_TEAM = ValueType("reference", object="team")


def call(checker: Checker, node: s.Call) -> t.Term:
    """The term of a call."""
    entry = ENTRIES.get(node.name)
    if entry is None:
        known = [n for n, e in ENTRIES.items() if checker.place.change or e.group != "change"]
        return checker.fault(node.span, "call", f"no function '{node.name}'", did_you_mean(node.name, known))
    if not entry.least <= len(node.arguments) <= entry.most:
        return checker.fault(node.span, "call", _count_message(entry, len(node.arguments)), f"write {entry.signature}")
    return _FORMS[entry.form](checker, node, entry)


def _count_message(entry: Entry, given: int) -> str:
    wanted = str(entry.least) if entry.least == entry.most else f"{entry.least} to {entry.most}"
    return f"{entry.name} takes {wanted} argument{'' if wanted == '1' else 's'}, not {given}"


def _terms(checker: Checker, node: s.Call) -> list[t.Term] | None:
    found = [checker.term(a) for a in node.arguments]
    return None if any(isinstance(f, t.Bad) for f in found) else found


def _wrong(checker: Checker, node: s.Call, index: int, found: t.Term, entry: Entry) -> t.Term:
    span = node.arguments[index].span
    message = f"{entry.name} does not take {named(found.type)} here"
    return checker.fault(span, "call", message, f"write {entry.signature}")


def apply(  # noqa: PLR0917
    checker: Checker, node: s.Call, entry: Entry, function: Function, terms: list[t.Term], kind: ValueType
) -> t.Term:
    """A function on terms, each judged and brought to the kind it asks for."""
    arguments: list[t.Term] = []
    codes = [c for c in function.arguments if c not in ("zone", "calendar")]
    for index, found in enumerate(terms):
        code = codes[min(index, len(codes) - 1)]
        if found.type.kind == "blank":
            arguments.append(t.Const(None, _TYPES.get(code, DECIMAL)))
            continue
        if found.type.kind not in _ACCEPTS[code]:
            return _wrong(checker, node, index, found, entry)
        if code == "date":
            checker.volatile = checker.volatile or found.type.kind == "datetime"
        ready = as_date(found) if code == "date" else found
        arguments.append(coerce(ready, DECIMAL) if code == "decimal" else ready)
    if "zone" in function.arguments:
        checker.volatile = True
    return t.Apply(function, tuple(arguments), kind)


def _pick(entry: Entry, found: t.Term) -> Function | None:
    functions = dict(entry.functions)
    kind = found.type.kind
    if kind == "blank":
        return entry.functions[0][1]
    for key in (kind, "text" if kind == "choice" else kind, "decimal" if kind == "integer" else kind):
        if key in functions:
            return functions[key]
    return functions.get("date") if kind == "datetime" else None


def _plain(checker: Checker, node: s.Call, entry: Entry) -> t.Term:
    terms = _terms(checker, node)
    if terms is None:
        return t.Bad()
    function = _pick(entry, terms[0])
    if function is None:
        return _wrong(checker, node, 0, terms[0], entry)
    first = entry.result == "first" and terms[0].type.kind != "blank"
    kind = computed(terms[0].type) if first else _TYPES.get(entry.result) or _TYPES[function.result]
    return apply(checker, node, entry, function, terms, kind)


def _contains(checker: Checker, node: s.Call, entry: Entry) -> t.Term:
    probe = Checker(checker.text, checker.schema, checker.object, checker.place, checker.outer)
    probe.main = checker.main
    if probe.term(node.arguments[0]).type.kind in ("choices", "references", "list"):
        return checker.member(node.arguments[1], node.arguments[0])
    return _plain(checker, node, entry)


def _concat(checker: Checker, node: s.Call, entry: Entry) -> t.Term:
    terms = _terms(checker, node)
    if terms is None:
        return t.Bad()
    for index, found in enumerate(terms):
        if found.type.kind in NUMBERS:
            terms[index] = t.Apply(NUMBER_TEXT, (found,), TEXT)
        elif found.type.kind in DAYS:
            checker.volatile = checker.volatile or found.type.kind == "datetime"
            terms[index] = t.Apply(DATE_TEXT, (as_date(found),), TEXT)
    return apply(checker, node, entry, entry.functions[0][1], terms, TEXT)


def _round(checker: Checker, node: s.Call, entry: Entry) -> t.Term:
    terms = _terms(checker, node)
    if terms is None:
        return t.Bad()
    if terms[0].type.kind not in NUMBERS | {"blank"}:
        return _wrong(checker, node, 0, terms[0], entry)
    whole = terms[0].type.kind == "integer"
    if len(terms) == 1:
        return terms[0] if whole else apply(checker, node, entry, ROUND_WHOLE, terms, INTEGER)
    digits = terms[1].value if isinstance(terms[1], t.Const) else None
    if not isinstance(digits, int) or isinstance(digits, bool) or abs(digits) > MAX_ROUND:
        message = f"the digits are a written whole number from -{MAX_ROUND} to {MAX_ROUND}"
        return checker.fault(node.arguments[1].span, "call", message)
    function = ROUND_INTEGER if whole else entry.functions[1][1]
    return apply(checker, node, entry, function, terms, INTEGER if whole else DECIMAL)


def _extreme(checker: Checker, node: s.Call, entry: Entry) -> t.Term:
    first = node.arguments[0]
    if isinstance(first, s.Path):
        mark = len(checker.mentions)
        uses, own = set(checker.uses), set(checker.own)
        found = paths.listed(checker, first)
        del checker.mentions[mark:]
        checker.uses, checker.own = uses, own
        if found is not None:
            return _aggregate(checker, node, entry)
    if len(node.arguments) < 2:
        return checker.fault(
            node.span, "call", f"{entry.name} takes several values, or a related list", entry.signature
        )
    terms = _terms(checker, node)
    kind: ValueType | None = BLANK
    for index, term in enumerate(terms or ()):
        kind = unify(kind or BLANK, term.type)
        if kind is None or kind.kind not in ORDERED | {"blank"}:
            return _wrong(checker, node, index, term, entry)
    if terms is None or kind is None:
        return t.Bad()
    if kind.kind == "blank":
        return t.Const(None, BLANK)
    return t.Apply(entry.functions[0][1], tuple(coerce(x, kind) for x in terms), kind)


def _caller(term: t.CallerTerm) -> Callable[[Checker, s.Call, Entry], t.Term]:
    def build(checker: Checker, node: s.Call, entry: Entry) -> t.Term:
        checker.volatile = True
        return term

    return build


def _literal_text(node: s.Node) -> str | None:
    return node.value if isinstance(node, s.Literal) and isinstance(node.value, str) else None


def _date(checker: Checker, node: s.Call, entry: Entry) -> t.Term:
    text = _literal_text(node.arguments[0])
    if text is None:
        found = checker.term(node.arguments[0])
        if found.type.kind == "date" or isinstance(found, t.Bad):
            return found
        return apply(checker, node, entry, entry.functions[0][1], [found], DATE)
    try:
        if not _DATE.match(text):
            raise ValueError(text)
        return t.Const(date.fromisoformat(text), DATE)
    except ValueError:
        return checker.fault(node.arguments[0].span, "call", f"'{text[:40]}' is not a date", 'write date("2024-06-01")')


def _datetime(checker: Checker, node: s.Call, entry: Entry) -> t.Term:
    text = _literal_text(node.arguments[0])
    if text is None:
        found = checker.term(node.arguments[0])
        if found.type.kind == "datetime" or isinstance(found, t.Bad):
            return found
        return _wrong(checker, node, 0, found, entry)
    try:
        if not _DATETIME.match(text):
            raise ValueError(text)
        instant = datetime.fromisoformat(text)
        return t.Const((instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC), DATETIME)
    except (ValueError, OverflowError):
        hint = 'write datetime("2024-06-01T08:00:00Z")'
        return checker.fault(node.arguments[0].span, "call", f"'{text[:40]}' is not an instant", hint)


def _shift(checker: Checker, node: s.Call, entry: Entry) -> t.Term:
    terms = _terms(checker, node)
    if terms is None:
        return t.Bad()
    function = _pick(entry, terms[0])
    if function is None:
        return _wrong(checker, node, 0, terms[0], entry)
    return apply(checker, node, entry, function, terms, _TYPES[function.result])


def _since(checker: Checker, node: s.Call, entry: Entry) -> t.Term:
    terms = _terms(checker, node)
    if terms is None:
        return t.Bad()
    checker.volatile = True
    function = entry.functions[0][1]
    found = apply(checker, node, entry, function, [terms[0]], INTEGER)
    if isinstance(found, t.Apply):
        return t.Apply(function, (*found.arguments, _NOW if function is HOURS else _TODAY), INTEGER)
    return found


def _working(checker: Checker, node: s.Call, entry: Entry) -> t.Term:
    since = entry.name == "working_days_since"
    dates = node.arguments[: 1 if since else 2]
    rest = node.arguments[len(dates) :]
    names = list(checker.schema.calendar_names())
    calendar = "office" if "office" in names else names[0] if len(names) == 1 else ""
    if rest:
        calendar = _literal_text(rest[0]) or ""
        if calendar not in names:
            if not calendar:
                return checker.fault(rest[0].span, "call", "a calendar is named by a written text")
            return checker.unknown(rest[0].span, "no calendar", calendar, names)
    terms = _terms(checker, s.Call(node.name, dates, node.span))
    if terms is None:
        return t.Bad()
    function = entry.functions[0][1]
    found = apply(checker, node, entry, function, terms, INTEGER)
    checker.volatile = checker.volatile or since
    if not isinstance(found, t.Apply):
        return found
    return t.Apply(function, (*found.arguments, _TODAY) if since else found.arguments, INTEGER, calendar)


def _blank(checker: Checker, node: s.Call, entry: Entry) -> t.Term:
    found = checker.term(node.arguments[0])
    if isinstance(found, t.Bad):
        return found
    if found.type.kind == "list" and not isinstance(found, t.ParamTerm):
        return _wrong(checker, node, 0, found, entry)
    return t.IsBlank(found) if entry.name == "blank" else t.Not(t.IsBlank(found))


def _coalesce(checker: Checker, node: s.Call, entry: Entry) -> t.Term:
    terms = _terms(checker, node)
    kind = BLANK
    for index, term in enumerate(terms or ()):
        joined = unify(kind, term.type)
        if joined is None or joined.kind not in SINGLE | {"blank"}:
            message = f"all values must have one type, here are {named(kind)} and {named(term.type)}"
            return checker.fault(node.arguments[index].span, "type", message)
        kind = joined
    if terms is None:
        return t.Bad()
    return t.Coalesce(tuple(coerce(x, kind) for x in terms), kind)


def _person(checker: Checker, node: s.Call) -> bool:
    checker.volatile = True
    if not checker.place.people:
        checker.fault(node.span, "name", f"{node.name} cannot be asked here: the person is not known")
    return checker.place.people


def _has_role(checker: Checker, node: s.Call, entry: Entry) -> t.Term:
    name = _literal_text(node.arguments[0])
    if not _person(checker, node):
        return t.Bad()
    if name is None:
        return checker.fault(node.arguments[0].span, "call", "a role is named by a written text", entry.signature)
    checker.roles.add(name)
    return t.Member(t.Const(name, TEXT), t.CallerTerm("roles", ValueType("list", element=TEXT)))


def _in_team(checker: Checker, node: s.Call, entry: Entry) -> t.Term:
    found = checker.term(node.arguments[0])
    if not _person(checker, node) or isinstance(found, t.Bad):
        return t.Bad()
    if found.type.kind in TEXTS:
        return t.Member(found, t.CallerTerm("team_names", ValueType("list", element=TEXT)))
    if found.type.kind == "integer" or found.type.object == "team":
        return t.Member(found, t.CallerTerm("teams", ValueType("list", element=_TEAM)))
    return _wrong(checker, node, 0, found, entry)


def _reports_to(checker: Checker, node: s.Call, entry: Entry) -> t.Term:
    found = checker.term(node.arguments[0])
    if not _person(checker, node) or isinstance(found, t.Bad):
        return t.Bad()
    if found.type.kind == "integer" or found.type.object == "user":
        return t.Member(found, t.CallerTerm("reports", ValueType("list", element=_USER)))
    return _wrong(checker, node, 0, found, entry)


def _aggregate(checker: Checker, node: s.Call, entry: Entry) -> t.Term:
    first = node.arguments[0]
    found = paths.listed(checker, first) if isinstance(first, s.Path) else None
    if found is None:
        return _no_list(checker, node, first)
    source, item_path = found
    needs_item = entry.name in ("sum", "avg", "min", "max")
    if needs_item != (item_path is not None):
        hint = f"write {entry.signature}"
        message = f"{entry.name} needs a field of the list" if needs_item else f"{entry.name} takes the list itself"
        return checker.fault(first.span, "call", message, hint)
    with checker.child(source.object):
        item = checker.term(item_path) if item_path is not None else None
        condition = checker.condition(node.arguments[1]) if len(node.arguments) > 1 else None
    if isinstance(item, t.Bad) or isinstance(condition, t.Bad):
        return t.Bad()
    kind = _aggregate_type(entry.name, item)
    if kind is None and item is not None:
        return _wrong(checker, node, 0, item, entry)
    return t.Aggregate(entry.name, source, item, condition, kind or BLANK)  # type: ignore[arg-type]


def _aggregate_type(name: str, item: t.Term | None) -> ValueType | None:
    if item is None:
        return INTEGER if name == "count" else BOOLEAN
    if name in ("sum", "avg"):
        if item.type.kind not in NUMBERS:
            return None
        return DECIMAL if name == "avg" else computed(item.type)
    return computed(item.type) if item.type.kind in ORDERED else None


def _no_list(checker: Checker, node: s.Call, first: s.Node) -> t.Term:
    if not isinstance(first, s.Path):
        return checker.fault(first.span, "call", f"{node.name} looks at a related list", "name the list")
    known = list(checker.schema.related_names(checker.object))
    return checker.unknown(first.span, "no related list", ".".join(first.names), known)


def _own_field(checker: Checker, node: s.Call) -> tuple[t.Term, t.Term] | None:
    """The field named by the first argument, now and before."""
    first = node.arguments[0]
    if checker.depth or not isinstance(first, s.Path) or len(first.names) != 1:
        checker.fault(first.span, "call", f"{node.name} takes the name of a field of the record itself")
        return None
    now = paths.field(checker, t.Row(checker.object), first.names[0], first.spans[0])
    if isinstance(now, t.Bad):
        return None
    before = paths.field(checker, t.Old(checker.main), first.names[0], first.spans[0])
    return now, before


def _change(checker: Checker, node: s.Call) -> bool:
    checker.change = True
    if not checker.place.change:
        checker.fault(node.span, "call", f"{node.name} can only be asked where a change is judged")
    return checker.place.change


def _changed(checker: Checker, node: s.Call, entry: Entry) -> t.Term:
    found = _own_field(checker, node) if _change(checker, node) else None
    return t.Bad() if found is None else t.Changed(*found)


def _was(checker: Checker, node: s.Call, entry: Entry) -> t.Term:
    found = _own_field(checker, node) if _change(checker, node) else None
    value = checker.term(node.arguments[1])
    if found is None or isinstance(value, t.Bad):
        return t.Bad()
    checker.options(node.arguments[1], value, found[1])
    return checker.compared("==", found[1], value, node.span)


def _is_new(checker: Checker, node: s.Call, entry: Entry) -> t.Term:
    return t.IsNew() if _change(checker, node) else t.Bad()


_FORMS: dict[str, Callable[[Checker, s.Call, Entry], t.Term]] = {
    "plain": _plain,
    "contains": _contains,
    "concat": _concat,
    "round": _round,
    "extreme": _extreme,
    "today": _caller(_TODAY),
    "now": _caller(_NOW),
    "date": _date,
    "datetime": _datetime,
    "shift": _shift,
    "since": _since,
    "working": _working,
    "blank": _blank,
    "coalesce": _coalesce,
    "has_role": _has_role,
    "in_team": _in_team,
    "reports_to": _reports_to,
    "aggregate": _aggregate,
    "changed": _changed,
    "was": _was,
    "is_new": _is_new,
}
