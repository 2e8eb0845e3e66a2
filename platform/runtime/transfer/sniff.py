"""What a file is, found out before it is read: format, encoding, separator, quoting.

Everything found is shown to the caller and may be said otherwise. The whole file is decoded once here, so that a wrong
byte is named with its line before anything is written. charset-normalizer is asked only where the bytes are neither
Unicode nor likely GB18030.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any, BinaryIO, Literal

from guanxi.common.errors import BadRequest
from guanxi.common.names import did_you_mean

from .limits import MAX_CELL, bad_file

Format = Literal["csv", "xlsx", "ndjson"]
FORMATS: tuple[Format, ...] = ("csv", "xlsx", "ndjson")
SAMPLE = 256 * 1024
BLOCK = 256 * 1024
SEPARATORS = (",", "\t", ";", "|")
NAMES = {"\t": "tab", ",": "comma", ";": "semicolon", "|": "pipe", " ": "space"}
WORDS = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "space": " "}
ENDS = {"\\n": "\n", "\\r\\n": "\r\n", "\\r": "\r", "lf": "\n", "crlf": "\r\n"}
BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
ENCODINGS = (
    "utf-8",
    "utf-8-sig",
    "utf-16",
    "utf-16-le",
    "utf-16-be",
    "utf-32",
    "gb18030",
    "gbk",
    "gb2312",
    "big5",
    "big5hkscs",
    "latin-1",
    "iso8859-1",
    "iso8859-15",
    "cp1250",
    "cp1251",
    "cp1252",
    "shift_jis",
    "cp932",
    "euc-jp",
    "euc-kr",
    "cp949",
    "ascii",
    "koi8-r",
    "mac-roman",
)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a file is written. `record_end` other than "" means a plain split without quotes; `header` False names the
    columns col1, col2, …; `sheet` is a workbook's sheet, "" for the first.
    """

    format: Format = "csv"
    encoding: str = "utf-8"
    delimiter: str = ","
    quote: str = '"'
    skip_space: bool = False
    record_end: str = ""
    header: bool = True
    sheet: str = ""

    def shown(self) -> dict[str, object]:
        """For a report, only what matters for the format."""
        found: dict[str, object] = {"format": self.format, "header": self.header}
        if self.format == "xlsx":
            return found | ({"sheet": self.sheet} if self.sheet else {})
        found["encoding"] = self.encoding
        if self.format == "csv":
            found |= {"delimiter": NAMES.get(self.delimiter, self.delimiter), "quote": self.quote or "none"}
        return found


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the caller says about the file; "" and None leave it to be found out."""

    format: str = ""
    encoding: str = ""
    delimiter: str = ""
    quote: str = ""
    record_end: str = ""
    header: bool | None = None
    sheet: str = ""


def sniff(file: BinaryIO, name: str = "", wanted: Wanted | None = None) -> Dialect:
    """The dialect of a file (left at its beginning). Raises BadRequest where it cannot be read."""
    asked = wanted or Wanted()
    file.seek(0)
    start = file.read(SAMPLE)
    file.seek(0)
    if not start:
        raise bad_file("The file is empty.", code="empty_file")
    format_ = _format(start, name, asked.format)
    header = True if asked.header is None else asked.header
    if format_ == "xlsx":
        return Dialect("xlsx", "", "", "", header=header, sheet=asked.sheet)
    encoding = _named_encoding(asked.encoding) if asked.encoding else find_encoding(file)
    check_decodes(file, encoding)
    text = _decoded(start, encoding)
    if format_ == "ndjson":
        return Dialect("ndjson", encoding, "", "", header=True)
    dialect = Dialect("csv", encoding, header=header, record_end=ENDS.get(asked.record_end, asked.record_end))
    if asked.quote:
        dialect = replace(dialect, quote="" if asked.quote == "none" else _one(asked.quote, "quote"))
    if asked.delimiter:
        return replace(dialect, **_said_delimiter(asked.delimiter, dialect, text))
    delimiter, skip = find_delimiter(text, dialect.quote)
    return replace(dialect, delimiter=delimiter, skip_space=skip)


def _said_delimiter(said: str, dialect: Dialect, text: str) -> dict[str, Any]:
    delimiter = WORDS.get(said, said)
    if len(delimiter) > 8 or any(c in "\r\n\0" for c in delimiter):
        raise BadRequest("'delimiter' is one character or a short text such as +|.", code="bad_parameter")
    spaced = len(delimiter) == 2 and delimiter[1] == " " and delimiter[0] != " "
    if spaced:
        return {"delimiter": delimiter[0], "skip_space": True}
    if len(delimiter) > 1 and not dialect.record_end:
        return {"delimiter": delimiter, "record_end": "\r\n" if "\r\n" in text else "\n"}
    return {"delimiter": delimiter}


def _one(text: str, parameter: str) -> str:
    if len(text) != 1 or text in "\r\n\0":
        raise BadRequest(f"'{parameter}' is one character, or none.", code="bad_parameter")
    return text


def _format(start: bytes, name: str, said: str) -> Format:
    if said:
        if said not in FORMATS:
            raise BadRequest(f"'format' is one of {', '.join(FORMATS)}.", code="bad_parameter")
        return said
    ending = name.rsplit(".", 1)[-1].casefold()
    if start.startswith(b"PK\x03\x04") or ending == "xlsx":
        return "xlsx"
    if start.startswith(b"\xd0\xcf\x11\xe0"):
        raise bad_file("Old .xls workbooks are not read; save it as .xlsx or CSV.", code="file_type")
    if ending in ("ndjson", "jsonl") or start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return "ndjson"
    return "csv"


# encoding -------------------------------------------------------------------------------------------
def _named_encoding(said: str) -> str:
    try:
        found = codecs.lookup(said).name
    except (LookupError, ValueError):
        found = ""
    if found not in {codecs.lookup(one).name for one in ENCODINGS}:
        raise BadRequest(f"Unknown encoding '{said[:40]}'.", code="bad_parameter", hint=did_you_mean(said, ENCODINGS))
    return found


def find_encoding(file: BinaryIO) -> str:
    """Byte order mark, then UTF-16 by its zero bytes, then UTF-8 if all of it is, then GB18030, then the best guess."""
    file.seek(0)
    start = file.read(SAMPLE)
    file.seek(0)
    for mark, name in BOMS:
        if start.startswith(mark):
            return name
    even, odd = start[0:4096:2].count(0), start[1:4096:2].count(0)
    half = min(len(start), 4096) // 2
    if half and (even > half // 4 or odd > half // 4) and even != odd:
        return "utf-16-le" if odd > even else "utf-16-be"
    bare = _bare_utf16(start)
    if bare:
        return bare
    if decodes(file, "utf-8"):
        return "utf-8"
    if _likely_chinese(start) and decodes(file, "gb18030"):
        return "gb18030"
    import charset_normalizer

    best = charset_normalizer.from_bytes(start[: 64 * 1024]).best()
    guess = codecs.lookup(best.encoding).name if best is not None else ""
    if guess and guess in {codecs.lookup(one).name for one in ENCODINGS} and decodes(file, guess):
        same = decodes(file, "cp1252") and _decoded(start, "cp1252") == _decoded(start, guess)
        return "cp1252" if same else guess
    return "gb18030" if decodes(file, "gb18030") else "cp1252"


def _bare_utf16(start: bytes) -> str:
    """UTF-16 of Chinese text has few zero bytes, but its separators and line ends have one each."""
    if start.count(b"\0") == 0:
        return ""
    for name, end in (("utf-16-le", b"\n\0"), ("utf-16-be", b"\0\n")):
        if any(start[i : i + 2] == end for i in range(0, min(len(start), 8192), 2)):
            try:
                codecs.getincrementaldecoder(name)().decode(start)
            except UnicodeDecodeError:
                continue
            return name
    return ""


def _likely_chinese(start: bytes) -> bool:
    """Most pairs of high bytes are characters in daily use; accented Latin text read as GB18030 gives rare ones."""
    text = codecs.getincrementaldecoder("gb18030")(errors="replace").decode(start)
    found = Counter(c for c in text if ord(c) > 127)
    total = sum(found.values())
    if not total:
        return False
    common = sum(n for c, n in found.items() if _in_gb2312(c))
    return common / total >= 0.7


def _in_gb2312(char: str) -> bool:
    try:
        char.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return True


def decodes(file: BinaryIO, encoding: str) -> bool:
    """True when the whole file is lawful in the encoding."""
    try:
        check_decodes(file, encoding)
    except BadRequest:
        return False
    return True


def check_decodes(file: BinaryIO, encoding: str) -> None:
    """Decode the whole file; BadRequest with the line of the first byte that does not fit."""
    decoder = codecs.getincrementaldecoder(encoding)()
    file.seek(0)
    line = 1
    try:
        while block := file.read(BLOCK):
            before = line
            text = decoder.decode(block)
            line = before + text.count("\n")
            if "\0" in text:
                raise bad_file(
                    "The file holds a NUL character; it is not text, or its encoding is another.",
                    code="encoding",
                    row=before + text[: text.index("\0")].count("\n"),
                )
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as fault:
        row = line + (block[: fault.start].count(b"\n") if block else 0)
        raise bad_file(
            f"A byte does not fit the encoding {encoding}.",
            code="encoding",
            row=row,
            hint="say encoding=, such as gb18030",
        ) from None
    finally:
        file.seek(0)


def _decoded(start: bytes, encoding: str) -> str:
    return codecs.getincrementaldecoder(encoding)(errors="ignore").decode(start)


# separator ------------------------------------------------------------------------------------------
def find_delimiter(text: str, quote: str = '"') -> tuple[str, bool]:
    """The separator that gives the most even records with more than one cell, and whether a space follows it.

    A file of one column has none: the comma then, which costs nothing.
    """
    best, score = ",", 0.0
    for candidate in SEPARATORS:
        widths = _widths(text, candidate, quote)
        if not widths or widths[0] < 2:
            continue
        even = sum(1 for width in widths if width == widths[0]) / len(widths)
        value = even + min(widths[0], 100) / 1000
        if value > score:
            best, score = candidate, value
    first = next(iter(text.splitlines()), "")
    pieces = first.split(best)
    return best, len(pieces) > 1 and best != "\t" and all(piece.startswith(" ") for piece in pieces[1:])


def _widths(text: str, delimiter: str, quote: str) -> list[int]:
    """Cells of the first records, the last (perhaps cut) record left out."""
    csv.field_size_limit(MAX_CELL * 4)
    options = {"quotechar": quote} if quote else {"quoting": csv.QUOTE_NONE}
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, **options)
    widths: list[int] = []
    try:
        for row in rows:
            if row:
                widths.append(len(row))
            if len(widths) > 200:
                break
    except csv.Error:
        return []
    return widths[:-1] if len(text) >= SAMPLE // 4 and len(widths) > 2 else widths
