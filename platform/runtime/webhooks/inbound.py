"""Webhooks that come in: judged, taken once, made into a record with the rights of the hook's own role, and told to the
automations that wait for them (`on: {webhook: name}`), which run on that record.

Taking is one short transaction (the call's id and a job); the work is the job, tried again like any other.
"""

from __future__ import annotations

import hmac
import secrets as random
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from guanxi.common.errors import GuanxiError, Unauthorized
from guanxi.common.labels import Label

from ..access.actor import Actor
from ..jobs.kinds import JobKind, Run
from ..jobs.outcome import GiveUp
from ..outside import Hook
from ..records.work import Work
from ..storage.rows import instant_text
from . import signing

if TYPE_CHECKING:
    from ..services import Services
    from .destinations import Ground

KIND = "hook"
MOST = 256 * 1024
DEEPEST_PATH = 20
MISSING = object()
"""A field whose path leads nowhere is left alone."""


def judge(hook: Hook, headers: Mapping[str, str], body: bytes, ground: Ground) -> str:
    """The id of a call that may come in. Raises Unauthorized; header names are in lower case."""
    if hook.token:
        given = headers.get("authorization", "").removeprefix("Bearer ").encode()
        if hmac.compare_digest(given, hook.token.encode()):
            return (headers.get("webhook-id") or random.token_hex(12))[:200]
        if not hook.secrets:
            raise Unauthorized("The token does not hold.")
    said = signing.fault(hook.secrets, headers, ground.clock.now(), body)
    if said:
        raise Unauthorized(f"The call is not taken: {said}.")
    return headers["webhook-id"]


def take(services: Services, hook: Hook, call: str, body: Mapping[str, Any]) -> bool:
    """Keep a call and have it worked on; False when it was taken before."""
    db = services.database
    with db.write():
        sql = "INSERT INTO gx_hook_calls (hook, message_id, at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
        if not db.execute(db.sql(sql), (hook.name, call, instant_text(services.clock.now()))):
            return False
        services.jobs.enqueue(KIND, {"hook": hook.name, "body": dict(body)}, key=f"hook:{hook.name}:{call}")
    return True


def work_on(services: Services, run: Run) -> dict[str, Any]:
    """Make the record of a call and run the automations that wait for it."""
    hook = services.outside.hooks.get(str(run.params["hook"]))
    if hook is None:
        raise GiveUp("guanxi.yaml has no such hook any more")
    if not hook.object:
        return {}
    found = {name: value_at(run.params["body"], wanted) for name, wanted in hook.values.items()}
    values = {name: value for name, value in found.items() if value is not MISSING}
    key = {name: values.pop(name) for name in hook.key if name in values}
    roles = services.actors.flattened((hook.role,))
    who = Actor(id=None, name=f"hook {hook.name}", roles=roles, channel="hook")
    try:
        with services.database.write():
            if key:
                outcome, saved = services.records.upsert(who, hook.object, key, values)
            else:
                outcome, saved = "created", services.records.create(who, hook.object, values)
            _tell(services, hook, who, saved.id)
    except GuanxiError as error:
        raise GiveUp(f"{error.detail} {error.hint}".strip()) from error
    return {"object": hook.object, "id": saved.id, "outcome": outcome}


def _tell(services: Services, hook: Hook, who: Actor, record_id: int) -> None:
    from ..automation.engine import fire, rules_of

    room = services.records.room
    rules = rules_of(room, lambda one: one.webhook == hook.name and one.object == hook.object)
    work, plan = Work(room, who), room.plan(hook.object)
    for rule in rules:
        row = work.row(hook.object, record_id)
        if row is not None:
            fire(work, plan, rule, row, None, "webhook")


def value_at(body: Any, wanted: Any) -> Any:
    """What a mapping names: a path that begins with `body.`, or a fixed value. MISSING where there is nothing."""
    if not (isinstance(wanted, str) and wanted.startswith("body.")):
        return wanted
    for step in wanted.split(".")[1 : DEEPEST_PATH + 1]:
        if isinstance(body, Mapping):
            body = body.get(step, MISSING)
        elif isinstance(body, list) and step.isascii() and step.isdigit() and int(step) < len(body):
            body = body[int(step)]
        else:
            return MISSING
    return body


HOOK_JOBS = {KIND: JobKind(work_on, Label.of({"en": "Incoming call", "zh": "外部调用"}))}
