"""A look over the raw text before Python's parser sees it: characters, quotes, escapes, brackets.

It keeps odd input (control characters, string prefixes, unbalanced brackets) away from the parser and gives clear
sentences for what people really type, such as Chinese quotation marks.
"""

from __future__ import annotations

import re

from .faults import ExpressionErrors, ExpressionFault
from .limits import MAX_CHARACTERS, MAX_DEPTH

_STRING = re.compile(r"\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'")
_RUN_ON = re.compile(r"(?<![A-Za-z0-9_])(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?=[A-Za-z_])")
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)", re.DOTALL)
_OPEN = {"(": ")", "[": "]", "{": "}"}
_LOOKALIKES = {
    "“": '"', "”": '"', "‘": "'", "’": "'", "，": ",", "（": "(", "）": ")", "＝": "=", "＞": ">", "＜": "<",
    "！": "!", "。": ".", "；": ";", "：": ":", "≥": ">=", "≤": "<=", "≠": "!=", "×": "*", "÷": "/", "\u3000": " ",
    "\u00a0": " ",
}  # fmt: skip


def fault_at(text: str, offset: int, code: str, message: str, hint: str = "") -> ExpressionFault:
    """A fault with line and column worked out from the offset."""
    offset = max(0, min(offset, len(text)))
    line = text.count("\n", 0, offset) + 1
    column = offset - (text.rfind("\n", 0, offset) + 1) + 1
    return ExpressionFault(code, message, hint, offset, line, column)


def scan(text: str) -> None:
    """Raise ExpressionErrors for text that must not reach the parser."""
    if len(text) > MAX_CHARACTERS:
        message = f"an expression has at most {MAX_CHARACTERS:,} characters, this one has {len(text):,}"
        raise ExpressionErrors([fault_at(text, MAX_CHARACTERS, "expression-limit", message)])
    if not text.strip():
        raise ExpressionErrors([fault_at(text, 0, "expression-syntax", "the expression is empty")])
    stack: list[tuple[str, int]] = []
    position = 0
    while position < len(text):
        found = _STRING.match(text, position)
        if found:
            _check_string(text, found)
            position = found.end()
            continue
        if _RUN_ON.match(text, position):
            raise _syntax(text, position, "a number runs into a name", "put a space or an operator between them")
        _check_character(text, position, stack)
        position += 1
    if stack:
        raise _syntax(text, stack[-1][1], f"'{stack[-1][0]}' is never closed")


def _syntax(text: str, offset: int, message: str, hint: str = "") -> ExpressionErrors:
    return ExpressionErrors([fault_at(text, offset, "expression-syntax", message, hint)])


def _check_string(text: str, found: re.Match[str]) -> None:
    start, body = found.start(), found.group()[1:-1]
    if start and (text[start - 1].isalnum() or text[start - 1] in "_\"'"):
        raise _syntax(text, start, "a text is written in plain quotes, without a prefix and not in triple quotes")
    for escape in _ESCAPE.finditer(body):
        if not _readable(escape.group(1)):
            offset = start + 1 + escape.start()
            raise _syntax(text, offset, f"unknown escape '\\{escape.group(1)}'", "write \\\\ for a backslash")
    for index, character in enumerate(body):
        if ord(character) < 32 or 0xD800 <= ord(character) <= 0xDFFF or character == "\x7f":
            raise _syntax(text, start + 1 + index, "a text cannot contain control characters")


def _readable(escape: str) -> bool:
    """A quote, a backslash, a line break, a tab, or a character by its code (as JSON writers put it)."""
    if len(escape) == 1:
        return escape in "\\'\"nt"
    code = int(escape[1:], 16)
    return code >= 32 and code != 127 and not 0xD800 <= code <= 0xDFFF


def _check_character(text: str, position: int, stack: list[tuple[str, int]]) -> None:
    character = text[position]
    if character in "\"'":
        raise _syntax(text, position, "the text is not closed on this line", f"add a {character}")
    if character in _OPEN:
        stack.append((character, position))
        if len(stack) > MAX_DEPTH:
            message = f"brackets are nested more than {MAX_DEPTH} deep"
            raise ExpressionErrors([fault_at(text, position, "expression-limit", message)])
    elif character in ")]}":
        if not stack or _OPEN[stack[-1][0]] != character:
            raise _syntax(text, position, f"'{character}' has no matching opening bracket")
        stack.pop()
    elif character in "#\\`$?;" or (ord(character) < 32 and character not in "\n\t") or ord(character) == 127:
        raise _syntax(text, position, f"{character!r} has no meaning here")
    elif ord(character) > 127:
        plain = _LOOKALIKES.get(character, "")
        hint = f"did you mean {plain!r}?" if plain else "text stands in quotes"
        raise _syntax(text, position, f"'{character}' cannot stand outside quotes", hint)
