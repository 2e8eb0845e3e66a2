"""What the checker must know about objects, as a port: the registry, the linker and a caller's view of the
registry (only what this person may read) each implement it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from .types import ValueType

if TYPE_CHECKING:
    from .expression import Expression


@dataclass(frozen=True, slots=True)
class FieldInfo:
    """One name usable in expressions. `value` is the compiled definition of a formula or roll-up, which both
    executors evaluate in place (the field has no column); `links` names the link table's owner side for
    `references` fields; `money` tells an amount of money from other decimals.
    """

    name: str
    type: ValueType
    value: Expression | None = None
    money: bool = False


@dataclass(frozen=True, slots=True)
class RelatedInfo:
    """A list of children: the records of `object` whose field `field` refers to the record.

    With `many` the field is of type references (a link table), else a plain reference column.
    """

    name: str
    object: str
    field: str
    many: bool = False


class SchemaView(Protocol):
    """Names of every object; what is not visible here does not exist for the checker."""

    def field(self, object_name: str, name: str) -> FieldInfo | None:
        """The field, system fields (id, version, created_at, …, owner, team) included; None if unknown."""
        ...

    def field_names(self, object_name: str) -> Iterable[str]:
        """All names usable on the object, for hints."""
        ...

    def related(self, object_name: str, name: str) -> RelatedInfo | None:
        """A list of children by its name; None if unknown."""
        ...

    def related_names(self, object_name: str) -> Iterable[str]:
        """All list names of the object, for hints."""
        ...

    def calendar_names(self) -> Iterable[str]:
        """Calendars that working-day functions may name."""
        ...
