"""One approval as it is drawn: what is asked, the record as far as the viewer may read it, the way, the story, and
what the viewer may do about it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from markupsafe import Markup
from werkzeug.datastructures import MultiDict

from guanxi.common.errors import GuanxiError, Invalid
from guanxi.registry.approvals import Flow
from guanxi.runtime.approvals.desk import Picking, Round

from . import approval_texts as words
from .approval_flow import Drawing
from .approval_inbox import desk, shape
from .cells import renderer
from .fields import FieldView, compile_fields
from .forms import FormState, RecordForm, form_class
from .inputs import UNSUPPORTED, plain
from .texts import gettext
from .visit import current_visit

if TYPE_CHECKING:
    from .host import Host

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Moved:
    """One value that a proposal would change."""

    label: str
    before: Markup
    after: Markup
    now: Markup | None


@dataclass(frozen=True, slots=True)
class Told:
    """One entry of the story."""

    by: str
    by_key: int
    instead_of: str
    text: str
    sign: str
    step: str
    moment: str
    at: str
    comment: str
    detail: str
    channel: str


@dataclass
class Case:
    """What the page of one approval needs; `typed` is what was sent before a refusal."""

    number: int
    shown: Values
    flow: Flow | None
    rounds: list[Round]
    view: Any = None
    row: Values | None = None
    form: RecordForm | None = None
    pickings: list[Picking] = field(default_factory=list)
    typed: MultiDict[str, str] = field(default_factory=MultiDict)

    @classmethod
    def read(cls, host: Host, number: int, typed: MultiDict[str, str] | None = None) -> Case:
        """NotFound for an approval that the visit's person may not know of."""
        visit = current_visit()
        shown = visit.services.approvals.show(visit.person, number)
        reads = desk()
        reads.read(visit.person, number)
        case = cls(number, shown, reads.flow(number), reads.rounds(number), typed=typed or MultiDict())
        case._look(host)
        case._prepare()
        return case

    def _look(self, host: Host) -> None:
        """The record, where the viewer may read it."""
        record = self.shown["record"]
        try:
            self.view = host.view(record["object"])
            self.row = self.view.read(record["id"])
        except GuanxiError:
            self.row = None

    def _prepare(self) -> None:
        """Inputs of the step, and people to be picked."""
        visit, may = current_visit(), self.shown["may"]
        if self.flow is None:
            return
        if may["task"] is not None:
            names = [*may.get("edit", ()), *(n for n in may.get("required", ()) if n not in may.get("edit", ()))]
            self.form = self._form(names)
            later = desk().pickings(visit.person, self.flow, self.shown["record"]["id"], kind="previous_choice")
            self.pickings = [one for one in later if not any(r.step == one.step for r in self.rounds)]
        elif "resubmit" in may["whole"]:
            self.pickings = desk().pickings(visit.person, self.flow, self.shown["record"]["id"])

    def _form(self, names: list[str]) -> RecordForm | None:
        item = current_visit().services.registry.objects.get(self.shown["record"]["object"])
        if item is None or not names:
            return None
        fields = compile_fields(item, dict.fromkeys(names, "edit"), current_visit().language)
        usable = {n: fields[n] for n in names if n in fields and fields[n].type not in UNSUPPORTED}
        made = type("StepForm", (form_class(usable, without=""),), {"views": tuple(usable.values())})
        form: RecordForm = made(self.typed or None, self.stored)
        form.validate()
        return form

    # what stands ---------------------------------------------------------------------------------------------
    @property
    def tasks(self) -> dict[int, Values]:
        """The tasks by number."""
        return {one["id"]: one for one in self.shown["tasks"]}

    @property
    def stored(self) -> dict[str, Any]:
        """The record with what the proposal would make of it."""
        found = dict(self.row or {})
        return found | {name: moved["to"] for name, moved in self.shown["changes"].items()}

    @property
    def comment(self) -> str:
        """What was typed before a refusal."""
        return self.typed.get("gx.comment", "")

    def decision(self) -> dict[str, Any]:
        """What goes with agreeing: values of the step, people for later steps. Invalid for what cannot be read."""
        found: dict[str, Any] = self.picked()
        if self.form is not None:
            if self.form.faults:
                raise Invalid(self.form.faults)
            changed = self.form.changed(self.stored)
            editable = set(self.shown["may"].get("edit", ()))
            changed = {name: value for name, value in changed.items() if name in editable}
            found |= {"values": changed} if changed else {}
        return found

    def picked(self) -> dict[str, Any]:
        """People picked for steps, as sent: {} where none are asked for."""
        return picked_of(self.pickings, self.typed)

    def picked_again(self) -> dict[str, Any]:
        """The same when submitting again: whoever was picked before stays where nobody is picked now."""
        found = self.picked()
        return found if any(found.get("approvers", {}).values()) else {}

    # for the template ------------------------------------------------------------------------------------------
    def values(self) -> dict[str, Any]:
        """Everything that the template draws."""
        shown, may = self.shown, self.shown["may"]
        text, tone = words.state(shown["state"])
        fmt = shape()
        submitter = self._person(shown["submitted_by"])
        drawing = Drawing(self.flow, fmt, shown, self.rounds).nodes() if self.flow is not None else ()
        return {
            "shown": shown,
            "may": may,
            "title": shown["record"]["title"] or f"#{shown['record']['id']}",
            "state_text": text,
            "state_tone": tone,
            "submitter": submitter,
            "submitted": fmt.instant(shown["submitted_at"]),
            "operation": words.operation(shown["operation"]),
            "waits": desk().waiting(self.number) if shown["state"] in ("running", "returned") else (),
            "why": self._why(),
            "nodes": drawing,
            "sections": self._sections(),
            "marked": {*may.get("edit", ()), *may.get("required", ())},
            "changes": self._changes(),
            "story": [self._told(entry) for entry in reversed(shown["story"])],
            "help": self._help(),
            "own_step": self._own_step(),
            "due": self._due(),
            "targets": [(name, self._target(name)) for name in may.get("targets", ())],
            "own": self._own_acts(),
            "open_tasks": [one for one in shown["tasks"] if one["state"] == "open" and one["part"] != "resubmit"],
            "step_label": lambda name: words.step_label(self.flow, name),
            "takes_part": self._takes_part(),
            "state": FormState(required=frozenset(may.get("required", ()))),
            "beside": self._beside(),
        }

    def _person(self, number: int | None) -> tuple[str, int]:
        if number is None:
            return gettext("System"), 0
        return desk().names({number}).get(number, f"#{number}"), number

    def _why(self) -> str:
        """Why it stands as it does: the fault of a suspended one, the reason of a return."""
        shown = self.shown
        if shown["state"] == "suspended":
            entry = next((e for e in reversed(shown["story"]) if e["act"] == "suspended"), None)
            return str(entry["detail"].get("why", "")) if entry else ""
        if shown["state"] == "returned" and shown["reason"] == "returned":
            said = next((e for e in reversed(shown["story"]) if e["act"] == "returned" and e["by"]), None)
            return f"{said['by']['title']}: {said['comment']}" if said and said["comment"] else ""
        return words.reason(shown["reason"]) if shown["reason"] not in ("", "returned", "rejected") else ""

    def _sections(self) -> list[Any]:
        if self.row is None:
            return []
        values = {n: plain(v) for n, v in self.row.items() if n in self.view.fields}
        values = {n: v for n, v in values.items() if not self.view.fields[n].definition.system}
        hidden = set(self.shown["may"].get("hidden", ()))
        state = FormState.of(
            self.view.records.form_state(current_visit().person, self.view.item.name, values, self.key)
        )
        found = []
        for heading, pairs in self.view.details(self.row, state):
            kept = [(f, value) for f, value in pairs if f.name not in hidden]
            if kept:
                found.append((heading, kept))
        return found

    @property
    def key(self) -> int:
        """The record's number."""
        return int(self.shown["record"]["id"])

    def _changes(self) -> list[Moved]:
        item = current_visit().services.registry.objects.get(self.shown["record"]["object"])
        if item is None:
            return []
        names = dict.fromkeys(self.shown["changes"], "read")
        fields = compile_fields(item, names, current_visit().language)
        hidden = set(self.shown["may"].get("hidden", ()))
        return [
            self._moved(fields[name], moved)
            for name, moved in self.shown["changes"].items()
            if name in fields and name not in hidden
        ]

    def _moved(self, one: FieldView, moved: Values) -> Moved:
        draw = renderer(one, shape(), links=False)
        before, after = self._titled(one, moved["from"]), self._titled(one, moved["to"])
        active = self.shown["state"] in ("running", "returned", "suspended")
        now = self._titled(one, plain(self.row.get(one.name))) if self.row is not None and active else before
        return Moved(one.label, draw(before), draw(after), draw(now) if str(now) != str(before) else None)

    def _titled(self, one: FieldView, value: Any) -> Any:
        """References with their titles, as far as the viewer sees them."""
        if value is None or one.family not in ("reference", "references") or self.view is None:
            return value
        keys = [k for k in (value if isinstance(value, list) else [value]) if isinstance(k, int)]
        titles = desk().names(set(keys)) if one.target == "user" else self.view.lookup_titles(one.target, keys)
        named = [{"id": key, "title": titles.get(key, f"#{key}")} for key in keys]
        return named if one.family == "references" else (named[0] if named else None)

    def _told(self, entry: Values) -> Told:
        text, sign = words.act(entry)
        by = entry["by"] or {}
        behalf = entry["on_behalf_of"] or {}
        return Told(
            by=str(by.get("title", "")),
            by_key=int(by.get("id", 0)),
            instead_of=str(behalf.get("title", "")) if behalf and behalf.get("id") != by.get("id") else "",
            text=text,
            sign=sign,
            step=words.step_label(self.flow, entry["step"]) if entry["step"] else "",
            moment=shape().instant(entry["at"]),
            at=entry["at"],
            comment=entry["comment"] or "",
            detail=self._detail(entry["detail"]),
            channel=entry["channel"] if entry["channel"] not in ("", "web", "screen", "screens") else "",
        )

    def _detail(self, detail: Values) -> str:
        people = detail.get("users") or ([detail["to"]] if isinstance(detail.get("to"), int) else [])
        if people:
            names = desk().names({one for one in people if isinstance(one, int)})
            return ", ".join(names.get(one, f"#{one}") for one in people)
        if isinstance(detail.get("to"), str):
            return gettext("to: %(where)s", where=words.step_label(self.flow, detail["to"]))
        if detail.get("says"):
            return gettext("in favour") if detail["says"] == "approve" else gettext("against")
        if detail.get("why"):
            spoken = {"material": "an important value changed", "route": "the way is another one now"}
            said = str(detail["why"])
            return gettext(spoken[said]) if said in spoken else said
        known = str(detail.get("reason") or "")
        return words.reason(known) if known not in ("", "returned", "rejected", "withdrawn", "terminated") else ""

    def _step_of_mine(self) -> Any:
        task = self.tasks.get(self.shown["may"]["task"] or 0)
        return self.flow.step(task["step"]) if task is not None and self.flow is not None else None

    def _own_step(self) -> str:
        task = self.tasks.get(self.shown["may"]["task"] or 0)
        return words.step_label(self.flow, task["step"]) if task is not None else ""

    def _help(self) -> str:
        step = self._step_of_mine()
        return str(step.help.text(current_visit().language) or "") if step is not None else ""

    def _beside(self) -> bool:
        """Whether somebody can be added as one more vote."""
        step = self._step_of_mine()
        return step is not None and step.sign.mode in ("all", "percent", "count")

    def _due(self) -> tuple[str, bool]:
        task = self.tasks.get(self.shown["may"]["task"] or 0)
        if task is None or not task["due_at"]:
            return "", False
        now = desk().now().strftime("%Y-%m-%dT%H:%M:%S")
        return shape().instant(task["due_at"]), task["due_at"] < now

    def _target(self, name: str) -> str:
        return gettext("To the submitter") if name == "start" else words.step_label(self.flow, name)

    def _takes_part(self) -> bool:
        actor, shown = current_visit().person, self.shown
        people = {shown["submitted_by"], *(one["user"]["id"] for one in shown["tasks"])}
        return actor.administrator or actor.id in people

    def _own_acts(self) -> list[tuple[str, int, Any]]:
        """(act, task, person) of what the viewer may do about tasks that are not open before him."""
        me, found = current_visit().person.id, []
        if self.shown["state"] != "running":
            return []
        for one in self.shown["tasks"]:
            mine = me in (one["user"]["id"], (one["beside"] or {}).get("id"))
            if one["state"] == "delegated" and mine:
                found.append(("pull_back", one["id"], None))
            elif self._may_take_back(one):
                found.append(("take_back", one["id"], None))
        return found

    def _may_take_back(self, task: Values) -> bool:
        """Nobody after this step has decided; whether the time for it is over the service says."""
        me = current_visit().person.id
        if task["state"] not in ("approved", "held") or (task["decided_by"] or {}).get("id") != me:
            return False
        if task["part"] not in ("vote", "beside") or task["reason"] == "repeat":
            return False
        at = next((i for i, one in enumerate(self.rounds) if task["id"] in one.tasks), None)
        if at is None or self.rounds[at].state not in ("active", "passed"):
            return False
        later = [n for one in self.rounds[at + 1 :] for n in one.tasks if one.state != "cancelled"]
        return not any(self.tasks[n]["decided_by"] for n in later if n in self.tasks)


def picked_of(pickings: list[Picking], typed: MultiDict[str, str]) -> dict[str, Any]:
    """{"approvers": {step: [ids]}} from inputs named `gx.pick.<step>`; {} when nobody is to be picked."""
    if not pickings:
        return {}
    found = {}
    for one in pickings:
        given = typed.getlist(f"gx.pick.{one.step}")
        found[one.step] = [int(text) for text in given if text.isascii() and text.isdigit() and len(text) < 19]
    return {"approvers": found}


def faults_of(refusal: Invalid, case: Case) -> tuple[list[str], dict[str, str]]:
    """Messages that stand at no input, and those for the panel's own inputs."""
    own = {"comment", "user", "users", "where", "sign", "approvers"}
    at = {error.field: error.message for error in refusal.errors if error.field in own}
    rest = [error for error in refusal.errors if error.field not in own]
    loose = case.form.attach(rest) if case.form is not None else [error.message for error in rest]
    return loose, at
