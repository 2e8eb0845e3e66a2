"""A pack as one file, `NAME-VERSION.gxpack`: written by `guanxi pack build`, judged and unpacked before it is used.

The file is a zip of the folder with `MANIFEST.json` (name, version, SHA-256 of every file) and, when it was built
with a key, `SIGNATURE.json` (Ed25519 over the manifest's bytes). The same folder gives the same bytes. Python stays
outside: a pack with code is a Python distribution.
"""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from packaging.version import InvalidVersion, Version

from guanxi.common.errors import BadRequest, Conflict
from guanxi.common.names import name_fault

ENDING = ".gxpack"
MANIFEST, SIGNATURE = "MANIFEST.json", "SIGNATURE.json"
KINDS = frozenset((".yaml", ".yml", ".md", ".txt", ".csv", ".json", ".png", ".jpg", ".jpeg", ".webp"))
MOST_FILES, MOST_BYTES, MOST_RATIO = 2_000, 64 * 1024 * 1024, 200
_MOMENT = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class PackFile:
    """A file that was judged: what it says it is, who signed it (a key's fingerprint, or ""), and its contents."""

    name: str
    version: str
    signer: str
    files: Mapping[str, bytes]


def is_pack_file(name: str) -> bool:
    """Whether a pack is named by such a file."""
    return name.endswith(ENDING)


def contents(folder: Path) -> dict[str, bytes]:
    """The files of a pack's folder by their path inside it. Raises BadRequest for what cannot be in a pack file."""
    found: dict[str, bytes] = {}
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if any(part.startswith(".") or part == "__pycache__" for part in inside.parts) or path.is_dir():
            continue
        if path.is_symlink() or path.suffix.lower() not in KINDS:
            hint = "a pack with Python is shipped as a Python distribution" if path.suffix == ".py" else ""
            raise BadRequest(f"'{inside.as_posix()}' cannot be in a pack file.", code="bad_pack_file", hint=hint)
        found[inside.as_posix()] = path.read_bytes()
    return found


def build(folder: Path, name: str, version: str, out: Path, key: Path | None = None) -> str:
    """Write the pack file; the fingerprint of the key that signed it, or ""."""
    files = contents(folder)
    sums = {path: hashlib.sha256(data).hexdigest() for path, data in files.items()}
    manifest = json.dumps({"name": name, "version": version, "files": sums}, sort_keys=True, indent=1).encode()
    parts = {MANIFEST: manifest}
    signer = ""
    if key is not None:
        parts[SIGNATURE], signer = _signed(manifest, key)
    beside = out.with_name(out.name + ".part")
    with zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in {**parts, **files}.items():
            entry = zipfile.ZipInfo(path, _MOMENT)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data)
    beside.replace(out)
    return signer


def new_key(path: Path) -> str:
    """Write a new signing key, readable by its owner only; its fingerprint."""
    key = Ed25519PrivateKey.generate()
    path.touch(mode=0o600, exist_ok=False)
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return _fingerprint(_raw(key.public_key()))


def read(path: Path, signed_by: str = "") -> PackFile:
    """Judge a pack file whole: limits, names, sums, signature. Raises BadRequest; Conflict when another signed it."""
    try:
        with zipfile.ZipFile(path) as archive:
            parts = _unpacked(archive)
    except (zipfile.BadZipFile, zlib.error, OSError, NotImplementedError, RuntimeError, EOFError) as fault:
        raise _bad(f"{path.name} is not a pack file: {fault}") from None
    manifest = parts.pop(MANIFEST, b"")
    signature = parts.pop(SIGNATURE, None)
    try:
        said = json.loads(manifest)
        name, version, sums = str(said["name"]), str(said["version"]), dict(said["files"])
        Version(version)
    except (ValueError, KeyError, TypeError, InvalidVersion):
        raise _bad(f"{path.name} has no manifest.") from None
    if name_fault(name) or sums != {inside: hashlib.sha256(data).hexdigest() for inside, data in parts.items()}:
        raise _bad(f"{path.name} was altered: its files are not those of its manifest.")
    signer = _signer(manifest, signature) if signature is not None else ""
    if signed_by and signer != signed_by:
        raise Conflict(f"{path.name} is signed by {signer or 'nobody'}, not by {signed_by}.", code="wrong_signer")
    return PackFile(name, version, signer, parts)


def unpack(pack: PackFile, parent: Path) -> Path:
    """Write a judged pack into `parent/NAME-VERSION`, in place of what is there; the folder."""
    folder = parent / f"{pack.name}-{pack.version}"
    beside = parent / f".{folder.name}.part"
    shutil.rmtree(beside, ignore_errors=True)
    for inside, data in pack.files.items():
        target = beside / inside
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    shutil.rmtree(folder, ignore_errors=True)
    beside.replace(folder)
    return folder


def _unpacked(archive: zipfile.ZipFile) -> dict[str, bytes]:
    entries = archive.infolist()
    if len(entries) > MOST_FILES or sum(entry.file_size for entry in entries) > MOST_BYTES:
        raise _bad(f"A pack file holds at most {MOST_FILES} files and {MOST_BYTES // 1024**2} MB.")
    found: dict[str, bytes] = {}
    for entry in entries:
        path = PurePosixPath(entry.filename)
        linked = (entry.external_attr >> 16) & 0o170000 == 0o120000
        unsafe = path.is_absolute() or ".." in path.parts or "\\" in entry.filename or ":" in entry.filename
        if linked or unsafe or entry.is_dir() or path.suffix.lower() not in KINDS or str(path) in found:
            raise _bad(f"'{entry.filename[:80]}' cannot be in a pack file.")
        if entry.file_size > MOST_RATIO * max(entry.compress_size, 1_000):
            raise _bad(f"'{entry.filename[:80]}' unpacks to too much.")
        with archive.open(entry) as stream:
            data = stream.read(entry.file_size + 1)
        if len(data) != entry.file_size:
            raise _bad(f"'{entry.filename[:80]}' is longer than it says.")
        found[str(path)] = data
    return found


def _signed(manifest: bytes, path: Path) -> tuple[bytes, str]:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError, OSError) as fault:
        raise BadRequest(f"{path} holds no signing key: {fault}", code="bad_key") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise BadRequest(f"{path} holds no Ed25519 key (see `guanxi pack key`).", code="bad_key")
    public = _raw(key.public_key())
    said = {"key": base64.b64encode(public).decode(), "signature": base64.b64encode(key.sign(manifest)).decode()}
    return json.dumps(said).encode(), _fingerprint(public)


def _signer(manifest: bytes, signature: bytes) -> str:
    try:
        said = json.loads(signature)
        public = base64.b64decode(said["key"], validate=True)
        Ed25519PublicKey.from_public_bytes(public).verify(base64.b64decode(said["signature"], validate=True), manifest)
    except (ValueError, KeyError, TypeError, InvalidSignature):
        raise _bad("The signature of the pack file does not fit.") from None
    return _fingerprint(public)


def _raw(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def _fingerprint(public: bytes) -> str:
    return "ed25519:" + hashlib.sha256(public).hexdigest()[:32]


def _bad(sentence: str) -> BadRequest:
    return BadRequest(sentence, code="bad_pack_file")
