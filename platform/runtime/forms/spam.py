"""Whether what was sent looks like a machine's: judged without asking anybody else."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from guanxi.common.errors import BadRequest
from guanxi.registry.forms import WebForm

_LINK = re.compile(r"https?://|www\.|\[url|<a\s", re.IGNORECASE)


def verdict(form: WebForm, values: Mapping[str, Any], bait: str, age: float | None) -> str:
    """bait (a field nobody sees is filled), fast or links; "" when nothing speaks against it. `age` is how many seconds
    the visitor had the form, None when nothing says it.
    """
    if bait.strip():
        return "bait"
    if age is not None and age < form.limits.min_seconds:
        return "fast"
    return "links" if sum(len(_LINK.findall(text)) for text in _texts(values.values())) > form.limits.links else ""


def age_of(form: WebForm, started: str, age: float | None, *, page: bool) -> float | None:
    """The age that a mark proves. BadRequest when there must be one and there is none that holds."""
    if age is None and (started or page or form.limits.page_needed):
        raise BadRequest("The page is too old. Please send it once more.", code="expired")
    return age


def _texts(values: Iterable[Any]) -> Iterable[str]:
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, list | tuple):
            yield from _texts(value)
