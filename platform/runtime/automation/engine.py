"""What happens to a record sets off rules: a watcher on just the objects that rules watch.

Conditions are compiled once per published version, and a rule whose condition needs one of some fields to move is not
asked when none of them did. A rule runs inside the transaction of the change that set it off, in a part of its own: a
step that fails takes back what the rule did, is shown in the trace, and leaves the person's save alone, unless the rule
says `on_error: fail`. A chain of rules that passes the limits is taken back whole.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from time import perf_counter
from typing import Any

from guanxi.common.errors import GuanxiError, Unavailable
from guanxi.expressions.evaluate import compile_expression
from guanxi.expressions.faults import BudgetExceeded
from guanxi.registry import Automation, Step
from guanxi.runtime.records.environment import environment
from guanxi.runtime.records.extensions import QUIET, Change, Watcher
from guanxi.runtime.records.plan import Closure, ObjectPlan
from guanxi.runtime.records.room import Room
from guanxi.runtime.records.steps import DEEPEST, Pause, Runaway, chain, run_steps
from guanxi.runtime.records.work import Work
from guanxi.runtime.storage.rows import instant_text

from . import runs
from .waits import keep

log = logging.getLogger("guanxi.automation")
Row = Mapping[str, Any]
# What history calls an act → the event of pools.
POOL_ACTS = {"claim": "claimed", "release": "released", "return": "released", "recycle": "recycled"}


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule ready to run: its condition as a function, None when it always holds."""

    automation: Automation
    holds: Closure | None

    @property
    def name(self) -> str:
        """The rule's name."""
        return self.automation.name


def ready(automation: Automation) -> Rule:
    """Compile a rule's condition."""
    return Rule(automation, compile_expression(automation.when) if automation.when is not None else None)


def rules_of(room: Room, wanted: Callable[[Automation], bool]) -> list[Rule]:
    """The active rules of a version, in the order in which they run."""
    found = [one for one in room.registry.automations.values() if one.active and wanted(one)]
    return [ready(one) for one in sorted(found, key=lambda one: (one.priority, one.name))]


def watchers(room: Room) -> Mapping[str, Watcher]:
    """One watcher for each object that rules watch."""
    by_object: dict[str, list[Rule]] = {}
    for rule in rules_of(room, lambda one: bool(one.events)):
        by_object.setdefault(rule.automation.object, []).append(rule)
    return {name: RuleWatcher(rules) for name, rules in by_object.items()}


class RuleWatcher(Watcher):
    """See the module; for one object."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._by_event: dict[str, list[Rule]] = {}
        for rule in rules:
            for event in rule.automation.events:
                self._by_event.setdefault(event, []).append(rule)
        self._moves = [rule for rule in rules if rule.automation.events & _MOVES]

    def after(self, work: Work, plan: ObjectPlan, change: Change) -> None:
        """See Watcher."""
        if QUIET in work.exempt:
            return
        old, new = change.old, change.new
        if old is None or new is None or change.action == "restore":
            event = "create" if old is None else "restore" if new is not None else "delete"
            if event == "delete" and change.action == "purge" and change.row.get("deleted_at") is not None:
                return  # it went into the trash before
            for rule in self._by_event.get(event, ()):
                fire(work, plan, rule, change.row, None if event == "create" else change.row, event)
            return
        changed = change.changed
        for rule in self._moves:
            watched = rule.automation.watched
            if watched is None or not watched.isdisjoint(changed):
                event = _event_of(rule.automation, plan, change)
                if event:
                    fire(work, plan, rule, new, old, event)

    def after_many(self, work: Work, plan: ObjectPlan, rows: Sequence[dict[str, Any]]) -> None:
        """See Watcher: conditions are asked for all rows of the chunk before any rule runs."""
        for rule in self._by_event.get("create", ()):
            found = rows if rule.holds is None else [row for row in rows if _met(work, plan, rule, row)]
            for row in found:
                run(work, plan, rule, row, None, "create")


_MOVES = frozenset({"update", "stage", "assigned", *POOL_ACTS.values()})


def _event_of(rule: Automation, plan: ObjectPlan, change: Change) -> str:
    """Which of the rule's events a change of a record is; "" for none."""
    events, changed = rule.events, change.changed
    if "update" in events:
        return "update"
    if "stage" in events and plan.stages is not None and plan.stages.field in changed:
        return "stage"
    act = POOL_ACTS.get(change.action, "")
    if act in events:
        return act
    if "assigned" in events and not act and "owner" in changed and change.row.get("owner") is not None:
        return "assigned"
    return ""


def happened(work: Work, plan: ObjectPlan, row: Row, event: str, old: Row | None = None) -> None:
    """Tell the rules of an event that is no change of the record itself (`approved` …), inside `write()`."""
    for watcher in work.room.watchers.get(plan.name, ()):
        if isinstance(watcher, RuleWatcher):
            for rule in watcher._by_event.get(event, ()):
                fire(work, plan, rule, row, old if old is not None else row, event)


# one rule ---------------------------------------------------------------------------------------------------------
def fire(work: Work, plan: ObjectPlan, rule: Rule, row: Row, old: Row | None, event: str) -> None:  # noqa: PLR0917
    """Run a rule when its condition holds for this change."""
    if rule.holds is not None:
        try:
            if not rule.holds(environment(work, plan.name, row, old)):
                return
        except BudgetExceeded as error:
            _refused(work, plan, rule, row, event, f"The condition needs too much: {error}.")
            return
    run(work, plan, rule, row, old, event)


def _met(work: Work, plan: ObjectPlan, rule: Rule, row: Row) -> bool:
    try:
        return rule.holds is None or bool(rule.holds(environment(work, plan.name, row)))
    except BudgetExceeded as error:
        _refused(work, plan, rule, row, "create", f"The condition needs too much: {error}.")
        return False


def _refused(work: Work, plan: ObjectPlan, rule: Rule, row: Row, event: str, error: str) -> None:  # noqa: PLR0917
    if rule.automation.on_error == "fail":
        raise BudgetExceeded(error)
    runs.finish(work, runs.begin(work, rule.name, plan.name, row["id"], event), "failed", 0.0, error)


def run(  # noqa: PLR0917
    work: Work,
    plan: ObjectPlan,
    rule: Rule,
    row: Row,
    old: Row | None,
    event: str,
    *,
    steps: Iterable[Step] | None = None,
    parent: int | None = None,
) -> str:
    """Carry out a rule's steps (or the rest of them) for a record; returns the outcome, "" when `once` held it back."""
    automation = rule.automation
    if len(work.chain) >= DEEPEST:
        names = chain(work, plan)
        raise Runaway(f"Rules set each other off more than {DEEPEST} times in a row: {names} → {rule.name}.")
    outermost = not work.chain
    if steps is None and automation.once is not None and not _first(work, automation, row["id"]):
        return ""
    running = runs.begin(work, rule.name, plan.name, row["id"], event, parent=parent)
    began = perf_counter()
    outcome, said = "done", ""
    try:
        with work.db.savepoint():
            outcome = _carry_out(work, plan, automation, running, row, old, steps)
    except Unavailable:
        raise
    except Exception as error:
        work.forget()
        if automation.on_error == "fail" or (isinstance(error, Runaway) and not outermost):
            raise
        outcome, said = "failed", sentence(error, rule.name)
    if outcome == "failed" and automation.once is not None and steps is None:
        _again(work, automation, row["id"])
    runs.finish(work, running, outcome, (perf_counter() - began) * 1000, said)
    return outcome


def _carry_out(  # noqa: PLR0917
    work: Work,
    plan: ObjectPlan,
    automation: Automation,
    running: Any,
    row: Row,
    old: Row | None,
    steps: Iterable[Step] | None,
) -> str:
    todo = automation.do if steps is None else tuple(steps)
    work.chain.append(running)
    try:
        run_steps(work, plan, row["id"], todo, old, trusted=automation.run_as == "system", gone=row)
    except Pause as pause:
        keep(work, plan, automation, running.id, row, pause.step)
        return "waiting"
    finally:
        work.chain.pop()
    return "done"


def sentence(error: Exception, rule: str) -> str:
    """What the trace says of a failure; what nobody expected is logged and never shown."""
    if isinstance(error, GuanxiError):
        errors = getattr(error, "errors", ())
        told = "; ".join(f"{one.field or 'record'}: {one.message}" for one in errors)
        return told or f"{error.detail} {error.hint}".strip()
    if isinstance(error, BudgetExceeded):
        return f"A step needs too much: {error}."
    log.error("the rule %s failed", rule, exc_info=error)
    return "Something went wrong; the log of the server says what."


# once -------------------------------------------------------------------------------------------------------------
def _first(work: Work, automation: Automation, record_id: int) -> bool:
    """Note that the rule runs for a record now; False when it did before (within the days that count)."""
    once = automation.once
    db, key = work.db, (automation.name, record_id)
    insert = "INSERT INTO gx_automation_once (rule, record_id, object, at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
    if db.execute(db.sql(insert), (*key, automation.object, work.stamp)):
        return True
    if once is None or not once.days:
        return False
    before = instant_text(work.now - timedelta(days=once.days))
    update = "UPDATE gx_automation_once SET at = ? WHERE rule = ? AND record_id = ? AND at <= ?"
    return bool(db.execute(db.sql(update), (work.stamp, *key, before)))


def _again(work: Work, automation: Automation, record_id: int) -> None:
    """A run that failed does not count."""
    sql = "DELETE FROM gx_automation_once WHERE rule = ? AND record_id = ?"
    work.db.execute(work.db.sql(sql), (automation.name, record_id))
