"""From incoming values to a draft: which fields are given, may be written, and what they become in Python form.

Pure: no database, no evaluation of expressions. The next stage (`judge`) fills in defaults and asks conditions and
rules; `guards` then asks the database. Every fault is collected; nothing is raised for a bad field.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from guanxi.common.errors import FieldError
from guanxi.common.names import HIDDEN_SYSTEM_FIELDS, nearest
from guanxi.fieldtypes import ValueFault

from .inputs import field_name, record_values, value_fault
from .messages import fault, text
from .plan import FieldPlan, ObjectPlan
from .rights import WriteRights

SETTABLE_ON_CREATE = ("owner", "team")
CONTAINERS = frozenset({dict, list, tuple})


@dataclass(slots=True)
class Draft:
    """A record on its way: `old` and `new` are whole rows in Python form, `given` what the caller sent.

    `old` is None for a new record. `errors` grows through the stages; a draft with errors is never written.
    """

    plan: ObjectPlan
    language: str
    old: Mapping[str, Any] | None
    new: dict[str, Any]
    given: set[str] = field(default_factory=set)
    errors: list[FieldError] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)

    @property
    def changed(self) -> list[str]:
        """Fields whose value moved, in the object's order; for a new record those that are filled."""
        old, new = self.old, self.new
        if old is None:
            return [name for name in self.plan.writable if new.get(name) is not None]
        return [name for name in self.plan.writable if not same(new.get(name), old.get(name))]

    def refuse(self, name: str, code: str, key: str, /, **words: object) -> None:
        """Note a fault with a sentence of the platform."""
        self.add(fault(name, code, key, self.language, **words))

    def add(self, error: FieldError) -> None:
        """Note a fault."""
        self.errors.append(error)
        self.broken.add(error.field)


def filled(value: Any) -> bool:
    """Not blank: an empty list of choices or references is blank too."""
    return value is not None and value not in ((), "")


def same(one: Any, other: Any) -> bool:
    """Equal as a stored value: True is not 1, and 1.50 is 1.5."""
    if one is other:
        return True
    if not filled(one) and not filled(other):
        return True
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def take(
    plan: ObjectPlan,
    rights: WriteRights,
    language: str,
    values: Any,
    old: Mapping[str, Any] | None,
    *,
    typed: bool = False,
) -> Draft:
    """The first stage: judge each given name and value. `values` is a map in JSON form, or of what people type when
    `typed`; BadRequest when it is no map.
    """
    draft = Draft(plan, language, old, dict(old) if old is not None else dict(plan.blank))
    fields, new, given = plan.fields, draft.new, draft.given
    free = rights.free_typed if typed else rights.free
    for name, value in record_values(values).items():
        coerce = free.get(name)
        if coerce is not None and value.__class__ not in CONTAINERS:
            try:
                new[name] = coerce(value)
                given.add(name)
            except ValueFault as problem:
                _unfit(draft, name, problem)
            continue
        known = fields.get(name) if isinstance(name, str) else None
        if known is None or not rights.visible(name):
            _unknown(draft, rights, name)
            continue
        if not _may_write(draft, rights, known):
            continue
        found = value_fault(name, value, language)
        if found is not None:
            draft.add(found)
            continue
        _coerce(draft, known, value, typed=typed)
    return draft


def _unknown(draft: Draft, rights: WriteRights, name: object) -> None:
    shown = field_name(name)
    if shown in HIDDEN_SYSTEM_FIELDS:
        draft.refuse(shown, "read_only", "system")
        return
    hint = nearest(shown, (n for n in draft.plan.fields if rights.visible(n)))
    sentence = text("unknown_field", draft.language, name=shown)
    if hint:
        sentence += text("nearest", draft.language, name=hint)
    draft.add(FieldError(shown, "unknown_field", sentence))


def _may_write(draft: Draft, rights: WriteRights, known: FieldPlan) -> bool:
    """Whether this caller may give this field a value at all; notes the fault when not."""
    name = known.name
    if known.system:
        return _may_set_system(draft, rights, name)
    if not known.stored:
        draft.refuse(name, "read_only", "formula")
        return False
    if not rights.editable(name):
        draft.refuse(name, "forbidden", "forbidden")
        return False
    if known.fixed and not rights.trusted:
        draft.refuse(name, "read_only", "read_only")
        return False
    return True


def _may_set_system(draft: Draft, rights: WriteRights, name: str) -> bool:
    """Owner and team are given on create by those who may assign; every other system field is the platform's."""
    if name in SETTABLE_ON_CREATE and draft.plan.owned and (draft.old is None or rights.trusted):
        if rights.assign:
            return True
        draft.refuse(name, "forbidden", "forbidden_owner")
        return False
    draft.refuse(name, "read_only", "system")
    return False


def _coerce(draft: Draft, known: FieldPlan, value: Any, *, typed: bool) -> None:
    name = known.name
    try:
        draft.new[name] = (known.typed if typed else known.coerce)(value)
        draft.given.add(name)
    except ValueFault as problem:
        _unfit(draft, name, problem)


def _unfit(draft: Draft, name: str, problem: ValueFault) -> None:
    sentence = problem.message_zh if draft.language[:2] == "zh" else problem.message
    draft.add(FieldError(name, problem.code, sentence))
