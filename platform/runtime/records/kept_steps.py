"""Steps that a running instance keeps as plain data (an approval that was started under an older version): compiled
against the present model when they are carried out. A step that no longer fits it is a Conflict.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from guanxi.common.diagnostics import Place
from guanxi.common.errors import Conflict
from guanxi.common.labels import Label
from guanxi.expressions.check import check, check_value
from guanxi.expressions.expression import Expression
from guanxi.expressions.faults import ExpressionErrors
from guanxi.expressions.template import Template, check_template
from guanxi.expressions.types import ValueType
from guanxi.registry import Registry, Step
from guanxi.registry.step_parts import Path
from guanxi.registry.step_source import build_steps


def kept_steps(registry: Registry, object_name: str, steps: Sequence[Any]) -> tuple[Step, ...]:
    """The compiled form of steps on records of an object. Raises Conflict."""
    return build_steps(KeptGround(registry, object_name), (), steps)


@dataclass(slots=True)
class KeptGround:
    """See `registry.step_parts.Ground`: the published model; whatever is wrong is raised."""

    registry: Registry
    subject: str
    outer: str = ""
    change: bool = True
    people: bool = True
    waits: bool = False

    def inside(self, child: str) -> KeptGround:
        """See Ground."""
        return replace(self, subject=child, outer=self.subject, change=False)

    def error(self, code: str, said: str, path: Path, *, hint: str = "", key: bool = False) -> None:  # noqa: ARG002
        """See Ground."""
        raise Conflict(f"A step of {self.subject} cannot be carried out: {said}.")

    def unknown(
        self,
        code: str,
        what: str,
        name: str,
        known: Iterable[str],  # noqa: ARG002
        path: Path,
        *,
        key: bool = False,  # noqa: ARG002
    ) -> None:
        """See Ground."""
        self.error(code, f"unknown {what} '{name}'", path)

    def expression(self, path: Path, value: object, expect: ValueType | None = None) -> Expression | None:
        """See Ground."""
        text = str(value).lower() if isinstance(value, bool) else str(value)
        try:
            return check(
                text,
                self.registry,
                self.subject,
                expect=expect,
                change=self.change,
                people=self.people,
                outer=self.outer or None,
            )
        except ExpressionErrors as error:
            self.error("expression", error.faults[0].message, path)
            return None

    def value(self, path: Path, value: object, wanted: ValueType) -> Expression | None:
        """See Ground."""
        try:
            return check_value(value, self.registry, self.subject, wanted, change=self.change, outer=self.outer or None)
        except ExpressionErrors as error:
            self.error("expression", error.faults[0].message, path)
            return None

    def template(self, path: Path, text: str) -> Template | None:
        """See Ground."""
        try:
            return check_template(text, self.registry, self.subject, change=self.change, outer=self.outer or None)
        except ExpressionErrors as error:
            self.error("expression", error.faults[0].message, path)
            return None

    def has(self, kind: str, name: str) -> bool:
        """See Ground."""
        return name in self.names(kind)

    def names(self, kind: str) -> Iterable[str]:
        """See Ground."""
        slots = {"object": self.registry.objects, "role": self.registry.roles, "calendar": self.registry.calendars}
        return slots.get(kind) or self.registry.others.get(kind, {})

    def related(self, name: str) -> tuple[str, str] | None:
        """See Ground."""
        found = self.registry.objects[self.subject].related.get(name)
        return (found.object, found.field) if found is not None else None

    def related_names(self) -> Iterable[str]:
        """See Ground."""
        return self.registry.related_names(self.subject)

    def owned(self) -> bool:
        """See Ground."""
        return self.registry.objects[self.subject].owned

    def writable(self, path: Path, name: str, target: str) -> ValueType | None:
        """See Ground."""
        field = self.registry.objects[target].fields.get(name)
        info = self.registry.field(target, name)
        if field is None or info is None:
            self.error("unknown-field", f"unknown field '{name}' of {target}", path)
        elif field.value is not None or (field.system and name not in ("owner", "team")):
            self.error("model-rule", f"'{name}' cannot be set", path)
        return info.type if info is not None else None

    def file_field(self, name: str) -> bool:
        """See Ground."""
        field = self.registry.objects[self.subject].fields.get(name)
        return field is not None and field.type in ("file", "image")

    def languages(self, path: Path, label: Label) -> None:
        """See Ground: a missing language is no fault any more."""

    def place(self, path: Path) -> Place:  # noqa: ARG002
        """See Ground."""
        return Place("")
