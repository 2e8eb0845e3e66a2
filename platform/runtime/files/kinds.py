"""What a file really is: its media type from its first bytes, held against what the sender says.

Only types that cannot run in a browser are ever shown in place; everything else is a download.
"""

from __future__ import annotations

import mimetypes
import re

from guanxi.common.errors import FieldError, Invalid

SAFE_IMAGES = frozenset(("image/png", "image/jpeg", "image/gif", "image/webp"))
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"PK\x03\x04", "application/zip"),
    (b"PK\x05\x06", "application/zip"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (b"\x1f\x8b", "application/gzip"),
    (b"BM", "image/bmp"),
    (b"ID3", "audio/mpeg"),
    (b"OggS", "audio/ogg"),
)
_MARKUP = re.compile(rb"^\s*(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html|script|svg|\?xml)", re.IGNORECASE)
_MIME = re.compile(r"[a-z0-9][a-z0-9.+-]{0,60}/[a-z0-9][a-z0-9.+-]{0,80}\Z")
# What a container of these bytes may rightly call itself.
_MAY_BE = {
    "application/zip": (
        "application/vnd.openxmlformats-officedocument.",
        "application/vnd.oasis.opendocument.",
        "application/zip",
        "application/x-zip-compressed",
        "application/java-archive",
        "application/epub+zip",
    ),
    "application/x-ole-storage": ("application/msword", "application/vnd.ms-", "application/x-ole-storage"),
    "audio/ogg": ("audio/ogg", "video/ogg", "application/ogg"),
    "image/bmp": ("image/bmp", "text/plain"),
    "audio/mpeg": ("audio/mpeg", "audio/mp3"),
}


def find_kind(start: bytes, name: str, said: str = "") -> str:
    """The media type to store. Raises Invalid when the bytes contradict what was said or what the name says."""
    wanted = said.partition(";")[0].strip().casefold()
    if not _MIME.match(wanted) or wanted == "application/octet-stream":
        wanted = (mimetypes.guess_type(name)[0] or "").casefold()
    found = _by_bytes(start)
    if not found:
        if wanted.startswith("image/") and wanted != "image/svg+xml":
            raise _contradiction("The file is not a picture of the type it names.")
        if wanted in ("application/pdf", "application/zip"):
            raise _contradiction("The file is not what its name says.")
        return wanted if _MIME.match(wanted) else _plain(start)
    if not wanted or wanted == found:
        return found
    if found == "text/html":
        return found if wanted in ("text/html", "application/xhtml+xml", "text/plain") else _or_markup(wanted)
    if any(wanted.startswith(one) for one in _MAY_BE.get(found, ())):
        return wanted
    raise _contradiction(f"The file says it is {wanted}, but it is {found}.")


def _or_markup(wanted: str) -> str:
    if wanted in ("image/svg+xml", "application/xml", "text/xml") or wanted.endswith("+xml"):
        return wanted
    raise _contradiction(f"The file says it is {wanted}, but it is markup.")


def _contradiction(sentence: str) -> Invalid:
    return Invalid([FieldError("file", "type", sentence)])


def _by_bytes(start: bytes) -> str:
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "image/webp"
    if start[4:8] == b"ftyp":
        return "image/avif" if start[8:12] in (b"avif", b"avis") else "video/mp4"
    for magic, kind in _MAGIC:
        if start.startswith(magic):
            return kind
    return "text/html" if _MARKUP.match(start[:1024]) else ""


def _plain(start: bytes) -> str:
    """Text when it reads as UTF-8 without control characters, else unknown bytes."""
    try:
        text = (
            start[:2048].decode("utf-8", errors="strict")
            if len(start) < 2048
            else start[:2045].decode("utf-8", "ignore")
        )
    except UnicodeDecodeError:
        return "application/octet-stream"
    clean = all(char.isprintable() or char in "\t\r\n" for char in text)
    return "text/plain" if clean and start else "application/octet-stream"


def safe_name(name: str) -> str:
    """A file's own name: no path, no control characters, no change of reading direction, at most 200 characters."""
    last = re.split(r"[\\/]", name)[-1]
    kept = "".join(char for char in last if char.isprintable() and char not in '<>:"|?*\u202a\u202b\u202c\u202d\u202e')
    kept = kept.strip(" .")
    if len(kept) > 200:
        stem, dot, ending = kept.rpartition(".")
        kept = f"{stem[: 200 - len(ending) - 1]}.{ending}" if dot and len(ending) < 20 else kept[:200]
    return kept or "file"
