"""Packs join, change and leave an instance: one plan each, published as a version, with `guanxi.yaml` saying the same.

A pack that comes brings what it requires and passes its own metadata tests first. One that leaves must not be needed
any more; its records are set aside in the database (`keep`, until they are purged; `guanxi rollback` brings them back),
written to a file and purged (`archive`), or purged (`drop`).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from packaging.version import Version

from guanxi.common.diagnostics import DefinitionError, Diagnostics
from guanxi.common.errors import BadRequest, Conflict, NotFound
from guanxi.common.names import did_you_mean
from guanxi.registry import Registry
from guanxi.runtime.access.actor import SYSTEM, Actor
from guanxi.runtime.schema.plan import Plan

from .checking import Reading
from .instance import stored
from .metadata_tests import Ran, run_reading
from .pack_archive import write_archive
from .pack_settings import prepare_packs
from .packs import FoundPack, find_pack, installed_folders, is_path, pack_layers
from .seed import Loaded, load_data

if TYPE_CHECKING:
    from .publisher import Publisher

Data = Literal["keep", "archive", "drop"]
DATA: tuple[Data, ...] = ("keep", "archive", "drop")


@dataclass(frozen=True)
class PackChange:
    """What would happen: `wanted` is the new list of guanxi.yaml, `packs` the ones that come or change (for uninstall:
    the one that goes), `allow` the losses that are accepted.
    """

    act: str
    name: str
    wanted: tuple[str, ...]
    packs: tuple[FoundPack, ...]
    plan: Plan
    registry: Registry
    allow: tuple[str, ...] = ()
    actor: Actor = SYSTEM


class PackChanges:
    """Plans and applies changes of packs for one publisher."""

    def __init__(self, publisher: Publisher) -> None:
        self.publisher = publisher
        self.instance = publisher.instance

    # planning ---------------------------------------------------------------------------------------
    def plan(self, actor: Actor, act: str, reference: str, *, data: str = "", allow: Iterable[str] = ()) -> PackChange:
        """The plan of `install`, `upgrade` or `uninstall`. Raises NotFound, Conflict, RefusedDefinitions."""
        have = self.have()
        if act == "uninstall":
            return self._leaving(actor, have, reference, data, tuple(allow))
        pack = self._find(reference, have)
        name = pack.head.name
        if act == "upgrade":
            self._judge_upgrade(have, pack)
        elif name in have and have[name] != reference and is_path(reference):
            raise Conflict(f"The instance has a pack '{name}' already: upgrade it.", code="installed")
        before = set(have)
        wanted = dict(have)
        layers = self._layers([reference if is_path(reference) else wanted.get(name, name)])
        for layer in reversed(layers):
            wanted.setdefault(layer.name, layer.name)
        if is_path(reference):
            wanted[name] = reference
        coming = [pack] + [p for p in self._found(wanted) if p.head.name not in before and p.head.name != name]
        made, registry = self._planned(actor, list(wanted.values()), f"{act} {name}", tuple(allow))
        return PackChange(act, name, tuple(wanted.values()), tuple(coming), made, registry, tuple(allow), actor)

    def have(self) -> dict[str, str]:
        """Name → how guanxi.yaml names it, with what those packs require."""
        named = self.instance.packs()
        have = {found.head.name: reference for reference, found in self._opened(named)}
        for layer in self._layers(named):
            have.setdefault(layer.name, layer.name)
        return have

    def reference(self, name: str, base: Path) -> str:
        """A pack's name, or its folder as guanxi.yaml names it; folders are meant from `base`."""
        if not is_path(name):
            return name
        folder = (base / Path(name).expanduser()).resolve()
        below = os.path.relpath(folder, self.instance.folder).replace(os.sep, "/")
        return below if below.startswith(".") else f"./{below}"

    def _find(self, reference: str, have: dict[str, str]) -> FoundPack:
        wanted = have.get(reference, reference)
        found = find_pack(wanted, self.instance.folder)
        if found is None:
            hint = did_you_mean(reference, installed_folders())
            raise NotFound(f"There is no pack '{reference}' here.", code="unknown_pack", hint=hint)
        return found

    def _opened(self, references: Iterable[str]) -> list[tuple[str, FoundPack]]:
        found = [(reference, find_pack(reference, self.instance.folder)) for reference in references]
        return [(reference, pack) for reference, pack in found if pack is not None]

    def _found(self, wanted: dict[str, str]) -> list[FoundPack]:
        return [pack for _, pack in self._opened(wanted.values())]

    def _layers(self, references: Sequence[str]) -> list[Any]:
        found = Diagnostics()
        layers = pack_layers(references, self.instance.folder, found)
        if found.failed:
            from .publisher import RefusedDefinitions

            raise RefusedDefinitions(DefinitionError(list(found)))
        return layers

    def _judge_upgrade(self, have: dict[str, str], pack: FoundPack) -> None:
        name, version = pack.head.name, pack.head.version
        if name not in have:
            raise Conflict(f"The instance does not use the pack '{name}'.", code="not_installed")
        known = self.publisher.live.services().registry.packs.get(name)
        if known is not None and Version(version) < Version(known.version):
            raise Conflict(f"{name} {version} is older than {known.version}, which is published.", code="older")

    def _leaving(self, actor: Actor, have: dict[str, str], name: str, data: str, allow: tuple[str, ...]) -> PackChange:
        if name not in have:
            hint = did_you_mean(name, have)
            raise Conflict(f"The instance does not use the pack '{name}'.", code="not_installed", hint=hint)
        if data and data not in DATA:
            raise BadRequest("data is one of keep, archive, drop", code="bad_data_choice")
        found = self._found(have)
        needing = [pack.head.name for pack in found if name in pack.head.requires]
        if needing:
            raise Conflict(f"{', '.join(needing)} requires {name}: uninstall it first.", code="still_needed")
        wanted = [reference for known, reference in have.items() if known != name]
        made, registry = self._planned(actor, wanted, f"uninstall {name}", allow)
        if data:
            allow = (*allow, *self._own_words(made, name))
        leaving = tuple(pack for pack in found if pack.head.name == name)
        return PackChange("uninstall", name, tuple(wanted), leaving, made, registry, allow, actor)

    def _own_words(self, made: Plan, name: str) -> list[str]:
        """The words of consent for what is the pack's own: its objects, and its fields on objects of others."""
        objects = self.publisher.live.services().registry.objects
        words = []
        for finding in made.findings:
            kind = objects.get(finding.object)
            if kind is None or not finding.consent:
                continue
            field = kind.fields.get(finding.field)
            if kind.layer == name or (field is not None and field.layer == name):
                words.append(finding.consent)
        return words

    def _planned(self, actor: Actor, wanted: Sequence[str], note: str, allow: tuple[str, ...]) -> tuple[Plan, Registry]:
        bundle = self.publisher.bundle(None, wanted)
        registry = self.publisher.compiled(bundle)
        schema = self.instance.schema
        return schema.plan(registry, stored(bundle), actor.name, allow=allow, note=note), registry

    # doing ------------------------------------------------------------------------------------------
    def test(self, change: PackChange) -> Ran:
        """Run the metadata tests of the packs that come or change, on these packs alone."""
        reading = Reading(settings=self.instance.settings, packs=list(change.packs))
        references = [self._reference_of(change, pack) for pack in change.packs]
        reading.layers = {layer.name: layer for layer in self._layers(references)}
        return run_reading(reading)

    @staticmethod
    def _reference_of(change: PackChange, pack: FoundPack) -> str:
        folder = pack.layer.folder
        return next((w for w in change.wanted if w == pack.head.name), str(folder) if folder else pack.head.name)

    def demand_tests(self, change: PackChange) -> int:
        """Run them; how many passed. Raises Conflict naming those that failed."""
        ran = self.test(change)
        if ran.report is None:
            from .publisher import RefusedDefinitions

            raise RefusedDefinitions(DefinitionError(ran.found))
        if ran.report.failed:
            first = ran.report.failed[0]
            said = f"{len(ran.report.failed)} tests of the pack fail, first {first.name}: {first.failures[0]}"
            raise Conflict(said, code="tests_failed")
        return len(ran.report.outcomes)

    def apply(self, change: PackChange, data: str = "") -> dict[str, Any]:
        """Publish the change, then let guanxi.yaml say it; `archive` names the file that was written, if any.

        Raises Conflict when the plan has become stale, NeedsConsent when a loss is not accepted.
        """
        commit = prepare_packs(self.instance.folder, change.wanted)
        written: Path | None = None
        if change.act == "uninstall" and data == "archive" and not change.plan.objections(change.allow):
            written = write_archive(self.instance, self.publisher.live.services(), change.packs[0].head)
        try:
            done = self.publisher.publish(
                change.actor, change.plan, change.registry, change.allow, act=f"pack_{change.act}", pack=change.name
            )
        except BaseException:
            commit.discard()
            raise
        commit()
        if change.act == "uninstall" and data in ("archive", "drop") and done["published"]:
            self.instance.schema.purge(done["version"], after=done["version"] - 1)
            self.instance.audit.record("dropped_purged", change.actor, detail={"pack": change.name, "data": data})
        return done | ({"archive": str(written)} if written else {})

    def load_samples(self, change: PackChange) -> Loaded:
        """Load the sample rows of the packs that came, and of those they require: they tell one story."""
        services = self.publisher.live.services()
        names = {layer.name for layer in self._layers([self._reference_of(change, pack) for pack in change.packs])}
        sets = [data for data in services.registry.data.values() if data.sample and data.layer in names]
        return load_data(services.registry, services.records, self.instance.clock, sets)
