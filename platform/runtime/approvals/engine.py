"""Carries an instance along its flow: steps are entered, people asked, votes tallied, the end applied.

Always inside the transaction that holds the instance's row. What a person decided is kept whatever follows: a fault on
the way (nobody to ask, a condition that cannot be judged) suspends the instance, it does not undo the decision. What
the record service refuses at the end does undo it, because then nothing of the click may stay.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from guanxi.expressions.evaluate import compile_expression
from guanxi.expressions.expression import Expression
from guanxi.expressions.faults import BudgetExceeded
from guanxi.registry.approvals import CarbonCopy, Flow, Step

from ..records.environment import environment
from ..records.plan import ObjectPlan
from . import clocks, ending, sight
from .approvers import Approvers, Pick, Question
from .definition import RoutingFault
from .notices import tell
from .rows import ADMIN_STEP, COUNTED, Activation, Instance, Task
from .store import Store
from .tally import Ballot, Result, tally
from .tree import Entered, Outcome, Position, TooManySteps, Walk, before, scope

if TYPE_CHECKING:
    from ..records.work import Work

FAULTS = (RoutingFault, BudgetExceeded, TooManySteps)
_VOTES = {"approved": "approve", "rejected": "reject"}


class Engine:
    """One instance, held by the caller, with its activations and tasks as they are."""

    def __init__(self, work: Work, store: Store, instance: Instance, flow: Flow) -> None:
        self.work = work
        self.store = store
        self.instance = instance
        self.flow = flow
        self.approvers = Approvers(work)
        self.position = Position.of(instance.position)
        self.activations = store.activations(instance.id)
        self.tasks = store.tasks(instance.id)
        self.rejected_by = ""
        self.returned_to = ""

    # the record -------------------------------------------------------------------------------------
    @property
    def plan(self) -> ObjectPlan:
        """The plan of the record's object."""
        return self.work.room.plan(self.instance.object)

    def row(self) -> dict[str, Any]:
        """The record as it would be: its values now, with what the proposal changes."""
        found = dict(self.work.row(self.instance.object, self.instance.record_id) or {})
        for name, value in (self.instance.proposal.get("values") or {}).items():
            known = self.plan.fields.get(name)
            if known is not None:
                found[name] = known.coerce(value) if value is not None else None
        return found

    def holds(self, condition: Expression) -> bool:
        """A condition of the flow on the record; a blank compares as false."""
        return bool(compile_expression(condition)(environment(self.work, self.instance.object, self.row())))

    # moving on --------------------------------------------------------------------------------------
    def begin(self) -> None:
        """Enter the first steps; raises RoutingFault, so that a faulty flow refuses the submission."""
        self._went(self._walk().begin())

    def resume(self, move: str, step: str = "") -> None:
        """Walk on (`begin`, `passed`, `go_to`); a fault on the way suspends the instance."""
        try:
            with self.work.db.savepoint():
                walk = self._walk()
                self._went(walk.begin() if move == "begin" else getattr(walk, move)(step))
        except FAULTS as fault:
            self._reload()
            self.suspend(str(fault), move, step)

    def suspend(self, why: str, move: str, step: str) -> None:
        """Stop until an administrator looks; what was to be done next is remembered."""
        self.instance.position = {**self.instance.position, "fault": {"move": move, "step": step}}
        self.instance.state, self.instance.reason = "suspended", why[:500]
        self.store.save(self.instance, "position", "state", "reason")
        self.note("suspended", step=step, detail={"why": why[:500]})
        tell(self, "suspended", self.approvers.admins(self.flow))

    def _walk(self) -> Walk:
        return Walk(self.flow, self.position, self._enter, self.holds)

    def _went(self, outcome: Outcome) -> None:
        self.instance.position = {**self.instance.position, **self.position.as_json()}
        self.instance.position.pop("fault", None)
        self.store.save(self.instance, "position")
        if outcome == "rejected":
            self._refused(self.rejected_by)
        elif outcome == "finished":
            self._finished()

    def _finished(self) -> None:
        """Everything has passed; without a single decision by a person somebody must look at it."""
        human = any(t.acted and t.state == "approved" and self._this_cycle(t) for t in self.tasks)
        if self.flow.require_human and not human:
            people = [Pick(user, reason="require_human") for user in self.approvers.admins(self.flow)]
            if not people:
                raise RoutingFault("nobody decided, and there is no administrator to ask")
            self._ask(Step(ADMIN_STEP, self.flow.label), people)
            return
        ending.approve(self)

    def _this_cycle(self, task: Task) -> bool:
        return any(a.id == task.activation_id and a.cycle == self.instance.cycle for a in self.activations)

    # entering a step --------------------------------------------------------------------------------
    def _enter(self, step: Step) -> Entered:
        if step.kind == "auto_pass":
            self.note("passed", step=step.name, detail={"reason": "auto_pass"})
            return "passed"
        if step.kind == "auto_reject":
            self.rejected_by = step.name
            self.note("rejected", step=step.name, detail={"reason": "auto_reject"})
            return "rejected"
        if step.kind == "cc":
            self.copy((CarbonCopy(step.who, "pass"),), step.name)
            return "passed"
        people = self._again(step)
        if people is None:
            picked = self.approvers.pick(self.question(step))
            if picked.outcome != "ask":
                return self._by_policy(step, picked.outcome)
            people = list(picked.people)
        return self._ask(step, people)

    def question(self, step: Step) -> Question:
        """What resolving a step depends on, now."""
        return Question(
            flow=self.flow,
            step=step,
            row=self.row(),
            submitter=self.instance.submitted_by,
            chosen=self.instance.chosen,
            at=self.work.now,
            explicit=self.returned_to == step.name,
            first=not self.activations,
        )

    def _by_policy(self, step: Step, outcome: str) -> Entered:
        if outcome == "blocked":
            raise RoutingFault(f"nobody can be asked in '{step.name}'")
        passes = outcome == "passes"
        activation = self._activation(step.name, "passed" if passes else "rejected", "nobody")
        self.note("passed" if passes else "rejected", step=step.name, detail={"reason": "nobody"})
        if passes:
            return "passed"
        self.rejected_by = activation.step
        return "rejected"

    def _again(self, step: Step) -> list[Pick] | None:
        """A step that is entered again in the same cycle asks the same people, new ones only for the inactive."""
        earlier = [a for a in self.activations if a.step == step.name and a.cycle == self.instance.cycle]
        if not earlier or not any(a.state in ("returned", "superseded", "cancelled") for a in earlier):
            return None
        asked = [t for t in self.tasks if t.activation_id == earlier[-1].id and t.part == "vote"]
        if not asked:
            return None
        people = self.approvers.organisation.people([t.user_id for t in asked])
        kept: list[Pick] = []
        for task in asked:
            active = task.user_id in people and people[task.user_id].active
            users = [task.user_id] if active else self.approvers.instead(task.user_id, self.flow)
            kept += [Pick(user, task.weight, task.principal, task.also, "again") for user in users]
        return kept

    def _activation(self, step: str, state: str = "active", reason: str = "") -> Activation:
        rounds = [a.round for a in self.activations if a.step == step]
        finished = self.work.stamp if state != "active" else None
        made = Activation(
            0,
            self.instance.id,
            step,
            max(rounds, default=0) + 1,
            self.instance.cycle,
            state,
            self.work.stamp,
            finished,
            reason,
        )
        self.activations.append(self.store.add_activation(made))
        return made

    def _ask(self, step: Step, people: Sequence[Pick]) -> Entered:
        """Make the tasks of an activation; those who agreed before are not asked again where the flow says so."""
        activation = self._activation(step.name)
        agreed = self._agreed_before(step)
        for place, pick in enumerate(people):
            task = self.new_task(activation, pick, place=place)
            if pick.user in agreed:
                task.state, task.reason, task.decided_at = "approved", "repeat", self.work.stamp
                self.store.save_task(task, "state", "reason", "decided_at")
                self.note("auto_approved", task=task, detail={"reason": "repeat"})
        self.open_next(activation, step)
        result = self.result(activation, step)
        if result == "wait":
            return "waits"
        self._close(activation, result)
        if result == "pass":
            return "passed"
        self.rejected_by = step.name
        return "rejected"

    def _agreed_before(self, step: Step) -> frozenset[int]:
        """People whose agreement in this cycle still counts: in the step just before, or in any."""
        policy = step.repeat or self.flow.repeat
        if policy == "each" or step.always_ask or step.required or self.returned_to == step.name:
            return frozenset()
        done = [a for a in self.activations if a.cycle == self.instance.cycle and a.state == "passed"]
        if policy == "adjacent":
            with_people = [a for a in done if any(t.activation_id == a.id and t.acted for t in self.tasks)]
            done = with_people[-1:]
        ids = {a.id for a in done}
        material = self.instance.material_at
        return frozenset(
            t.user_id
            for t in self.tasks
            if t.activation_id in ids and t.acted and t.state == "approved" and (t.decided_at or "") > material
        )

    def new_task(self, activation: Activation, pick: Pick, **more: Any) -> Task:
        """One more task of an activation, waiting."""
        task = Task(
            0,
            self.instance.id,
            activation.id,
            activation.step,
            pick.user,
            "waiting",
            self.work.stamp,
            principal=pick.principal,
            also=pick.also,
            weight=pick.weight,
            reason=pick.reason,
            **more,
        )
        self.tasks.append(self.store.add_task(task))
        return task

    def open_next(self, activation: Activation, step: Step) -> None:
        """Open the tasks whose turn it is: all of them, or one after another."""
        mine = [t for t in self.of(activation) if t.part in COUNTED and t.parent_id is None]
        if step.sign.mode == "in_order" and any(t.state in ("open", "held", "delegated") for t in mine):
            return
        for task in sorted((t for t in mine if t.state == "waiting"), key=lambda t: (t.place, t.id)):
            if any(t.parent_id == task.id and t.part == "before" and t.pending for t in self.tasks):
                continue
            self.open(task, step)
            if step.sign.mode == "in_order":
                break

    def open(self, task: Task, step: Step | None) -> None:
        """It is somebody's turn: the time runs from here."""
        task.state = "open"
        task.opened_at = task.opened_at or self.work.stamp
        if step is not None and step.due is not None and task.due_at is None:
            clocks.start(self, task, step.due)
        self.store.save_task(task, "state", "opened_at", "due_at", "next_at", "next_act")
        self.asked(task)

    def asked(self, task: Task, kind: str = "task") -> None:
        """Somebody's turn has come: he may read the record from here on, and is told."""
        users = [user for user in (task.user_id, task.also) if user is not None]
        sight.grant(self.work, self.instance, users)
        tell(self, kind, users, task=task)

    # tally ------------------------------------------------------------------------------------------
    def of(self, activation: Activation) -> list[Task]:
        """The tasks of an activation."""
        return [task for task in self.tasks if task.activation_id == activation.id]

    def result(self, activation: Activation, step: Step) -> Result:
        """How the votes of an activation stand."""
        ballots = [
            Ballot("open" if task.pending else _VOTES.get(task.state, "none"), task.weight)  # type: ignore[arg-type]
            for task in self.of(activation)
            if task.part in COUNTED
        ]
        return tally(step.sign, ballots)

    def voted(self, activation: Activation) -> None:
        """A vote was cast (or fell away): the step passes, is refused, or goes on waiting."""
        step = self.step(activation.step)
        result = self.result(activation, step)
        if result == "wait":
            self.open_next(activation, step)
            return
        if result == "nobody":
            self.resume("go_to", activation.step) if activation.step != ADMIN_STEP else self._finished()
            return
        self._close(activation, result)
        if result == "pass":
            ending.event(self, step.on.get("approved", ()))
            self.copy(step.cc, step.name, at="pass")
            if activation.step == ADMIN_STEP:
                self._finished()
            else:
                self.resume("passed", activation.step)
        else:
            ending.event(self, step.on.get("rejected", ()))
            self._refused(activation.step)

    def step(self, name: str) -> Step:
        """A step of the flow; the administrators' own when it is theirs."""
        return self.flow.step(name) or Step(name, self.flow.label)

    def _close(self, activation: Activation, result: Result) -> None:
        activation.state = "passed" if result == "pass" else "rejected"
        activation.finished_at = self.work.stamp
        self.store.save_activation(activation, "state", "finished_at")
        self.cancel(self.of(activation), "decided")
        self.note("passed" if result == "pass" else "step_rejected", step=activation.step)

    def cancel(self, tasks: Sequence[Task], reason: str) -> None:
        """Tasks that nobody needs any more."""
        for task in tasks:
            if task.pending:
                task.state, task.reason, task.next_at = "cancelled", reason, None
                self.store.save_task(task, "state", "reason", "next_at")

    # saying no, going back --------------------------------------------------------------------------
    def _refused(self, step: str) -> None:
        """A step was refused: what its definition says of that."""
        where = self.step(step).on_reject
        if where == "end":
            ending.reject(self)
        elif where == "to_start":
            ending.to_start(self, "rejected")
        else:
            target = self.previous(step) if where == "to_previous" else where.removeprefix("step:")
            if target:
                self.back_to(target, step)
            else:
                ending.to_start(self, "rejected")

    def targets(self, step: str) -> list[str]:
        """Steps one may return to from `step`, nearest last: passed in this cycle by a person's decision."""
        if step == ADMIN_STEP:
            candidates = [one.name for one in self.flow.all_steps()]
        else:
            candidates = before(self.flow, step, self.position)
        human = {
            a.step
            for a in self.activations
            if a.cycle == self.instance.cycle
            and a.state == "passed"
            and any(t.acted and t.activation_id == a.id for t in self.tasks)
        }
        return [name for name in candidates if name in human]

    def previous(self, step: str) -> str:
        """The step decided by people just before this one, by what happened; "" when there is none."""
        names = self.targets(step)
        done = [a.step for a in self.activations if a.step in names and a.state == "passed"]
        return done[-1] if done else ""

    def back_to(self, target: str, come_from: str) -> None:
        """Enter an earlier step again; what was done since is superseded and stays in the story."""
        ended = scope(self.flow, target, self.position)
        for activation in self.activations:
            if activation.cycle != self.instance.cycle or activation.step not in ended | {ADMIN_STEP}:
                continue
            if activation.state == "active":
                activation.state = "returned" if activation.step == come_from else "cancelled"
            elif activation.state in ("passed", "rejected"):
                activation.state = "superseded"
            else:
                continue
            self.store.save_activation(activation, "state")
            self.cancel(self.of(activation), "returned")
        self.returned_to = target
        self.resume("go_to", target)

    # telling ----------------------------------------------------------------------------------------
    def copy(self, copies: Sequence[CarbonCopy], step: str, at: str = "pass") -> None:
        """Tell people who have no vote; each once."""
        wanted = [one for one in copies if one.at == at]
        if not wanted:
            return
        question = self.question(self.step(step) if step else next(self.flow.all_steps()))
        users = [pick.user for one in wanted for pick in self.approvers.resolve(one.who, question)]
        tell(self, "copy", self.store.copy(self.instance, dict.fromkeys(users), at=self.work.stamp, step=step))

    def note(
        self,
        act: str,
        *,
        task: Task | None = None,
        step: str = "",
        comment: str = "",
        detail: Mapping[str, Any] | None = None,
        by: int | None = None,
    ) -> None:
        """Add to the story; `by` None is the platform itself."""
        self.store.log(
            self.instance,
            act,
            at=self.work.stamp,
            actor=by,
            channel=self.work.actor.channel if by is not None else "system",
            task=task,
            step=step,
            comment=comment,
            detail=detail,
        )

    def _reload(self) -> None:
        """A savepoint was taken back: what was read since is not what is stored."""
        self.work.forget()
        self.position = Position.of(self.instance.position)
        fresh = self.store.instance(self.instance.id)
        if fresh is not None:
            self.instance.position, self.instance.state = fresh.position, fresh.state
            self.position = Position.of(fresh.position)
        self.activations = self.store.activations(self.instance.id)
        self.tasks = self.store.tasks(self.instance.id)
