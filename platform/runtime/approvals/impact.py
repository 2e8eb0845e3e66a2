"""What publishing means for approvals: flows that may not go, approvals that run on as they were started, and those
that would no longer fit what is published. Part of every plan.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from guanxi.registry.approvals import Flow

from ..schema.look import SAMPLES, Look
from ..schema.plan import Finding
from ..storage.system_approvals import ACTIVE
from .definition import Definitions, RoutingFault
from .store import Store


def inspect(look: Look) -> Iterator[Finding]:
    """The findings of a plan."""
    flows: Mapping[str, Flow] = look.registry.others.get("approval", {})
    rows = look.db.rows("SELECT flow, state, count(*) FROM gx_approvals GROUP BY flow, state")
    counts: dict[str, int] = {}
    for flow, _, number in rows:
        counts[str(flow)] = counts.get(str(flow), 0) + int(number)
    for name, number in sorted(counts.items()):
        if name not in flows:
            yield from _gone(look, name, number)
    yield from _running(look, flows)


def _gone(look: Look, name: str, number: int) -> Iterator[Finding]:
    """A flow with a history stays: it can be switched off. With its object gone, only what runs is in the way."""
    found = look.db.one(look.db.sql("SELECT object FROM gx_approvals WHERE flow = ? LIMIT 1"), (name,))
    if found is not None and found[0] in look.registry.objects:
        said = f"the approval '{name}' has {number} approvals, running or finished: keep it, with 'active: false'"
        yield Finding("approval-gone", "block", said, object=str(found[0]), count=number)


def _running(look: Look, flows: Mapping[str, Flow]) -> Iterator[Finding]:
    """Approvals that run: on their own definition, which must still fit the objects as they will be."""
    store, definitions = Store(look.db), Definitions(look.registry)
    rows = look.db.rows(f"SELECT id FROM gx_approvals WHERE state IN {ACTIVE} ORDER BY id")  # noqa: S608
    older: dict[str, list[int]] = {}
    unfit: dict[tuple[str, str], list[int]] = {}
    for (number,) in rows:
        one = store.instance(int(number))
        if one is None:
            continue
        live = flows.get(one.flow)
        if live is None or live.source != one.definition:
            older.setdefault(one.flow, []).append(one.id)
        if one.object in look.registry.objects:
            try:
                definitions.of(one.flow, one.object, one.definition)
            except RoutingFault as fault:
                unfit.setdefault((one.flow, str(fault)), []).append(one.id)
    for name, ids in sorted(older.items()):
        said = f"{len(ids)} running approvals of '{name}' go on by the definition they were started with"
        yield Finding("approval-running", "note", said, count=len(ids), samples=tuple(ids[:SAMPLES]))
    for (name, why), ids in sorted(unfit.items()):
        said = f"{len(ids)} running approvals of '{name}' would stop: {why}"
        yield Finding("approval-unfit", "break", said, count=len(ids), samples=tuple(ids[:SAMPLES]))
