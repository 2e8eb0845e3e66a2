"""A checked expression: its text, its tree and its type; what every definition holds and both executors read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .types import ValueType

if TYPE_CHECKING:
    from .tree import Term


@dataclass(frozen=True, slots=True)
class Use:
    """A field the expression reads, on whichever object the path or list led to."""

    object: str
    field: str


@dataclass(frozen=True, slots=True)
class Expression:
    """Checked text. `uses` are all fields read anywhere in it (through paths, lists and inlined formulas too);
    `own` the record's own fields it names directly; `roles`, `options` the role and option names it mentions.
    `change` is true when it needs the old record (changed, was, is_new, old.x); `volatile` when its value
    depends on the moment or on the person (now, today, me, …).
    """

    source: str
    object: str
    type: ValueType
    tree: Term
    uses: frozenset[Use] = frozenset()
    own: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    change: bool = False
    volatile: bool = False
    cache: dict[str, Any] = field(default_factory=dict, compare=False, hash=False, repr=False)

    def __str__(self) -> str:
        return self.source
