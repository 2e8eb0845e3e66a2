"""The generated HTTP API: one set of routes serves every object of the published metadata.

The only place of the runtime that knows Flask. It turns requests into values of `runtime.query.request`, calls the
record service through the host the wiring room gives it, and turns answers and errors into JSON.
"""

from .blueprint import create_api

__all__ = ["create_api"]
