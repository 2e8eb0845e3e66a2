"""(what is, what shall be) → steps and findings, in the order in which they must be done.

Comparing is pure; only the questions of a `Look` touch the data, and they only read. The same planner makes the plan
that is printed and, inside the transaction of the application, the one that is applied.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from guanxi.runtime.storage.names import kept_column, kept_table, link_table, object_table

from .convert import convertible
from .shapes import FieldShape, ObjectShape, Shape, field_from_json
from .steps import (
    AddField,
    Connect,
    CreateIndex,
    CreateLinks,
    CreateObject,
    DropField,
    DropIndex,
    DropTable,
    KeepTable,
    RenameFields,
    RenameObjects,
    RenameTables,
    Step,
)
from .steps_data import (
    DropUnique,
    FillUnique,
    RebuildSearch,
    RestoreField,
    RestoreLinks,
    RestoreReferences,
    RestoreRows,
    RetypeLinks,
)
from .value_rules import Kept, ValueRules


class Planner(ValueRules):
    """One comparison. `kept` is what a rollback may bring back; empty otherwise."""

    def steps(self) -> list[Step]:
        """All steps; `findings` is filled on the way."""
        both = [(self._here[n], o) for n, o in self.new.objects.items() if n in self._here]
        gone = [o for n, o in self._here.items() if n not in self.new.objects]
        fresh = [o for n, o in self.new.objects.items() if n not in self._here]
        steps = [*self._renames(), *self._unindexing(both), *self._drops(both, gone), *self._creations(fresh)]
        for before, after in both:
            steps += self._fields(before, after)
        for after in fresh:
            steps += [CreateLinks(after.name, f) for f in after.fields.values() if f.kind == "links"]
        steps += [s for after in fresh for s in self._restored_links(after)]
        for before, after in both:
            steps += self._values(before, after)
        steps += self._indexing(both, fresh)
        return steps

    # renames ----------------------------------------------------------------------------------------
    def _renames(self) -> Iterator[Step]:
        if self.moves.objects:
            yield RenameObjects(tuple(self.moves.objects.items()))
        for name, shape in self.old.objects.items():
            pairs = self.moves.of_object(name)
            if pairs:
                columns = tuple(f for f in shape.fields if shape.fields[f].kind != "links")
                yield RenameFields(self.moves.objects.get(name, name), tuple(pairs.items()), columns)
        links = [
            (f.link, link_table(*self.moves.follow((n, f.name))))
            for n, o in self.old.objects.items()
            for f in o.fields.values()
            if f.link
        ]
        moved = tuple((a, b) for a, b in links if a != b)
        if moved:
            yield RenameTables(moved)

    # indexes and keys -------------------------------------------------------------------------------
    def _stale_keys(self, before: ObjectShape, after: ObjectShape) -> set[str]:
        """Unique keys that must be made anew: other fields, another name, or values that change on the way."""
        back = {n: o for o, n in self.moves.of_object(self._old_name(after.name)).items()}
        stale = set()
        for name, key in before.uniques.items():
            wanted = after.uniques.get(name)
            same = wanted is not None and key == replace(wanted, fields=tuple(back.get(f, f) for f in wanted.fields))
            if not same or any(self._changes_values(before, after, f) for f in (wanted.fields if wanted else ())):
                stale.add(name)
        return stale

    def _changes_values(self, before: ObjectShape, after: ObjectShape, field: str) -> bool:
        if self.filling is not None and self.filling.sets(after.name, field):
            return True
        old, new = before.fields.get(field), after.fields.get(field)
        if old is None or new is None or self._replaced(old, after, new):
            return True
        return bool(self._removed_options(old, new) or self._option_pairs(before.name, old)) or (
            new.required and not old.required
        )

    def _unindexing(self, both: Iterable[tuple[ObjectShape, ObjectShape]]) -> Iterator[Step]:
        for before, after in both:
            for name, index in before.indexes.items():
                if not self._index_stays(before, after, name):
                    yield DropIndex(index.name)
            for name in sorted(self._stale_keys(before, after)):
                key = before.uniques[name]
                yield DropUnique(after.name, name, key.column, key.index)

    def _index_stays(self, before: ObjectShape, after: ObjectShape, name: str) -> bool:
        """An index stays when it is wanted as it is and none of its columns is replaced."""
        index = after.indexes.get(name)
        if index != before.indexes.get(name) or index is None:
            return False
        moved = self.moves.of_object(self._old_name(after.name))
        if moved.keys() & set(index.columns):
            return False
        for column in index.columns:
            old, new = before.fields.get(column), after.fields.get(column)
            if (old is None) != (new is None) or (old and new and self._replaced(old, after, new)):
                return False
        return True

    def _indexing(
        self, both: Sequence[tuple[ObjectShape, ObjectShape]], fresh: Sequence[ObjectShape]
    ) -> Iterator[Step]:
        for before, after in [*both, *((None, o) for o in fresh)]:
            stale = self._stale_keys(before, after) if before else set()
            for name, key in after.uniques.items():
                if before and name in before.uniques and name not in stale:
                    continue
                self._check_unique(before, after, name)
                yield FillUnique(after.name, name, key.column, tuple(after.fields[f] for f in key.fields))
                yield CreateIndex(key.index, after.table, (key.column,), unique=True, where="live")
            for name, index in after.indexes.items():
                if not (before and self._index_stays(before, after, name)):
                    yield CreateIndex(name, after.table, index.columns, where="trash" if index.trash else "")
            yield from self._search(before, after)

    def _check_unique(self, before: ObjectShape | None, after: ObjectShape, name: str) -> None:
        if before is None:
            return
        key = after.uniques[name]
        old = before.uniques.get(name)
        if old and old.fields == key.fields and not any(self._changes_values(before, after, f) for f in key.fields):
            return
        found, shown_values = self.look.duplicates(after.name, key.fields)
        if found.rows:
            self._note(
                "not-unique",
                "block",
                f"{found.rows} records of {after.name} share their {', '.join(key.fields)}: {'; '.join(shown_values)}",
                object=after.name,
                field=name,
                count=found.rows,
                samples=found.samples,
            )

    def _search(self, before: ObjectShape | None, after: ObjectShape) -> Iterator[Step]:
        touched = self._rewritten.get(after.name, set())
        same = before is not None and before.searched == after.searched and not touched & set(after.searched)
        if same and self._old_name(after.name) == after.name and not self._labels_changed(after):
            return
        had = before is not None and bool(self.old.objects[self._old_name(after.name)].searched)
        if had or after.searched:
            drop = f"s_{self._old_name(after.name)}" if had else ""
            yield RebuildSearch(after.name, drop, bool(after.searched))

    def _labels_changed(self, after: ObjectShape) -> bool:
        """Options are found by their labels too."""
        name = f"object/{after.name}"
        old, new = self.old.definitions.get(name, {}), self.new.definitions.get(name, {})
        return any(after.fields[f].options and old.get(f"fields.{f}") != new.get(f"fields.{f}") for f in after.searched)

    # what goes --------------------------------------------------------------------------------------
    def _drops(self, both: Iterable[tuple[ObjectShape, ObjectShape]], gone: Sequence[ObjectShape]) -> Iterator[Step]:
        for before, after in both:
            for name, field in before.fields.items():
                wanted = after.fields.get(name)
                if wanted is None or not convertible(field, wanted):
                    yield from self._drop_field(before, field)
        for shape in gone:
            for field in shape.fields.values():
                if field.link:
                    kept = kept_table(field.link, self.version)
                    yield KeepTable(shape.name, field, field.link, kept)
                    yield DropTable(shape.name, field.name, field.link)
        for shape in gone:
            yield KeepTable(shape.name, None, shape.table, kept_table(shape.table, self.version))
        for shape in gone:
            self._dropped_object(shape)
            if shape.searched:
                yield RebuildSearch(shape.name, f"s_{shape.name}", create=False)
            cut = tuple(
                (object_table(o.name), f.name)
                for o in gone
                for f in o.fields.values()
                if f.kind == "reference" and f.target == shape.name != o.name
            )
            yield DropTable(shape.name, "", shape.table, cut)

    def _drop_field(self, before: ObjectShape, field: FieldShape) -> Iterator[Step]:
        found = self.look.filled(before.name, field.name)
        place = f"{before.name}.{field.name}"
        if found.rows:
            self._note(
                "values-lost",
                "loss",
                f"{found.rows} records have a value in {place}, which goes (the values are kept aside)",
                object=before.name,
                field=field.name,
                count=found.rows,
                samples=found.samples,
                consent=place,
            )
        if field.link:
            yield KeepTable(before.name, field, field.link, kept_table(field.link, self.version))
            yield DropTable(before.name, field.name, field.link)
        else:
            yield DropField(before.name, field, kept_column(field.name, self.version))

    def _dropped_object(self, shape: ObjectShape) -> None:
        rows = self.look.total(shape.name)
        if rows:
            self._note(
                "records-lost",
                "loss",
                f"{rows} records of {shape.name} go (they are kept aside)",
                object=shape.name,
                count=rows,
                consent=shape.name,
            )

    # what comes -------------------------------------------------------------------------------------
    def _creations(self, fresh: Sequence[ObjectShape]) -> Iterator[Step]:
        for shape in fresh:
            yield CreateObject(shape.name, tuple(shape.fields.values()))
        back = [(shape, kept) for shape in fresh if (kept := self._kept(shape.name, "", "table"))]
        for shape, kept in back:
            yield RestoreRows(shape.name, kept.name, tuple(f.name for f in self._same(shape, kept)), kept.version)
            self._note("records-return", "note", f"the records of {shape.name} come back", object=shape.name)
        for shape, kept in back:
            pairs = tuple((f.name, f.target) for f in self._same(shape, kept, references=True))
            yield RestoreReferences(shape.name, kept.name, pairs)
        for shape in fresh:
            pairs = tuple((f.name, f.target) for f in shape.fields.values() if f.kind == "reference" and f.target)
            if pairs:
                yield Connect(shape.name, pairs)

    @staticmethod
    def _same(shape: ObjectShape, kept: Kept, *, references: bool = False) -> list[FieldShape]:
        """The fields whose kept columns fit as they are."""
        before = Shape.from_json(kept.shape).objects[shape.name].fields
        return [
            f
            for n, f in shape.fields.items()
            if f.kind != "links" and n in before and before[n].column == f.column and bool(f.target) == references
        ]

    def _restored_links(self, shape: ObjectShape) -> Iterator[Step]:
        for field in shape.fields.values():
            kept = self._kept(shape.name, field.name, "table") if field.link else None
            if kept and field_from_json(kept.shape).target == field.target:
                yield RestoreLinks(shape.name, field, kept.name)

    def _fields(self, before: ObjectShape, after: ObjectShape) -> Iterator[Step]:
        for name, field in after.fields.items():
            old = before.fields.get(name)
            if old is None or not convertible(old, field):
                yield from self._add_field(after, field)
            elif "links" in (old.kind, field.kind):
                yield from self._relink(after, old, field)
            elif self._replaced(old, after, field):
                yield self._retype(after, old, field)

    def _add_field(self, after: ObjectShape, field: FieldShape) -> Iterator[Step]:
        self._rewritten.setdefault(after.name, set()).add(field.name)
        kept = self._kept(after.name, field.name, "table" if field.link else "column")
        usable = kept is not None and field_from_json(kept.shape).column == field.column
        if usable:
            self._note(
                "values-return", "note", f"the values of {after.name}.{field.name} come back", object=after.name,
                field=field.name,
            )  # fmt: skip
        if field.link:
            yield CreateLinks(after.name, field)
            if usable and kept:
                yield RestoreLinks(after.name, field, kept.name)
            return
        yield AddField(after.name, field)
        if usable and kept:
            yield RestoreField(after.name, field, kept.name)

    def _relink(self, after: ObjectShape, old: FieldShape, field: FieldShape) -> Iterator[Step]:
        if old.kind == field.kind:
            return
        if field.link:
            yield CreateLinks(after.name, field)
            kept = kept_column(field.name, self.version)
        else:
            kept = kept_table(old.link, self.version)
            self._refused(after, field)
        yield RetypeLinks(after.name, old, field, kept)
