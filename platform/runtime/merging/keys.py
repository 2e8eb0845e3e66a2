"""Normalised forms of what identifies a customer, and the blocks in which likeness is looked for. Pure.

Two values with one form are the same number, address or name, however they were typed. A block is a piece that two
like names share, so that likeness is judged on few. VERSION goes up when any form changes; tables of keys are then made
anew. What cannot be the value of a real customer (a placeholder) has no form at all.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from guanxi.common.text import fold
from guanxi.fieldtypes.companies import company_core

VERSION = 1
LONGEST = 160
FREE_MAIL = frozenset(
    "qq.com vip.qq.com foxmail.com 163.com vip.163.com 126.com yeah.net sina.com sina.cn vip.sina.com sohu.com "
    "139.com 189.cn wo.cn aliyun.com 21cn.com tom.com gmail.com googlemail.com outlook.com hotmail.com live.com "
    "msn.com yahoo.com yahoo.cn yahoo.co.jp icloud.com me.com mac.com aol.com gmx.de gmx.net web.de mail.ru yandex.ru "
    "proton.me protonmail.com naver.com".split(" ")
)
_SAME_DIGITS = re.compile(r"(\d)\1{6,}\Z")
_COUNTING = ("12345678", "87654321", "01234567")
_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_SIGNS = re.compile(r"[^\w]+|_")


@lru_cache(maxsize=8192)
def simplified(text: str) -> str:
    """Traditional characters as simplified ones; other text as it is."""
    return str(_converter().convert(text)) if _HAN.search(text) else text


@lru_cache(maxsize=1)
def _converter() -> Any:
    from opencc import OpenCC

    return OpenCC("t2s")


def phone(text: str) -> str:
    """E.164 without extension; "" for a placeholder such as 11111111."""
    plain = text.partition(";ext=")[0]
    digits = re.sub(r"\D", "", plain)
    if _SAME_DIGITS.search(digits) or digits.endswith(_COUNTING) or len(set(digits)) < 3:
        return ""
    return ("+" if plain.startswith("+") else "") + digits


def email(text: str) -> str:
    """Lower case, without a name around it."""
    plain = fold(text)
    return plain if "@" in plain else ""


def domain(text: str) -> str:
    """The domain of an e-mail address or a web site; "" for those that anybody may have an address at."""
    plain = fold(text)
    if "@" in plain:
        found = plain.rpartition("@")[2]
    else:
        try:
            found = urlsplit(plain if "//" in plain else f"//{plain}").hostname or ""
        except ValueError:
            return ""
        found = found.removeprefix("www.")
    return "" if found in FREE_MAIL or "." not in found else found


def code(text: str) -> str:
    """A number on paper (credit code, identity card, passport): without spaces and signs, upper case."""
    return _SIGNS.sub("", fold(text)).upper()


def plain_text(text: str) -> str:
    """Folded, simplified, signs as spaces."""
    return " ".join(_SIGNS.sub(" ", simplified(fold(text))).split())


def company(text: str) -> str:
    """The core of a company's name; of one shorter than two characters, the whole name."""
    core = simplified(company_core(simplified(fold(text))))
    found = _SIGNS.sub("", core) if _HAN.search(core) else plain_text(core)
    return found if len(found) > 1 else _SIGNS.sub("", plain_text(text))


def person(text: str) -> str:
    """A person's name: Chinese without spaces, others with their parts in alphabetical order."""
    plain = plain_text(text)
    return plain.replace(" ", "") if _HAN.search(plain) else " ".join(sorted(plain.split()))


NORMAL: dict[str, Callable[[str], str]] = {
    "phone": phone,
    "email": email,
    "domain": domain,
    "code": code,
    "text": plain_text,
    "address": plain_text,
    "company_name": company,
    "person_name": person,
}
LIKE = frozenset({"text", "address", "company_name", "person_name"})
"""Comparisons that may be judged by likeness; all others are equal or not."""


def normal(by: str, value: Any) -> str:
    """The form of a value for a comparison; "" when it says nothing."""
    if value is None or value == "":
        return ""
    if by == "exact":
        return fold(value) if isinstance(value, str) else str(value)
    found = NORMAL[by](str(value))
    return found if len(found) <= LONGEST else hashlib.sha256(found.encode()).hexdigest()


def blocks(form: str) -> frozenset[str]:
    """Pieces of a form: two forms that differ in one place share at least one. Short forms are their own block too."""
    tight = form.replace(" ", "")
    if len(tight) < 4:
        return frozenset({f"={tight}"})
    return frozenset({f"<{tight[:4]}", f">{tight[-4:]}", f"|{tight[:2]}{tight[-2:]}"})


def likeness(one: str, other: str) -> float:
    """0 to 1: how alike two forms are."""
    if one == other:
        return 1.0
    from rapidfuzz.fuzz import ratio

    return float(ratio(one, other)) / 100
