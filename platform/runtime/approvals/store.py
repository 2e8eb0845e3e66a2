"""Rows of approvals in and out of the database. Every change of an instance begins with `lock`, which holds it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any

import orjson

from guanxi.common.errors import Conflict, NotFound

from ..ports import Database
from ..storage.faults import UniqueViolation
from .rows import Activation, Instance, Task

_JSON = frozenset({"definition", "position", "proposal", "chosen", "locked", "snapshot"})
_INSTANCE = tuple(one.name for one in fields(Instance))
_ACTIVATION = tuple(one.name for one in fields(Activation))
_TASK = tuple(one.name for one in fields(Task))


def _dumped(value: Any) -> str:
    return orjson.dumps(value, default=str).decode()


class Store:
    """The tables of one database; writing happens inside the caller's `write()`."""

    def __init__(self, db: Database) -> None:
        self.db = db

    # instances --------------------------------------------------------------------------------------
    def lock(self, approval_id: int) -> Instance:
        """The instance, held until the transaction ends: everybody who decides waits here, one after another."""
        suffix = " FOR UPDATE" if self.db.engine == "postgresql" else ""
        found = self._instances("id = ?", (approval_id,), suffix)
        if not found:
            raise NotFound("There is no such approval.")
        return found[0]

    def place_of(self, approval_id: int) -> tuple[str, int] | None:
        """(object, record) of an instance."""
        found = self.db.one(self.db.sql("SELECT object, record_id FROM gx_approvals WHERE id = ?"), (approval_id,))
        return (str(found[0]), int(found[1])) if found else None

    def instance(self, approval_id: int) -> Instance | None:
        """The instance as it is, without holding it."""
        found = self._instances("id = ?", (approval_id,))
        return found[0] if found else None

    def active_of(self, object_name: str, record_id: int) -> Instance | None:
        """The instance that a record waits for."""
        where = "object = ? AND record_id = ? AND state IN ('running', 'returned', 'suspended')"
        found = self._instances(where, (object_name, record_id))
        return found[0] if found else None

    def of_record(self, object_name: str, record_id: int, most: int = 100) -> list[Instance]:
        """All instances of a record, newest first."""
        return self._instances(
            "object = ? AND record_id = ?", (object_name, record_id), f" ORDER BY id DESC LIMIT {most}"
        )

    def locked(self, object_name: str, record_id: int) -> tuple[int, str, str, int | None] | None:
        """(id, state, what is locked as JSON, submitter) of the record's active or lastingly locking instance."""
        sql = (
            "SELECT id, state, locked, submitted_by FROM gx_approvals WHERE object = ? AND record_id = ?"
            " AND locked <> '' ORDER BY id DESC LIMIT 1"
        )
        found = self.db.one(self.db.sql(sql), (object_name, record_id))
        return (int(found[0]), str(found[1]), str(found[2]), found[3]) if found else None

    def _instances(self, where: str, params: Sequence[Any], suffix: str = "") -> list[Instance]:
        columns = ", ".join(_INSTANCE)
        rows = self.db.rows(self.db.sql(f"SELECT {columns} FROM gx_approvals WHERE {where}{suffix}"), params)  # noqa: S608
        return [_instance(row) for row in rows]

    def insert(self, instance: Instance) -> int:
        """A new instance; Conflict when the record has an active one."""
        names = [name for name in _INSTANCE if name != "id"]
        values = _values(instance, names)
        marks = ", ".join("?" * len(names))
        sql = f"INSERT INTO gx_approvals ({', '.join(names)}) VALUES ({marks}) RETURNING id"  # noqa: S608
        try:
            instance.id = int(self.db.returning(self.db.sql(sql), values)[0][0])
        except UniqueViolation as error:
            raise Conflict("An approval of this record is running.", code="running") from error
        return instance.id

    def save(self, instance: Instance, *names: str) -> None:
        """Write the named columns of an instance."""
        self._update("gx_approvals", instance, names)

    # activations ------------------------------------------------------------------------------------
    def activations(self, approval_id: int) -> list[Activation]:
        """All activations of an instance, oldest first."""
        sql = f"SELECT {', '.join(_ACTIVATION)} FROM gx_approval_steps WHERE approval_id = ? ORDER BY id"  # noqa: S608
        return [Activation(*row) for row in self.db.rows(self.db.sql(sql), (approval_id,))]

    def add_activation(self, activation: Activation) -> Activation:
        """A new activation."""
        activation.id = self._insert("gx_approval_steps", activation, _ACTIVATION)
        return activation

    def save_activation(self, activation: Activation, *names: str) -> None:
        """Write the named columns of an activation."""
        self._update("gx_approval_steps", activation, names)

    # tasks ------------------------------------------------------------------------------------------
    def tasks(self, approval_id: int) -> list[Task]:
        """All tasks of an instance, oldest first."""
        sql = f"SELECT {', '.join(_TASK)} FROM gx_approval_tasks WHERE approval_id = ? ORDER BY id"  # noqa: S608
        return [Task(*row) for row in self.db.rows(self.db.sql(sql), (approval_id,))]

    def approval_of(self, task_id: int) -> int | None:
        """The instance a task belongs to."""
        found = self.db.one(self.db.sql("SELECT approval_id FROM gx_approval_tasks WHERE id = ?"), (task_id,))
        return int(found[0]) if found else None

    def add_task(self, task: Task) -> Task:
        """A new task."""
        task.id = self._insert("gx_approval_tasks", task, _TASK)
        return task

    def save_task(self, task: Task, *names: str) -> None:
        """Write the named columns of a task."""
        self._update("gx_approval_tasks", task, names)

    # what happened ----------------------------------------------------------------------------------
    def log(
        self,
        instance: Instance,
        act: str,
        *,
        at: str,
        actor: int | None,
        channel: str,
        task: Task | None = None,
        step: str = "",
        comment: str = "",
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        """Add to the instance's story; nothing in it is ever changed."""
        behalf = task.principal if task is not None and task.principal != actor else None
        self.db.execute(
            self.db.sql(
                "INSERT INTO gx_approval_log (approval_id, task_id, at, actor_id, on_behalf_of, act, step, channel,"
                " comment, detail) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
            ),
            (
                instance.id,
                task.id if task is not None else None,
                at,
                actor,
                behalf,
                act,
                step or (task.step if task is not None else ""),
                channel,
                comment,
                _dumped(detail or {}),
            ),
        )

    def story(self, approval_id: int) -> list[dict[str, Any]]:
        """Everything that happened, oldest first."""
        names = ("id", "task_id", "at", "actor_id", "on_behalf_of", "act", "step", "channel", "comment", "detail")
        sql = f"SELECT {', '.join(names)} FROM gx_approval_log WHERE approval_id = ? ORDER BY id"  # noqa: S608
        found = []
        for row in self.db.rows(self.db.sql(sql), (approval_id,)):
            entry = dict(zip(names, row, strict=True))
            entry["detail"] = orjson.loads(entry["detail"])
            found.append(entry)
        return found

    def copy(self, instance: Instance, users: Iterable[int], *, at: str, step: str = "") -> list[int]:
        """Tell people; returns those who were not told before."""
        new = []
        sql = self.db.sql(
            "INSERT INTO gx_approval_copies (approval_id, user_id, at, step) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
        )
        for user in users:
            if self.db.execute(sql, (instance.id, user, at, step)) == 1:
                new.append(user)
        return new

    def read(self, instance: Instance, user: int | None, *, at: str) -> None:
        """A person who was told has looked."""
        sql = "UPDATE gx_approval_copies SET read_at = ? WHERE approval_id = ? AND user_id = ? AND read_at IS NULL"
        self.db.execute(self.db.sql(sql), (at, instance.id, user))

    # inside -----------------------------------------------------------------------------------------
    def _insert(self, table: str, value: Any, columns: Sequence[str]) -> int:
        names = [name for name in columns if name != "id"]
        marks = ", ".join("?" * len(names))
        sql = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks}) RETURNING id"  # noqa: S608
        return int(self.db.returning(self.db.sql(sql), _values(value, names))[0][0])

    def _update(self, table: str, value: Any, names: Sequence[str]) -> None:
        pairs = ", ".join(f"{name} = ?" for name in names)
        sql = f"UPDATE {table} SET {pairs} WHERE id = ?"  # noqa: S608
        self.db.execute(self.db.sql(sql), (*_values(value, names), value.id))


def _values(value: Any, names: Sequence[str]) -> list[Any]:
    found = []
    for name in names:
        one = getattr(value, name)
        if name in _JSON:
            one = _dumped(one) if one or name not in ("proposal", "locked", "snapshot") else ""
        found.append(one)
    return found


def _instance(row: Sequence[Any]) -> Instance:
    values = dict(zip(_INSTANCE, row, strict=True))
    for name in _JSON:
        values[name] = orjson.loads(values[name]) if values[name] else {}
    return Instance(**values)
