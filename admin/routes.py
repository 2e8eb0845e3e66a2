"""Flask-Admin's `expose` with a type, so that view methods keep theirs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar, cast

from flask_admin import expose as flask_admin_expose

F = TypeVar("F", bound=Callable[..., Any])


def expose(url: str = "/", methods: Iterable[str] = ("GET",)) -> Callable[[F], F]:
    """Mark a view method as reachable at `url` below its view's own address."""
    return cast(Callable[[F], F], flask_admin_expose(url, methods))
