"""Many operations in one call: each in its own savepoint, all or nothing when atomic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from guanxi.common.errors import BadRequest, Forbidden, GuanxiError, Invalid, Stale, Unavailable

from .create import create
from .inputs import record_id, record_values, version_number
from .plan import ObjectPlan
from .remove import delete
from .update import update
from .upsert import upsert

if TYPE_CHECKING:
    from .work import Work

MOST = 1_000
KEYS = {
    "create": {"op", "values", "force_duplicates"},
    "update": {"op", "id", "version", "values", "force_duplicates"},
    "delete": {"op", "id", "version", "permanent"},
    "upsert": {"op", "key", "values", "version"},
}
Answer = dict[str, Any]


class Undo(Exception):
    """Takes an atomic batch back; carries the answers."""

    def __init__(self, answers: list[Answer]) -> None:
        self.answers = answers
        super().__init__("undone")


class _BulkDoor:
    """The right `bulk`, asked beside the right of each operation where a role (or a restriction) names it."""

    def __init__(self, work: Work, plan: ObjectPlan) -> None:
        self._work = work
        self._plan = plan
        self._asked = not work.trusted and "bulk" in work.rights(plan.name).said

    def make(self) -> None:
        """Forbidden when the actor may not change many records at all."""
        if self._asked and not self._work.rights(self._plan.name).of("bulk"):
            raise Forbidden("You may not change many records at once.")

    def touch(self, number: Any) -> None:
        """Forbidden when the record is not among those the actor may change with others."""
        if self._asked:
            self._work.demand(self._plan, "bulk", self._work.seen(self._plan, record_id(number), trashed=None))


def run_batch(work: Work, plan: ObjectPlan, operations: Sequence[Mapping[str, Any]], *, atomic: bool) -> list[Answer]:
    """Carry out operations inside `write()`. Raises Undo when an atomic batch has a fault in it."""
    if not isinstance(operations, list | tuple):
        raise BadRequest("A batch is a list of operations.")
    if len(operations) > MOST:
        raise BadRequest(f"A batch has at most {MOST:,} operations.", code="limit")
    answers = [_guarded(work, plan, operation) for operation in operations]
    if atomic and any(answer["status"] >= 400 for answer in answers):
        undone = {"status": 424, "errors": [{"field": "", "code": "undone", "message": "Another operation failed."}]}
        raise Undo([answer if answer["status"] >= 400 else dict(undone) for answer in answers])
    return answers


def _guarded(work: Work, plan: ObjectPlan, operation: Any) -> Answer:
    before = len(work.held)
    try:
        with work.db.savepoint():
            answer = _one(work, plan, operation)
        return {**answer, "status": 202, "approval": work.held[-1]} if len(work.held) > before else answer
    except Unavailable:
        raise
    except GuanxiError as error:
        work.forget()
        return _refused(error)


def _refused(error: GuanxiError) -> Answer:
    if isinstance(error, Invalid):
        return {"status": error.status, "errors": [fault.as_dict() for fault in error.errors]}
    answer: Answer = {"status": error.status, "errors": [{"field": "", "code": error.code, "message": error.detail}]}
    if isinstance(error, Stale):
        answer["version"] = error.current_version
    return answer


def _one(work: Work, plan: ObjectPlan, operation: Any) -> Answer:
    if not isinstance(operation, Mapping):
        raise BadRequest("An operation is an object.")
    verb = operation.get("op")
    known = KEYS.get(verb) if isinstance(verb, str) else None
    if known is None:
        raise BadRequest("'op' is one of create, update, delete, upsert.", code="bad_request")
    for name in operation:
        if name not in known:
            raise BadRequest(f"An operation {verb!r} has no key {str(name)[:60]!r}.", code="bad_request")
    values = record_values(operation.get("values", {}))
    version = version_number(operation.get("version"))
    force = operation.get("force_duplicates", False) is True
    door = _BulkDoor(work, plan)
    if verb == "create":
        door.make()
        row = create(work, plan, values, force=force)
        return {"status": 201, "id": row["id"], "version": row["version"]}
    if verb == "update":
        door.touch(operation.get("id"))
        row, _ = update(work, plan, record_id(operation.get("id")), values, version=version, force=force)
        return {"status": 200, "id": row["id"], "version": row["version"]}
    if verb == "delete":
        number = record_id(operation.get("id"))
        door.touch(number)
        delete(work, plan, number, version=version, permanent=operation.get("permanent", False) is True)
        return {"status": 204, "id": number}
    outcome, row = upsert(work, plan, operation.get("key"), values, version=version, found=door.touch)
    if outcome == "created":
        door.make()
    return {"status": 201 if outcome == "created" else 200, "id": row["id"], "version": row["version"]}
