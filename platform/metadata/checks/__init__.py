"""Rules over the whole model, run when every definition compiled: what one document alone cannot get wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..link.context import Context
from .loops import automation_loops
from .names import physical_clashes, renamed_from_existing
from .references import required_circles
from .templates import forms_fit, templates_fit

Check = Callable[[Context, dict[str, dict[str, Any]]], None]

CHECKS: tuple[Check, ...] = (
    required_circles,
    physical_clashes,
    renamed_from_existing,
    automation_loops,
    templates_fit,
    forms_fit,
)
