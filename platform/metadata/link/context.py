"""Everything known while documents are linked: the port through which expressions see the model, and the one place
where an expression of a document is checked and its faults get their place in the file.

Formulas are typed when first asked for, so any order of definition works; a formula that asks for itself is a cycle.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from guanxi.common.diagnostics import Diagnostics, Place
from guanxi.common.names import did_you_mean
from guanxi.expressions.check import check, check_value
from guanxi.expressions.expression import Expression
from guanxi.expressions.faults import ExpressionErrors
from guanxi.expressions.rename import rename
from guanxi.expressions.schema import FieldInfo, RelatedInfo
from guanxi.expressions.template import Template, check_template
from guanxi.expressions.types import ValueType
from guanxi.registry import Calendar, OptionSet, Related, Role

from ..documents.base import Definition, expression_text
from ..nodes import Document, Path, ScalarNode, at, dotted, find
from .digits import digits_of, rounded
from .memory import Lookups, Memory, Piece, same
from .outline import Outline
from .renames import Declared, OldNames

T = TypeVar("T")
MAX_NESTED_FORMULAS = 20


@dataclass(frozen=True, slots=True)
class Computed:
    """A formula or roll-up that checked: its name in expressions, and its settings with the type found."""

    info: FieldInfo
    settings: Any


@dataclass(slots=True)
class Context:
    """The model being linked. Implements SchemaView; every look-up is noted for the piece being made."""

    languages: tuple[str, ...]
    currency: str
    found: Diagnostics
    memory: Memory
    models: dict[str, dict[str, tuple[Document, Definition]]] = dataclasses.field(default_factory=dict)
    outlines: dict[str, Outline] = dataclasses.field(default_factory=dict)
    lists: dict[str, dict[str, Related]] = dataclasses.field(default_factory=dict)
    option_sets: Mapping[str, OptionSet] = dataclasses.field(default_factory=dict)
    calendars: Mapping[str, Calendar] = dataclasses.field(default_factory=dict)
    roles: Mapping[str, Role] = dataclasses.field(default_factory=dict)
    renames: Declared = dataclasses.field(default_factory=Declared)
    computed: dict[tuple[str, str], Computed | None] = dataclasses.field(default_factory=dict)
    _stack: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    _noting: list[Lookups] = dataclasses.field(default_factory=list)

    # SchemaView -------------------------------------------------------------------------------------
    def field(self, object_name: str, name: str) -> FieldInfo | None:
        """A field by name; formulas are typed on the way."""
        found = self._field(object_name, name)
        for notes in self._noting:
            notes["field", object_name, name] = found
        return found

    def _field(self, object_name: str, name: str) -> FieldInfo | None:
        outline = self.outlines.get(object_name)
        if outline is None:
            return None
        found = outline.infos.get(name)
        if found is not None or name not in outline.computed:
            return found
        made = self.formula(outline, name)
        return made.info if made else self._stand_in(outline, name)

    def _stand_in(self, outline: Outline, name: str) -> FieldInfo:
        """A wrong formula is reported once: to others it has the type that it declares, or none."""
        one = outline.fields[name]
        return FieldInfo(name, one.type.value_type(one.settings, one.context))

    def field_names(self, object_name: str) -> Iterable[str]:
        """All names usable on the object."""
        outline = self.outlines.get(object_name)
        return (*outline.infos, *outline.computed) if outline else ()

    def related(self, object_name: str, name: str) -> RelatedInfo | None:
        """A list of children by name."""
        found = self.related_list(object_name, name)
        return RelatedInfo(found.name, found.object, found.field, found.many) if found else None

    def related_list(self, object_name: str, name: str) -> Related | None:
        """The list itself, with its label."""
        found = self.lists.get(object_name, {}).get(name)
        for notes in self._noting:
            notes["related", object_name, name] = found
        return found

    def related_names(self, object_name: str) -> Iterable[str]:
        """All list names of the object."""
        return self.lists.get(object_name, {}).keys()

    def calendar_names(self) -> Iterable[str]:
        """All calendars."""
        return self.models.get("calendar", {}).keys()

    # look-ups ---------------------------------------------------------------------------------------
    def has(self, kind: str, name: str) -> bool:
        """True when a definition of this kind and name exists."""
        found = name in self.models.get(kind, {})
        for notes in self._noting:
            notes["exists", kind, name] = found
        return found

    def names(self, kind: str) -> Iterable[str]:
        """All names of a kind, for hints."""
        return self.models.get(kind, {}).keys()

    def made(self, document: Document, what: str, make: Callable[[], T]) -> T:
        """What `make` gives, or what it gave before when everything it looked up is still the same."""
        known = self._remembered(document, what)
        if known is not None:
            self.found.extend(known.warnings)
            return known.value  # type: ignore[no-any-return]
        before, lookups = len(self.found.found), Lookups()
        self._noting.append(lookups)
        try:
            value = make()
        finally:
            self._noting.pop()
        news = self.found.found[before:]
        if not any(one.severity == "error" for one in news):
            self.memory.pieces[document.node, what] = Piece(value, lookups, tuple(news))
        return value

    def _remembered(self, document: Document, what: str) -> Piece | None:
        piece = self.memory.pieces.get((document.node, what))
        if piece is None or not same(piece.lookups, self._look):
            return None
        for notes in self._noting:
            notes.update(piece.lookups)
        return piece

    @property
    def _look(self) -> dict[str, Callable[[str, str], Any]]:
        return {
            "field": self._field,
            "related": lambda owner, name: self.lists.get(owner, {}).get(name),
            "lists": lambda owner, _: tuple(self.lists.get(owner, {}).values()),
            "exists": lambda kind, name: name in self.models.get(kind, {}),
            "outline": lambda owner, _: self.outlines.get(owner),
            "includes": self._includes,
            "objects": lambda _, __: frozenset(self.outlines),
            "renames": lambda _, __: self.renames,
        }

    def lists_of(self, object_name: str) -> tuple[Related, ...]:
        """All lists of an object, in order."""
        found = tuple(self.lists.get(object_name, {}).values())
        for notes in self._noting:
            notes["lists", object_name, ""] = found
        return found

    def includes_of(self, role: str) -> tuple[str, ...]:
        """The roles that a role includes."""
        found = self._includes(role, "")
        for notes in self._noting:
            notes["includes", role, ""] = found
        return found

    def _includes(self, role: str, _: str) -> tuple[str, ...]:
        found: Any = self.models.get("role", {}).get(role)
        return tuple(found[1].includes) if found else ()

    def every_object(self) -> frozenset[str]:
        """The names of all objects."""
        found = frozenset(self.outlines)
        for notes in self._noting:
            notes["objects", "", ""] = found
        return found

    def owned(self, object_name: str) -> bool:
        """True when records of the object have an owner."""
        outline = self.outline_of(object_name)
        return outline is not None and outline.model.owned

    def actions_of(self, object_name: str) -> Iterable[str]:
        """The actions an object declares."""
        outline = self.outline_of(object_name)
        return outline.model.actions if outline else ()

    def outline_of(self, object_name: str) -> Outline | None:
        """Another object's outline, when a piece depends on more than single fields of it."""
        found = self.outlines.get(object_name)
        for notes in self._noting:
            notes["outline", object_name, ""] = found
        return found

    # formulas ---------------------------------------------------------------------------------------
    def formula(self, outline: Outline, name: str) -> Computed | None:
        """The checked definition of a computed field; None when it is wrong (which is reported once)."""
        key = (outline.name, name)
        if key in self.computed:
            return self.computed[key]
        path = ("fields", name, "value")
        if key in self._stack:
            self._cycle(outline, key)
            return None
        if len(self._stack) >= MAX_NESTED_FORMULAS:
            self.error("expression-limit", "formulas use each other too deeply", outline.document, path)
            return None
        self._stack.append(key)
        before = len(self.found.found)
        try:
            made = self.made(outline.document, f"formula {name}", lambda: _computed(self, outline, name))
        finally:
            self._stack.pop()
        if key in self.computed:  # found to be part of a circle meanwhile: what else was said of it is an echo
            self._drop_echoes(before, outline.document, dotted(path))
        return self.computed.setdefault(key, made)

    def _drop_echoes(self, before: int, document: Document, path: str) -> None:
        kept = [
            one
            for one in self.found.found[before:]
            if one.code == "cycle" or one.path != path or one.place.file != document.file
        ]
        self.found.found[before:] = kept

    def _cycle(self, outline: Outline, key: tuple[str, str]) -> None:
        chain = [*self._stack[self._stack.index(key) :], key]
        if key in self.computed:
            return
        said = " → ".join(f"{owner}.{name}" for owner, name in chain)
        self.error("cycle", f"the formula needs its own value: {said}", outline.document, ("fields", key[1], "value"))
        for part in chain:
            self.computed[part] = None

    # faults -----------------------------------------------------------------------------------------
    def error(self, code: str, said: str, document: Document, path: Path, *, hint: str = "", key: bool = False) -> None:
        """Note an error at a path of a document."""
        self.found.error(code, said, at(document.node, path, key=key), path=dotted(path), hint=hint)

    def warning(
        self, code: str, said: str, document: Document, path: Path, *, hint: str = "", key: bool = False
    ) -> None:
        """Note a warning at a path of a document."""
        self.found.warning(code, said, at(document.node, path, key=key), path=dotted(path), hint=hint)

    def unknown(  # noqa: PLR0917
        self,
        code: str,
        what: str,
        name: str,
        known: Iterable[str],
        document: Document,
        path: Path,
        *,
        key: bool = False,
    ) -> None:
        """Note that `name` does not exist, with the nearest name that does."""
        self.error(code, f"unknown {what} '{name}'", document, path, hint=did_you_mean(name, known), key=key)

    # expressions ------------------------------------------------------------------------------------
    def expression(
        self,
        document: Document,
        path: Sequence[str | int],
        value: object,
        object_name: str,
        *,
        expect: ValueType | None = None,
        change: bool = False,
        sql: bool = False,
        people: bool = True,
        outer: str = "",
    ) -> Expression | None:
        """The checked expression at a path, or None when it has faults (which are noted at their columns)."""
        try:
            text = expression_text(value)
            return check(
                text, self, object_name, expect=expect, change=change, sql=sql, people=people, outer=outer or None
            )
        except ExpressionErrors as error:
            new = self._with_new_names(text, object_name)
            if new is None:
                self.expression_faults(document, path, error)
                return None
            self.warning("renamed", f"reads '{new}' now: something in it was renamed", document, path)
            return self.expression(
                document, path, new, object_name, expect=expect, change=change, sql=sql, people=people, outer=outer
            )

    def _with_new_names(self, text: str, object_name: str) -> str | None:
        """The text with declared renames followed, or None when that changes nothing or it is wrong otherwise."""
        for notes in self._noting:
            notes["renames", "", ""] = self.renames
        if not self.renames:
            return None
        try:
            new = rename(text, OldNames(self, self.renames), object_name, self.renames.for_expressions())
        except ExpressionErrors:
            return None
        return new if new != text else None

    def value(
        self,
        document: Document,
        path: Path,
        value: object,
        object_name: str,
        wanted: ValueType,
        *,
        change: bool = False,
        people: bool = True,
        outer: str = "",
    ) -> Expression | None:
        """What a field is set to: a bare option name for a choice, else an expression; None when it has faults."""
        try:
            return check_value(value, self, object_name, wanted, change=change, people=people, outer=outer or None)
        except ExpressionErrors as error:
            new = self._with_new_names(value, object_name) if isinstance(value, str) else None
            if new is None:
                self.expression_faults(document, path, error)
                return None
            self.warning("renamed", f"reads '{new}' now: something in it was renamed", document, path)
            return self.value(document, path, new, object_name, wanted, change=change, people=people, outer=outer)

    def template(
        self,
        document: Document,
        path: Path,
        text: str,
        object_name: str,
        outer: str = "",
        *,
        change: bool = False,
        people: bool = True,
    ) -> Template | None:
        """A text with holes; None when it has faults (which are noted at their columns)."""
        try:
            return check_template(text, self, object_name, change=change, people=people, outer=outer or None)
        except ExpressionErrors as error:
            self.expression_faults(document, path, error)
            return None

    def expression_faults(self, document: Document, path: Path, error: ExpressionErrors) -> None:
        """Note the faults of an expression at their columns in the file."""
        node = find(document.node, path)
        for one in error.faults:
            place = _place_of(node, one.line, one.column) if node is not None else at(document.node, path)
            self.found.error(one.code, one.message, place, path=dotted(path), hint=one.hint)


def _place_of(node: Any, line: int, column: int) -> Place:
    place: Place = node.place_in(line, column) if isinstance(node, ScalarNode) else node.place
    return place


def _computed(context: Context, outline: Outline, name: str) -> Computed | None:
    one = outline.fields[name]
    path = ("fields", name, "value")
    given = one.part.value  # type: ignore[attr-defined]
    value = context.expression(outline.document, path, given, outline.name, sql=True)
    if value is None or (outline.name, name) in context.computed:
        return None
    type_: Any = one.type
    if not type_.accepts(one.settings, value.type):
        said = f"the expression gives {value.type}, but returns says {one.settings.returns}"
        context.error("expression-type", said, outline.document, path)
        return None
    try:
        shown, money = digits_of(value.tree, context)
        settings = type_.resolved(one.settings, value.type, shown)
    except ValueError as error:
        context.error("expression-type", str(error), outline.document, path)
        return None
    money = money or settings.returns == "money"
    value = rounded(value, settings)
    return Computed(FieldInfo(name, type_.value_type(settings, one.context), value, money), settings)
