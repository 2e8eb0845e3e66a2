"""Folded text as trigrams at every position, so that a phrase of trigrams finds any part of it.

The last positions of a word give shorter tokens; one or two characters are found as a prefix of a token. A token holds
only characters that both engines take as they are: everything that is not an ASCII letter or digit or a common Chinese
character is moved one to one into a private-use plane. A query's words are anded; white space never matters.
"""

from __future__ import annotations

from collections.abc import Sequence

from guanxi.common.errors import BadRequest
from guanxi.common.text import fold, text_fault

SIZE = 3
LONGEST_TEXT = 8_000  # characters of one field that are searched
LONGEST_QUERY = 200
MOST_WORDS = 8
_PLANE, _PLANE_SIZE = 0xF0000, 0xFFFD


class _Safe(dict[int, int]):
    """Code point to code point, filled as characters are met."""

    def __missing__(self, code: int) -> int:
        plain = (code < 128 and chr(code).isalnum()) or 0x4E00 <= code <= 0x9FA5
        self[code] = code if plain else _PLANE + code % _PLANE_SIZE
        return self[code]


_SAFE = _Safe()


def words_of(text: str) -> list[str]:
    """The folded words of a text, safe for tokens."""
    words = fold(text[:LONGEST_TEXT]).split(" ")
    return [word if word.isascii() and word.isalnum() else word.translate(_SAFE) for word in words if word]


def tokens(words: Sequence[str]) -> list[str]:
    """The tokens of words in order: one for every position of every word."""
    return [word[i : i + SIZE] for word in words for i in range(len(word))]


def asked_words(q: str) -> tuple[str, ...]:
    """What a person typed, as safe words; () when there is nothing to look for. BadRequest when it is too much."""
    if fault := text_fault(q):
        raise BadRequest(f"q: {fault}.", code="bad_request")
    if len(q) > LONGEST_QUERY:
        raise BadRequest(f"q has at most {LONGEST_QUERY} characters.", code="bad_request")
    words = words_of(q)
    if len(words) > MOST_WORDS:
        raise BadRequest(f"q has at most {MOST_WORDS} words.", code="bad_request")
    return tuple(dict.fromkeys(words))


def phrase(word: str) -> tuple[list[str], bool]:
    """The tokens that must follow each other for `word` to be found, and whether the one token is only a prefix."""
    if len(word) < SIZE:
        return [word], True
    return [word[i : i + SIZE] for i in range(len(word) - SIZE + 1)], False


def fts5_match(columns: Sequence[str], words: Sequence[str]) -> str:
    """The MATCH text of SQLite's FTS5: every word in any of the columns."""
    inside = "{" + " ".join(columns) + "}"
    parts = []
    for word in words:
        found, prefix = phrase(word)
        parts.append(f'({inside} : "{" ".join(found)}"{" *" if prefix else ""})')
    return " AND ".join(parts)


def tsquery(word: str) -> str:
    """The text of PostgreSQL's tsquery for one word."""
    found, prefix = phrase(word)
    return f"'{found[0]}':*" if prefix else " <-> ".join(f"'{token}'" for token in found)


def tsvector(words: Sequence[str]) -> str:
    """The text of PostgreSQL's tsvector of words, tokens with their positions."""
    return " ".join([f"'{token}':{at}" for at, token in enumerate(tokens(words), 1)])
