"""Syntax tree → checked tree: every name found, every type known. Faults are collected, a faulty part becomes `Bad`
and what depends on it stays silent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from guanxi.common.names import did_you_mean

from . import syntax as s
from . import tree as t
from .expression import Use
from .faults import ExpressionFault
from .functions.text import JOIN
from .limits import MAX_INLINED_NODES
from .scanner import fault_at
from .schema import SchemaView
from .types import BLANK, BOOLEAN, DECIMAL, INTEGER, TEXT, ValueType
from .typing_rules import NUMBERS, TEXTS, as_date, coerce, comparable, computed, named, unify

_ORDER = {"<", "<=", ">", ">="}


@dataclass(frozen=True, slots=True)
class Mention:
    """A name in the text that stands for a field, a list or an option of an object; `option` "" for the first two."""

    span: s.Span
    object: str
    name: str
    option: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """What the place of use allows: the old record, the person, value parameters, an outer record."""

    change: bool = False
    people: bool = True
    params: Mapping[str, ValueType] = field(default_factory=dict)


class Checker:
    """One check of one text. After `term`, read `faults`, `uses`, `own`, `roles`, `change`, `volatile`, `mentions`."""

    def __init__(self, text: str, schema: SchemaView, object_name: str, place: Place, outer: str | None) -> None:
        self.text = text
        self.schema = schema
        self.place = place
        self.main = object_name
        self.object = object_name
        self.outer = outer
        self.depth = 0
        self.inlined = 0
        self.faults: list[ExpressionFault] = []
        self.mentions: list[Mention] = []
        self.uses: set[Use] = set()
        self.own: set[str] = set()
        self.roles: set[str] = set()
        self.change = False
        self.volatile = False

    # faults -----------------------------------------------------------------------------------------
    def fault(self, span: s.Span, code: str, message: str, hint: str = "") -> t.Term:
        """Note a fault and give the term that stands in its place."""
        self.faults.append(fault_at(self.text, span.start, f"expression-{code}", message, hint))
        return t.Bad()

    def unknown(self, span: s.Span, what: str, name: str, known: Iterable[str]) -> t.Term:
        """A name that does not exist, with the nearest one that does."""
        return self.fault(span, "name", f"{what} '{name}'", did_you_mean(name, known))

    @contextmanager
    def child(self, object_name: str) -> Iterator[None]:
        """Inside a child condition the names are the child's."""
        saved = self.object, self.outer
        self.object, self.outer = object_name, self.object
        self.depth += 1
        try:
            yield
        finally:
            self.object, self.outer = saved
            self.depth -= 1

    def inline(self, span: s.Span, nodes: int) -> bool:
        """Count the parts that a formula brings along; False when it becomes too much."""
        self.inlined += nodes
        if self.inlined > MAX_INLINED_NODES:
            self.fault(span, "limit", f"with its formulas the expression has more than {MAX_INLINED_NODES:,} parts")
            return False
        return True

    # terms ------------------------------------------------------------------------------------------
    def term(self, node: s.Node) -> t.Term:
        """The checked form of a node."""
        from . import calls, paths

        match node:
            case s.Literal(value):
                return t.Const(value, literal_type(value))
            case s.Path():
                return paths.value(self, node)
            case s.Call():
                return calls.call(self, node)
            case s.Unary("not", operand):
                return self.negation(self.condition(operand))
            case s.Unary():
                return self.negative(node)
            case s.Binary():
                return self.arithmetic(node)
            case s.Logic(operator, operands):
                found = tuple(self.condition(o) for o in operands)
                return t.Bad() if any(isinstance(f, t.Bad) for f in found) else t.Logic(operator, found)
            case s.Comparison():
                return self.comparison(node)
            case s.Choice():
                return self.choice(node)
            case s.Items(items):
                return self.items(node, tuple(self.term(i) for i in items))

    def condition(self, node: s.Node) -> t.Term:
        """A term that must be boolean."""
        found = self.term(node)
        if isinstance(found, t.Bad) or found.type.kind in ("boolean", "blank"):
            return found
        hint = "write filled(…) to ask whether there is a value" if found.type.kind != "list" else ""
        return self.fault(node.span, "type", f"a condition is needed here, this is {named(found.type)}", hint)

    def negation(self, operand: t.Term) -> t.Term:
        """`not` of a term that may be bad."""
        return operand if isinstance(operand, t.Bad) else t.Not(operand)

    def negative(self, node: s.Unary) -> t.Term:
        """Unary minus."""
        operand = self.term(node.operand)
        if isinstance(operand, t.Bad):
            return operand
        if operand.type.kind not in NUMBERS | {"blank"}:
            return self.fault(node.span, "type", f"'-' needs a number, this is {named(operand.type)}")
        return operand if operand.type.kind == "blank" else t.Negate(operand, computed(operand.type))

    def arithmetic(self, node: s.Binary) -> t.Term:
        """`+ - * / // %`."""
        left, right = self.term(node.left), self.term(node.right)
        if isinstance(left, t.Bad) or isinstance(right, t.Bad):
            return t.Bad()
        kinds = {left.type.kind, right.type.kind}
        if "blank" in kinds and kinds <= NUMBERS | TEXTS | {"blank"}:
            return t.Const(None, computed(right.type if left.type.kind == "blank" else left.type))
        if kinds <= NUMBERS:
            whole = kinds == {"integer"} and node.operator != "/"
            return t.Arithmetic(node.operator, left, right, INTEGER if whole else DECIMAL)
        if node.operator == "+" and kinds <= TEXTS:
            return t.Apply(JOIN, (left, right), TEXT)
        hint = ""
        if kinds & {"date", "datetime"}:
            hint = "use add_days, add_months, add_hours, days_between or days_since"
        elif node.operator == "+" and kinds & TEXTS:
            hint = "concat(…) joins texts and numbers"
        message = f"'{node.operator}' does not work on {named(left.type)} and {named(right.type)}"
        return self.fault(node.span, "type", message, hint)

    def choice(self, node: s.Choice) -> t.Term:
        """`a if c else b`."""
        condition = self.condition(node.condition)
        then, other = self.term(node.then), self.term(node.other)
        if any(isinstance(x, t.Bad) for x in (condition, then, other)):
            return t.Bad()
        kind = unify(then.type, other.type)
        if kind is None:
            message = f"both values must have one type, these are {named(then.type)} and {named(other.type)}"
            return self.fault(node.span, "type", message)
        return t.Choose(condition, coerce(then, kind), coerce(other, kind), kind)

    def items(self, node: s.Items, items: tuple[t.Term, ...]) -> t.Term:
        """A written list, all of one type."""
        if any(isinstance(i, t.Bad) for i in items):
            return t.Bad()
        element = BLANK
        for item, part in zip(items, node.items, strict=True):
            found = unify(element, item.type)
            if found is None:
                message = f"a list holds values of one type, here are {named(element)} and {named(item.type)}"
                return self.fault(part.span, "type", message)
            element = found
        return t.ListTerm(items, ValueType("list", element=element))

    # comparisons ------------------------------------------------------------------------------------
    def comparison(self, node: s.Comparison) -> t.Term:
        """A chain of comparisons, as their conjunction."""
        parts: list[t.Term] = []
        for operator, left, right in zip(node.operators, node.operands, node.operands[1:], strict=False):
            if operator in ("in", "not in"):
                found = self.member(left, right)
                parts.append(self.negation(found) if operator == "not in" else found)
            else:
                parts.append(self.compare(operator, left, right))
        if any(isinstance(p, t.Bad) for p in parts):
            return t.Bad()
        return parts[0] if len(parts) == 1 else t.Logic("and", tuple(parts))

    def compare(self, operator: str, left_node: s.Node, right_node: s.Node) -> t.Term:
        """One comparison; `!=` becomes the negation of `==`."""
        left, right = self.side(left_node, right_node), self.side(right_node, left_node)
        if isinstance(left, t.Bad) or isinstance(right, t.Bad):
            return t.Bad()
        self.options(left_node, left, right)
        self.options(right_node, right, left)
        return self.compared(operator, left, right, s.Span(left_node.span.start, right_node.span.end))

    def side(self, node: s.Node, other: s.Node) -> t.Term:
        """One side of a comparison. A bare word that is an option of the other side gets a better hint."""
        if isinstance(node, s.Path) and len(node.names) == 1 and isinstance(other, s.Path):
            from . import paths

            options = paths.options_of(self, other)
            if node.names[0] in options and not paths.known(self, node.names[0]):
                name = node.names[0]
                return self.fault(node.span, "name", f"unknown name '{name}'", f'an option stands in quotes: "{name}"')
        return self.term(node)

    def compared(self, operator: str, left: t.Term, right: t.Term, span: s.Span) -> t.Term:
        """The term of a comparison of two good terms."""
        if operator in ("==", "!="):
            blank = [x for x in (left, right) if isinstance(x, t.Const) and x.value is None]
            if blank:
                found: t.Term = t.IsBlank(right if blank[0] is left else left)
                return found if operator == "==" else t.Not(found)
        pair = comparable(left, right, operator in _ORDER)
        if isinstance(pair, str):
            return self.fault(span, "type", pair, _compare_hint(left, right))
        if any(isinstance(x, t.Const) and x.value is None for x in pair):
            return t.Const(False, BOOLEAN)
        if operator == "!=":
            return t.Not(t.Compare("==", *pair))
        return t.Compare(operator, *pair)

    def member(self, item_node: s.Node, container_node: s.Node) -> t.Term:
        """`item in container`."""
        item, container = self.term(item_node), self.term(container_node)
        if isinstance(item, t.Bad) or isinstance(container, t.Bad):
            return t.Bad()
        self.options(item_node, item, container)
        if isinstance(container, t.ListTerm):
            self.options(container_node, container, item)
            return self.in_list(item, container, container_node)
        return self.in_values(item, container, s.Span(item_node.span.start, container_node.span.end), container_node)

    def in_list(self, item: t.Term, container: t.ListTerm, node: s.Node) -> t.Term:
        """`item in [a, b]`."""
        if isinstance(item, t.Const) and item.value is None:
            return (
                t.Logic("or", tuple(t.IsBlank(i) for i in container.items))
                if container.items
                else t.Const(False, BOOLEAN)
            )
        if any(i.type.kind == "date" for i in container.items):
            item = as_date(item)
        items: list[t.Term] = []
        for element in container.items:
            pair = comparable(item, element, order=False)
            if isinstance(pair, str):
                return self.fault(node.span, "type", pair)
            item = pair[0]
            items.append(pair[1])
        return t.Member(item, t.ListTerm(tuple(items), container.type))

    def in_values(self, item: t.Term, container: t.Term, span: s.Span, node: s.Node) -> t.Term:
        """`item in field` and `item in me.teams`."""
        kind = container.type
        wanted: frozenset[str] = frozenset({"blank"})
        if kind.kind == "choices" or (kind.kind == "list" and kind.element and kind.element.kind in TEXTS):
            wanted |= TEXTS
        elif kind.kind == "references" or (kind.kind == "list" and kind.element and kind.element.kind == "reference"):
            wanted |= {"reference", "integer"}
            target = kind.object or (kind.element.object if kind.element else "")
            if item.type.object and target and item.type.object != target:
                wanted = frozenset()
        else:
            hint = "contains(text, part) looks inside a text" if kind.kind in TEXTS else "a list is written [a, b]"
            return self.fault(node.span, "type", f"'in' needs a list on its right, this is {named(kind)}", hint)
        if not isinstance(container, t.FieldTerm | t.CallerTerm | t.ParamTerm):
            return self.fault(node.span, "type", "'in' needs a written list or a field on its right")
        if item.type.kind not in wanted:
            return self.fault(span, "type", f"{named(item.type)} cannot be in {named(kind)}")
        return t.Member(coerce(item, TEXT if wanted & TEXTS else INTEGER), container)

    def options(self, node: s.Node, term: t.Term, against: t.Term) -> None:
        """Written texts that meet a choice field must be its options."""
        if not isinstance(against, t.FieldTerm | t.Inline) or against.type.kind not in ("choice", "choices"):
            return
        match node:
            case s.Literal(str(name), span):
                self.option(span, name, against)
            case s.Choice(_, then, other):
                self.options(then, term, against)
                self.options(other, term, against)
            case s.Items(items):
                for item in items:
                    self.options(item, term, against)
            case s.Call("coalesce", arguments):
                for argument in arguments:
                    self.options(argument, term, against)

    def option(self, span: s.Span, name: str, against: t.FieldTerm | t.Inline) -> None:
        """One option name, written where `against` is a choice field."""
        known = against.type.options
        if known is not None and name not in known:
            self.unknown(span, f"{against.name} has no option", name, sorted(known))
        else:
            self.mentions.append(Mention(span, against.row.object, against.name, name))


def literal_type(value: object) -> ValueType:
    """The type of a written value."""
    if value is None:
        return BLANK
    if isinstance(value, bool):
        return BOOLEAN
    if isinstance(value, int):
        return INTEGER
    return TEXT if isinstance(value, str) else DECIMAL


def _compare_hint(left: t.Term, right: t.Term) -> str:
    kinds = {left.type.kind, right.type.kind}
    if kinds & {"date", "datetime"} and "text" in kinds:
        return 'a date is written date("2024-06-01"), an instant datetime("2024-06-01T08:00:00Z")'
    if kinds & {"choices", "references"}:
        return "write: value in field, or filled(field)"
    if "list" in kinds:
        return "write: value in [a, b]"
    if "json" in kinds:
        return "only blank(…) and filled(…) apply to it"
    return ""
