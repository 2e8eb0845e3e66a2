"""`Idempotency-Key`: a retried POST gets the first answer again for 24 hours.

The key's row is written in the record's own transaction and holds the answer: either both are there or neither is,
whenever the process dies. A concurrent retry waits on the row and then reads the answer. Refusals are not kept, since
they left nothing behind.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta

import orjson
from flask import Request, Response

from guanxi.common.errors import BadRequest, Conflict

from ..ports import Database
from . import respond

KEPT = timedelta(hours=24)


def fingerprint(request: Request) -> str:
    """What a retry must repeat: method, path, query and body."""
    parts = (request.method, request.full_path, request.get_data().hex())
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def once(
    database: Database, request: Request, user_id: int | None, now: datetime, run: Callable[[], Response]
) -> Response:
    """Run the handler, or give the answer it gave to the same key before."""
    key = request.headers.get("Idempotency-Key", "")
    if not key:
        return run()
    if len(key) > 200 or not key.isprintable() or not key.isascii():
        raise BadRequest("Idempotency-Key has at most 200 printable ASCII characters.", code="bad_header")
    who = user_id or 0
    print_of = fingerprint(request)
    with database.write():
        database.execute(
            database.sql("DELETE FROM gx_idempotency WHERE user_id = ? AND key = ? AND at < ?"),
            (who, key, _stamp(now - KEPT)),
        )
        taken = database.execute(
            database.sql(
                "INSERT INTO gx_idempotency (user_id, key, request, at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
            ),
            (who, key, print_of, _stamp(now)),
        )
        if not taken:
            return _again(database, who, key, print_of)
        response = run()
        kept = {name: response.headers[name] for name in ("Location", "ETag") if name in response.headers}
        database.execute(
            database.sql("UPDATE gx_idempotency SET status = ?, headers = ?, answer = ? WHERE user_id = ? AND key = ?"),
            (response.status_code, orjson.dumps(kept).decode(), response.get_data(as_text=True), who, key),
        )
    return response


def _stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _again(database: Database, who: int, key: str, print_of: str) -> Response:
    row = database.one(
        database.sql("SELECT request, status, headers, answer FROM gx_idempotency WHERE user_id = ? AND key = ?"),
        (who, key),
    )
    if row is None or not row[1]:
        raise Conflict("The first request with this Idempotency-Key has not finished.", code="in_progress")
    if row[0] != print_of:
        raise Conflict("This Idempotency-Key was used for another request.", code="idempotency_key")
    response = respond.answer({}, int(row[1]), orjson.loads(row[2]))
    response.set_data(str(row[3]))
    response.headers["Idempotency-Replayed"] = "true"
    return response
