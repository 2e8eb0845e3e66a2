"""Carries an instance along its flow: steps are entered, people asked, votes tallied, the end applied.

Always inside the transaction that holds the instance's row. What a person decided is kept whatever follows: a fault on
the way (nobody to ask, a condition that cannot be judged) suspends the instance, it does not undo the decision. What
the record service refuses at the end does undo it, because then nothing of the click may stay.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from guanxi.common.errors import FieldError, Invalid
from guanxi.expressions.evaluate import compile_expression
from guanxi.expressions.expression import Expression
from guanxi.expressions.faults import BudgetExceeded
from guanxi.registry.approvals import CarbonCopy, Flow, Step

from ..records.environment import environment
from ..records.plan import ObjectPlan
from . import clocks, ending, sight
from .approvers import Approvers, Pick, Question
from .asking import agreed_before, asked_again
from .definition import Blocked, RoutingFault
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
        self.kept: frozenset[int] = frozenset()  # people whose agreement a resumed step keeps

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
        """Enter the first steps; raises Blocked where the flow refuses a submission that nobody could decide."""
        self.resume("begin", refuse=True)

    def resume(self, move: str, *steps: str, refuse: bool = False) -> None:
        """Walk on (`begin`, `passed`, `go_to`), from several steps where several were left; a fault on the way suspends
        the instance, except that `refuse` lets Blocked through.
        """
        try:
            with self.work.db.savepoint():
                walk, outcome = self._walk(), "running"
                for step in steps or ("",):
                    went = walk.begin() if move == "begin" else getattr(walk, move)(step)
                    outcome = went if went != "running" else outcome
                    if went == "rejected":
                        break
                self._went(outcome)  # type: ignore[arg-type]
        except FAULTS as fault:
            if refuse and isinstance(fault, Blocked):
                raise
            self._reload()
            self.suspend(str(fault), move, *steps)

    def suspend(self, why: str, move: str, *steps: str) -> None:
        """Stop until an administrator looks; what was to be done next is remembered, clocks stand still."""
        self.instance.position = {**self.instance.position, "fault": {"move": move, "steps": list(steps)}}
        self.instance.state, self.instance.reason = "suspended", why[:500]
        self.store.save(self.instance, "position", "state", "reason")
        for task in self.tasks:
            clocks.pause(self, task)
        self.note("suspended", step=steps[0] if steps else "", detail={"why": why[:500]})
        tell(self, "suspended", self.approvers.admins(self.flow))

    def _walk(self) -> Walk:
        return Walk(self.flow, self.position, self._enter, self.holds)

    def _went(self, outcome: Outcome) -> None:
        self.instance.position = {**self.instance.position, **self.position.as_json()}
        self.instance.position.pop("fault", None)
        self.store.save(self.instance, "position")
        if outcome == "rejected":
            self.refused(self.rejected_by)
        elif outcome == "finished":
            self._finished()

    def _finished(self) -> None:
        """Everything has passed; without a single decision by a person somebody must look at it."""
        human = any(t.acted and t.state == "approved" and self._this_cycle(t) for t in self.tasks)
        if self.flow.require_human and not human:
            step = Step(ADMIN_STEP, self.flow.label)
            users = self.approvers.others(self.approvers.admins(self.flow), self.question(step))
            if not users:
                raise RoutingFault("nobody decided, and there is no administrator to ask")
            self._ask(step, [Pick(user, reason="require_human") for user in users])
            return
        self.approved()

    def approved(self) -> None:
        """Everything has passed, and a person was among those who agreed."""
        ending.approve(self)

    def happen(self, steps: Sequence[Any]) -> None:
        """Carry out what the definition lists for a moment of a step."""
        ending.carry_out(self, steps)

    def decided(self) -> bool:
        """Whether a person has decided in this cycle; an opinion is no decision."""
        return any(t.acted and t.part != "opinion" and self._this_cycle(t) for t in self.tasks)

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
        people = asked_again(self, step)
        if people is None:
            self.picked(step)
            picked = self.approvers.pick(self.question(step))
            if picked.outcome != "ask":
                return self._by_policy(step, picked.outcome)
            people = list(picked.people)
        return self._ask(step, people)

    def picked(self, step: Step) -> None:
        """Whoever sends the record on to a step whose people he picks must have picked them: Invalid undoes his click.
        When it is not a person who sends it on, the step's empty policy decides.
        """
        kinds = {who.kind for who in step.who}
        missing = kinds == {"previous_choice"} and not self.instance.chosen.get(step.name)
        if missing and self.work.actor.id is not None:
            label = step.label.text(self.work.language)
            raise Invalid([FieldError("approvers", "required", f"Pick who decides in '{label}'.")])

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
            raise Blocked(f"nobody can be asked in '{step.name}'")
        passes = outcome == "passes"
        activation = self._activation(step.name, "passed" if passes else "rejected", "nobody")
        self.note("passed" if passes else "rejected", step=step.name, detail={"reason": "nobody"})
        if passes:
            return "passed"
        self.rejected_by = activation.step
        return "rejected"

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
        agreed = agreed_before(self, step) | self.kept
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
        clocks.go_on(self, task)
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
            self.happen(step.on.get("approved", ()))
            self.copy(step.cc, step.name, at="pass")
            if activation.step == ADMIN_STEP:
                self._finished()
            else:
                self.resume("passed", activation.step)
        else:
            self.happen(step.on.get("rejected", ()))
            self.refused(activation.step)

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
    def refused(self, step: str) -> None:
        """A step was refused: what its definition says of that."""
        where = self.step(step).on_reject
        if where == "end":
            ending.reject(self)
        elif where == "to_start":
            ending.to_start(self, "rejected", step)
        else:
            target = self.previous(step) if where == "to_previous" else where.removeprefix("step:")
            if target:
                self.back_to(target, step)
            else:
                ending.to_start(self, "rejected", step)

    def targets(self, step: str) -> list[str]:
        """Steps one may return to from `step`, nearest last: passed in this cycle by a person's decision."""
        if step == ADMIN_STEP:
            candidates = [one.name for one in self.flow.all_steps()]
        else:
            candidates = before(self.flow, step, self.position) if self.flow.step(step) is not None else []
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
