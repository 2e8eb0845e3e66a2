"""Navigation by app: what this person may read, grouped as the metadata says; the rest under "More".

Built once per (version, language, roles) and kept in a small cache: a page only marks the current entry.
"""

from __future__ import annotations

import zlib
from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock

from guanxi.common.errors import GuanxiError
from guanxi.registry import AppMenu, ObjectType
from guanxi.registry.dashboards import Dashboard
from guanxi.runtime.access.actor import Actor

from .visit import Visit

TONES = ("indigo", "teal", "amber", "rose", "blue", "violet", "green", "slate")
MOST = 256


@dataclass(frozen=True, slots=True)
class Entry:
    """One object in the navigation."""

    object: str
    label: str
    singular: str
    icon: str
    tone: str
    url: str
    creates: bool
    searchable: bool


@dataclass(frozen=True, slots=True)
class Link:
    """A page in the navigation that is no object's: a dashboard."""

    label: str
    icon: str
    url: str


@dataclass(frozen=True, slots=True)
class Group:
    """One app (or "More", whose name is "")."""

    name: str
    label: str
    icon: str
    entries: tuple[Entry, ...]
    pages: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True)
class Navigation:
    """Everything one role profile may reach."""

    groups: tuple[Group, ...]

    @property
    def entries(self) -> list[Entry]:
        """Every object once, in order."""
        found: dict[str, Entry] = {}
        for group in self.groups:
            for entry in group.entries:
                found.setdefault(entry.object, entry)
        return list(found.values())

    def entry(self, object_name: str) -> Entry | None:
        """The entry of an object, if this person has it."""
        return next((e for e in self.entries if e.object == object_name), None)


_cache: OrderedDict[tuple[object, ...], Navigation] = OrderedDict()
_lock = Lock()


def profile(visit: Visit) -> object:
    """What compiled views and navigation depend on: two people with the same profile share them."""
    return visit.services.access.profile(visit.person)


def navigation(visit: Visit) -> Navigation:
    """The navigation of this visit's person."""
    services = visit.services
    key = (services.registry.fingerprint, services.version, visit.language, profile(visit))
    with _lock:
        found = _cache.get(key)
        if found is not None:
            _cache.move_to_end(key)
            return found
    built = _build(visit)
    with _lock:
        _cache[key] = built
        while len(_cache) > MOST:
            _cache.popitem(last=False)
    return built


def tone(name: str) -> str:
    """A steady accent colour for an object's icon."""
    return TONES[zlib.crc32(name.encode()) % len(TONES)]


def _build(visit: Visit) -> Navigation:
    registry = visit.services.registry
    readable = {name: entry for name, item in registry.objects.items() if (entry := _entry(visit, item))}
    groups: list[Group] = []
    placed: set[str] = set()
    boards = {one.name: one for one in visit.services.dashboards.of(visit.person)}
    hung: set[str] = set()
    for app in registry.apps.values():
        if not _may_open(app, visit.person):
            continue
        entries = tuple(readable[name] for name in app.menu if name in readable)
        names = [name.partition(":")[2] for name in app.menu if name.startswith("dashboard:")]
        pages = tuple(_link(visit, boards[name]) for name in names if name in boards)
        if entries or pages:
            groups.append(Group(app.name, app.label.text(visit.language) or app.name, app.icon, entries, pages))
            placed.update(e.object for e in entries)
            hung.update(names)
    rest = tuple(entry for name, entry in readable.items() if name not in placed)
    others = tuple(_link(visit, board) for name, board in boards.items() if name not in hung)
    if rest or others:
        groups.append(Group("", "", "ellipsis", rest, others))
    return Navigation(tuple(groups))


def _link(visit: Visit, board: Dashboard) -> Link:
    return Link(board.label.text(visit.language) or board.name, board.icon, f"/dashboards/{board.name}/")


def _may_open(app: AppMenu, actor: Actor) -> bool:
    return actor.unrestricted or not app.roles or bool(actor.roles.intersection(app.roles))


def _entry(visit: Visit, item: ObjectType) -> Entry | None:
    try:
        rights = visit.services.records.permissions(visit.person, item.name)
    except GuanxiError:
        return None
    if not rights.get("read"):
        return None
    grants = rights.get("fields", {})
    searchable = any(f.search and grants.get(f.name, "read") in ("read", "edit") for f in item.fields.values())
    return Entry(
        object=item.name,
        label=item.plural.text(visit.language) or item.name,
        singular=item.label.text(visit.language) or item.name,
        icon=item.icon,
        tone=tone(item.name),
        url=f"/o/{item.name}/",
        creates=bool(rights.get("create")),
        searchable=searchable,
    )
