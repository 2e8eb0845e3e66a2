"""How Chinese text is typed by sound: full pinyin joined, and initials. Readings come from pypinyin's tables.

Each text gives a few forms: every character by its most frequent reading, the reading its words suggest, and the
reading its first character has as a family name (单 shan, 曾 zeng). `ü` is typed as v or as u.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Any

LONGEST = 100  # characters of a text that are found by sound
LONGEST_PHRASE = 4
_ASCII = re.compile("[\x00-\x7f]+")
_FAMILY_NAMES = {
    "单": "shan", "曾": "zeng", "解": "xie", "仇": "qiu", "查": "zha", "盖": "ge", "区": "ou", "朴": "piao",
    "任": "ren", "翟": "zhai", "尉": "wei", "覃": "qin", "乐": "yue", "华": "hua", "缪": "miao", "洗": "xian",
    "折": "she", "种": "chong", "召": "shao", "繁": "po", "员": "yun", "秘": "bi", "谌": "chen", "燕": "yan",
    "宁": "ning", "葛": "ge", "长": "zhang", "万": "wan", "曲": "qu", "尹": "yin", "薄": "bo", "柏": "bai",
    "隗": "wei", "郗": "xi", "逄": "pang", "佘": "she", "冼": "xian", "晟": "cheng", "纪": "ji", "石": "shi",
}  # fmt: skip


@lru_cache(maxsize=4_096)
def _plain(marked: str) -> str:
    """A reading without its tone mark; ü becomes v."""
    spelled = "".join(c for c in unicodedata.normalize("NFD", marked) if not unicodedata.combining(c) or c == "\u0308")
    return spelled.replace("u\u0308", "v")


@lru_cache(maxsize=1)
def _tables() -> tuple[dict[int, str], dict[str, Any]]:
    """pypinyin's readings by code point and by phrase; some 50 MB, so only a process that writes Chinese loads them."""
    from pypinyin.constants import PHRASES_DICT, PINYIN_DICT

    return PINYIN_DICT, PHRASES_DICT


@lru_cache(maxsize=30_000)
def _readings(character: str) -> tuple[str, ...]:
    """All readings of a character, most frequent first, without tones."""
    found = _tables()[0].get(ord(character))
    return tuple(dict.fromkeys(_plain(r) for r in found.split(","))) if found else ()


def _by_phrases(characters: str, plain: list[str]) -> list[str]:
    """The readings that known words inside the text suggest, longest word first."""
    phrases = _tables()[1]
    read, at = list(plain), 0
    while at < len(characters) - 1:
        for size in range(min(LONGEST_PHRASE, len(characters) - at), 1, -1):
            found = phrases.get(characters[at : at + size])
            if found is not None:
                read[at : at + size] = [_plain(syllable[0]) for syllable in found]
                at += size - 1
                break
        at += 1
    return read


def _forms(syllables: list[str]) -> list[str]:
    initials = "".join(s[:1] for s in syllables)
    full = "".join(syllables)
    typed = [full, full.replace("v", "u")] if "v" in full else [full]
    return [*typed, initials] if len(initials) > 1 else typed


def sounds(text: str) -> tuple[str, ...]:
    """What `text` may be typed as by sound, without repeats; () when it holds no Chinese character."""
    return () if text.isascii() else _sounds(_ASCII.sub("", text[:LONGEST]))


@lru_cache(maxsize=20_000)
def _sounds(text: str) -> tuple[str, ...]:
    characters = "".join(c for c in text if _readings(c))
    if not characters:
        return ()
    plain = [_readings(c)[0] for c in characters]
    forms = _forms(plain)
    if any(len(_readings(c)) > 1 for c in characters):
        suggested = _by_phrases(characters, plain)
        if suggested != plain:
            forms += _forms(suggested)
        family = _FAMILY_NAMES.get(characters[0])
        if family and family != suggested[0]:
            forms += _forms([family, *suggested[1:]])
    return tuple(dict.fromkeys(forms))
