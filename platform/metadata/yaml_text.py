"""From the bytes of a YAML file to its text: encoding, size and characters that no definition may hold.

The first half of reading a file; `yaml_reader` makes the tree. Every fault has a line and a column, also where the
bytes are no text at all.
"""

from __future__ import annotations

import codecs
import re

from guanxi.common.diagnostics import Diagnostics, Place

MAX_BYTES = 1_000_000

_MARKS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_BREAK = re.compile("[\x85\u2028\u2029]")
_LINE = re.compile("\r\n|\r|\n")


def place_of(file: str, text: str, offset: int) -> Place:
    """The line and column of a character offset."""
    line, start = 1, 0
    for found in _LINE.finditer(text, 0, offset):
        line, start = line + 1, found.end()
    return Place(file, line, offset - start + 1)


def decode(data: bytes | str, file: str, found: Diagnostics) -> str | None:
    """The text of a file without its byte order mark; None (and diagnostics) when it cannot be used."""
    if isinstance(data, str):
        if len(data) > MAX_BYTES or len(data.encode("utf-8", "surrogatepass")) > MAX_BYTES:
            _too_large(file, found)
            return None
        text = data
    else:
        if len(data) > MAX_BYTES:
            _too_large(file, found)
            return None
        decoded = _decode_bytes(data, file, found)
        if decoded is None:
            return None
        text = decoded
    text = text.removeprefix("\ufeff")
    return None if _bad_characters(text, file, found) else text


def _too_large(file: str, found: Diagnostics) -> None:
    found.error(
        "yaml-limit", "the file is larger than 1 MB", Place(file), hint="split it: every document may be its own file"
    )


def _decode_bytes(data: bytes, file: str, found: Diagnostics) -> str | None:
    for mark, name in _MARKS:
        if data.startswith(mark):
            found.error("yaml-encoding", f"the file is {name}, not UTF-8", Place(file), hint="save it as UTF-8")
            return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as fault:
        before = data[: fault.start].decode("utf-8")
        place = place_of(file, before.removeprefix("\ufeff"), len(before.removeprefix("\ufeff")))
        sentence = f"the byte 0x{data[fault.start]:02X} is not UTF-8 text"
        found.error("yaml-encoding", sentence, place, hint=_encoding_hint(data))
        return None


def _encoding_hint(data: bytes) -> str:
    try:
        guess = data.decode("gb18030")
    except UnicodeDecodeError:
        return "save the file as UTF-8"
    chinese = sum("\u4e00" <= c <= "\u9fff" for c in guess)
    return "the file looks like GBK; save it as UTF-8" if chinese else "save the file as UTF-8"


def _bad_characters(text: str, file: str, found: Diagnostics) -> bool:
    control = _CONTROL.search(text)
    if control:
        place = place_of(file, text, control.start())
        if "\x00" in text[:200] and text[:200].count("\x00") * 3 > len(text[:200]):
            found.error("yaml-encoding", "the file looks like UTF-16, not UTF-8", place, hint="save it as UTF-8")
        else:
            found.error("yaml-syntax", f"the control character U+{ord(control.group()):04X} is not allowed", place)
        return True
    separator = _BREAK.search(text)
    if separator:
        code = f"U+{ord(separator.group()):04X}"
        place = place_of(file, text, separator.start())
        hint = f"write it as an escape in a double-quoted text: \\u{ord(separator.group()):04x}"
        found.error("yaml-scalar", f"readers disagree whether {code} ends a line", place, hint=hint)
        return True
    return False


def escaped_control(value: str) -> str:
    """The control character that an escape put into a text, as `U+0000`, or ""."""
    found = _CONTROL.search(value)
    return f"U+{ord(found.group()):04X}" if found else ""
