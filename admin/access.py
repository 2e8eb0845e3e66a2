"""Who may call which of the screens' routes: one table, by endpoint or by blueprint; what is not in it is not there.

`public` needs nobody, `session` somebody logged in (rights on records are the record service's), `administrators` and
`auditors` a role besides. The API's routes say the same with decorators (`runtime.api.caller`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from guanxi.common.errors import NotFound
from guanxi.runtime.access.actor import Actor

from .consoles.catalogue import CONSOLES

Access = Literal["public", "session", "administrators", "auditors"]
ACCESS: Mapping[str, Access] = {
    "assets.serve": "public",
    "gate": "public",  # log-in, second factor, invitations, resets
    "account": "session",
    "approvals": "session",  # the approval service judges who takes part
    "account_notifications": "session",
    "notifications": "session",
    "clocks": "session",
    "dashboards": "session",
    "letters": "public",  # what a signed unsubscribe link is about
    "people": "administrators",
    "admin.preferences": "public",
    "admin.index": "session",
    "admin.search": "session",
    "records": "session",
    **{f"console_{one.address}": "auditors" if "auditor" in one.roles else "administrators" for one in CONSOLES},
}


def access_of(endpoint: str) -> Access | None:
    """What the table says of an endpoint: its own row first, then its blueprint's."""
    return ACCESS.get(endpoint) or ACCESS.get(endpoint.partition(".")[0])


def demand(endpoint: str, person: Actor | None) -> bool:
    """True when anybody may go on; False when somebody must log in first. Raises NotFound for what is not there (for
    this person).
    """
    access = access_of(endpoint)
    if access == "public":
        return True
    if access is None:
        raise NotFound("There is no such page.")
    if person is None:
        return False
    if access == "session" or person.administrator or (access == "auditors" and "auditor" in person.roles):
        return True
    raise NotFound("There is no such page.")
