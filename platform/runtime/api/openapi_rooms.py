"""OpenAPI of the routes that belong to no one object: one row each, listed for those who may use it.

A test holds the table to the routes of the application, so that none is left out. Records' routes stand in `openapi`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Schema = dict[str, Any]
Who = Literal["public", "person", "auditor", "administrator"]

TEXT: Schema = {"type": "string"}
NAME: Schema = {"type": "string", "minLength": 1, "maxLength": 200}
NUMBER: Schema = {"type": "integer", "minimum": 1, "maximum": 2**63 - 1}
NUMBERS: Schema = {"type": "array", "items": NUMBER}
FLAG: Schema = {"type": "boolean"}
ANY: Schema = {"type": "object"}
LIMIT: Schema = {"type": "integer", "minimum": 1, "maximum": 500}
BOOLEAN_TEXT: Schema = {"enum": ["true", "false"]}
PAGE: Schema = {
    "type": "object",
    "required": ["data"],
    "properties": {"data": {"type": "array"}, "next": {"type": ["string", "null"]}},
}
PLAN: Schema = {
    "files": {"type": ["object", "null"], "additionalProperties": TEXT},
    "allow": {"type": "array", "items": TEXT},
}
PLAIN = {"after": TEXT, "limit": LIMIT}


@dataclass(frozen=True, slots=True)
class Room:
    """One route; `query` and `body` map names to schemas, `needs` are the keys a body must have, `kind` is its answer's
    media type ("" for none).
    """

    tag: str
    method: str
    path: str
    summary: str
    who: Who = "person"
    query: Mapping[str, Schema] | None = None
    body: Mapping[str, Schema] | None = None
    needs: tuple[str, ...] = ()
    status: str = "200"
    answer: Mapping[str, Any] | None = None
    kind: str = "application/json"


def _rooms() -> Iterable[Room]:
    acts: dict[str, Schema] = {
        "comment": TEXT,
        "values": ANY,
        "to": TEXT,
        "user": NUMBER,
        "users": NUMBERS,
        "where": {"enum": ["before", "after", "beside"]},
        "sign": {"enum": ["any", "all"]},
    }
    token = {"name": NAME, "days": {"type": "integer", "minimum": 1}, "scopes": {"type": "array", "items": TEXT}}
    say = Room
    yield say("log-in", "delete", "/api/auth/token", "End the token that is used", status="204", kind="")
    yield say("log-in", "get", "/api/me", "Who the caller is")
    yield say(
        "log-in", "post", "/api/me/password", "Change the own password", body={"old": TEXT, "password": TEXT},
        needs=("old", "password"), status="204", kind="",
    )  # fmt: skip
    yield say("log-in", "get", "/api/me/tokens", "The own tokens", answer=PAGE)
    yield say("log-in", "post", "/api/me/tokens", "A new token", body=token, needs=("name",), status="201")
    yield say("log-in", "delete", "/api/me/tokens/{token_id}", "End a token", status="204", kind="")
    yield say("log-in", "get", "/api/me/sessions", "The own sessions", answer=PAGE)
    yield say("log-in", "delete", "/api/me/sessions/{session_id}", "End a session", status="204", kind="")

    box = {"box": {"enum": ["todo", "done", "mine", "cc"]}, "approval": TEXT, "object": TEXT, "state": TEXT, **PLAIN}
    yield say("approvals", "get", "/api/approvals", "The approval inbox", query=box, answer=PAGE)
    yield say("approvals", "get", "/api/approvals/counts", "How much is in each box")
    yield say("approvals", "get", "/api/approvals/{approval}", "One approval with its steps and votes")
    yield say("approvals", "post", "/api/approvals/{approval}/{act}", "Withdraw, urge", body=acts)
    yield say(
        "approvals", "post", "/api/approvals/tasks/{task}/{act}", "Approve, reject, return, transfer …", body=acts
    )
    many = {"tasks": NUMBERS, "act": NAME, "comment": TEXT}
    yield say(
        "approvals", "post", "/api/approvals/tasks/batch", "One act on many tasks", body=many, needs=("tasks", "act")
    )

    guess = {
        "approval": TEXT, "record": NUMBER, "values": ANY, "since": TEXT, "submitter": NUMBER, "approvers": ANY,
    }  # fmt: skip
    yield say(
        "approvals", "post", "/api/approvals/simulate", "What would happen; nothing is written", body=guess,
        needs=("approval",),
    )  # fmt: skip
    yield say("approvals", "get", "/api/meta/approvals/{name}.bpmn", "A flow as BPMN 2.0", kind="application/xml")
    link = "/api/approvals/link/{word}"
    yield say("approvals", "get", link, "What a link in a mail is about", "public", kind="text/html")
    yield say("approvals", "post", link, "Do what it says", "public", kind="text/html")

    yield say("pools", "get", "/api/pools", "The caller's pools, with what is left to take")
    yield say("pools", "get", "/api/pools/{pool}", "One of them in full")
    many = {"ids": NUMBERS, "mode": {"enum": ["best_effort", "all_or_nothing"]}}
    yield say("pools", "post", "/api/pools/{pool}/claim", "Take several records", body=many, needs=("ids",))

    notices = {"unread": BOOLEAN_TEXT, "kind": TEXT, **PLAIN}
    yield say("notifications", "get", "/api/notifications", "The own notifications", query=notices, answer=PAGE)
    yield say("notifications", "get", "/api/notifications/unread", "How many are unread")
    read = {"ids": NUMBERS, "all": FLAG, "read": FLAG}
    yield say("notifications", "post", "/api/notifications/read", "Mark as read or unread", body=read)
    yield say("notifications", "get", "/api/notifications/settings", "What comes by which channel")
    settings = {"kinds": ANY, "quiet": {"type": ["object", "null"]}, "wecom": {"type": ["string", "null"]}}
    yield say("notifications", "patch", "/api/notifications/settings", "Change that", body=settings)

    jobs = {"all": BOOLEAN_TEXT, "state": TEXT, "kind": TEXT, **PLAIN}
    yield say("jobs", "get", "/api/jobs", "Background work of the caller, or of all", query=jobs, answer=PAGE)
    yield say("jobs", "get", "/api/jobs/{job}", "One job with its progress and counts")
    for act, summary in (("cancel", "Stop it"), ("retry", "Do it again"), ("undo", "Take an import back")):
        yield say(
            "jobs", "post", f"/api/jobs/{{job}}/{act}", summary, body={}, status="202" if act == "undo" else "200"
        )
    yield say("jobs", "get", "/api/jobs/{job}/report", "How an import went")
    yield say("jobs", "get", "/api/jobs/{job}/rejected.csv", "The refused rows with reasons", kind="text/csv")

    yield say("webhooks", "get", "/api/webhooks", "Destinations and how they fare", "administrator", answer=PAGE)
    base = "/api/webhooks/{name}"
    yield say("webhooks", "get", f"{base}/deliveries", "What was sent", "administrator", query=PLAIN, answer=PAGE)
    again = f"{base}/deliveries/{{number}}/redeliver"
    yield say("webhooks", "post", again, "Send it again", "administrator", body={}, status="202")
    yield say("webhooks", "post", f"{base}/{{act}}", "Pause or resume", "administrator", body={})
    yield say(
        "webhooks",
        "post",
        "/hooks/{name}",
        "A call from outside, signed or with its token",
        "public",
        body={},
        status="202",
    )

    trail = dict.fromkeys(("action", "actor", "object", "address", "from", "to"), TEXT)
    trail |= {"record": NUMBER, "outcome": {"enum": ["ok", "refused"]}, "after": NUMBER, "limit": LIMIT}
    yield say("audit", "get", "/api/audit", "Entries, newest first", "auditor", query=trail, answer=PAGE)
    yield say("audit", "get", "/api/audit/head", "How far the trail goes", "auditor")
    span = {"from": TEXT, "to": TEXT, "reason": TEXT}
    yield say(
        "audit", "get", "/api/audit/export", "The whole trail", "auditor", query=span, kind="application/x-ndjson"
    )

    yield say("metadata", "get", "/api/meta", "What is published")
    yield say("metadata", "get", "/api/meta/objects/{object_name}", "One object's full description")
    yield say("metadata", "get", "/api/meta/schema", "JSON Schema of the YAML")
    yield say("metadata", "post", "/api/meta/plan", "What publishing would do", "administrator", body=PLAN)
    more = {**PLAN, "plan": TEXT, "note": TEXT}
    yield say("metadata", "post", "/api/meta/apply", "Publish", "administrator", body=more)
    yield say("metadata", "get", "/api/meta/versions", "Published versions", "administrator", answer=PAGE)
    back = {"version": NUMBER, "allow": PLAN["allow"]}
    yield say("metadata", "post", "/api/meta/rollback", "Go back", "administrator", body=back, needs=("version",))
    yield say("packs", "get", "/api/packs", "Packs there are", "administrator", answer=PAGE)
    given = {"allow": PLAN["allow"], "data": {"enum": ["keep", "archive", "drop"]}, "sample": FLAG}
    yield say("packs", "post", "/api/packs/{pack}/{act}", "Install, upgrade, uninstall", "administrator", body=given)

    log = dict.fromkeys(("direction", "channel", "state", "q"), TEXT) | PLAIN
    yield say("messages", "get", "/api/meta/messages", "The log of messages", "administrator", query=log, answer=PAGE)
    yield say("messages", "get", "/api/meta/messages/{number}", "One message", "administrator")
    assign = {"object": TEXT, "record": NUMBER}
    yield say("messages", "post", "/api/meta/messages/{number}/{act}", "Retry, assign …", "administrator", body=assign)
    yield say("messages", "get", "/api/meta/suppressions", "Who gets none", "administrator", query=PLAIN, answer=PAGE)
    lift = "/api/meta/suppressions/{channel}/{address}"
    yield say("messages", "delete", lift, "Let them have some again", "administrator", status="204", kind="")
    preview = {"object": TEXT, "record": NUMBER, "language": TEXT}
    yield say("messages", "get", "/api/meta/templates/{name}/preview", "A template on a record", query=preview)

    user = "/api/user/{record_id}/actions"
    yield say("accounts", "post", f"{user}/invite", "A link to set a password", "administrator", body={})
    yield say("accounts", "post", f"{user}/reset_password", "A link for a new one", "administrator", body={})
    yield say(
        "accounts",
        "post",
        f"{user}/reset_totp",
        "Take the second factor away",
        "administrator",
        body={},
        status="204",
        kind="",
    )
    yield say("accounts", "post", f"{user}/end_sessions", "End all sessions", "administrator", body={})
    yield say(
        "accounts", "post", f"{user}/make_token", "A token", "administrator", body=token, needs=("name",), status="201"
    )

    yield say("dashboards", "get", "/api/dashboards", "Dashboards there are", answer=PAGE)
    yield say("dashboards", "get", "/api/dashboards/{name}", "One dashboard with its figures")
    clock = {"clock": TEXT, "object": TEXT, "sla": TEXT, **PLAIN}
    yield say(
        "clocks", "get", "/api/clocks", "Clocks of service levels, the soonest due first", query=clock, answer=PAGE
    )
    yield say("files", "get", "/api/files/{file}", "A file of a record or of one's own", kind="*/*")


ROOMS: tuple[Room, ...] = tuple(_rooms())


def record_rooms(name: str) -> tuple[Room, ...]:
    """Routes of other rooms on a record that may be read."""
    one = f"/api/{name}/{{id}}"
    note = {"channel": TEXT, "state": TEXT, "source": TEXT, "wording": TEXT, "address": TEXT}
    return (
        Room(name, "get", f"{one}/related/{{list_name}}", "A related list", answer=PAGE),
        Room(name, "get", f"{one}/approvals", "Its approvals", answer=PAGE),
        Room(name, "get", f"{one}/approvals/preview", "The way if it were submitted now", query={"approval": TEXT}),
        Room(name, "get", f"{one}/ownership", "Whose it is, and when it leaves"),
        Room(name, "get", f"{one}/consents", "What may be sent to it", answer=PAGE),
        Room(name, "post", f"{one}/consents", "Note a consent", body=note, needs=("channel", "state"), status="201"),
        Room(name, "get", f"{one}/messages", "Messages about it", query=PLAIN, answer=PAGE),
    )


def may(room: Room, level: Who) -> bool:
    """Whether a caller of this level sees a route."""
    order = ("public", "person", "auditor", "administrator")
    return order.index(room.who) <= order.index(level)
