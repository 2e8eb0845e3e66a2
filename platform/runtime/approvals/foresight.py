"""What an approval would do: the run-time engine on tables in memory, with everybody who is asked agreeing.

Path and people come from the very code that runs approvals, so that they are those of a real run on the same data.
Nothing is written; on PostgreSQL it happens in a transaction that could not write. What only a person can say (whom
the submitter picks, what an approver changes) is listed as unknown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from guanxi.registry.approvals import CarbonCopy, Choose, Flow, Node, Step

from ..storage.rows import instant_text_json
from .engine import FAULTS, Engine
from .rows import Activation, Instance, Task
from .store import Store

if TYPE_CHECKING:
    from ..records.work import Work

MOST_DECISIONS = 2_000
Row = Mapping[str, Any]


class MemoryStore(Store):
    """The tables of one instance that does not exist."""

    def __init__(self, work: Work) -> None:
        super().__init__(work.db)
        self.kept_activations: list[Activation] = []
        self.kept_tasks: list[Task] = []
        self.number = 0

    def _next(self) -> int:
        self.number += 1
        return self.number

    def activations(self, approval_id: int) -> list[Activation]:  # noqa: ARG002
        """What was entered so far."""
        return list(self.kept_activations)

    def tasks(self, approval_id: int) -> list[Task]:  # noqa: ARG002
        """Who was asked so far."""
        return list(self.kept_tasks)

    def add_activation(self, activation: Activation) -> Activation:
        """A new activation."""
        activation.id = self._next()
        self.kept_activations.append(activation)
        return activation

    def add_task(self, task: Task) -> Task:
        """A new task."""
        task.id = self._next()
        self.kept_tasks.append(task)
        return task

    def save(self, instance: Instance, *names: str) -> None:
        """It is as it is."""

    def save_activation(self, activation: Activation, *names: str) -> None:
        """It is as it is."""

    def save_task(self, task: Task, *names: str) -> None:
        """It is as it is."""


class Rehearsal(Engine):
    """The engine without consequences."""

    def __init__(
        self, work: Work, flow: Flow, row: Row, submitter: int | None, chosen: Mapping[str, list[int]]
    ) -> None:
        instance = Instance(
            0, flow.name, flow.object, int(row.get("id") or 0), "submit", "running", submitter, work.stamp, 0, {}
        )
        instance.chosen = {name: list(users) for name, users in chosen.items()}
        super().__init__(work, MemoryStore(work), instance, flow)
        self.given = dict(row)
        self.walked: list[dict[str, Any]] = []
        self.unknown: list[str] = []
        self.copied: list[int] = []

    def row(self) -> dict[str, Any]:
        """The record as it was given."""
        return self.given

    def resume(self, move: str, *steps: str, refuse: bool = False) -> None:  # noqa: ARG002
        """Walk on; a fault ends the rehearsal."""
        try:
            walk, outcome = self._walk(), "running"
            for step in steps or ("",):
                went = walk.begin() if move == "begin" else getattr(walk, move)(step)
                outcome = went if went != "running" else outcome
                if went == "rejected":
                    break
            self._went(outcome)  # type: ignore[arg-type]
        except FAULTS as fault:
            self.suspend(str(fault), move, *steps)

    def suspend(self, why: str, move: str, *steps: str) -> None:  # noqa: ARG002
        """A dead end."""
        self.instance.state, self.instance.reason = "suspended", why

    def approved(self) -> None:
        """The end that is hoped for."""
        self.instance.state = "approved"

    def refused(self, step: str) -> None:
        """A step refuses by itself."""
        self.instance.state, self.instance.reason = "rejected", step

    def happen(self, steps: Sequence[Any]) -> None:
        """Steps of the definition are not carried out; what they set may change the way."""
        if any(isinstance(one, Mapping) and "set" in one for one in steps):
            self.unknown.append("what a step of the flow sets on the record")

    def asked(self, task: Task, kind: str = "task") -> None:
        """Nobody is told."""

    def picked(self, step: Step) -> None:
        """People whom somebody picks on the way are not known."""
        kinds = {who.kind for who in step.who}
        if kinds & {"previous_choice", "submitter_choice"} and not self.instance.chosen.get(step.name):
            self.unknown.append(f"whom somebody picks for {step.name}")

    def copy(self, copies: Sequence[CarbonCopy], step: str, at: str = "pass") -> None:
        """Note who would be told."""
        wanted = [one for one in copies if one.at == at]
        if wanted:
            question = self.question(self.step(step) if step else next(self.flow.all_steps()))
            self.copied += [pick.user for one in wanted for pick in self.approvers.resolve(one.who, question)]

    def note(self, act: str, **more: Any) -> None:
        """The story of a rehearsal: steps that decide by themselves."""
        if act in ("passed", "rejected") and (more.get("detail") or {}).get("reason"):
            self.walked.append({"step": more.get("step", ""), "reason": more["detail"]["reason"], "act": act})

    def run(self) -> None:
        """Everybody who is asked agrees, in the order in which they were asked."""
        self.copy(self.flow.cc, "", at="submit")
        self.begin()
        for _ in range(MOST_DECISIONS):
            task = next((one for one in self.tasks if one.state == "open"), None)
            if task is None or self.instance.state != "running":
                break
            task.state, task.acted, task.decided_by, task.decided_at = "approved", 1, task.user_id, self.work.stamp
            self.voted(next(a for a in self.activations if a.id == task.activation_id))
        if self.instance.state == "approved":
            self.copy(self.flow.cc, "", at="end")


def rehearse(
    work: Work, flow: Flow, row: Row, *, submitter: int | None, chosen: Mapping[str, list[int]] | None = None
) -> dict[str, Any]:
    """{"approval", "label", "state", "reason", "path", "copies", "unknown", "branches"} of a run on a record's values.

    `path`: steps in the order they would be entered, each {"step", "label", "people", "due_at", "state"}; a person is
    {"id", "title", "reason", "on_behalf_of", "weight", "asked"}, `asked` False when an earlier agreement counts.
    """
    engine = Rehearsal(work, flow, row, submitter, chosen or {})
    engine.run()
    language = work.language
    path = [_entered(engine, activation, language) for activation in engine.activations]
    return {
        "approval": flow.name,
        "label": flow.label.text(language),
        "state": engine.instance.state,
        "reason": engine.instance.reason,
        "path": path,
        "by_itself": engine.walked,
        "copies": [_person(work, user) for user in dict.fromkeys(engine.copied)],
        "unknown": list(dict.fromkeys(engine.unknown)),
        "branches": {name: list(taken) for name, taken in engine.position.taken.items()},
    }


def _entered(engine: Rehearsal, activation: Activation, language: str) -> dict[str, Any]:
    tasks = [task for task in engine.tasks if task.activation_id == activation.id]
    due = next((task.due_at for task in tasks if task.due_at), None)
    return {
        "step": activation.step,
        "label": engine.step(activation.step).label.text(language),
        "state": activation.state,
        "reason": activation.reason,
        "due_at": instant_text_json(due) if due else None,
        "people": [
            {
                **_person(engine.work, task.user_id),
                "reason": task.reason,
                "on_behalf_of": task.principal,
                "weight": task.weight,
                "asked": task.reason != "repeat",
            }
            for task in tasks
        ],
    }


def _person(work: Work, user: int) -> dict[str, Any]:
    row = work.row("user", user)
    return {"id": user, "title": str(row.get("full_name") or row["name"]) if row else f"#{user}"}


def branches_of(nodes: Sequence[Node]) -> list[tuple[str, str]]:
    """(block, branch) of every branch of a tree."""
    found: list[tuple[str, str]] = []
    for node in nodes:
        if not isinstance(node, Step):
            for branch in node.branches:
                if branch.steps or isinstance(node, Choose):
                    found.append((node.name, branch.name))
                found += branches_of(branch.steps)
    return found
