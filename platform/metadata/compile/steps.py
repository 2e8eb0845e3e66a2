"""Lists of steps of a document → compiled steps, every fault noted at its place in the file.

What steps mean is in `registry.step_source`; here is the ground they are checked on: the model that is being linked.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from guanxi.common.diagnostics import Place
from guanxi.common.labels import Label
from guanxi.expressions.expression import Expression
from guanxi.expressions.template import Template
from guanxi.expressions.types import ValueType
from guanxi.registry import Step
from guanxi.registry.step_source import build_steps

from ..documents.fields import COMPUTED_TYPES
from ..link.context import Context
from ..nodes import Document, Path, at
from .scope import Scope, text_in_all


def compile_steps(scope: Scope, path: Sequence[str | int], steps: Sequence[Any]) -> tuple[Step, ...]:
    """The steps of an object's own document, or of one about it."""
    return build_steps(DocumentGround(scope.context, scope.document, scope.outline.name), path, steps)


@dataclass(slots=True)
class DocumentGround:
    """See `registry.step_parts.Ground`."""

    context: Context
    document: Document
    subject: str
    outer: str = ""
    change: bool = True
    people: bool = True
    waits: bool = False

    def inside(self, child: str) -> DocumentGround:
        """See Ground."""
        return replace(self, subject=child, outer=self.subject, change=False, waits=False)

    def error(self, code: str, said: str, path: Path, *, hint: str = "", key: bool = False) -> None:
        """See Ground."""
        self.context.error(code, said, self.document, path, hint=hint, key=key)

    def unknown(self, code: str, what: str, name: str, known: Iterable[str], path: Path, *, key: bool = False) -> None:
        """See Ground."""
        self.context.unknown(code, what, name, known, self.document, path, key=key)

    def expression(self, path: Path, value: object, expect: ValueType | None = None) -> Expression | None:
        """See Ground."""
        return self.context.expression(
            self.document,
            path,
            value,
            self.subject,
            expect=expect,
            change=self.change,
            people=self.people,
            outer=self.outer,
        )

    def value(self, path: Path, value: object, wanted: ValueType) -> Expression | None:
        """See Ground."""
        return self.context.value(
            self.document,
            path,
            value,
            self.subject,
            wanted,
            change=self.change,
            people=self.people,
            outer=self.outer,
        )

    def template(self, path: Path, text: str) -> Template | None:
        """See Ground."""
        return self.context.template(
            self.document, path, text, self.subject, self.outer, change=self.change, people=self.people
        )

    def has(self, kind: str, name: str) -> bool:
        """See Ground."""
        return self.context.has(kind, name)

    def names(self, kind: str) -> Iterable[str]:
        """See Ground."""
        return self.context.names(kind)

    def related(self, name: str) -> tuple[str, str] | None:
        """See Ground."""
        found = self.context.related_list(self.subject, name)
        return (found.object, found.field) if found is not None else None

    def related_names(self) -> Iterable[str]:
        """See Ground."""
        return self.context.related_names(self.subject)

    def owned(self) -> bool:
        """See Ground."""
        return self.context.owned(self.subject)

    def writable(self, path: Path, name: str, target: str) -> ValueType | None:
        """See Ground."""
        context = self.context
        outline, info = context.outline_of(target), context.field(target, name)
        if outline is None:
            return None
        if info is None and name not in outline.computed:
            known = context.field_names(target)
            self.unknown("unknown-field", f"field of {target}", name, known, path, key=True)
            return None
        one = outline.fields.get(name)
        if one is None and name not in ("owner", "team"):
            self.error("model-rule", f"'{name}' is kept by the platform and cannot be set", path, key=True)
            return None
        if one is not None and (one.part.type in COMPUTED_TYPES or not one.type.writable):
            self.error("model-rule", f"a field of type {one.part.type} cannot be set", path, key=True)
            return None
        return info.type if info else None

    def file_field(self, name: str) -> bool:
        """See Ground."""
        outline = self.context.outline_of(self.subject)
        one = outline.fields.get(name) if outline is not None else None
        return one is not None and one.part.type in ("file", "image")

    def languages(self, path: Path, label: Label) -> None:
        """See Ground."""
        text_in_all(self.context, self.document, path, label)

    def place(self, path: Path) -> Place:
        """See Ground."""
        return at(self.document.node, path, key=False)
