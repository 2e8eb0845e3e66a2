"""What happens at the doors, in the audit trail: by whom, whose account, from where. Never a secret."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..access.actor import Actor
from ..audit import Audit
from ..audit.trail import Outcome
from .credentials import Account


class Trail:
    """Writes entries about accounts."""

    def __init__(self, audit: Audit) -> None:
        self.audit = audit

    def own(
        self,
        action: str,
        account: Account | None,
        address: str = "",
        *,
        outcome: Outcome = "ok",
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        """An act of the person whose account it is (None: of nobody that is known)."""
        who = Actor(id=account.id, name=account.name, address=address) if account else None
        about = account.id if account else None
        self.audit.record(action, who, object="user", record_id=about, detail=detail, address=address, outcome=outcome)

    def by(self, action: str, actor: Actor, user_id: int, detail: Mapping[str, Any] | None = None) -> None:
        """An act of somebody on an account, the own one or another's."""
        self.audit.record(action, actor, object="user", record_id=user_id, detail=detail)
