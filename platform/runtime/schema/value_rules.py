"""What a change of a field's definition means for the values that are there: the planner's second half.

Conversion, removed and renamed options, values that are no longer lawful, blanks of a field that becomes required.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from guanxi.registry.registry import Registry
from guanxi.runtime.storage.names import kept_column, link_table, object_table

from .backfills import Backfills
from .convert import convertible
from .look import Count, Look
from .moves import Moves
from .pack_upgrades import fields_read
from .plan import Finding
from .shapes import FieldShape, ObjectShape, Shape, field_from_json, renamed
from .steps import Step
from .steps_backfill import Backfill
from .steps_data import FillBlanks, RemoveOptions, RenameOptions, RestoreOptions, Retype, shown


@dataclass(frozen=True, slots=True)
class Kept:
    """A row of gx_kept: values set aside by an earlier version, by present names."""

    object: str
    field: str
    version: int
    at: str
    place: str
    name: str
    shape: str


class ValueRules:
    """State of one comparison and its rules about values; `Planner` adds the rules about tables."""

    def __init__(
        self,
        old: Shape,
        new: Shape,
        registry: Registry,
        *,
        moves: Moves,
        look: Look,
        version: int,
        kept: Sequence[Kept] = (),
        filling: Backfills | None = None,
    ) -> None:
        self.old = old
        self.new = new
        self.registry = registry
        self.moves = moves
        self.look = look
        self.version = version
        self.kept = kept
        self.filling = filling
        self.findings: list[Finding] = []
        self._rewritten: dict[str, set[str]] = {}
        self._replacing: dict[tuple[str, str], bool] = {}
        self._here = {moves.objects.get(n, n): self._under_new_names(n, o) for n, o in old.objects.items()}

    def _under_new_names(self, name: str, shape: ObjectShape) -> ObjectShape:
        """An object as it is, but called as it will be: its own name, its fields', its targets'."""
        objects = self.moves.objects
        new = objects.get(name, name)
        moved = renamed(shape, new, object_table(new), self.moves.of_object(name))
        fields = {
            n: replace(f, target=objects.get(f.target, f.target), link=link_table(new, n) if f.link else "")
            for n, f in moved.fields.items()
        }
        return replace(moved, fields=fields)

    def _note(self, code: str, severity: Any, message: str, **more: Any) -> None:
        self.findings.append(Finding(code, severity, message, **more))

    def _kept(self, object_name: str, field: str, place: str) -> Kept | None:
        found = [k for k in self.kept if (k.object, k.field, k.place) == (object_name, field, place)]
        return found[0] if found else None

    def _old_name(self, name: str) -> str:
        return next((o for o, n in self.moves.objects.items() if n == name), name)

    # conversion -------------------------------------------------------------------------------------
    def _replaced(self, old: FieldShape, after: ObjectShape, field: FieldShape) -> bool:
        """True when the field gets a new column: another stored form, or another type that changes what is there."""
        key = (after.name, field.name)
        if key not in self._replacing:
            same = old.column == field.column and "links" not in (old.kind, field.kind)
            self._replacing[key] = not convertible(old, field) or (
                old.column != field.column
                or (same and old.type != field.type and self.look.altered(after.name, field.name))
            )
        return self._replacing[key]

    def _retype(self, after: ObjectShape, old: FieldShape, field: FieldShape) -> Step:
        self._rewritten.setdefault(after.name, set()).add(field.name)
        self._refused(after, field)
        kept = self._kept(after.name, field.name, "column")
        back = kept if kept and field_from_json(kept.shape).column == field.column else None
        if back:
            self._note(
                "values-return", "note", f"the earlier values of {after.name}.{field.name} come back",
                object=after.name, field=field.name,
            )  # fmt: skip
        return Retype(
            after.name,
            old,
            field,
            kept_column(field.name, self.version),
            back.name if back else "",
            back.at if back else "",
        )

    def _refused(self, after: ObjectShape, field: FieldShape) -> None:
        found = self.look.refused(after.name, field.name)
        place = f"{after.name}.{field.name}"
        if found.rows:
            self._note(
                "not-convertible",
                "loss",
                f"{found.rows} values of {place} do not fit type {field.type} and become blank (kept aside)",
                object=after.name,
                field=field.name,
                count=found.rows,
                samples=found.samples,
                consent=place,
            )

    # values -----------------------------------------------------------------------------------------
    def _option_pairs(self, object_name: str, old: FieldShape) -> tuple[tuple[str, str], ...]:
        origin = self._origin(object_name, old.name)
        return tuple((o, n) for (a, f, o), n in self.moves.options.items() if (a, f) == origin)

    def _origin(self, object_name: str, field: str) -> tuple[str, str]:
        old_object = self._old_name(object_name)
        back = {n: o for o, n in self.moves.of_object(old_object).items()}
        return old_object, back.get(field, field)

    def _removed_options(self, old: FieldShape, new: FieldShape) -> list[str]:
        return [o for o in old.options if o not in new.options] if new.options and old.type == new.type else []

    def _values(self, before: ObjectShape, after: ObjectShape) -> Iterator[Step]:
        for name, field in after.fields.items():
            old = before.fields.get(name)
            if old and not self._replaced(old, after, field):
                yield from self._options(after, old, field)
                self._revalidated(after, old, field)
        yield from self._backfilled(after)
        for name, field in after.fields.items():
            old = before.fields.get(name)
            if field.required and not (old and old.required):
                yield from self._required(after, field)

    def _backfilled(self, after: ObjectShape) -> Iterator[Step]:
        """What upgrades of packs give the records, before anything is asked of blanks."""
        for due, found in self.filling.of(after.name) if self.filling else ():
            names = tuple(due.backfill.values)
            self._rewritten.setdefault(after.name, set()).update(names)
            fields = tuple(after.fields[name] for name in sorted(fields_read(due.backfill)))
            yield Backfill(after.name, due.pack, due.step, due.index, fields)
            said = (
                f"{found.rows} records of {after.name} get {', '.join(names)} "
                f"from the upgrade of {due.pack} ({due.step})"
            )
            self._note("backfilled", "note", said, object=after.name, count=found.rows, samples=found.samples)

    def _blank(self, object_name: str, field: FieldShape) -> Count:
        if self.filling is not None and self.filling.sets(object_name, field.name):
            return self.filling.blank(object_name, field.name)
        return self.look.blank(object_name, field.name)

    def _options(self, after: ObjectShape, old: FieldShape, field: FieldShape) -> Iterator[Step]:
        if not old.options or not field.options:
            return
        pairs = self._option_pairs(after.name, old)
        removed = [o for o in self._removed_options(old, field) if o not in dict(pairs)]
        losing = [o for o in removed if self._option_lost(after, field, o)]
        if pairs or losing:
            self._rewritten.setdefault(after.name, set()).add(field.name)
        if losing:
            kept = kept_column(field.name, self.version)
            yield RemoveOptions(after.name, field, tuple(losing), kept)
        if pairs:
            yield RenameOptions(after.name, field, pairs)
        back = self._kept(after.name, field.name, "options")
        if back and set(field.options) - set(old.options):
            self._rewritten.setdefault(after.name, set()).add(field.name)
            yield RestoreOptions(after.name, field, old.options, back.name)

    def _option_lost(self, after: ObjectShape, field: FieldShape, option: str) -> bool:
        found = self.look.holding(after.name, field.name, option)
        if not found.rows:
            return False
        place = f"{after.name}.{field.name}"
        self._note(
            "option-lost",
            "loss",
            f"{found.rows} records hold option {option} of {place}, which goes: they lose it (kept aside); "
            "renamed_from on another option keeps it under a new name",
            object=after.name,
            field=field.name,
            count=found.rows,
            samples=found.samples,
            consent=f"{place}={option}",
        )
        return True

    def _revalidated(self, after: ObjectShape, old: FieldShape, field: FieldShape) -> None:
        """Same column, other settings: values stay, but some may no longer be lawful."""
        if (old.type, old.settings) == (field.type, field.settings) or field.kind == "links" or field.type == "system":
            return
        found = self.look.refused(after.name, field.name)
        if found.rows:
            self._note(
                "no-longer-valid",
                "break",
                f"{found.rows} values of {after.name}.{field.name} do not meet its new definition; they stay as they "
                "are until somebody changes them",
                object=after.name,
                field=field.name,
                count=found.rows,
                samples=found.samples,
            )

    def _required(self, after: ObjectShape, field: FieldShape) -> Iterator[Step]:
        definition = self.registry.objects[after.name].fields[field.name]
        found = self._blank(after.name, field)
        place = f"{after.name}.{field.name}"
        returns = any(k.object == after.name and k.field == field.name for k in self.kept)
        constant = definition.default.constant if definition.default else None
        if constant is not None and field.kind != "links":
            if self.look.total(after.name):
                self._rewritten.setdefault(after.name, set()).add(field.name)
                yield FillBlanks(after.name, field, shown(constant))
            if found.rows:
                self._note(
                    "filled", "note", f"{found.rows} blank {place} become {shown(constant)}", object=after.name,
                    field=field.name, count=found.rows, samples=found.samples,
                )  # fmt: skip
        elif found.rows and not returns:
            self._note(
                "needs-backfill",
                "block",
                f"{found.rows} records have no {place}, which becomes required: give it a default that fills them, "
                "or accept that they stay blank",
                object=after.name,
                field=field.name,
                count=found.rows,
                samples=found.samples,
                consent=place,
            )
