"""Lists of children: every reference makes a list on the object it points to, under a name that people would guess.

`related: name` names the list. Without it a reference's list is the plural of the child's name (`opportunity` →
`opportunities`), or that and `_by_<field>` when the plural is taken or an earlier field of the same child has it.
User and team fields make a list only when they name it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from guanxi.common.diagnostics import Diagnostics
from guanxi.common.labels import Label, title_case
from guanxi.registry import Related

from ..documents.fields import PEOPLE_TYPES
from ..nodes import at
from .outline import FieldOutline, Outline

Lists = dict[str, dict[str, Related]]
TABS = frozenset({"details", "timeline", "history", "approvals"})


def plural(name: str) -> str:
    """The English plural of a name, by the plain rules: `activity` → `activities`, `box` → `boxes`."""
    if name.endswith("y") and name[-2:-1] not in "aeiou":
        return f"{name[:-1]}ies"
    return f"{name}es" if name.endswith(("s", "x", "z", "ch", "sh")) else f"{name}s"


def related_lists(outlines: Mapping[str, Outline], found: Diagnostics) -> Lists:
    """Every object's lists by name; notes clashes of names that were given."""
    lists: Lists = {name: {} for name in outlines}
    for child, one in _references(outlines, named=True):
        _add_named(lists, outlines, child, one, found)
    for child, one in _references(outlines, named=False):
        name = _free_name(lists[one.target], outlines[one.target], child.name, one.name)
        lists[one.target][name] = _related(name, child, one)
    return lists


def _references(outlines: Mapping[str, Outline], *, named: bool) -> Iterable[tuple[Outline, FieldOutline]]:
    for child in outlines.values():
        for one in child.references:
            given = one.part.related  # type: ignore[attr-defined]
            if one.target not in outlines or bool(given) is not named:
                continue
            if named or one.part.type not in PEOPLE_TYPES:
                yield child, one


def _related(name: str, child: Outline, one: FieldOutline) -> Related:
    label = child.model.plural or child.model.label or Label.of(title_case(name))
    return Related(name, label, child.name, one.name, one.part.type == "references")


def _add_named(
    lists: Lists, outlines: Mapping[str, Outline], child: Outline, one: FieldOutline, found: Diagnostics
) -> None:
    name: str = one.part.related  # type: ignore[attr-defined]
    path = ("fields", one.name, "related")
    place = at(child.document.node, path)
    target = outlines[one.target]
    other = lists[one.target].get(name)
    if other is not None:
        message = f"'{one.target}' already has a list '{name}' (of {other.object}.{other.field})"
        found.error("clash", message, place, path=".".join(path), hint="give one of them another name")
    elif name in target.infos or name in target.fields:
        found.error(
            "clash", f"'{one.target}' has a field '{name}'; the list needs another name", place, path=".".join(path)
        )
    elif name in TABS:
        found.error(
            "reserved-name",
            f"'{name}' is a tab of every record page and cannot name a list",
            place,
            path=".".join(path),
        )
    else:
        lists[one.target][name] = _related(name, child, one)


def _free_name(taken: Mapping[str, Related], target: Outline, child: str, field: str) -> str:
    base = plural(child)
    for name in (base, f"{base}_by_{field}", f"{child}_{field}_list"):
        if name not in taken and name not in target.infos and name not in target.fields and name not in TABS:
            return name
    return f"{child}_{field}_list_{len(taken)}"
