"""Text types: text, long_text, rich_text, email, url and color.

Patterns are written by administrators and run on outside values, so they run on RE2: linear time whatever the text.
Rich text is sanitised when it arrives, so that what is stored is already harmless.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar
from urllib.parse import urlsplit

import nh3
import re2
from pydantic import AfterValidator, Field

from guanxi.expressions.types import TEXT, ValueType

from .base import Coercer, Column, FieldContext, FieldOptions, FieldType
from .cleaning import (
    PRINTABLE,
    cell_text,
    clean_line,
    clean_lines,
    from_cell,
    too_long,
    too_short,
    type_fault,
    typed_text,
)

_ECMA = re.compile(r"\(\?(?![:=!])|\\[pPQEAzC]|\[\[:")


def compiled_pattern(pattern: str) -> Any:
    """RE2's program for a pattern. Raises ValueError with RE2's reason."""
    settings = re2.Options()
    settings.log_errors = False
    try:
        return re2.compile(pattern, settings)
    except re2.error as error:
        reason = error.args[0] if error.args else error
        raise ValueError(f"not a usable pattern: {reason.decode() if isinstance(reason, bytes) else reason}") from None


def _lawful(pattern: str | None) -> str | None:
    if pattern:
        compiled_pattern(pattern)
    return pattern


Pattern = Annotated[str, AfterValidator(_lawful)]


class PlainType(FieldType):
    """Base of the types whose value is text in a text column."""

    searchable = True

    def column(self, options: Any) -> Column:
        """Text."""
        return Column("text")

    def value_type(self, options: Any, context: FieldContext) -> ValueType:
        """Text."""
        return TEXT

    def from_text(self, options: Any, context: FieldContext) -> Coercer:
        """As the API takes it; a spreadsheet's number counts as its digits."""
        return from_cell(self.coercer(options, context))

    def json_schema(self, options: Any, context: FieldContext) -> Mapping[str, Any]:
        """A string."""
        return {"type": "string"}


class TextOptions(FieldOptions):
    """Keys of text."""

    length: int = Field(default=255, ge=1, le=20_000, description="Most characters.")
    min_length: int = Field(default=0, ge=0, le=20_000, description="Fewest characters of a filled value.")
    pattern: Pattern | None = Field(
        default=None, max_length=500, description="Regular expression (RE2) that the whole value must match."
    )


class Text(PlainType):
    """One line."""

    name = "text"
    summary = "One line of text; trimmed, line breaks inside become a space."
    Options = TextOptions
    example: ClassVar[Any] = "Lan Xin Trading"

    def coercer(self, options: TextOptions, context: FieldContext) -> Coercer:
        """Trim, then judge length and pattern."""
        limit, least = options.length, options.min_length
        program = compiled_pattern(options.pattern) if options.pattern else None

        def coerce(value: object) -> str | None:
            text = clean_line(value, limit)
            if text is None:
                return None
            if len(text) < least:
                raise too_short(least)
            if program is not None and not program.fullmatch(text):
                raise type_fault("The text does not have the form asked for.", "文本格式不符合要求。")
            return text

        return coerce

    def json_schema(self, options: TextOptions, context: FieldContext) -> Mapping[str, Any]:
        """A string with its lengths, and the pattern where JSON Schema's dialect can say it."""
        schema: dict[str, Any] = {"type": "string", "maxLength": options.length, "pattern": PRINTABLE}
        if options.min_length:
            schema["minLength"] = options.min_length
        if options.pattern and not _ECMA.search(options.pattern):
            schema["pattern"] = f"^(?:{options.pattern})$"
        return schema


class LongTextOptions(FieldOptions):
    """Keys of long_text."""

    length: int = Field(default=20_000, ge=1, le=200_000, description="Most characters.")


class LongText(PlainType):
    """Several lines."""

    name = "long_text"
    summary = "Text of several lines, kept as written; line ends become LF."
    widget = "textarea"
    Options = LongTextOptions
    groupable = False
    can_unique = False
    example: ClassVar[Any] = "Met at the fair.\nWants a quote by Friday."

    def coercer(self, options: LongTextOptions, context: FieldContext) -> Coercer:
        """Keep the lines."""
        limit = options.length
        return lambda value: clean_lines(value, limit)

    def json_schema(self, options: LongTextOptions, context: FieldContext) -> Mapping[str, Any]:
        """A string with its length."""
        return {"type": "string", "maxLength": options.length, "pattern": PRINTABLE}


class RichTextOptions(FieldOptions):
    """Keys of rich_text."""

    length: int = Field(default=50_000, ge=1, le=200_000, description="Most characters of the HTML.")


_TAGS = {
    *"a b blockquote br code em h1 h2 h3 h4 hr i li ol".split(),
    *"p pre s strong sub sup table tbody td th thead tr u ul".split(),
}
_ATTRIBUTES = {"a": {"href", "title"}, "td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan"}}
_SCHEMES = {"http", "https", "mailto", "tel"}


def sanitised(html: str) -> str:
    """Harmless HTML: a short list of tags, links with rel, no styles, scripts, images or comments."""
    return nh3.clean(html, tags=_TAGS, attributes=_ATTRIBUTES, url_schemes=_SCHEMES, link_rel="noopener noreferrer")


class RichText(PlainType):
    """HTML."""

    name = "rich_text"
    summary = "Formatted text as HTML, sanitised when it is saved; pictures, styles and scripts are taken out."
    widget = "rich_text"
    Options = RichTextOptions
    sortable = False
    groupable = False
    can_unique = False
    example: ClassVar[Any] = "<p>Wants <strong>two</strong> licences.</p>"

    def coercer(self, options: RichTextOptions, context: FieldContext) -> Coercer:
        """Sanitise; HTML that shows nothing is a blank."""
        limit = options.length

        def coerce(value: object) -> str | None:
            html = clean_lines(value, limit)
            if html is None:
                return None
            safe = sanitised(html)
            if len(safe) > limit:
                raise too_long(limit)
            return safe if plain_text(safe) or "<hr" in safe else None

        return coerce

    def search_text(self, value: Any) -> str:
        """The words without the markup."""
        return plain_text(value)

    def json_schema(self, options: RichTextOptions, context: FieldContext) -> Mapping[str, Any]:
        """A string with its length."""
        return {"type": "string", "maxLength": options.length, "pattern": PRINTABLE, "contentMediaType": "text/html"}


_TAG = re.compile(r"<[^<>]*>")
_ENTITIES = {"&nbsp;": " ", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&amp;": "&"}


def plain_text(html: str) -> str:
    """The words of sanitised HTML on one line."""
    text = _TAG.sub(" ", html)
    for entity, sign in _ENTITIES.items():
        text = text.replace(entity, sign)
    return " ".join(text.split())


_LOCAL = r"[^\s@\"<>()\[\],:;\\.\x00-\x1f\x7f]+(?:\.[^\s@\"<>()\[\],:;\\.\x00-\x1f\x7f]+)*"
_LABEL = r"[^\W_](?:[\w-]{0,61}[^\W_])?"
_EMAIL = re.compile(rf"({_LOCAL})@((?:{_LABEL}\.)+{_LABEL})\Z")


class Email(PlainType):
    """E-mail."""

    name = "email"
    summary = "One e-mail address; the domain is kept in lower case."
    widget = "email"
    mask_style = "email"
    example: ClassVar[Any] = "li.wei@example.com"
    typed = ("mailto:li.wei@example.com", "li.wei＠example.com")

    def coercer(self, options: FieldOptions, context: FieldContext) -> Coercer:
        """Judge the form; international domains and names are lawful."""

        def coerce(value: object) -> str | None:
            text = clean_line(value, 254)
            if text is None:
                return None
            found = _EMAIL.match(text)
            if found is None or len(found[1]) > 64:
                raise type_fault("This is not an e-mail address.", "这不是有效的邮箱地址。")
            return f"{found[1]}@{found[2].lower()}"

        return coerce

    def from_text(self, options: FieldOptions, context: FieldContext) -> Coercer:
        """Full-width signs and a leading mailto: are understood."""
        coerce = self.coercer(options, context)

        def read(value: object) -> Any:
            text = typed_text(value)
            return None if text is None else coerce(text[7:] if text[:7].lower() == "mailto:" else text)

        return read

    def json_schema(self, options: FieldOptions, context: FieldContext) -> Mapping[str, Any]:
        """A string of format email."""
        return {"type": "string", "format": "email", "maxLength": 254}


_HOST = re.compile(r"(?:\w(?:[\w.-]{0,251}\w)?\.?|[0-9a-f:]+(?:[0-9.]+)?)\Z")
_BARE = re.compile(r"(?:[\w-]+\.)+[^\W\d_]{2,}(?::\d+)?(?:[/?#].*)?\Z")
# What nearly every address looks like; everything else is taken apart.
_PLAIN_URL = re.compile(r"https?://[a-z0-9](?:[a-z0-9.-]{0,250}[a-z0-9])?(?:/[A-Za-z0-9._~/%?&=+,;-]*)?\Z")
_NOT_IN_URL = re.compile(r'[\s<>"\\^`{|}]')


def web_address(text: str) -> str:
    """The address when it is http or https with a host and without a password. Raises ValueFault type."""
    if _PLAIN_URL.match(text):
        return text
    try:
        parts = urlsplit(text)
        lawful = (
            parts.scheme in ("http", "https")
            and not _NOT_IN_URL.search(text)
            and "@" not in parts.netloc
            and _HOST.match(parts.hostname or "") is not None
            and (parts.port is None or parts.port > 0)
        )
    except ValueError:
        lawful = False
    if not lawful:
        raise type_fault("This is not a web address (http or https).", "这不是有效的网址(http 或 https)。")
    return text


class Url(PlainType):
    """Web address."""

    name = "url"
    summary = "One web address, http or https only, without a user name in it."
    widget = "url"
    groupable = False
    example: ClassVar[Any] = "https://example.com/about"
    typed = ("www.example.com", "example.com/about")

    def coercer(self, options: FieldOptions, context: FieldContext) -> Coercer:
        """Judge the form."""

        def coerce(value: object) -> str | None:
            text = clean_line(value, 2000)
            return None if text is None else web_address(text)

        return coerce

    def from_text(self, options: FieldOptions, context: FieldContext) -> Coercer:
        """A host without a scheme gets https."""

        def read(value: object) -> Any:
            text = clean_line(value, 1992)
            return None if text is None else web_address(f"https://{text}" if _BARE.match(text) else text)

        return read

    def json_schema(self, options: FieldOptions, context: FieldContext) -> Mapping[str, Any]:
        """A string of format uri (iri where there are other than ASCII letters)."""
        return {"type": "string", "maxLength": 2000, "pattern": r"^\s*[Hh][Tt][Tt][Pp][Ss]?://"}


_COLOR = re.compile(r"#[0-9a-f]{6}\Z")
_TYPED_COLOR = re.compile(r"#?([0-9a-f]{3}|[0-9a-f]{6})\Z")


class Color(PlainType):
    """Colour."""

    name = "color"
    summary = "A colour as #rrggbb, kept in lower case."
    widget = "color"
    searchable = False
    example: ClassVar[Any] = "#1f6feb"
    typed = ("1F6FEB", "#08f")

    def coercer(self, options: FieldOptions, context: FieldContext) -> Coercer:
        """Judge the form."""

        def coerce(value: object) -> str | None:
            text = clean_line(value, 100)
            if text is None:
                return None
            text = text.lower()
            if not _COLOR.match(text):
                raise type_fault("Write a colour as #rrggbb.", "颜色应写成 #rrggbb。")
            return text

        return coerce

    def from_text(self, options: FieldOptions, context: FieldContext) -> Coercer:
        """The short form and a form without # are understood."""
        coerce = self.coercer(options, context)

        def read(value: object) -> Any:
            text = typed_text(cell_text(value))
            found = _TYPED_COLOR.match(text.lower()) if text else None
            if found is None:
                return coerce(text)
            digits = found[1] if len(found[1]) == 6 else "".join(2 * d for d in found[1])
            return coerce(f"#{digits}")

        return read

    def json_schema(self, options: FieldOptions, context: FieldContext) -> Mapping[str, Any]:
        """A string of the form #rrggbb."""
        return {"type": "string", "pattern": "^#[0-9a-fA-F]{6}$"}
