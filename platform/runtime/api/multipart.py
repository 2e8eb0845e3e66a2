"""Uploads: exactly one part named `file`, nothing beside it."""

from __future__ import annotations

from typing import BinaryIO, cast

from flask import Request
from werkzeug.datastructures import FileStorage

from guanxi.common.errors import BadRequest, TooLarge
from guanxi.common.text import text_fault

from .parse import UnsupportedMediaType

SLACK = 64 * 1024  # of a body, for the parts' own heads


def one_file(request: Request, most: int) -> tuple[BinaryIO, str, str]:
    """Stream, file name and declared type. Raises TooLarge, BadRequest, UnsupportedMediaType."""
    if request.mimetype != "multipart/form-data":
        raise UnsupportedMediaType("The body must be multipart/form-data with a part 'file'.")
    if request.content_length is not None and request.content_length > most + SLACK:
        raise TooLarge(f"A file has at most {most:,} bytes.")
    request.max_content_length = most + SLACK
    for name in [*request.form, *request.files]:
        if name != "file":
            raise BadRequest(f"Unknown part '{name[:60]}'.", code="unknown_key", hint="the part is called 'file'")
    found: list[FileStorage] = request.files.getlist("file")
    if len(found) != 1:
        raise BadRequest("Send exactly one part 'file' with a file name.", code="required")
    name = found[0].filename or "file"
    if text_fault(name) or "\ufffd" in name:
        raise BadRequest("The file's name cannot be used.", code="bad_parameter")
    return cast(BinaryIO, found[0].stream), name[:500], found[0].mimetype or ""
