"""Where an act comes from: the address and the number of the request, set once where requests enter."""

from __future__ import annotations

from contextvars import ContextVar
from typing import NamedTuple


class Place(NamedTuple):
    """The address of the client ("" outside of requests) and the request's number, which log lines carry too."""

    address: str = ""
    request: str = ""


NOWHERE = Place()
place: ContextVar[Place] = ContextVar("guanxi_place", default=NOWHERE)
