"""What a token may do at most: `read`, `write` (which reads too), `admin`, and `object:name` for some objects only.

No scopes: everything its person may. The rights of a token are its person's rights within its scopes; they are narrowed
in the actor's roles, so that everything kept per set of roles keeps them apart (`access.scoped`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from guanxi.common.errors import FieldError, Invalid
from guanxi.common.names import did_you_mean, name_fault

from ..access.actor import Actor
from ..access.scoped import MARK

KINDS = ("read", "write", "admin")


def checked(scopes: Iterable[object], objects: Iterable[str] = ()) -> tuple[str, ...]:
    """The scopes in a fixed order. Raises Invalid for one that does not exist."""
    found: set[str] = set()
    known = list(objects)
    for scope in scopes:
        text = scope if isinstance(scope, str) else ""
        name = text.removeprefix("object:")
        if text not in KINDS and (name == text or name_fault(name) or (known and name not in known)):
            hint = did_you_mean(name, known if name != text else KINDS)
            said = f"There is no scope '{text[:80]}'" + (f" ({hint})" if hint else "") + "."
            raise Invalid([FieldError("scopes", "choice", said)])
        found.add(text)
    if found and not found.intersection(("read", "write")):
        found.add("read")
    return tuple(sorted(found))


def narrowed(actor: Actor, scopes: tuple[str, ...]) -> Actor:
    """The actor with no more rights than the scopes give; the same actor without scopes."""
    if not scopes:
        return actor
    return replace(actor, roles=actor.roles | {f"{MARK}{scope}" for scope in scopes}, scopes=frozenset(scopes))


def may_write(actor: Actor) -> bool:
    """True unless a token only reads."""
    return actor.scopes is None or "write" in actor.scopes


def may_administer(actor: Actor) -> bool:
    """True for an administrator who is not held by scopes."""
    return actor.administrator and (actor.scopes is None or {"admin", "write"} <= actor.scopes)
