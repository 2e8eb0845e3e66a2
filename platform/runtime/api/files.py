"""Upload and download of stored files."""

from __future__ import annotations

from urllib.parse import quote

from flask import Blueprint, Response, request, url_for

from ..files.kinds import SAFE_IMAGES
from ..files.store import FileStore
from ..transfer.limits import MEGABYTE
from . import parse, respond
from .caller import actor, host, logged_in, services
from .multipart import one_file

MOST = 64
WAITING = 1024


def register(api: Blueprint) -> None:
    """Add /files."""
    api.add_url_rule("/files", "upload", upload_file, methods=["POST"])
    api.add_url_rule("/files/<file>", "file", download_file, methods=["GET"])


def _store() -> FileStore:
    return FileStore(services().database, services().clock)


@logged_in
def upload_file() -> Response:
    """A new file: 201 with its card, the value of a file or image field."""
    parse.parameters(request, ())
    who = actor()
    most = host().limits.get("upload_megabytes", MOST) * MEGABYTE
    stream, name, said = one_file(request, most)
    waiting = host().limits.get("waiting_megabytes", WAITING) * MEGABYTE
    stored = _store().put(stream, name, by_id=who.id, said=said, most=most, waiting=waiting)
    return respond.answer(stored.card, 201, {"Location": url_for("guanxi_api.file", file=stored.token)})


@logged_in
def download_file(file: str) -> Response:
    """The bytes of a file that the caller may read; only safe pictures are shown in place."""
    parse.parameters(request, ())
    store = _store()
    found = store.readable(file, actor(), services().records)
    response = Response(store.read(found), content_type=found.type)
    shown = "inline" if found.type in SAFE_IMAGES else "attachment"
    plain = "".join(char if char.isascii() and (char.isalnum() or char in "._-") else "_" for char in found.name)
    response.headers["Content-Disposition"] = (
        f"{shown}; filename=\"{plain}\"; filename*=UTF-8''{quote(found.name, safe='')}"
    )
    response.headers["Content-Length"] = str(found.size)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response.headers["Cache-Control"] = "private, no-store"
    return response
