"""One object's document while it is compiled: short ways to look up its fields and check its expressions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeVar

from guanxi.common.labels import Label, title_case
from guanxi.expressions.expression import Expression
from guanxi.expressions.limits import MAX_HOPS
from guanxi.expressions.schema import FieldInfo
from guanxi.expressions.types import BOOLEAN, ValueType

from ..documents.object import ObjectDocument
from ..link.context import Context
from ..link.outline import Outline
from ..nodes import Document, Path

V = TypeVar("V")


def frozen(values: Mapping[str, V]) -> Mapping[str, V]:
    """A read-only map in the same order."""
    return MappingProxyType(dict(values))


def label_of(context: Context, document: Document, path: Path, label: Label, name: str) -> Label:
    """The label, or one made from the name; notes languages of the instance that it lacks."""
    if not label:
        return Label.of(title_case(name))
    text_in_all(context, document, path, label)
    return label


def text_in_all(context: Context, document: Document, path: Path, label: Label) -> None:
    """Note the languages of the instance in which a text by language is missing."""
    texts = label.texts
    if not texts or not texts[0][0]:
        return
    given = {language for language, _ in texts}
    missing = [language for language in context.languages if language not in given]
    if missing:
        said = f"no text in {', '.join(missing)}"
        context.warning("missing-translation", said, document, path)


@dataclass(slots=True)
class Scope:
    """An object's document, its judged model and its outline."""

    context: Context
    document: Document
    model: ObjectDocument
    outline: Outline

    @property
    def name(self) -> str:
        """The object's name; the document may be another one that speaks of its records."""
        return self.outline.name

    def error(self, code: str, said: str, path: Path, *, hint: str = "", key: bool = False) -> None:
        """Note an error at a path."""
        self.context.error(code, said, self.document, path, hint=hint, key=key)

    def warning(self, code: str, said: str, path: Path, *, key: bool = False) -> None:
        """Note a warning at a path."""
        self.context.warning(code, said, self.document, path, key=key)

    def condition(
        self, path: Sequence[str | int], value: object, *, change: bool = False, sql: bool = False, people: bool = True
    ) -> Expression | None:
        """A boolean expression; None when absent or wrong."""
        return None if value is None else self.expression(path, value, BOOLEAN, change=change, sql=sql, people=people)

    def expression(
        self,
        path: Sequence[str | int],
        value: object,
        expect: ValueType | None = None,
        *,
        change: bool = False,
        sql: bool = False,
        people: bool = True,
    ) -> Expression | None:
        """A checked expression on a record of the object."""
        return self.context.expression(
            self.document, path, value, self.name, expect=expect, change=change, sql=sql, people=people
        )

    def flag(self, path: Sequence[str | int], value: Any, absent: bool) -> bool | Expression:
        """true, false or an expression on the record."""
        if isinstance(value, bool):
            return value
        return self.condition(path, value) or absent

    def label(self, path: Path, label: Label, name: str) -> Label:
        """See `label_of`."""
        return label_of(self.context, self.document, path, label, name)

    def text(self, path: Path, label: Label) -> Label:
        """A text that may be absent."""
        text_in_all(self.context, self.document, path, label)
        return label

    def names(self) -> Iterable[str]:
        """All field names of the object."""
        return self.context.field_names(self.name)

    def has(self, name: str) -> bool:
        """True when the object has the field (a formula that is wrong counts too)."""
        return name in self.outline.infos or name in self.outline.computed

    def field(self, path: Path, name: str) -> bool:
        """True when the field exists; notes it when not."""
        if self.has(name):
            return True
        self.context.unknown("unknown-field", "field", name, self.names(), self.document, path)
        return False

    def fields(self, path: Sequence[str | int], names: Sequence[str]) -> tuple[str, ...]:
        """Those of `names` that exist, each once; notes the others."""
        kept: dict[str, None] = {}
        for index, name in enumerate(names):
            if name in kept:
                self.error("clash", f"'{name}' stands here twice", (*path, index))
            elif self.field((*path, index), name):
                kept[name] = None
        return tuple(kept)

    def kind(self, name: str) -> str:
        """The kind of a field's value in expressions, "" when it is unknown."""
        info = self.context.field(self.name, name)
        return info.type.kind if info else ""

    def column(self, path: Path, dotted: str) -> FieldInfo | None:
        """A field or a path over references; notes what does not exist."""
        steps = dotted.split(".")
        if len(steps) > MAX_HOPS + 1:
            self.error("expression-limit", f"a path has at most {MAX_HOPS} steps over references", path)
            return None
        owner, info = self.name, None
        for number, step in enumerate(steps):
            info = self.context.field(owner, step)
            if info is None:
                known = self.context.field_names(owner)
                if step not in known:
                    self.context.unknown("unknown-field", f"field of {owner}", step, known, self.document, path)
                return None
            if number == len(steps) - 1:
                return info
            if info.type.kind != "reference":
                self.error("unknown-field", f"'{step}' is not a reference, so nothing can follow it", path)
                return None
            owner = info.type.object
        return info
