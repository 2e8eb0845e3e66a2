"""The third stage of a write: what only the database can answer. References lead to records the actor may see, unique
keys are free, and nothing looks like a record that exists.

The database's own unique indexes and foreign keys stand behind these checks when two writes race (`violation`).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from guanxi.common.errors import FieldError, Invalid
from guanxi.runtime.storage.faults import ConstraintViolation, ForeignKeyViolation, UniqueViolation
from guanxi.runtime.storage.tables import unique_value

from .draft import Draft
from .messages import fault, named
from .plan import FieldPlan, ObjectPlan
from .rights import WriteRights

if TYPE_CHECKING:
    from .work import Work


def guard(work: Work, draft: Draft, rights: WriteRights, changed: Collection[str], *, force: bool) -> None:
    """Note every fault that a look at other records finds; only what changed is asked about."""
    _references(work, draft, rights, changed)
    files(work, draft, changed)
    unique_keys(work, draft, rights, changed)
    _duplicates(work, draft, changed, force=force)


def files(work: Work, draft: Draft, changed: Collection[str]) -> None:
    """A file must be the actor's own upload, or this field's already."""
    names = [name for name in draft.plan.files if name in changed and name not in draft.broken]
    if names:
        values = {name: draft.new[name] for name in names}
        own = draft.old["id"] if draft.old is not None else None
        for error in work.room.files.check(work.actor, draft.plan.object, values, own):
            draft.add(error)


def _references(work: Work, draft: Draft, rights: WriteRights, changed: Collection[str]) -> None:
    for known in draft.plan.references:
        name = known.name
        if name not in changed or name in draft.broken or platforms_own(draft, known):
            continue
        value = draft.new.get(name)
        for target_id in value if known.links and value else (value,):
            if target_id is not None:
                work.hold(known.target, target_id)
            if target_id is not None and not work.visible(
                known.target, target_id, trusted=unasked(draft, known, rights)
            ):
                missing(work, draft, known, target_id)
                break


def unasked(draft: Draft, known: FieldPlan, rights: WriteRights) -> bool:
    """True when nobody gave the value: a default that the definitions work out need not be readable for the maker."""
    return rights.trusted or known.name not in draft.given


def platforms_own(draft: Draft, known: FieldPlan) -> bool:
    """Owner and team that nobody gave: a maker owns what he makes, whether or not he may look at user records."""
    return known.system and known.name not in draft.given


def missing(work: Work, draft: Draft, known: FieldPlan, target_id: int) -> None:
    """The same answer for a record that does not exist and for one the actor may not see."""
    target = work.room.registry.objects[known.target]
    label = named(target.label, target.name, draft.language)
    draft.refuse(known.name, "reference", "reference", object=label, id=target_id)


def unique_keys(work: Work, draft: Draft, rights: WriteRights, changed: Collection[str]) -> None:
    """Note each unique key of a changed field that another live record holds."""
    texts = None
    for key, fields in draft.plan.unique.items():
        if draft.broken.intersection(fields) or not any(name in changed for name in fields):
            continue
        value = unique_value([draft.new.get(name) for name in fields])
        if value is None:
            continue
        texts = texts or work.statements(draft.plan.name)
        own = draft.old["id"] if draft.old is not None else 0
        if work.db.rows(texts.holders(key), (value, own)):
            draft.add(taken(draft.plan, key, draft.language, rights))


def taken(plan: ObjectPlan, key: str, language: str, rights: WriteRights) -> FieldError:
    """The fault of a unique key that another record holds, at the first of its fields the actor may see."""
    fields = plan.unique[key]
    shown = [name for name in fields if rights.visible(name)]
    if len(fields) == 1 or not shown:
        return fault(shown[0] if shown else "", "unique", "unique", language)
    labels = ", ".join(named(plan.fields[name].field.label, name, language) for name in shown)
    return fault(shown[0], "unique", "unique_key", language, fields=labels)


def _duplicates(work: Work, draft: Draft, changed: Collection[str], *, force: bool) -> None:
    if not draft.plan.duplicates:
        return
    from ..merging import collision  # it stands on this room

    for rule in draft.plan.duplicates:
        fields = [part.field for part in rule.match]
        if draft.broken.intersection(fields) or not any(name in changed for name in fields):
            continue
        found = collision.first_fault(work, draft.plan, rule, draft.new, force=force)
        if found is not None:
            draft.add(found)


def violation(error: ConstraintViolation, plan: ObjectPlan, work: Work, rights: WriteRights) -> Invalid:
    """What the database refused under a race, said as the checks above would have said it."""
    language = work.language
    if isinstance(error, UniqueViolation):
        for key, spec in work.statements(plan.name).table.uniques.items():
            if spec.column in error.columns or spec.index in error.columns:
                return Invalid([taken(plan, key, language, rights)])
        return Invalid([fault("", "unique", "unique", language)])
    if isinstance(error, ForeignKeyViolation):
        field = next((c for c in error.columns if c in plan.fields and rights.visible(c)), "")
        return Invalid([fault(field, "reference", "referred_hidden" if not field else "gone", language)])
    return Invalid([fault("", "type", "type", language)])
