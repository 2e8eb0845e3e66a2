"""`kind: sla` → Sla: conditions and steps checked on the object, and the two usual targets given their usual ends.

`first_response` ends when the field `first_response_at` is filled, else when the record leaves its first stage;
`resolution` when `resolved_at` or `closed_at` is filled or the record enters a final stage: one that leads nowhere or,
where every stage leads on, one that leads to no later stage and under which the clock does not stand.
A step `notify` that says nothing gets the sentence it stands for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson

from guanxi.common.labels import Label, title_case
from guanxi.common.text import described
from guanxi.expressions import tree as t
from guanxi.expressions.env import Env
from guanxi.expressions.evaluate import evaluate
from guanxi.expressions.expression import Expression
from guanxi.expressions.types import BOOLEAN, DATE, DATETIME
from guanxi.registry.slas import BREACH, Limit, Rung, Sla, Target
from guanxi.registry.step_source import build_steps

from ..documents.sla import SlaDocument, SlaTargetPart, WarnPart
from ..link.context import Context
from ..link.outline import Outline
from ..nodes import Document, Path
from .rules import constant
from .scope import frozen, label_of, text_in_all
from .stages import with_ends
from .steps import DocumentGround

USUAL = {
    "first_response": Label.of({"en": "First response", "zh": "首次响应"}),
    "resolution": Label.of({"en": "Resolution", "zh": "解决"}),
}
USUAL_WARNING = 75
_OVERDUE = ({"en": "Overdue", "zh": "已超期"}, {"en": "Due soon", "zh": "即将到期"})


def compile_sla(context: Context, document: Document, model: SlaDocument) -> Sla | None:
    """The compiled service level; None when its object does not exist."""
    if not context.has("object", model.object):
        context.unknown("unknown-object", "object", model.object, context.names("object"), document, ("object",))
        return None
    return context.made(document, "sla", lambda: _Compiler(context, document, model).compile())


class _Compiler:
    def __init__(self, context: Context, document: Document, model: SlaDocument) -> None:
        self.context = context
        self.document = document
        self.model = model
        self.ground = DocumentGround(context, document, model.object, change=False, people=False)
        self.pause = self._condition(("pause",), model.pause)

    def compile(self) -> Sla:
        context, document, model = self.context, self.document, self.model
        when = self._condition(("when",), model.when)
        if constant(when) is False:
            context.error("never-true", "the condition never holds, so no clock ever runs", document, ("when",))
        if model.calendar is not None and not context.has("calendar", model.calendar):
            known = context.names("calendar")
            context.unknown("unknown-reference", "calendar", model.calendar, known, document, ("calendar",))
        text_in_all(context, document, ("description",), model.description)
        targets = {name: self._target(name, part) for name, part in model.targets.items()}
        sla = Sla(
            name=document.name,
            label=label_of(context, document, ("label",), model.label, document.name),
            object=model.object,
            targets=frozen({name: one for name, one in targets.items() if one is not None}),
            when=when,
            calendar=model.calendar or "",
            priority=model.priority,
            active=model.active,
            mark=_mark(model),
            description=model.description,
            layer=document.layer,
            place=document.place,
        )
        return _with_children(sla)

    def _condition(self, path: Path, text: str | None) -> Expression | None:
        if text is None:
            return None
        found = self.context.expression(
            self.document, path, text, self.model.object, expect=BOOLEAN, change=False, people=False
        )
        if found is not None and any(isinstance(x, t.CallerTerm) for x in t.walk(found.tree)):
            said = "the condition is asked when the record is written, not when time passes: it cannot speak of now"
            self.context.error("model-rule", said, self.document, path)
        return found

    # one clock ----------------------------------------------------------------------------------------------------
    def _target(self, name: str, part: SlaTargetPart) -> Target | None:
        path: Path = ("targets", name)
        if part.working_days is not None and self.model.calendar is None:
            said = "working days need a calendar: name one, or say days"
            self.context.error("model-rule", said, self.document, (*path, "working_days"), key=True)
        stop = self._stop(name, part, path)
        label = part.label or USUAL.get(name) or Label.of(title_case(name))
        if part.label:
            text_in_all(self.context, self.document, (*path, "label"), part.label)
        pause = self._condition((*path, "pause"), part.pause) if part.pause is not None else self.pause
        start, rungs = self._start(part, path), self._ladder(part, path, label)
        if stop is None:
            return None
        restart = part.restart or ("never" if name == "first_response" else self.model.restart)
        return Target(
            name=name,
            label=label,
            limit=Limit((part.hours or 0) * 60 + (part.minutes or 0), part.days or 0, part.working_days or 0),
            stop=stop,
            start=start,
            pause=pause,
            rungs=rungs,
            restart=restart,  # type: ignore[arg-type]
        )

    def _start(self, part: SlaTargetPart, path: Path) -> Expression | None:
        if part.start is None:
            return None
        at = (*path, "start")
        found = self.ground.expression(at, part.start)
        if found is not None and found.type.kind not in (DATE.kind, DATETIME.kind):
            said = f"a date or a moment is needed here, this gives {found.type}"
            self.context.error("expression-type", said, self.document, at)
        return found

    def _stop(self, name: str, part: SlaTargetPart, path: Path) -> Expression | None:
        if part.stop is not None:
            found = self._condition((*path, "stop"), part.stop)
            if constant(found) in (True, False):
                said = "the clock would never stop" if constant(found) is False else "the clock would never run"
                self.context.error("never-true", said, self.document, (*path, "stop"))
            return found
        outline = self.context.outline_of(self.model.object)
        if outline is not None and name == "first_response" and (text := _responded(outline)):
            return self._condition(path, text)
        if outline is not None and name == "resolution" and (text := self._resolved(outline, part, path)):
            return self._condition(path, text)
        hint = "stop: a condition such as stage == 'done'"
        if name in USUAL:
            said = f"'stop' is missing: {self.model.object} has neither stages nor a field that says when it was done"
        else:
            said = f"'stop' is missing: only {' and '.join(USUAL)} know when they end"
        self.context.error("missing-key", said, self.document, path, hint=hint, key=True)
        return None

    def _resolved(self, outline: Outline, part: SlaTargetPart, path: Path) -> str:
        """The condition that everything is done; "" when the object has nothing to tell it by."""
        fields = _moments(outline)
        parts = [f"not blank({field})" for field in ("resolved_at", "closed_at") if field in fields]
        stages = outline.model.stages
        if stages is None:
            return " or ".join(parts)
        one = outline.fields.get(stages.field)
        leads = {stage: part.to for stage, part in with_ends(stages.path, one.options if one else ()).items()}
        last = [stage for stage, to in leads.items() if not to]
        if not last:
            order = {stage: rank for rank, stage in enumerate(leads)}
            last = [stage for stage, to in leads.items() if all(order.get(other, -1) < order[stage] for other in to)]
            pause = self._condition((*path, "pause"), part.pause) if part.pause is not None else self.pause
            last = [stage for stage in last if not _stands(pause, stages.field, stage)]
            if len(last) > 1 and not parts:
                said = f"the clock ends in the stages {', '.join(last)}, which lead to no later one"
                self.context.warning(
                    "model-rule", said, self.document, path, hint="say 'stop' if it is not so", key=True
                )
        listed = ", ".join(f'"{stage}"' for stage in last)
        return " or ".join([*parts, f"{stages.field} in [{listed}]"] if last else parts)

    # the ladder ---------------------------------------------------------------------------------------------------
    def _ladder(self, part: SlaTargetPart, path: Path, label: Label) -> tuple[Rung, ...]:
        own: Path = path
        warn, warn_at = (part.warn, (*own, "warn")) if part.warn is not None else (self.model.warn, ("warn",))
        if part.on_warning is not None:
            usual, usual_at = part.on_warning, (*own, "on_warning")
        else:
            usual, usual_at = self.model.on_warning, ("on_warning",)
        if not warn and usual:
            warn, warn_at = [WarnPart.model_construct(at={"percent": USUAL_WARNING}, do=[])], usual_at
        rungs: dict[str, Rung] = {}
        for index, one in enumerate(warn):
            key = "".join(f"{number}{'%' if unit == 'percent' else 'm'}" for unit, number in one.at.items())
            if key in rungs:
                self.context.error("clash", f"a warning at {key} stands here twice", self.document, (*warn_at, index))
            steps, at = (one.do, (*warn_at, index, "do")) if one.do else (usual, usual_at)
            if not steps:
                said = "the warning does nothing: give it steps under 'do', or say 'on_warning'"
                self.context.error("model-rule", said, self.document, (*warn_at, index))
            rungs[key] = Rung(key, self._steps(at, steps, label, 1), **one.at)
        breach = part.on_breach if part.on_breach is not None else self.model.on_breach
        breach_at: Path = (*own, "on_breach") if part.on_breach is not None else ("on_breach",)
        return (*rungs.values(), Rung(BREACH, self._steps(breach_at, breach, label, 0), percent=100))

    def _steps(self, path: Path, steps: Sequence[Any], label: Label, which: int) -> Any:
        outline = self.context.outline_of(self.model.object)
        said = sentence(
            self.context.languages, label, (outline.model.title or "") if outline is not None else "", which
        )
        return build_steps(self.ground, path, _spoken(steps, said))


def _stands(pause: Expression | None, field: str, stage: str) -> bool:
    """Whether a stage alone tells that the clock stands."""
    if pause is None or pause.own != {field} or any(use.field != field for use in pause.uses):
        return False
    return bool(evaluate(pause, Env({field: stage})))


def _responded(outline: Outline) -> str:
    """The condition that a first answer was given; "" when the object has nothing to tell it by."""
    if "first_response_at" in _moments(outline):
        return "not blank(first_response_at)"
    stages = outline.model.stages
    return f'{stages.field} != "{next(iter(stages.path))}"' if stages is not None and stages.path else ""


def _moments(outline: Outline) -> set[str]:
    return {field for field, info in outline.infos.items() if info.type.kind in ("date", "datetime")}


def sentence(languages: Sequence[str], label: Label, title: str, which: int) -> dict[str, str]:
    """What a notice says that has no text of its own, by language: which clock, and the record's title."""
    hole = "{" + title + "}" if title and not set("{}") & set(title) else ""
    found = {}
    for language in languages:
        chinese = language.startswith("zh")
        target = label.text(language).replace("{", "{{").replace("}", "}}")
        word = _OVERDUE[which]["zh" if chinese else "en"]
        said = f"{word}（{target}）：{hole}" if chinese else f"{word} ({target}): {hole}"
        found[language] = said.rstrip("：: ")
    return found


def _spoken(steps: Sequence[Any], said: Mapping[str, str]) -> list[Any]:
    """The steps, with the sentence in every `notify` that says nothing."""
    made: list[Any] = []
    for step in steps:
        given = step.get("notify") if isinstance(step, dict) else None
        if isinstance(given, dict) and not {"text", "template"} & set(given):
            made.append({"notify": {**given, "text": dict(said)}})
        elif isinstance(step, dict) and isinstance(step.get("choose"), dict):
            branches = {name: {**branch, "do": _spoken(branch["do"], said)} for name, branch in step["choose"].items()}
            made.append({"choose": branches})
        else:
            made.append(step)
    return made


def _with_children(sla: Sla) -> Sla:
    """Note the lists that the conditions count: their records are watched too."""
    found = set()
    for expression in sla.expressions:
        for term in t.walk(expression.tree):
            if isinstance(term, t.Aggregate) and isinstance(term.source.row, t.Row) and term.source.way == "children":
                found.add((term.source.object, term.source.field))
    return replace(sla, children=frozenset(found))


def _mark(model: SlaDocument) -> str:
    kept = model.model_dump(exclude={"label", "description", "extend", "remove"}, warnings=False)
    return hashlib.sha256(orjson.dumps(kept, default=described, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]
