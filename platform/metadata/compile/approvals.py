"""`kind: approval` → Flow: the tree is sound, everything it names exists, and every branch can be decided.

The compiled value is made by `registry.approval_source.build_flow`, which running instances use too; here its checker
notes faults at their lines, and the rules over the whole flow are judged.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from guanxi.expressions.expression import Expression
from guanxi.expressions.types import BOOLEAN, ValueType
from guanxi.registry.approval_source import as_list, build_flow
from guanxi.registry.approvals import Choose, Flow, Node, Step

from ..documents.approval import ApprovalDocument, StepPart
from ..link.context import Context
from ..nodes import Document, Path, to_plain
from .rules import constant
from .scope import Scope, label_of
from .steps import compile_steps

USER = ValueType("reference", "user")


def compile_approval(context: Context, document: Document, model: ApprovalDocument) -> Flow | None:
    """One flow; None when its object does not exist."""
    if not context.has("object", model.object):
        names = context.names("object")
        context.unknown("unknown-object", "object", model.object, names, document, ("object",))
        return None
    outline = context.outline_of(model.object)
    if outline is None:
        return None
    scope = Scope(context, document, outline.model, outline)
    return context.made(document, "approval", lambda: _compile(scope, model))


def _compile(scope: Scope, model: ApprovalDocument) -> Flow:
    document = scope.document
    data = to_plain(document.node)
    flow = build_flow(document.name, data, _Checker(scope), layer=document.layer)
    label_of(scope.context, document, ("label",), model.label, document.name)
    _start(scope, model, flow)
    _fields(scope, model)
    _people(scope, (), {"admin": model.admin, "empty": model.empty, "cc": model.cc, "start": {"by": model.start.by}})
    _tree(scope, ("steps",), model.steps, {})
    _returns(scope, flow.steps, ("steps",), [])
    for event, steps in model.on.items():
        compile_steps(scope, ("on", event), steps)
    return flow


class _Checker:
    """Expressions of the flow, noted at their places."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    def condition(self, path: Path, text: Any) -> Expression | None:
        """A boolean expression on the record."""
        found = self.scope.expression(path, text, BOOLEAN, change=path[0] == "start")
        if constant(found) is False:
            self.scope.error("never-true", "the condition never holds", path)
        return found

    def person(self, path: Path, text: Any) -> Expression | None:
        """An expression that gives a user."""
        return self.scope.expression(path, text, USER)


# start and fields -----------------------------------------------------------------------------------------------
def _start(scope: Scope, model: ApprovalDocument, flow: Flow) -> None:
    start = model.start
    if start.required_for is not None:
        stages = scope.model.stages
        if stages is None:
            scope.error("model-rule", f"'{scope.name}' has no stages", ("start", "required_for", "stage"))
            return
        field = scope.outline.fields.get(stages.field)
        known = list(field.options) if field is not None else []
        for index, stage in enumerate(start.required_for.stage):
            if stage not in known:
                at = ("start", "required_for", "stage", index)
                scope.context.unknown("unknown-reference", "stage", stage, known, scope.document, at)
    if "transfer" in flow.start.on and not scope.outline.model.owned:
        scope.error("model-rule", f"records of '{scope.name}' have no owner to transfer", ("start", "on"))
    if "stage" in flow.start.on and scope.model.stages is None:
        scope.error("model-rule", f"'{scope.name}' has no stages", ("start", "on"))


def _fields(scope: Scope, model: ApprovalDocument) -> None:
    listed: tuple[tuple[Path, Sequence[str]], ...] = (
        (("start", "watch"), model.start.watch),
        (("lock",), model.lock if isinstance(model.lock, list) else ()),
        (("always_editable",), model.always_editable),
        (("editable_on_return",), model.editable_on_return or ()),
        (("material",), model.material),
    )
    for path, names in listed:
        scope.fields(path, names)
    lists = {one.name for one in scope.context.lists_of(scope.name)}
    for index, name in enumerate(model.lock_children):
        if name not in lists:
            at = ("lock_children", index)
            scope.context.unknown("unknown-reference", "related list", name, lists, scope.document, at)


# the tree -------------------------------------------------------------------------------------------------------
def _tree(scope: Scope, path: Path, steps: Mapping[str, StepPart], seen: dict[str, Path]) -> None:
    for name, part in steps.items():
        at = (*path, name)
        if name in seen:
            scope.error("clash", f"'{name}' stands in this flow twice", at, key=True)
        seen[name] = at
        if part.choose is not None or part.parallel is not None:
            _block(scope, at, part, seen)
        else:
            _step(scope, at, part)


def _block(scope: Scope, path: Path, part: StepPart, seen: dict[str, Path]) -> None:
    if part.choose is not None and part.parallel is not None:
        scope.error("clash", "a block is either a choice or parallel", (*path, "parallel"), key=True)
    for key in sorted(part.model_fields_set - {"choose", "parallel", "label", "help"}):
        said = "a block of branches decides nothing itself; put this on a step inside it"
        scope.error("unknown-key", said, (*path, key.rstrip("_")), key=True)
    word, branches = ("choose", part.choose) if part.choose is not None else ("parallel", part.parallel or {})
    at = (*path, word)
    if not branches:
        scope.error("missing-key", "the block has no branches", at)
    defaults = [name for name, branch in branches.items() if branch.when is None]
    if word == "choose" and len(defaults) != 1:
        said = "a choice needs one branch without 'when', which is taken when no other holds"
        scope.error("model-rule", said if not defaults else f"{said}; here are {', '.join(defaults)}", at, key=True)
    elif word == "choose" and defaults[0] != list(branches)[-1]:
        scope.error(
            "never-true", "branches behind the one without 'when' are never taken", (*at, defaults[0]), key=True
        )
    for name, branch in branches.items():
        _tree(scope, (*at, name, "steps"), branch.steps, seen)


def _step(scope: Scope, path: Path, part: StepPart) -> None:
    if part.as_ in ("approve", "cc") and part.who is None:
        scope.error("missing-key", "'who' is missing: nobody is asked", path, key=True)
    for key in ("edit", "required", "hidden"):
        scope.fields((*path, key), getattr(part, key))
    _editable(scope, path, part)
    _people(scope, path, {"who": part.who, "empty": part.empty, "cc": part.cc})
    if part.due is not None:
        _due(scope, (*path, "due"), part)
    for event, steps in part.on.items():
        compile_steps(scope, (*path, "on", event), steps)


def _editable(scope: Scope, path: Path, part: StepPart) -> None:
    flow = to_plain(scope.document.node)
    for index, name in enumerate(part.edit):
        if name in (flow.get("material") or ()):
            said = f"'{name}' is material: an approver cannot change it; returning the record is the way"
            scope.error("model-rule", said, (*path, "edit", index))
        one = scope.outline.fields.get(name)
        if one is not None and not one.type.writable:
            scope.error("model-rule", f"'{name}' cannot be written", (*path, "edit", index))
    for index, name in enumerate(part.required):
        if name not in part.edit:
            scope.error(
                "model-rule", f"'{name}' is required here, so it must be in 'edit' too", (*path, "required", index)
            )


def _due(scope: Scope, path: Path, part: StepPart) -> None:
    due = part.due
    if due is None:
        return
    if not (due.minutes or due.hours or due.days or due.working_days):
        scope.error("missing-key", "the time is missing: minutes, hours, days or working_days", path)
    if due.calendar is not None and not scope.context.has("calendar", due.calendar):
        names = scope.context.names("calendar")
        scope.context.unknown("unknown-reference", "calendar", due.calendar, names, scope.document, (*path, "calendar"))
    for index, act in enumerate(due.then):
        if isinstance(act, dict):
            word, more = next(iter(act.items()))
            _people(scope, (*path, "then", index, word), {"to": (more or {}).get("to")})


# people ---------------------------------------------------------------------------------------------------------
def _people(scope: Scope, path: Path, given: Mapping[str, Any]) -> None:
    for key, value in given.items():
        if value is not None:
            _named(scope, (*path, key), value)


def _named(scope: Scope, path: Path, value: Any) -> None:
    """Names inside a source of people, wherever it is nested."""
    if isinstance(value, list | tuple):
        for index, one in enumerate(value):
            _named(scope, (*path, index), one)
    elif isinstance(value, dict):
        for key, inner in value.items():
            _source(scope, (*path, key), key, inner)
    elif value == "owner" and not scope.outline.model.owned:
        scope.error("model-rule", f"records of '{scope.name}' have no owner", path)


def _source(scope: Scope, path: Path, key: str, value: Any) -> None:
    if key == "role":
        for index, name in enumerate(as_list(value)):
            if not scope.context.has("role", name):
                at = (*path, index) if isinstance(value, list) else path
                names = scope.context.names("role")
                scope.context.unknown("unknown-reference", "role", name, names, scope.document, at)
    elif key == "field" or (key in ("manager_of", "managers_of", "department_head_of") and value != "submitter"):
        info = scope.column(path, value)
        if info is not None and (info.type.kind, info.type.object) != ("reference", "user"):
            scope.error("expression-type", f"'{value}' is not a user", path)
    elif key in ("who", "by", "assign", "until", "among", "submitter_choice", "previous_choice"):
        _named(scope, path, value)


# returns --------------------------------------------------------------------------------------------------------
def _returns(scope: Scope, nodes: Iterable[Node], path: Path, before: list[str]) -> None:
    """`return_to` leads to a step that every way to this one has passed."""
    passed = list(before)
    for node in nodes:
        at = (*path, node.name)
        if isinstance(node, Step):
            target = node.on_reject.removeprefix("step:")
            if target != node.on_reject and target not in passed:
                names = ", ".join(passed) or "none"
                said = f"'{target}' is not a step before this one on every way; steps before it: {names}"
                scope.error("unknown-reference", said, (*at, "on_reject", "return_to"))
            passed.append(node.name)
        else:
            word = "choose" if isinstance(node, Choose) else "parallel"
            for branch in node.branches:
                _returns(scope, branch.steps, (*at, word, branch.name, "steps"), passed)
