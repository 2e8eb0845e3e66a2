"""An instance: its folder, settings, database and the definitions its folder holds. Opened by every command.

What reads and compiles definitions is imported where it is used: a worker that runs what others published needs none.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from guanxi.common.clock import Clock, SystemClock
from guanxi.common.diagnostics import DefinitionError, Diagnostics
from guanxi.registry import Registry
from guanxi.runtime.audit import Audit
from guanxi.runtime.schema.history import History
from guanxi.runtime.storage.database import Handle, open_database
from guanxi.runtime.storage.system import create_platform_tables

from .settings import Settings, load_settings, read_settings
from .snapshots import Snapshots

if TYPE_CHECKING:
    from guanxi.metadata.bundle import Bundle
    from guanxi.metadata.load import ReadCache
    from guanxi.runtime.schema.service import SchemaService

METADATA = "metadata"
SECRET_FILE = "data/secret.key"  # noqa: S105


@dataclass(frozen=True)
class Instance:
    """One instance. Nothing is opened before it is asked for."""

    folder: Path
    settings: Settings
    clock: Clock

    @classmethod
    def open(cls, folder: Path, clock: Clock | None = None) -> Instance:
        """Read `guanxi.yaml` of a folder. Raises DefinitionError when it is missing or wrong."""
        return cls(folder.resolve(), read_settings(folder), clock or SystemClock())

    @cached_property
    def database(self) -> Handle:
        """The database, with the platform's own tables up to date."""
        handle = open_database(self.settings.database, self.folder)
        create_platform_tables(handle)
        return handle

    @cached_property
    def versions(self) -> History:
        """What was published, for those who publish nothing."""
        return History(self.database)

    @cached_property
    def schema(self) -> SchemaService:
        """Versions, plans and applying them."""
        from guanxi.runtime.access.impact import RightsInspector
        from guanxi.runtime.approvals.impact import inspect as inspect_approvals
        from guanxi.runtime.schema.service import SchemaService

        from .upgrade import renewed

        def before() -> Registry | None:
            current = self.versions.current()
            try:
                return compile_stored(self.versions.bundle_of(current[0])) if current else None
            except DefinitionError:
                return None  # published by another release, in a grammar this one does not read

        inspectors = (RightsInspector(before, self.clock), inspect_approvals)
        return SchemaService(self.database, self.clock, compile_stored, inspectors, renewed)

    @cached_property
    def audit(self) -> Audit:
        """The audit trail."""
        return Audit(self.database, self.clock, self.secret)

    @cached_property
    def secret(self) -> bytes:
        """The key that signs sessions and cursors: made once per instance, readable by its owner only."""
        path = self.folder / SECRET_FILE
        if not path.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            beside = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
            beside.touch(mode=0o600)
            beside.write_bytes(secrets.token_bytes(32))
            try:
                os.link(beside, path)  # whoever comes first wins; the file is whole from its first moment
            except FileExistsError:
                pass
            finally:
                beside.unlink()
        return path.read_bytes()

    @cached_property
    def snapshots(self) -> Snapshots:
        """Versions as they were compiled before."""
        return Snapshots(self.folder, self.secret)

    def packs(self) -> tuple[str, ...]:
        """The packs that `guanxi.yaml` names now: another process may have installed one since this one began."""
        found = Diagnostics()
        settings, _ = load_settings(self.folder, found, secrets=False)
        found.raise_if_failed()
        return tuple(settings.packs)

    def bundle(self, files: Mapping[str, str] | None = None, packs: Sequence[str] | None = None) -> Bundle:
        """What publishing would publish: the platform's definitions, the packs, and the instance's own files.

        `files` stands in for the folder's `metadata/`. Raises DefinitionError when something cannot be read.
        """
        from guanxi.metadata.bundle import Bundle
        from guanxi.metadata.sources import INSTANCE, builtin_layer, folder_layer, text_layer

        from .packs import pack_layers

        found = Diagnostics()
        wanted = self.packs() if packs is None else packs
        layers = [builtin_layer(), *pack_layers(wanted, self.folder, found)]
        if files is not None:
            layers.append(text_layer({name.lstrip("/") or "file.yaml": text for name, text in files.items()}))
        elif (self.folder / METADATA).is_dir():
            layers.append(folder_layer(INSTANCE, self.folder / METADATA, found, shown=METADATA))
        found.raise_if_failed()
        return Bundle(tuple(layers), tuple(self.settings.languages), self.settings.currency)

    def close(self) -> None:
        """Close the database when it was opened."""
        if "database" in self.__dict__:
            self.database.close()


def compile_bundle(bundle: Bundle, cache: ReadCache | None = None) -> Registry:
    """Compile a bundle. Raises DefinitionError with everything wrong in it."""
    from guanxi.metadata.bases import bases_in
    from guanxi.metadata.load import read_definitions

    known = bases_in(bundle.bases)
    return read_definitions(
        bundle.layers, languages=bundle.languages, currency=bundle.currency, cache=cache, bases=known
    )


def with_bases(bundle: Bundle, earlier: Bundle | None) -> Bundle:
    """The bundle with what its patches were made against, as far as it or the version before knows."""
    from guanxi.metadata.bases import record_bases
    from guanxi.metadata.bundle import Bundle

    before = earlier or Bundle(())
    return replace(bundle, bases=record_bases(bundle.layers, before.layers, before.bases))


def stored(bundle: Bundle) -> Mapping[str, Any]:
    """The form in which a version keeps its sources."""
    from guanxi.metadata.bundle import to_text

    value: Mapping[str, Any] = json.loads(to_text(bundle))
    return value


def bundle_of(value: Mapping[str, Any]) -> Bundle:
    """The bundle of a version."""
    from guanxi.metadata.bundle import from_text

    return from_text(json.dumps(value))


def compile_stored(value: Mapping[str, Any], cache: ReadCache | None = None) -> Registry:
    """The registry of a version's sources."""
    return compile_bundle(bundle_of(value), cache)
