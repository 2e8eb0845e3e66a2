"""The drawing of a flow: its tree as nested lists that style sheets give lines, forks and marks.

One form for eyes, keyboards and screen readers alike: every mark has its word, every branch its name. A running
approval lays people and rounds over the steps; a published flow shows whom it would ask.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from guanxi.registry.approvals import Branch, Choose, Flow, Node, Step
from guanxi.runtime.approvals.desk import Round

from . import approval_texts as words
from .formats import Formats
from .texts import gettext
from .visit import current_visit


@dataclass(frozen=True, slots=True)
class PersonView:
    """One task on the drawing."""

    key: int
    name: str
    state: str
    tone: str
    why: str
    moment: str
    comment: str
    opened: bool


@dataclass(frozen=True, slots=True)
class RoundView:
    """An earlier entering of a step."""

    number: int
    state: str
    tone: str
    people: tuple[PersonView, ...]


@dataclass(frozen=True, slots=True)
class BranchView:
    """One way through a fork. `taken`: yes, no, or not decided yet (None)."""

    label: str
    condition: str
    taken: bool | None
    nodes: tuple[NodeView, ...]


@dataclass(slots=True)
class NodeView:
    """One step, or a fork with its `branches`. `facts` are short lines of the definition."""

    label: str
    kind: str
    state: str = "ahead"
    text: str = ""
    tone: str = "slate"
    sign: str = "circle-dashed"
    facts: tuple[str, ...] = ()
    people: tuple[PersonView, ...] = ()
    earlier: tuple[RoundView, ...] = ()
    branches: tuple[BranchView, ...] = ()
    optional: bool = field(default=False)

    def stand(self, state: str) -> None:
        """Take a state with its word and mark."""
        self.state = state
        self.text, self.tone, self.sign = words.standing(state)


KIND_TEXT = {"cc": "For information", "auto_pass": "Passes by itself", "auto_reject": "Rejects by itself"}
KIND_SIGN = {"cc": "send", "auto_pass": "fast-forward", "auto_reject": "octagon-x"}


class Drawing:
    """Draws one flow; with `shown` (what the approval service shows of an instance) as it stands."""

    def __init__(
        self,
        flow: Flow,
        shape: Formats,
        shown: Mapping[str, Any] | None = None,
        rounds: Sequence[Round] = (),
    ) -> None:
        self.flow = flow
        self.shape = shape
        self.shown = shown
        self.language = current_visit().language
        self.tasks = {task["id"]: task for task in shown["tasks"]} if shown else {}
        self.rounds = rounds
        self.cycle = int(shown["cycle"]) if shown else 1
        self.taken = _taken(shown["tree"]) if shown else {}

    def nodes(self) -> tuple[NodeView, ...]:
        """The whole tree, an administrator's step at its end where one was needed."""
        found = list(self._nodes(self.flow.steps))
        if self.shown is not None:
            if any(one.step == words.ADMINISTRATOR for one in self.rounds):
                found.append(self._standing(NodeView(gettext("Administrator"), "approve"), words.ADMINISTRATOR))
            _fill(found, ended=self.shown["state"] == "approved")
        return tuple(found)

    def _nodes(self, nodes: Sequence[Node]) -> tuple[NodeView, ...]:
        return tuple(self._step(node) if isinstance(node, Step) else self._fork(node) for node in nodes)

    def _step(self, step: Step) -> NodeView:
        label = step.label.text(self.language) or step.name
        facts = [gettext(KIND_TEXT[step.kind])] if step.kind in KIND_TEXT else []
        if self.shown is None or not any(one.step == step.name for one in self.rounds):
            facts += [text for text in (words.asked(step), words.signing(step) if step.who else "") if text]
            limit = words.due(step.due)
            facts += [gettext("due in %(time)s", time=limit)] if limit else []
        if step.when is not None and self.shown is None:
            facts.append(gettext("only if %(condition)s", condition=step.when.source.strip()))
        view = NodeView(label, step.kind, facts=tuple(facts), optional=step.when is not None)
        view.stand("ahead")
        view.sign = KIND_SIGN.get(step.kind, view.sign if self.shown else "user-round-check")
        return self._standing(view, step.name) if self.shown is not None else view

    def _standing(self, view: NodeView, name: str) -> NodeView:
        """Lay people and rounds over a step."""
        mine = [one for one in self.rounds if one.step == name]
        now = [one for one in mine if one.cycle == self.cycle]
        if now:
            view.stand(now[-1].state)
            view.people = self._people(now[-1])
        view.earlier = tuple(self._round(one) for one in mine if not now or one is not now[-1])
        return view

    def _round(self, one: Round) -> RoundView:
        text, tone, _ = words.standing(one.state)
        return RoundView(one.number, text, tone, self._people(one))

    def _people(self, one: Round) -> tuple[PersonView, ...]:
        return tuple(self._person(self.tasks[number]) for number in one.tasks if number in self.tasks)

    def _person(self, task: Mapping[str, Any]) -> PersonView:
        text, tone, _ = words.standing(task["state"])
        person = task["decided_by"] or task["user"]
        why = [words.reason(task["reason"])] if task["reason"] else []
        if task["part"] in words.PARTS:
            why.insert(0, words.part(task["part"]))
        if task["on_behalf_of"] and task["on_behalf_of"]["id"] != person["id"]:
            why.append(gettext("for %(name)s", name=task["on_behalf_of"]["title"]))
        moment = task["decided_at"] or (task["due_at"] if task["state"] == "open" else None)
        shown = self.shape.instant(moment) if moment else ""
        if moment and not task["decided_at"]:
            shown = gettext("due %(moment)s", moment=shown)
        opened = task["state"] == "open"
        return PersonView(
            person["id"], person["title"], text, tone, " · ".join(why), shown, task["comment"] or "", opened
        )

    def _fork(self, node: Any) -> NodeView:
        choose = isinstance(node, Choose)
        view = NodeView(gettext("One way is taken") if choose else gettext("All at the same time"), "fork")
        view.sign = "split" if choose else "git-fork"
        taken = self.taken.get(node.name)
        view.branches = tuple(self._branch(branch, node, taken) for branch in node.branches)
        states = {inner.state for branch in view.branches for inner in branch.nodes if branch.taken is not False}
        view.state = "active" if "active" in states else "passed" if taken and states - {"ahead"} else "ahead"
        return view

    def _branch(self, branch: Branch, node: Any, taken: frozenset[str] | None) -> BranchView:
        condition = branch.when.source.strip() if branch.when is not None else ""
        if not condition and isinstance(node, Choose):
            condition = gettext("otherwise")
        inside = self._nodes(branch.steps)
        entered = None if not taken else branch.name in taken
        if entered is False:
            for one in inside:
                one.stand("left")
        if self.shown is not None:
            over = entered is True and not any(one.state == "active" for one in inside)
            _fill(list(inside), ended=over and self.shown["state"] == "approved")
        return BranchView(branch.label.text(self.language) or branch.name, condition, entered, inside)


def _taken(tree: Sequence[Mapping[str, Any]]) -> dict[str, frozenset[str]]:
    """Fork → branches that were entered."""
    found: dict[str, frozenset[str]] = {}
    for node in tree:
        if "branches" not in node:
            continue
        name = str(node.get("choose") or node.get("parallel"))
        found[name] = frozenset(branch["name"] for branch in node["branches"] if branch["taken"])
        for branch in node["branches"]:
            found |= _taken(branch["steps"])
    return found


def _fill(nodes: Sequence[NodeView], *, ended: bool) -> None:
    """What the way has passed without asking anybody: copies, automatic steps, steps whose condition did not hold."""
    reached = ended
    for node in reversed(nodes):
        if node.kind == "fork":
            reached = reached or node.state != "ahead"
        elif node.state != "ahead":
            reached = True
        elif reached:
            node.stand({"cc": "told", "auto_pass": "passed"}.get(node.kind, "left"))
