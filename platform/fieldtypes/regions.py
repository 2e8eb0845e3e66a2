"""China's administrative divisions (GB/T 2260), from the table that python-stdnum ships.

Codes that were in force once and are no more stay lawful: old records and identity cards carry them.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from stdnum import numdb

_CODE = re.compile(r"[0-9]{6}\Z")
_ERA = re.compile(r"\[[0-9]*-[0-9]*\]")
_FILLERS = ("市辖区", "县", "省直辖县级行政区划", "自治区直辖县级行政区划")


@lru_cache(maxsize=1)
def _table() -> Any:
    return numdb.get("cn/loc")


@lru_cache(maxsize=8192)
def region_path(code: str) -> tuple[str, ...]:
    """Names from the province down, such as ("浙江省", "杭州市", "西湖区"); () for an unknown code."""
    if not _CODE.match(code):
        return ()
    province = _name(f"{code[:2]}0000")
    own = _name(code)
    if not province or not own:
        return ()
    if code[2:] == "0000":
        return (province,)
    city = _name(f"{code[:4]}00")
    names = [province, city, own] if code[4:] != "00" else [province, own]
    return tuple(name for i, name in enumerate(names) if name and (name not in _FILLERS or i == len(names) - 1))


def _name(code: str) -> str:
    found = {k: v for _part, props in _table().info(code) for k, v in props.items()}
    return _ERA.sub("", found.get("county", "").split(",")[-1])


def known_region(code: str) -> bool:
    """True for a six-digit code that is or was in force."""
    return bool(region_path(code))
