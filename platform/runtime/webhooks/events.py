"""Events of records for those who subscribed in `guanxi.yaml`: event rows become one webhook message each.

Whole chunks at a time, inside the transaction that ends them, so an event is fanned out exactly once. What goes along
of the record is what the subscription names, and, where it acts as a role, what that role may see; a record out of the
role's sight gives no message at all. The record is shown as it is when the message is made; `version` is the event's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from guanxi.common.errors import GuanxiError

from ..access.actor import SYSTEM, Actor
from ..outbox import Deliverer, Entry, post_many
from ..outside import Destination
from ..query.request import ListQuery
from ..storage.rows import instant_text_json

if TYPE_CHECKING:
    from ..records.room import Room
    from ..services import Services

FORMAT = 1
EVENTS = ("created", "updated", "deleted", "restored", "purged")
PART = 200
_SYSTEM_FIELDS = ("owner", "team", "created_at", "created_by", "updated_at", "updated_by")


def heard(destination: Destination, object_name: str) -> frozenset[str]:
    """The events of an object that a destination subscribed to."""
    found: set[str] = set()
    for text in destination.on:
        name, _, event = text.partition(".")
        if name in (object_name, "*"):
            found.update(EVENTS if event in ("*", "") else (event,))
    return frozenset(found)


def listened(room: Room) -> Iterable[str]:
    """The objects that any destination subscribed to."""
    for name in room.registry.objects:
        if any(heard(destination, name) for destination in room.outside.webhooks.values()):
            yield name


def relay(services: Services, entries: Sequence[Entry]) -> None:
    """Make the messages of a chunk of event rows; inside the transaction that ends them."""
    messages: list[dict[str, Any]] = []
    by_object: dict[str, list[tuple[Entry, str, int]]] = defaultdict(list)
    for entry in entries:
        event = "created" if entry.kind == "records.created" else entry.kind.partition(".")[2]
        ids = entry.payload.get("ids") or (() if entry.record_id is None else (entry.record_id,))
        by_object[entry.object].extend((entry, event, int(record_id)) for record_id in ids)
    for name, happened in by_object.items():
        if name not in services.registry.objects:
            continue
        for destination in services.outside.webhooks.values():
            wanted = heard(destination, name)
            chosen = [one for one in happened if one[1] in wanted]
            if chosen:
                messages.extend(_messages(services, destination, name, chosen))
    for start in range(0, len(messages), 1000):
        post_many(services.database, messages[start : start + 1000], services.clock.now())


def _messages(
    services: Services, destination: Destination, name: str, happened: Sequence[tuple[Entry, str, int]]
) -> Iterable[dict[str, Any]]:
    who = actor_of(services, destination)
    gone = [record_id for _, event, record_id in happened if event in ("deleted", "purged")]
    rows = _records(services, destination, who, name, {record_id for _, _, record_id in happened} - set(gone))
    for entry, event, record_id in happened:
        away = event in ("deleted", "purged")
        if not away and record_id not in rows:
            continue
        if away and not services.access.rights(who, name).visible:
            continue
        yield _message(destination, entry, event, record_id, None if away else rows[record_id])


def _message(
    destination: Destination, entry: Entry, event: str, record_id: int, row: Mapping[str, Any] | None
) -> dict[str, Any]:
    data: dict[str, Any] = {"object": entry.object, "id": record_id, "version": entry.payload.get("version", 1)}
    if row is not None:
        shown = {key: value for key, value in row.items() if key not in ("id", "version")}
        data["record"] = shown
        if event == "updated":
            data["action"] = entry.payload.get("action", "update")
            data["changed"] = [one for one in entry.payload.get("changed", ()) if one in shown]
    kind = f"{entry.object}.{event}"
    body = {"type": kind, "timestamp": instant_text_json(entry.at), "version": FORMAT, "data": data}
    return {
        "kind": "webhook",
        "object": entry.object,
        "record_id": record_id,
        "payload": {"event": kind, "body": body},
        "key": f"{destination.name}-{entry.key}-{record_id}",
        "order": f"webhook:{destination.name}:{entry.object}:{record_id}",
        "destination": destination.name,
    }


def actor_of(services: Services, destination: Destination) -> Actor:
    """Whose rights decide what a destination gets: its role's, or the platform's where only named fields go."""
    if not destination.role:
        return SYSTEM
    roles = services.actors.flattened((destination.role,))
    return Actor(id=None, name=f"webhook {destination.name}", roles=roles, channel="webhook")


def _records(
    services: Services, destination: Destination, who: Actor, name: str, ids: Iterable[int]
) -> dict[int, Mapping[str, Any]]:
    """The records that may be told of, with the fields that may."""
    rights = services.access.rights(who, name)
    known = {*services.registry.objects[name].fields, *_SYSTEM_FIELDS}
    chosen = [one for one in destination.fields if one in known and rights.shown(one)]
    everything = destination.role and not destination.fields
    wanted = () if everything else ("id", *chosen)
    found: dict[int, Mapping[str, Any]] = {}
    listed = sorted(ids)
    for start in range(0, len(listed), PART):
        part = ", ".join(map(str, listed[start : start + PART]))
        query = ListQuery(name, where=f"id in [{part}]", fields=wanted, limit=PART)
        try:
            page = services.reader.list(who, query)
        except GuanxiError:
            continue  # the role may not read the object
        found.update((row["id"], row) for row in page.data)
    return found


RELAY = Deliverer(many=relay, keep=False)
EVENT_KINDS = (*(f"record.{event}" for event in EVENTS), "records.created")


def unknown_events(services: Services) -> list[str]:
    """What subscriptions name that the definitions do not have: sentences."""
    found = []
    for hook in services.outside.webhooks.values():
        names = {text.partition(".")[0] for text in hook.on} - {"*"}
        missing = sorted(names - services.registry.objects.keys())
        found += [f"webhook {hook.name}: there is no object '{name}'" for name in missing]
        if hook.role and hook.role not in services.registry.roles:
            found.append(f"webhook {hook.name}: there is no role '{hook.role}'")
    return found
