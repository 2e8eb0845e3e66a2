"""Approval flows, compiled: a block-structured tree of steps with everything a running instance needs.

`Flow.source` is the definition as plain JSON-able data. An instance keeps that text and is rebuilt from it by
`approval_source.build_flow`, so that a running approval never reads the live definition.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from guanxi.common.labels import Label
from guanxi.expressions.expression import Expression

Operation = Literal["submit", "create", "update", "delete", "stage", "transfer", "import", "bulk"]
SignMode = Literal["any", "all", "in_order", "percent", "count"]
SelfPolicy = Literal["to_manager", "to_department_head", "skip", "allow", "forbid"]
EmptyPolicy = Literal["admin", "assign", "auto_pass", "auto_reject", "block"]
Repeat = Literal["adjacent", "each", "once"]
StepKind = Literal["approve", "cc", "auto_pass", "auto_reject"]
TimeAct = Literal["remind", "escalate", "auto_pass", "auto_reject"]

OPERATIONS: tuple[Operation, ...] = ("submit", "create", "update", "delete", "stage", "transfer", "import", "bulk")
SELF_POLICIES: tuple[SelfPolicy, ...] = ("to_manager", "to_department_head", "skip", "allow", "forbid")
EMPTY_POLICIES: tuple[EmptyPolicy, ...] = ("admin", "auto_pass", "auto_reject", "block")
REPEATS: tuple[Repeat, ...] = ("adjacent", "each", "once")
EVENTS = ("submitted", "approved", "rejected", "returned", "withdrawn", "revoked", "terminated")
_NONE: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Who:
    """One source of people. `kind` says how to read the rest:

    `user` (`names`: log-in names) · `role` · `team` · `team_tree` (`names`) · `owner` · `submitter` · `field` (`path`:
    a user field, also over references) · `expression` (`value` gives a user) · `manager_of` (`level`) · `managers_of`
    (a chain up to `level`, or `until` somebody has that role; `top_first` turns it) · `department_head_of` (`level`) ·
    `submitter_choice` and `previous_choice` (`among` limits it, `least`, `most`).

    `of` says whose manager or department is meant: owner, submitter, or a path. `within` limits a role to people of
    the department of owner or submitter. `nearest`: where the level is missing, the last one that exists stands in.
    """

    kind: str
    names: tuple[str, ...] = ()
    path: str = ""
    value: Expression | None = None
    of: str = "submitter"
    level: int = 1
    until: str = ""
    top_first: bool = False
    nearest: bool = False
    within: str = ""
    among: tuple[Who, ...] = ()
    least: int = 1
    most: int = 20


@dataclass(frozen=True, slots=True)
class Signing:
    """How the votes of one activation add up. `percent`, `count`, `against` (votes that reject) are whole numbers."""

    mode: SignMode = "any"
    percent: int = 0
    count: int = 0
    against: int = 0
    weights: Mapping[str, int] = field(default_factory=lambda: _NONE)
    strict: bool = False
    after_all: bool = False
    close_early: bool = True


@dataclass(frozen=True, slots=True)
class OverdueAct:
    """What happens when a task is overdue, in order. `remind` repeats `times` every `every_hours`; `escalate` hands the
    task to `to` (default the assignee's manager), `beside` adds them instead. `after_hours` counts from the due time.
    """

    act: TimeAct
    after_hours: int = 0
    every_hours: int = 24
    times: int = 1
    to: tuple[Who, ...] = ()
    beside: bool = False


@dataclass(frozen=True, slots=True)
class Due:
    """When a task is due, counted from its opening: working time of `calendar` when one is named, else plain time."""

    minutes: int = 0
    days: int = 0
    working_days: int = 0
    calendar: str = ""
    then: tuple[OverdueAct, ...] = ()


@dataclass(frozen=True, slots=True)
class CarbonCopy:
    """People who are told: `at` submit, pass (of the step) or end."""

    who: tuple[Who, ...]
    at: str = "end"


@dataclass(frozen=True, slots=True)
class Step:
    """One activation of people. Policies that are "" are the flow's."""

    name: str
    label: Label
    kind: StepKind = "approve"
    who: tuple[Who, ...] = ()
    sign: Signing = Signing()
    when: Expression | None = None
    due: Due | None = None
    edit: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    cc: tuple[CarbonCopy, ...] = ()
    on_reject: str = "end"
    self_policy: str = ""
    empty: str = ""
    assign: tuple[Who, ...] = ()
    repeat: str = ""
    always_ask: bool = False
    comment: str = ""
    no_batch: bool = False
    help: Label = Label()
    on: Mapping[str, tuple[Any, ...]] = field(default_factory=lambda: _NONE)


@dataclass(frozen=True, slots=True)
class Branch:
    """A way through a block. Without `when` it is the default of a choice, and always taken of parallel ones."""

    name: str
    label: Label
    steps: tuple[Node, ...]
    when: Expression | None = None


@dataclass(frozen=True, slots=True)
class Choose:
    """The first branch that holds."""

    name: str
    branches: tuple[Branch, ...]


@dataclass(frozen=True, slots=True)
class Parallel:
    """All branches that hold at the fork; joins when all of them have passed."""

    name: str
    branches: tuple[Branch, ...]


Node = Step | Choose | Parallel


@dataclass(frozen=True, slots=True)
class Start:
    """When a flow begins. `who` may submit (empty: whoever may change the record), or `by` holds for the person. Of
    several flows that could start the one with the highest `priority` does, then the first by name.
    """

    on: tuple[Operation, ...] = ("submit",)
    watch: tuple[str, ...] = ()
    when: Expression | None = None
    by: Expression | None = None
    who: tuple[Who, ...] = ()
    priority: int = 0
    stages: tuple[str, ...] = ()
    no_flow: str = "allow"


@dataclass(frozen=True, slots=True)
class Flow:
    """One approval flow. `lock` is None for the whole record, else the locked fields; `on` maps an event of EVENTS to
    action steps. `stages` of `start` cannot be entered without this approval.
    """

    name: str
    object: str
    label: Label
    start: Start
    steps: tuple[Node, ...]
    source: Mapping[str, Any]
    active: bool = True
    lock: tuple[str, ...] | None = None
    lock_children: tuple[str, ...] = ()
    keep_lock: bool = False
    always_editable: tuple[str, ...] = ()
    editable_on_return: tuple[str, ...] | None = None
    material: tuple[str, ...] = ()
    withdraw: str = "before_first_decision"
    resubmit: str = "restart"
    resubmit_to: str = "all"
    self_policy: SelfPolicy = "to_manager"
    self_is: str = "submitter"
    empty: EmptyPolicy = "admin"
    assign: tuple[Who, ...] = ()
    repeat: Repeat = "adjacent"
    require_human: bool = True
    comment: str = "never"
    admin: tuple[Who, ...] = ()
    cc: tuple[CarbonCopy, ...] = ()
    urge_minutes: int = 15
    urge_per_day: int = 5
    take_back_minutes: int = 0
    batch: bool = True
    on: Mapping[str, tuple[Any, ...]] = field(default_factory=lambda: _NONE)
    description: Label = Label()
    layer: str = ""

    def all_steps(self) -> Iterator[Step]:
        """Every step of the tree, in drawing order."""
        yield from steps_of(self.steps)

    def step(self, name: str) -> Step | None:
        """A step by name."""
        return next((step for step in self.all_steps() if step.name == name), None)


def steps_of(nodes: tuple[Node, ...]) -> Iterator[Step]:
    """Every step below a list of nodes."""
    for node in nodes:
        if isinstance(node, Step):
            yield node
        else:
            for branch in node.branches:
                yield from steps_of(branch.steps)
