"""What the screens ask of the place that wires the product together.

`create_site` gets a callable that answers the `SiteServices` of the version published now; it is asked once per
request, so a page is always drawn from one version. Everything about records passes `records`, the one door.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from guanxi.registry import Registry
from guanxi.runtime.access.actor import Actor
from guanxi.runtime.audit import Audit
from guanxi.runtime.ports import Records


class SiteServices(Protocol):
    """One published version as the screens see it."""

    @property
    def registry(self) -> Registry:
        """All definitions of this version."""
        ...

    @property
    def records(self) -> Records:
        """The one door to records."""
        ...

    @property
    def version(self) -> int | str:
        """Names the published version; a new value drops every compiled view."""
        ...

    @property
    def name(self) -> str:
        """The instance's name, shown as the brand."""
        ...

    @property
    def export_reason(self) -> bool:
        """Whether an export must say what it is for."""
        ...

    @property
    def languages(self) -> tuple[str, ...]:
        """Languages of the instance, the default first ("en", "zh")."""
        ...

    @property
    def audit(self) -> Audit:
        """The trail of acts that matter."""
        ...

    def authenticate(self, name: str, password: str) -> int | None:
        """The user's id, or None for a wrong name or password (alike, in the same time).

        Raises TooManyRequests when there were too many tries.
        """
        ...

    def actor(self, user_id: int, signed_in_at: int, language: str) -> Actor | None:
        """The person of a session begun at `signed_in_at` (epoch seconds), speaking `language`; None when the
        session no longer holds (suspended, password changed since).
        """
        ...


ServicesSource = Callable[[], SiteServices]
