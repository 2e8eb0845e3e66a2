"""Compiled versions kept as files, so that a start or a worker need not read, check and compile the YAML again.

Only a shortcut: a snapshot that is missing, foreign, damaged or of other code is passed over and the sources are
compiled. It is written and read by the product alone, in the instance's own folder, and nothing of a file is decoded
before its keyed hash (by the instance's secret) has proved that this instance wrote it for exactly these sources and
this code. Decoding resolves names of the product's own classes and of a few plain types, nothing else.
"""

from __future__ import annotations

import hashlib
import hmac
import io
import logging
import pickle
import secrets
import sys
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pydantic

from guanxi.expressions.expression import Expression
from guanxi.expressions.functions import FUNCTIONS, Function
from guanxi.metadata.collector import without_collection
from guanxi.registry import Registry

log = logging.getLogger("guanxi.snapshots")

FOLDER = "data/compiled"
KEPT = 4
_ROOMS = ("common", "expressions", "fieldtypes", "registry", "metadata")
_MAC = 32
_PLAIN = {
    ("builtins", "frozenset"),
    ("builtins", "set"),
    ("datetime", "date"),
    ("datetime", "datetime"),
    ("datetime", "time"),
    ("datetime", "timedelta"),
    ("datetime", "timezone"),
    ("decimal", "Decimal"),
}


class Snapshots:
    """The snapshots of one instance; `secret` is its key. Nothing here raises because of what lies on the disk."""

    def __init__(self, folder: Path, secret: bytes) -> None:
        self.folder = folder / FOLDER
        self._key = hmac.digest(secret, b"guanxi compiled version", "sha256")

    def load(self, sources: str) -> Registry | None:
        """What these sources (the stored text of a version) compiled to, or None."""
        mark = _mark(sources)
        try:
            data = self._path(mark).read_bytes()
        except OSError:
            return None
        if not hmac.compare_digest(data[:_MAC], self._proof(mark, data[_MAC:])):
            log.warning("a compiled version was passed over: it is not of this instance's making")
            return None
        try:
            found = _unpickled(memoryview(data)[_MAC:])
        except Exception:
            log.exception("a compiled version cannot be read")
            return None
        return found if isinstance(found, Registry) else None

    def keep(self, sources: str, registry: Registry) -> None:
        """Keep what these sources compiled to; a folder that cannot be written keeps nothing."""
        mark = _mark(sources)
        path = self._path(mark)
        if path.exists() or _code() != _CODE:  # software that was replaced under a running process speaks for neither
            return
        try:
            data = _pickled(registry)
            if _unpickled(data) != registry:
                log.warning("a compiled version was not kept: it would not come back as it is")
                return
            self._write(path, mark, data)
        except (OSError, pickle.PickleError, TypeError, AttributeError) as fault:
            log.warning("a compiled version was not kept: %s", fault)

    def _write(self, path: Path, mark: bytes, data: bytes) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f"{path.stem}.{secrets.token_hex(4)}.part")
        beside.touch(mode=0o600)
        try:
            beside.write_bytes(self._proof(mark, data) + data)
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
        by_age = sorted(self.folder.glob("*.registry"), key=lambda one: one.stat().st_mtime_ns, reverse=True)
        for old in by_age[KEPT:]:
            old.unlink(missing_ok=True)

    def _path(self, mark: bytes) -> Path:
        return self.folder / f"{mark.hex()[:40]}.registry"

    def _proof(self, mark: bytes, data: bytes | memoryview) -> bytes:
        made = hmac.new(self._key, mark, "sha256")
        made.update(data)
        return made.digest()


def _mark(sources: str) -> bytes:
    made = hashlib.sha256(_CODE)
    made.update(sources.encode())
    return made.digest()


def _code() -> bytes:
    """What compiles: every file of the rooms that make a Registry, by size and time, Python and pydantic."""
    made = hashlib.sha256(f"{sys.version} {pydantic.VERSION}".encode())
    for room in _ROOMS:
        spec = find_spec(f"guanxi.{room}")
        for folder in spec.submodule_search_locations or () if spec else ():
            for path in sorted(Path(folder).rglob("*.py")):
                known = path.stat()
                made.update(f"\n{room} {path.name} {known.st_size} {known.st_mtime_ns}".encode())
    return made.digest()


_CODE = _code()  # as it is loaded


# bytes ----------------------------------------------------------------------------------------------------------
def _proxy(value: dict[Any, Any]) -> Mapping[Any, Any]:
    return MappingProxyType(value)


def _function(name: str) -> Function:
    return FUNCTIONS[name]


_MAKERS: dict[tuple[str, str], Callable[..., Any]] = {(__name__, one.__name__): one for one in (_proxy, _function)}


@cache
def _names(kind: type) -> tuple[str, ...]:
    """The arguments that make a value of a dataclass again; what an expression has worked out stays behind."""
    return tuple(one.name for one in fields(kind) if one.init and not (kind is Expression and one.name == "cache"))


class _Pickler(pickle.Pickler):
    def reducer_override(self, value: object) -> Any:
        kind = type(value)
        if kind is MappingProxyType:
            return _proxy, (dict(value),)  # type: ignore[call-overload]
        if kind is Function:
            return _function, (value.name,)  # type: ignore[attr-defined]
        if is_dataclass(kind):
            return kind, tuple(getattr(value, name) for name in _names(kind))
        return NotImplemented


def _pickled(registry: Registry) -> bytes:
    out = io.BytesIO()
    _Pickler(out, protocol=5).dump(registry)
    return out.getvalue()


def _unpickled(data: bytes | memoryview) -> Any:
    with without_collection():  # nothing of what is made here is garbage
        return _Unpickler(io.BytesIO(data)).load()


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        maker = _MAKERS.get((module, name))
        if maker is not None:
            return maker
        if module.startswith("guanxi.") or (module, name) in _PLAIN:
            found = super().find_class(module, name)
            if isinstance(found, type):
                return found
        raise pickle.UnpicklingError(f"{module}.{name} is no part of a compiled version")
