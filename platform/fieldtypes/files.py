"""File and image: the card of a stored file. The bytes live in the file store, which made the card's id.

The type checks the card against the field's own limits; that the id exists and that the bytes are what the card says
is the file store's business.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field

from .base import Coercer, FieldContext, FieldOptions, ValueFault
from .cleaning import PRINTABLE, clean_line, range_fault, type_fault
from .places import StructuredType

MEGABYTE = 1024 * 1024
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
_MIME = re.compile(r"[a-z0-9][a-z0-9.+-]{0,60}/(?:[a-z0-9][a-z0-9.+-]{0,80}|\*)\Z")
_KEYS = frozenset(("id", "name", "type", "size"))


def _mime(text: str) -> str:
    if not _MIME.match(text):
        raise ValueError(f"{text!r} is not a media type such as application/pdf or image/*")
    return text


MediaTypes = Annotated[tuple[Annotated[str, AfterValidator(_mime)], ...], Field(strict=False)]


class FileOptions(FieldOptions):
    """Keys of file."""

    accept: MediaTypes = Field(default=(), description="Media types allowed (image/*); empty means all.")
    max_size: int = Field(default=20 * MEGABYTE, ge=1, le=1024 * MEGABYTE, description="Most bytes.")


class File(StructuredType):
    """Stored file."""

    name = "file"
    summary = "One uploaded file: its id in the file store, name, media type and size in bytes."
    widget = "file"
    Options: ClassVar[type[FieldOptions]] = FileOptions
    can_default = False
    example: ClassVar[Any] = {"id": "f_8Qm2", "name": "offer.pdf", "type": "application/pdf", "size": 48213}

    def coercer(self, options: Any, context: FieldContext) -> Coercer:
        """The card with exactly its four keys."""
        accept, max_size = tuple(options.accept), options.max_size

        def coerce(value: object) -> dict[str, Any] | None:
            card = _card(value)
            if card is None:
                return None
            if accept and not any(_fits(card["type"], wanted) for wanted in accept):
                raise type_fault(
                    f"Only these file types: {', '.join(accept)}.", f"仅允许这些文件类型:{'、'.join(accept)}。"
                )
            if card["size"] > max_size:
                raise range_fault(f"The file may have at most {max_size} bytes.", f"文件最大 {max_size} 字节。")
            return card

        return coerce

    def from_text(self, options: Any, context: FieldContext) -> Coercer:
        """The card as JSON text, as in an export."""
        coerce = self.coercer(options, context)

        def read(value: object) -> Any:
            if not isinstance(value, str):
                return coerce(value)
            text = clean_line(value, 2000)
            try:
                return None if text is None else coerce(json.loads(text))
            except (ValueError, RecursionError):
                raise _not_card() from None

        return read

    def search_text(self, value: Any) -> str:
        """The file's name."""
        return str(value["name"])

    def json_schema(self, options: Any, context: FieldContext) -> Mapping[str, Any]:
        """The card."""
        return {
            "type": "object",
            "properties": {
                "id": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"},
                "name": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": PRINTABLE},
                "type": {"type": "string", "maxLength": 143},
                "size": {"type": "integer", "minimum": 0, "maximum": options.max_size},
            },
            "required": ["id", "name", "type", "size"],
            "additionalProperties": False,
        }


def _not_card() -> ValueFault:
    return type_fault(
        'A file is {"id", "name", "type", "size"} as the upload answered it.',
        "文件应为上传接口返回的 {id, name, type, size}。",
    )


def _card(value: object) -> dict[str, Any] | None:
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if not isinstance(value, dict) or set(value) != _KEYS:
        raise _not_card()
    identity, kind, size = value["id"], value["type"], value["size"]
    name = clean_line(value["name"], 255)
    well_formed = isinstance(identity, str) and _ID.match(identity) and isinstance(kind, str) and _MIME.match(kind)
    if not well_formed or kind.endswith("*") or name is None or type(size) is not int or not 0 <= size < 2**53:
        raise _not_card()
    if "/" in name or "\\" in name or name in (".", ".."):
        raise type_fault("A file's name has no path in it.", "文件名不能包含路径。")
    return {"id": identity, "name": name, "type": kind, "size": size}


def _fits(kind: str, wanted: str) -> bool:
    return kind == wanted or (wanted.endswith("/*") and kind.startswith(wanted[:-1]))


class ImageOptions(FieldOptions):
    """Keys of image."""

    accept: MediaTypes = Field(
        default=("image/png", "image/jpeg", "image/gif", "image/webp"),
        description="Media types allowed. SVG is not among the defaults because it can carry scripts.",
    )
    max_size: int = Field(default=5 * MEGABYTE, ge=1, le=1024 * MEGABYTE, description="Most bytes.")


class Image(File):
    """Stored picture."""

    name = "image"
    summary = "One uploaded picture, shown as one."
    widget = "image"
    Options = ImageOptions
    example: ClassVar[Any] = {"id": "f_7aX1", "name": "shop.jpg", "type": "image/jpeg", "size": 90112}
