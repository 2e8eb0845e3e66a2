"""The records of a pack that leaves, as one zip file: a file of JSON lines per object, everything a record holds.

What is left out: field history, and the contents of uploaded files.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

from guanxi.metadata.overlay import PackHead
from guanxi.runtime.access.actor import SYSTEM
from guanxi.runtime.query.request import ListQuery
from guanxi.runtime.services import Services

from .instance import Instance

FOLDER = "data/archive"


def write_archive(instance: Instance, services: Services, head: PackHead) -> Path:
    """Write all records of the pack's objects, those in the trash too; the path of the file."""
    at = instance.clock.now()
    path = instance.folder / FOLDER / f"{head.name}-{head.version}-{at:%Y%m%dT%H%M%SZ}.zip"
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".part")
    with zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED) as archive:
        about = {"pack": head.name, "version": head.version, "at": at.isoformat()}
        archive.writestr("pack.json", json.dumps(about))
        for kind in services.registry.objects.values():
            if kind.layer == head.name:
                _write(archive, services, kind.name)
    beside.replace(path)
    return path


def _write(archive: zipfile.ZipFile, services: Services, name: str) -> None:
    with archive.open(f"{name}.jsonl", "w", force_zip64=True) as file:
        for trashed in (False, True):
            for row in services.records.scan(SYSTEM, ListQuery(object=name, trashed=trashed)):
                file.write(json.dumps(row, ensure_ascii=False, default=str).encode() + b"\n")
