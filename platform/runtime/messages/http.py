"""Requests to gateways through the checked client: they go only where the instance allows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from guanxi.runtime.outbound.client import Failed, Outbound, Refused

from .gateways import Answer, Http
from .outcome import Permanent, Temporary


def checked_http(allow: Sequence[str]) -> Http:
    """A function that makes one request, redirects not followed."""
    client = Outbound(allow)

    def send(method: str, url: str, *, headers: Mapping[str, str], body: bytes) -> Answer:
        try:
            found = client.send(method, url, headers=headers, body=body)
        except Refused as refusal:
            raise Permanent(str(refusal)) from None
        except Failed as fault:
            raise Temporary(str(fault)) from None
        return Answer(found.status, found.body)

    return send
