"""Planning and publishing for the command line, the API and the screens: sources → registry → plan → version.

After a version is published the role records follow its role definitions and its seed rows are loaded; both can be
repeated, so a process that died in between catches up at its next publish.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from guanxi.common.diagnostics import DefinitionError
from guanxi.common.errors import Conflict, FieldError, Invalid, NotFound
from guanxi.registry import Registry
from guanxi.runtime.access.actor import Actor
from guanxi.runtime.schema.history import sources_text

from .consent import judge_words
from .instance import Instance, bundle_of, compile_bundle, compile_stored, stored, with_bases
from .settling import settle
from .upgrade import behind

if TYPE_CHECKING:
    from guanxi.metadata.bundle import Bundle
    from guanxi.metadata.load import ReadCache
    from guanxi.runtime.schema.plan import Plan

    from .live import Live


class RefusedDefinitions(Invalid):
    """Definitions cannot be used: one error per diagnostic, `field` holding its place."""

    title, code = "The definitions are not valid", "definitions"

    def __init__(self, fault: DefinitionError) -> None:
        self.diagnostics = tuple(fault.diagnostics)
        super().__init__(
            [
                FieldError(str(d.place), d.code, (f"{d.path}: " if d.path else "") + d.message + _hint(d.hint))
                for d in fault.diagnostics
                if d.severity == "error"
            ]
        )


def _hint(text: str) -> str:
    return f" ({text})" if text else ""


class Publisher:
    """Publishes for one process; see `runtime.api.host.Publisher`."""

    def __init__(self, instance: Instance, live: Live) -> None:
        self.instance = instance
        self.live = live
        self._cache: ReadCache | None = None

    # what would happen --------------------------------------------------------------------------------
    def compiled(self, bundle: Bundle) -> Registry:
        """The registry of a bundle. Raises RefusedDefinitions."""
        from guanxi.metadata.load import ReadCache

        if self._cache is None:
            self._cache = ReadCache()
        try:
            return compile_bundle(bundle, self._cache)
        except DefinitionError as fault:
            raise RefusedDefinitions(fault) from fault

    def bundle(self, files: Mapping[str, str] | None, packs: Sequence[str] | None = None) -> Bundle:
        """The sources to publish: the folder's, or `files` in place of the instance's own."""
        try:
            return with_bases(self.instance.bundle(files, packs), self._published())
        except DefinitionError as fault:
            raise RefusedDefinitions(fault) from fault

    def _published(self) -> Bundle | None:
        """The sources of the current version."""
        current = self.instance.schema.current()
        return bundle_of(self.instance.schema.bundle_of(current[0])) if current else None

    def make_plan(self, actor: Actor, files: Mapping[str, str] | None, allow: Iterable[str]) -> tuple[Plan, Registry]:
        """The plan of publishing these sources."""
        bundle = self.bundle(files)
        registry = self.compiled(bundle)
        words = tuple(allow)
        made = self.instance.schema.plan(registry, stored(bundle), actor.name, allow=words)
        self.judge(words, made, registry)
        return made, registry

    def judge(self, words: Iterable[str], made: Plan, registry: Registry) -> None:
        """Raise BadRequest for a word of consent that names nothing, in this plan or in what is published."""
        words = tuple(words)
        if words:
            judge_words(words, made, registry, self.live.published() or registry)

    def plan(self, actor: Actor, files: Mapping[str, str] | None, allow: Sequence[str]) -> dict[str, Any]:
        """See `runtime.api.host.Publisher`."""
        from guanxi.runtime.schema.explain import as_data

        made, _ = self.make_plan(actor, files, allow)
        return as_data(made, allow)

    # making it so -------------------------------------------------------------------------------------
    def apply(
        self, actor: Actor, files: Mapping[str, str] | None, allow: Sequence[str], plan: str, note: str
    ) -> dict[str, Any]:
        """See `runtime.api.host.Publisher`."""
        made, registry = self.make_plan(actor, files, allow)
        if plan and plan != made.fingerprint:
            raise Conflict("What the plan relied on has changed since it was made; make a new plan.", code="stale_plan")
        return self._publish(actor, made, registry, allow, note)

    def apply_plan(self, actor: Actor, made: Plan, allow: Sequence[str]) -> dict[str, Any]:
        """Publish exactly a plan that was saved. Raises Conflict when it is stale."""
        if behind(made.bundle):
            raise Conflict("The plan was made by another release of Guanxi; make a new plan.", code="stale_plan")
        try:
            registry = compile_stored(made.bundle)
        except DefinitionError as fault:
            raise RefusedDefinitions(fault) from fault
        self.judge(allow, made, registry)
        return self._publish(actor, made, registry, allow, made.note)

    def publish(
        self, actor: Actor, made: Plan, registry: Registry, allow: Sequence[str], *, act: str, pack: str = ""
    ) -> dict[str, Any]:
        """Publish a plan that was just made for this registry; `act` is how the audit trail calls it. Raises Conflict
        when it has become stale.
        """
        return self._publish(actor, made, registry, allow, made.note, act=act, pack=pack)

    def _publish(
        self,
        actor: Actor,
        made: Plan,
        registry: Registry,
        allow: Sequence[str],
        note: str,
        *,
        act: str = "publish",
        pack: str = "",
    ) -> dict[str, Any]:
        from dataclasses import replace

        from guanxi.runtime.schema.explain import as_data

        def published(done: Plan) -> None:
            detail = {
                "version": done.number,
                "fingerprint": done.target_fingerprint,
                "author": done.author,
                "allowed": list(done.allow),
                "changes": len(done.changes),
            }
            more = {"pack": pack} if pack else {}
            back = {"rollback_to": done.rollback_to} if done.rollback_to else {}
            self.instance.audit.record(act, actor, detail=detail | more | back, reason=done.note)

        self.instance.snapshots.keep(sources_text(made.bundle), registry)  # before any worker can hear of the version
        number = self.instance.schema.apply(
            replace(made, note=note or made.note), registry, allow=allow, published=published
        )
        settle(self.live.services(), self.instance)
        return {"version": number, "published": not made.empty, "plan": as_data(made, allow)}

    def rollback(self, actor: Actor, number: int, allow: Sequence[str]) -> dict[str, Any]:
        """See `runtime.api.host.Publisher`."""
        made = self.instance.schema.plan_rollback(number, actor.name, allow=tuple(allow))
        registry = compile_stored(made.bundle)
        self.judge(allow, made, registry)
        return self._publish(actor, made, registry, allow, f"back to version {number}", act="rollback")

    def versions(self) -> Sequence[dict[str, Any]]:
        """Published versions, newest first, the current one marked."""
        current = self.instance.schema.current()
        at = current[0] if current else 0
        return [v.as_dict() | {"current": v.number == at} for v in self.instance.schema.versions()]

    def number(self) -> int:
        """The number of the published version; 0 before the first."""
        current = self.instance.schema.current()
        return current[0] if current else 0

    def diff(self, first: int, second: int) -> list[dict[str, str]]:
        """The files that differ between two versions: {"layer", "file", "change": added|removed|changed, "diff"}."""
        from .version_diff import changed_files

        old, new = (bundle_of(self.instance.schema.bundle_of(number)) for number in (first, second))
        return changed_files(old, new, first, second)

    def files(self) -> dict[str, str]:
        """The instance's own files as they are published."""
        from guanxi.metadata.bundle import instance_files

        current = self.instance.schema.current()
        return instance_files(bundle_of(self.instance.schema.bundle_of(current[0])).layers) if current else {}

    def json_schema(self) -> Mapping[str, Any]:
        """See `runtime.api.host.Publisher`."""
        from guanxi.metadata.json_schema import json_schema

        return json_schema()

    # packs --------------------------------------------------------------------------------------------
    def packs(self) -> Sequence[dict[str, Any]]:
        """See `runtime.api.host.Publisher`."""
        from .packs import installed

        have = self.live.services().registry.packs
        return [
            {
                "name": found.head.name,
                "version": str(found.head.version),
                "label": found.label.as_value(),
                "requires": dict(found.head.requires),
                "installed": have[found.head.name].version if found.head.name in have else None,
            }
            for found in installed()
        ]

    def pack(self, actor: Actor, name: str, act: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Publish with the pack added, read anew, or taken away; `guanxi.yaml` is changed to say so.

        `payload`: `allow` (losses that are accepted), `data` (keep, archive or drop, for uninstall), `sample` (true
        loads sample rows after install). A pack is named, not given by a folder: paths are for the command line.
        """
        from .pack_changes import PackChanges
        from .packs import is_path

        changes = PackChanges(self)
        if is_path(name):
            raise NotFound(f"No pack '{name}' is installed here.", code="unknown_pack")
        allow = [str(word) for word in payload.get("allow") or []]
        data = str(payload.get("data") or "")
        change = changes.plan(actor, act, name, data=data, allow=allow)
        if act != "uninstall":
            changes.demand_tests(change)
        done = changes.apply(change, data)
        if act == "install" and payload.get("sample") is True:
            changes.load_samples(change)
        return done
