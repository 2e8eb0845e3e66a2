"""Renames between two versions: said by `renamed_from`, or found by undoing what later versions renamed.

A rename counts only once: a `renamed_from` that was already there when its definition was published says nothing new.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from guanxi.registry.registry import Registry

from .pack_upgrades import walked
from .shapes import Shape

Renames = Sequence[tuple[tuple[str, ...], str]]


@dataclass(frozen=True, slots=True)
class Moves:
    """Old name → new name: of objects, of fields by (old object, old field), of options by (…, old option)."""

    objects: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[tuple[str, str], str] = field(default_factory=dict)
    options: Mapping[tuple[str, str, str], str] = field(default_factory=dict)

    def follow(self, path: tuple[str, ...]) -> tuple[str, ...]:
        """Where an old object, field or option is now called."""
        new = [self.objects.get(path[0], path[0])]
        if len(path) > 1:
            new.append(self.fields.get((path[0], path[1]), path[1]))
        if len(path) > 2:
            new.append(self.options.get((path[0], path[1], path[2]), path[2]))
        return tuple(new)

    def of_object(self, old: str) -> dict[str, str]:
        """Old field → new field of one object."""
        return {f: new for (o, f), new in self.fields.items() if o == old}

    def as_list(self) -> list[list[str]]:
        """JSON form: old path and new last name."""
        found = [[o, n] for o, n in self.objects.items()]
        found += [[*path, n] for path, n in self.fields.items()]
        return found + [[*path, n] for path, n in self.options.items()]

    @classmethod
    def from_list(cls, data: Iterable[list[Any]]) -> Moves:
        """What `as_list` gave."""
        rows = [tuple(row) for row in data]
        return cls(
            {r[0]: r[1] for r in rows if len(r) == 2},
            {(r[0], r[1]): r[2] for r in rows if len(r) == 3},
            {(r[0], r[1], r[2]): r[3] for r in rows if len(r) == 4},
        )


def lawful(claims: Mapping[str, str], old: Iterable[str], new: Iterable[str]) -> dict[str, str]:
    """Old → new out of what new definitions claim (new → old): the old name must be free to go, the new one to take."""
    before, after, taken = set(old), set(new), set()
    good: dict[str, str] = {}
    for name, source in claims.items():
        if source in before and source != name and source not in taken:
            good[name] = source
            taken.add(source)
    while True:
        wrong = [
            name
            for name, source in good.items()
            if (name in before and name not in good.values()) or (source in after and source not in good)
        ]
        if not wrong:
            return {source: name for name, source in good.items()}
        for name in wrong:
            del good[name]


def declared(old: Shape, new: Shape, registry: Registry, renames: Renames = ()) -> Moves:
    """The renames that the new definitions say and the old ones did not yet; `renames` are those of packs' upgrades."""
    claims = {
        name: shape.renamed_from
        for name, shape in new.objects.items()
        if shape.renamed_from and (name not in old.objects or old.objects[name].renamed_from != shape.renamed_from)
    }
    for name in old.objects:
        (now,) = walked((name,), renames)
        if now != name and now in new.objects:
            claims.setdefault(now, name)
    objects = lawful(claims, old.objects, new.objects)
    sources = {name: source for source, name in objects.items()}
    fields: dict[tuple[str, str], str] = {}
    options: dict[tuple[str, str, str], str] = {}
    for name, shape in new.objects.items():
        source = sources.get(name, name)
        if source not in old.objects or (source == name and name in objects):
            continue
        before = old.objects[source].fields
        field_claims = {
            n: f.renamed_from
            for n, f in shape.fields.items()
            if f.renamed_from and (n not in before or before[n].renamed_from != f.renamed_from)
        }
        for n in before:
            now = walked((source, n), renames)[1]
            if now != n and now in shape.fields:
                field_claims.setdefault(now, n)
        moved = lawful(field_claims, before, shape.fields)
        fields |= {(source, a): b for a, b in moved.items()}
        back = {b: a for a, b in moved.items()}
        for n, f in shape.fields.items():
            origin = before.get(back.get(n, n))
            if origin is None or not f.options or (n not in back and n in moved):
                continue
            says = {o.name: o.renamed_from for o in registry.objects[name].fields[n].options.values() if o.renamed_from}
            for option in origin.options:
                now = walked((source, origin.name, option), renames)[2]
                if now != option and now in f.options:
                    says.setdefault(now, option)
            options |= {(source, origin.name, a): b for a, b in lawful(says, origin.options, f.options).items()}
    return Moves(objects, fields, options)


def undone(steps: Iterable[Moves], target: Shape, current: Shape) -> Moves:
    """The renames from `current` back to `target`; `steps` are the moves of the versions after it, in order."""
    moves = list(steps)

    def now(path: tuple[str, ...]) -> tuple[str, ...]:
        for step in moves:
            path = step.follow(path)
        return path

    objects: dict[str, str] = {}
    fields: dict[tuple[str, str], str] = {}
    options: dict[tuple[str, str, str], str] = {}
    for name, shape in target.objects.items():
        here = now((name,))[0]
        if here not in current.objects:
            continue
        if here != name:
            objects[here] = name
        for n, f in shape.fields.items():
            field_now = now((name, n))[1]
            if field_now not in current.objects[here].fields:
                continue
            if field_now != n:
                fields[here, field_now] = n
            for option in f.options:
                option_now = now((name, n, option))[2]
                if option_now != option and option_now in current.objects[here].fields[field_now].options:
                    options[here, field_now, option_now] = option
    return Moves(objects, fields, options)


def in_order(renames: Mapping[str, str], present: Iterable[str]) -> list[tuple[str, str]]:
    """The single renames to do one after the other so that no name is taken when it is needed; a circle is broken by a
    passing name.
    """
    left, taken, done = dict(renames), set(present), []
    while left:
        free = [a for a, b in left.items() if b not in taken]
        if not free:
            a = next(iter(left))
            passing = f"x_passing_{a}"[:63]
            done.append((a, passing))
            left[passing] = left.pop(a)
            taken = taken - {a} | {passing}
            continue
        for a in free:
            b = left.pop(a)
            done.append((a, b))
            taken = taken - {a} | {b}
    return done
