"""Objects and their fields, compiled: types resolved, expressions checked, options merged, order kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from guanxi.common.labels import Label
from guanxi.expressions.expression import Expression

from .screens import Form, Page, View
from .steps import Step

EMPTY: Mapping[str, Any] = MappingProxyType({})
Access = Literal["private", "read", "edit"]
OnDelete = Literal["restrict", "clear", "cascade"]


@dataclass(frozen=True, slots=True)
class Option:
    """One choice. `color` is a palette name (green, red, amber, blue, slate, violet, teal, pink) or "". `aliases` are
    other words for it in imported files.
    """

    name: str
    label: Label
    color: str = ""
    renamed_from: str = ""
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OptionSet:
    """A shared list of choices."""

    name: str
    label: Label
    options: Mapping[str, Option]
    layer: str = ""


@dataclass(frozen=True, slots=True)
class Default:
    """What an absent field gets on create: a constant in the field's Python form, or an expression."""

    constant: Any = None
    expression: Expression | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """One field. `settings` is the frozen options value of its field type (`fieldtypes.CATALOGUE[type].Options`).

    `required`, `read_only` and `when` are a bool or an expression on the record; `when` False never happens.
    `value` is the definition of a formula or roll-up (such a field has no column and cannot be written).
    `target` is the object a reference points to, `related` the name of the list it makes there. `aliases` are other
    names that a column of an imported file may bear.
    """

    name: str
    label: Label
    type: str
    settings: Any
    help: Label = Label()
    placeholder: Label = Label()
    example: str = ""
    required: bool | Expression = False
    read_only: bool | Expression = False
    when: bool | Expression = True
    hidden: bool = False
    default: Default | None = None
    unique: bool = False
    index: bool = False
    search: bool = False
    mask: str = ""
    since_stage: str = ""
    renamed_from: str = ""
    options: Mapping[str, Option] = field(default_factory=lambda: EMPTY)
    target: str = ""
    related: str = ""
    on_delete: OnDelete = "restrict"
    value: Expression | None = None
    layer: str = ""
    system: bool = False
    aliases: tuple[str, ...] = ()

    @property
    def stored(self) -> bool:
        """True when the field has a column or a link table of its own."""
        return self.value is None


@dataclass(frozen=True, slots=True)
class UniqueKey:
    """No two live records share these fields' values (text folded; a key with a blank part never clashes)."""

    name: str
    fields: tuple[str, ...]
    renamed_from: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition every saved record meets; `message` is shown at `fields` (or the form's top)."""

    name: str
    check: Expression
    message: Label
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MatchPart:
    """One part of a duplicate rule: `by` is exact, or a comparison such as company_name, person_name, phone."""

    field: str
    by: str = "exact"
    others: tuple[tuple[str, str], ...] = ()
    """(object, its field) where a rule looks into an object that calls the field otherwise."""

    def within(self, object_name: str) -> str:
        """The field's name in an object that the rule looks into."""
        return next((field for name, field in self.others if name == object_name), self.field)


@dataclass(frozen=True, slots=True)
class DuplicateRule:
    """Records that agree on every part look like the same; `score` 0..1 is the least likeness for fuzzy parts."""

    name: str
    match: tuple[MatchPart, ...]
    action: Literal["block", "warn"]
    score: float = 1.0
    message: Label = Label()
    across: tuple[str, ...] = ()
    """Other objects that the rule looks into."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage: where it may go, fields it needs, a gate to enter it, what happens on entry."""

    name: str
    label: Label
    to: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    when: Expression | None = None
    by: Expression | None = None
    on_enter: tuple[Step, ...] = ()
    message: Label = Label()


@dataclass(frozen=True, slots=True)
class StagePath:
    """The path over the options of `field`, in order; the first stage is where a new record starts."""

    field: str
    path: Mapping[str, Stage]


@dataclass(frozen=True, slots=True)
class Action:
    """A button: shown and allowed `when`; `do` is a list of steps."""

    name: str
    label: Label
    when: Expression | None = None
    do: tuple[Step, ...] = ()
    icon: str = ""
    confirm: Label = Label()
    layer: str = ""


@dataclass(frozen=True, slots=True)
class Related:
    """A list on this object: records of `object` whose `field` refers here; `many` when through a link table."""

    name: str
    label: Label
    object: str
    field: str
    many: bool = False


@dataclass(frozen=True, slots=True)
class ObjectType:
    """One object. `fields` holds the declared fields and, flagged `system`, the platform's own
    (id, version, created_at, created_by, updated_at, updated_by; owner, team, pool when owned).

    `title` is a text expression (a plain field name compiles to one). `history` names the tracked fields.
    `layer` says which pack (or "instance", or "platform") defined it. `sources` maps a dotted path
    (`fields.level.required`) to the layer that set it where that differs from the object's.
    """

    name: str
    label: Label
    plural: Label
    fields: Mapping[str, Field]
    title: Expression
    icon: str = "box"
    description: Label = Label()
    owned: bool = False
    access: Access = "private"
    history: frozenset[str] = frozenset()
    concurrency: Literal["optimistic", "strict"] = "optimistic"
    unique: Mapping[str, UniqueKey] = field(default_factory=lambda: EMPTY)
    rules: Mapping[str, Rule] = field(default_factory=lambda: EMPTY)
    duplicates: Mapping[str, DuplicateRule] = field(default_factory=lambda: EMPTY)
    stages: StagePath | None = None
    form: Form = Form()
    views: Mapping[str, View] = field(default_factory=lambda: EMPTY)
    page: Page = Page()
    actions: Mapping[str, Action] = field(default_factory=lambda: EMPTY)
    related: Mapping[str, Related] = field(default_factory=lambda: EMPTY)
    renamed_from: str = ""
    layer: str = ""
    sources: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    system: bool = False
    place: str = ""

    @property
    def table(self) -> str:
        """The physical table's name; the prefix keeps metadata names off SQL words and platform tables."""
        return f"o_{self.name}"
