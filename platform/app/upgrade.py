"""Bringing an instance up to the release that opens it: the platform's own layer of the published version.

A version keeps the platform's definitions it was published with. The code of a newer release counts on those it ships
(a new field of `user`, a new built-in object), so the first look of a process compares the two and publishes the
version again with today's platform layer, packs and files left as they are. Only additions happen by themselves: what
would lose or refuse anything is left to a person and `guanxi apply`. Platform tables are brought up elsewhere.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import orjson

from guanxi.common.diagnostics import DefinitionError
from guanxi.common.errors import Conflict, Unavailable
from guanxi.metadata.sources import PLATFORM, builtin_layer
from guanxi.runtime.access.actor import SYSTEM

if TYPE_CHECKING:
    from guanxi.registry import Registry
    from guanxi.runtime.schema.plan import Plan

    from .instance import Instance

log = logging.getLogger("guanxi.upgrade")

NOTE = "platform upgrade"
MARK = "data/platform.mark"
TRIES = 10
_COMING = frozenset({"create_object", "add_field", "create_links"})
_HARMLESS = _COMING | {
    "backfill",
    "connect",
    "create_index",
    "drop_index",
    "fill_unique",
    "rebuild_search",
    "restore_field",
    "restore_links",
    "restore_references",
    "restore_rows",
}


class PlatformUpgrade(Conflict):
    """This release cannot run what is published until a person has published again."""

    code = "platform_upgrade"


def renewed(bundle: Mapping[str, Any]) -> Mapping[str, Any]:
    """The sources of a version with the platform's own layer as this release ships it."""
    layers = [layer for layer in bundle["layers"] if layer["name"] != PLATFORM]
    return {**bundle, "layers": [{"name": PLATFORM, "files": _shipped()}, *layers]}


def behind(bundle: Mapping[str, Any]) -> bool:
    """Whether a version was published with other definitions of the platform than this release ships."""
    return not any(layer["name"] == PLATFORM and layer["files"] == _shipped() for layer in bundle["layers"])


def bring_up(instance: Instance) -> bool:
    """Publish the current version again when its platform layer is not this release's; True when that was done here.

    Of many processes that begin at once, one does it and the others go on with what it published. Raises
    PlatformUpgrade when it would take more than additions.
    """
    for _ in range(TRIES):
        current = instance.versions.current()
        if current is None:
            return False
        bundle = orjson.loads(instance.versions.sources_of(current[0]))
        if not behind(bundle) or _known(instance, current[1]):
            return False
        done = _attempt(instance, renewed(bundle))
        if done is not None:
            return done
    raise Unavailable("The definitions are being changed by somebody else.")


def _attempt(instance: Instance, bundle: Mapping[str, Any]) -> bool | None:
    """Plan and publish once; None when somebody else published meanwhile."""
    from guanxi.runtime.schema.service import StalePlanError

    from .instance import compile_stored

    try:
        registry = compile_stored(bundle)
    except DefinitionError as fault:
        raise PlatformUpgrade(_unfit(fault), hint="mend the files and run `guanxi apply`") from fault
    plan = instance.schema.plan(registry, bundle, SYSTEM.name, note=NOTE)
    if plan.empty:
        _remember(instance, plan.base_fingerprint)
        return False
    if not _only_additions(plan):
        return False

    def published(done: Plan) -> None:
        detail = {"version": done.number, "fingerprint": done.target_fingerprint, "changes": len(done.changes)}
        _fill(instance, done, registry)
        instance.audit.record("platform_upgrade", SYSTEM, detail=detail, reason=NOTE)

    instance.snapshots.keep(orjson.dumps(bundle).decode(), registry)
    try:
        number = instance.schema.apply(plan, registry, published=published)
    except StalePlanError:
        return None
    log.info("version %s brings the platform's own definitions to this release", number)
    return True


def _fill(instance: Instance, plan: Plan, registry: Registry) -> None:
    """Records that were there before have the constant defaults of the fields that came, as new ones would."""
    from guanxi.runtime.schema.convert import writer
    from guanxi.runtime.schema.steps import AddField
    from guanxi.runtime.storage.names import object_table, quoted

    db = instance.database
    for step in plan.steps:
        default = registry.objects[step.object].fields[step.field.name].default if isinstance(step, AddField) else None
        if isinstance(step, AddField) and default is not None and default.constant is not None:
            value = writer(db.engine, step.field)(default.constant)
            table, column = quoted(object_table(step.object)), quoted(step.field.name)
            db.execute(db.sql(f"UPDATE {table} SET {column} = ? WHERE {column} IS NULL"), (value,))  # noqa: S608


def _only_additions(plan: Plan) -> bool:
    """False when a newer release's layer is published, which this one can run on; raises for any other change."""
    kinds = {step.kind for step in plan.steps}
    if kinds <= _HARMLESS and not plan.objections():
        return True
    if not kinds & _COMING:
        log.warning("what is published comes from another release of Guanxi, which knows more: %s", sorted(kinds))
        return False
    said = "; ".join(one.message for one in plan.objections()) or ", ".join(sorted(kinds - _HARMLESS))
    sentence = f"This release changes the platform's own objects, and that is not done by itself: {said}."
    raise PlatformUpgrade(sentence, hint="see `guanxi plan`, then run `guanxi apply`")


def _unfit(fault: DefinitionError) -> str:
    first = next(one for one in fault.diagnostics if one.severity == "error")
    return f"What is published does not go together with this release: {first.place}: {first.message}."


def _shipped() -> dict[str, str]:
    return {source.file: bytes(source.data).decode() for source in builtin_layer().sources}  # type: ignore[arg-type]


# a release whose layer differs in words that mean nothing (comments) is compared once, not at every start ----------
def _known(instance: Instance, fingerprint: str) -> bool:
    with suppress(OSError):
        return (instance.folder / MARK).read_text(encoding="utf-8") == _mark(fingerprint)
    return False


def _remember(instance: Instance, fingerprint: str) -> None:
    with suppress(OSError):
        (instance.folder / MARK).write_text(_mark(fingerprint), encoding="utf-8")


def _mark(fingerprint: str) -> str:
    return hashlib.sha256((fingerprint + repr(sorted(_shipped().items()))).encode()).hexdigest()
