"""The one way out for requests of the server; see `client`."""

from .client import Answer, Failed, Outbound, Refused, Target

__all__ = ["Answer", "Failed", "Outbound", "Refused", "Target"]
