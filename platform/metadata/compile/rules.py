"""Unique keys, rules and duplicate rules of an object."""

from __future__ import annotations

from collections.abc import Mapping

from guanxi.expressions import tree
from guanxi.expressions.env import Env
from guanxi.expressions.evaluate import evaluate
from guanxi.expressions.expression import Expression
from guanxi.registry import DuplicateRule, Rule, UniqueKey
from guanxi.registry.objects import MatchPart

from ..documents.fields import COMPUTED_TYPES
from ..documents.object import DuplicatePart
from ..nodes import Path
from .scope import Scope, frozen

FUZZY = frozenset({"text", "company_name", "person_name", "address"})
FUZZY_SCORE = 0.9
_READING = (tree.FieldTerm, tree.Aggregate, tree.ParamTerm, tree.CallerTerm)
_TEXT_MATCHERS = FUZZY | {"phone", "email", "domain", "code"}


def constant(expression: Expression | None) -> object:
    """The value of an expression that reads no record, no clock and no person, else Ellipsis."""
    if expression is None or expression.uses or expression.volatile or expression.change:
        return ...
    if any(isinstance(term, _READING) for term in tree.walk(expression.tree)):
        return ...
    return evaluate(expression, Env({}))


def compile_unique(scope: Scope) -> Mapping[str, UniqueKey]:
    """Keys over several fields."""
    made: dict[str, UniqueKey] = {}
    seen: dict[frozenset[str], str] = {}
    for name, part in scope.model.unique.items():
        path = ("unique", name)
        fields = scope.fields(path, part.fields)
        for index, field in enumerate(part.fields):
            _can_be_unique(scope, field, (*path, index))
        if name in scope.outline.fields and scope.outline.fields[name].part.unique:
            scope.error("clash", f"the field '{name}' is unique already; give the key another name", path, key=True)
        other = seen.setdefault(frozenset(fields), name)
        if other != name and fields:
            scope.error("clash", f"the key '{other}' has the same fields", path, key=True)
        made[name] = UniqueKey(name, fields, part.renamed_from or "")
    return frozen(made)


def _can_be_unique(scope: Scope, name: str, path: Path) -> None:
    one = scope.outline.fields.get(name)
    if one is not None and (one.part.type in COMPUTED_TYPES or not one.type.can_unique):
        scope.error("model-rule", f"a field of type {one.part.type} cannot be part of a unique key", path)


def compile_rules(scope: Scope) -> Mapping[str, Rule]:
    """Conditions that every saved record meets; `when: c` with `check: d` means `d or not c`."""
    made: dict[str, Rule] = {}
    for name, part in scope.model.rules.items():
        path = ("rules", name)
        check = scope.condition((*path, "check"), part.check, change=True)
        scope.condition((*path, "when"), part.when, change=True)
        if check is not None and part.when is not None:
            check = scope.condition((*path, "check"), f"({part.check}) or not ({part.when})", change=True)
        if constant(check) is True:
            scope.error("never-true", "the rule always holds, so it can never refuse a record", (*path, "check"))
        elif constant(check) is False:
            scope.error("never-true", "the rule never holds, so no record could be saved", (*path, "check"))
        fields = scope.fields((*path, "fields"), part.fields)
        scope.text((*path, "message"), part.message)
        if check is not None:
            made[name] = Rule(name, check, part.message, fields)
    return frozen(made)


def compile_duplicates(scope: Scope) -> Mapping[str, DuplicateRule]:
    """Rules that find records that look like the same."""
    made: dict[str, DuplicateRule] = {}
    for name, part in scope.model.duplicates.items():
        path = ("duplicates", name)
        match = tuple(
            MatchPart(one.field, one.by, tuple(one.in_.items()))
            for index, one in enumerate(part.match)
            if _matchable(scope, part, index, (*path, "match", index))
        )
        fuzzy = any(one.by in FUZZY for one in match)
        score = part.score if "score" in part.model_fields_set else FUZZY_SCORE if fuzzy else 1.0
        if "score" in part.model_fields_set and not fuzzy and part.score < 1:
            said = "a score below 1 needs a part that is compared by likeness, such as by: company_name"
            scope.warning("model-rule", said, (*path, "score"))
        action = "block" if part.action == "block" else "warn"
        message = scope.text((*path, "message"), part.message)
        across = _across(scope, part, path)
        made[name] = DuplicateRule(name, match, action, float(score), message, across)  # type: ignore[arg-type]
    return frozen(made)


def _across(scope: Scope, part: DuplicatePart, path: Path) -> tuple[str, ...]:
    """The other objects a rule looks into; each has every field of the match, under its own or another name."""
    context, found = scope.context, []
    for index, other in enumerate(part.across):
        names = context.every_object()
        if other not in names:
            context.unknown("unknown-object", "object", other, names, scope.document, (*path, "across", index))
            continue
        for place, one in enumerate(part.match):
            name = one.in_.get(other, one.field)
            if context.field(other, name) is None:
                at = (*path, "match", place)
                context.unknown("unknown-field", "field", name, context.field_names(other), scope.document, at)
        found.append(other)
    return tuple(found)


def _matchable(scope: Scope, part: DuplicatePart, index: int, path: Path) -> bool:
    one = part.match[index]
    if not scope.field(path, one.field):
        return False
    found = scope.outline.fields.get(one.field)
    if found is None:
        return True
    if found.part.type in COMPUTED_TYPES or found.type.column(found.settings).kind in ("links", "none", "json"):
        scope.error("model-rule", f"a field of type {found.part.type} cannot be matched", path)
        return False
    if one.by in _TEXT_MATCHERS and found.type.column(found.settings).kind != "text":
        scope.error("model-rule", f"by: {one.by} compares texts, and '{one.field}' is no text", path)
        return False
    return True
