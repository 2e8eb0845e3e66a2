"""From the plain data of an approval flow to the compiled Flow, in one place for both its readers.

Publishing calls `build_flow` with a checker that notes faults at their lines; a running instance calls it again on the
text it was started with, with a checker that raises. The data was judged by the document's model before it was kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from guanxi.common.labels import Label, title_case
from guanxi.expressions.expression import Expression

from .approvals import (
    OPERATIONS,
    Branch,
    CarbonCopy,
    Choose,
    Due,
    Flow,
    Node,
    OverdueAct,
    Parallel,
    Signing,
    Start,
    Step,
    Who,
)

Path = tuple[str | int, ...]
Data = Mapping[str, Any]
BARE_WHO = ("owner", "submitter")
MANY_NAMES = ("user", "role", "team", "team_tree")
CHAINS = ("manager_of", "managers_of", "department_head_of")
CHOICES = ("submitter_choice", "previous_choice")
OVERDUE = {
    "remind": "remind",
    "escalate": "escalate",
    "auto_pass": "auto_pass",
    "approve": "auto_pass",
    "auto_reject": "auto_reject",
    "reject": "auto_reject",
}


class Checker(Protocol):
    """Turns texts into checked expressions. None when the text has faults that were noted elsewhere."""

    def condition(self, path: Path, text: Any) -> Expression | None:
        """A boolean expression on the record."""
        ...

    def person(self, path: Path, text: Any) -> Expression | None:
        """An expression on the record that gives a user."""
        ...


def build_flow(name: str, data: Data, checker: Checker, *, layer: str = "") -> Flow:
    """The compiled flow of a definition's plain data."""
    build = _Builder(checker)
    empty, assign = build.empty(("empty",), data.get("empty", "admin"))
    lock = data.get("lock", "all")
    return Flow(
        name=name,
        object=data["object"],
        label=label(data.get("label"), name),
        description=label(data.get("description"), ""),
        active=data.get("active", True),
        start=build.start(data),
        steps=build.nodes(("steps",), data.get("steps") or {}),
        source=data,
        lock=None if lock == "all" else () if lock == "none" else tuple(lock),
        lock_children=tuple(data.get("lock_children") or ()),
        keep_lock=data.get("keep_lock", False),
        always_editable=tuple(data.get("always_editable") or ()),
        editable_on_return=None if data.get("editable_on_return") is None else tuple(data["editable_on_return"]),
        material=tuple(data.get("material") or ()),
        withdraw=data.get("withdraw", "before_first_decision"),
        resubmit=data.get("resubmit", "restart"),
        resubmit_to=data.get("resubmit_to", "all"),
        self_policy=data.get("self", "to_manager"),
        self_is=data.get("self_is", "submitter"),
        empty=empty,  # type: ignore[arg-type]
        assign=assign,
        repeat=data.get("repeat", "adjacent"),
        require_human=data.get("require_human", True),
        comment=data.get("comment", "never"),
        admin=build.whos(("admin",), data.get("admin")),
        cc=build.copies(("cc",), data.get("cc"), "end"),
        urge_minutes=(data.get("urge") or {}).get("every_minutes", 15),
        urge_per_day=(data.get("urge") or {}).get("per_day", 5),
        take_back_minutes=data.get("take_back_minutes", 0),
        batch=data.get("batch", True),
        on={event: tuple(steps or ()) for event, steps in (data.get("on") or {}).items()},
        layer=layer,
    )


def label(given: Any, name: str) -> Label:
    """A text or a map by language; made from the name when absent."""
    if given is None:
        return Label.of(title_case(name)) if name else Label()
    return given if isinstance(given, Label) else Label.of(given)


def as_list(given: Any) -> Sequence[Any]:
    """One or many."""
    if given is None:
        return ()
    return given if isinstance(given, list | tuple) else (given,)


class _Builder:
    def __init__(self, checker: Checker) -> None:
        self.checker = checker

    # people -----------------------------------------------------------------------------------------
    def whos(self, path: Path, given: Any) -> tuple[Who, ...]:
        """One source or a list of them."""
        if isinstance(given, list | tuple):
            return tuple(self.who((*path, index), one) for index, one in enumerate(given))
        return () if given is None else (self.who(path, given),)

    def who(self, path: Path, given: Any) -> Who:
        if isinstance(given, str):
            return Who(given)
        kind = next(key for key in given if key in (*MANY_NAMES, "field", "expression", *CHAINS, *CHOICES))
        value = given[kind]
        if kind in MANY_NAMES:
            return Who(kind, names=tuple(as_list(value)), within=given.get("within", ""))
        if kind == "field":
            return Who(kind, path=value)
        if kind == "expression":
            return Who(kind, value=self.checker.person((*path, kind), value))
        if kind in CHAINS:
            until = (given.get("until") or {}).get("role", "")
            level = given.get("level", 20 if until else 1)
            return Who(
                kind,
                of=value,
                level=level,
                until=until,
                top_first=given.get("from") == "top",
                nearest=given.get("shortage") == "nearest",
            )
        among = () if value in (True, None) else self.whos((*path, kind), value)
        return Who(kind, among=among, least=given.get("min", 1), most=given.get("max", 20))

    def empty(self, path: Path, given: Any) -> tuple[str, tuple[Who, ...]]:
        """A policy and whom `assign` names."""
        if isinstance(given, Mapping):
            return "assign", self.whos((*path, "assign"), given["assign"])
        return given or "", ()

    def copies(self, path: Path, given: Any, at: str) -> tuple[CarbonCopy, ...]:
        found = []
        for index, one in enumerate(as_list(given)):
            here = (*path, index) if isinstance(given, list | tuple) else path
            if isinstance(one, Mapping) and "who" in one:
                found.append(CarbonCopy(self.whos((*here, "who"), one["who"]), one.get("at", at)))
            else:
                found.append(CarbonCopy((self.who(here, one),), at))
        return tuple(found)

    # the tree ---------------------------------------------------------------------------------------
    def start(self, data: Data) -> Start:
        given: Data = data.get("start") or {}
        by = given.get("by")
        people, condition = (), None
        if isinstance(by, str) and by not in BARE_WHO:
            condition = self.checker.condition(("start", "by"), by)
        elif by is not None:
            people = self.whos(("start", "by"), by)  # type: ignore[assignment]
        when = given.get("when")
        stages = (given.get("required_for") or {}).get("stage")
        return Start(
            on=tuple(one for one in OPERATIONS if one in as_list(given.get("on", "submit"))),
            watch=tuple(given.get("watch") or ()),
            when=None if when is None else self.checker.condition(("start", "when"), when),
            by=condition,
            who=people,
            priority=given.get("priority", 0),
            stages=tuple(as_list(stages)),
            no_flow=given.get("no_flow", "allow"),
        )

    def nodes(self, path: Path, steps: Data) -> tuple[Node, ...]:
        return tuple(self.node((*path, name), name, given or {}) for name, given in steps.items())

    def node(self, path: Path, name: str, given: Data) -> Node:
        for word, block in (("choose", Choose), ("parallel", Parallel)):
            if word in given:
                branches = tuple(self.branch((*path, word, one), one, part or {}) for one, part in given[word].items())
                return block(name, branches)
        return self.step(path, name, given)

    def branch(self, path: Path, name: str, given: Data) -> Branch:
        when = given.get("when")
        condition = None if when is None else self.checker.condition((*path, "when"), when)
        return Branch(
            name, label(given.get("label"), name), self.nodes((*path, "steps"), given.get("steps") or {}), condition
        )

    def step(self, path: Path, name: str, given: Data) -> Step:
        empty, assign = self.empty((*path, "empty"), given.get("empty", ""))
        when = given.get("when")
        return Step(
            name=name,
            label=label(given.get("label"), name),
            kind=given.get("as", "approve"),
            who=self.whos((*path, "who"), given.get("who")),
            sign=signing(given.get("sign", "any"), given.get("reject")),
            when=None if when is None else self.checker.condition((*path, "when"), when),
            due=self.due((*path, "due"), given.get("due")),
            edit=tuple(given.get("edit") or ()),
            required=tuple(given.get("required") or ()),
            hidden=tuple(given.get("hidden") or ()),
            cc=self.copies((*path, "cc"), given.get("cc"), "pass"),
            on_reject=on_reject(given.get("on_reject", "end")),
            self_policy=given.get("self", ""),
            empty=empty,
            assign=assign,
            repeat=given.get("repeat", ""),
            always_ask=given.get("always_ask", False),
            comment=given.get("comment", ""),
            no_batch=given.get("no_batch", False),
            help=label(given.get("help"), ""),
            on={event: tuple(steps or ()) for event, steps in (given.get("on") or {}).items()},
        )

    def due(self, path: Path, given: Any) -> Due | None:
        if given is None:
            return None
        acts = tuple(self.overdue((*path, "then", i), one) for i, one in enumerate(as_list(given.get("then"))))
        minutes = given.get("hours", 0) * 60 + given.get("minutes", 0)
        return Due(
            minutes=minutes,
            days=given.get("days", 0),
            working_days=given.get("working_days", 0),
            calendar=given.get("calendar", ""),
            then=acts,
        )

    def overdue(self, path: Path, given: Any) -> OverdueAct:
        word, more = (given, {}) if isinstance(given, str) else next(iter(given.items()))
        more = more or {}
        return OverdueAct(
            act=OVERDUE[word],  # type: ignore[arg-type]
            after_hours=more.get("after_hours", 0),
            every_hours=more.get("every_hours", 24),
            times=more.get("times", 1),
            to=self.whos((*path, word, "to"), more.get("to")),
            beside=more.get("by") == "add",
        )


def on_reject(given: Any) -> str:
    """`end`, `to_start`, `to_previous`, or the name of the step it returns to behind `step:`."""
    return f"step:{given['return_to']}" if isinstance(given, Mapping) else given


def signing(given: Any, reject: Any = None) -> Signing:
    """How votes add up, from `any`, `all`, `in_order` or a map."""
    after_all = reject in ("all", "after_all")
    if isinstance(given, str):
        return Signing(given, after_all=after_all)  # type: ignore[arg-type]
    mode = "percent" if "percent" in given else "count"
    return Signing(
        mode,  # type: ignore[arg-type]
        percent=given.get("percent", 0),
        count=given.get("count", 0),
        against=given.get("against", 0),
        weights=dict(given.get("weights") or {}),
        strict=given.get("strict", False),
        after_all=after_all,
        close_early=given.get("close_early", True),
    )
