"""`kind: test` → MetadataTest: everything a test names is judged here, so that running it only tells what happened.

A reference is written as another record's name in the test, a person's log-in name, or the natural key of a seed row.
Moments may be expressions, as in data. Values of a step that must be refused are left as they are: being wrong is
what they are for.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from guanxi.common.errors import RECORD_CODES
from guanxi.common.names import did_you_mean
from guanxi.expressions.types import BOOLEAN
from guanxi.registry import MetadataStep, MetadataTest, Refusal

from ..documents.approval import ApprovalDocument, step_names
from ..documents.base import described
from ..documents.fields import COMPUTED_TYPES
from ..documents.test import OF_APPROVALS, TestDocument
from ..link.context import Context
from ..link.outline import Outline
from ..nodes import Document, Path, at
from .data import input_value
from .scope import frozen

APPROVAL_CODES = (*("no_approver", "approval_required", "task_closed", "not_allowed", "bad_target", "too_soon"),)
ANSWERS = ("not_found", "conflict", "bad_request", *APPROVAL_CODES)
APPROVAL_STATES = (*("running", "returned", "suspended", "approved", "rejected", "withdrawn", "terminated", "revoked"),)
_PEOPLE = {"owner": "user", "team": "team"}
_GRANTS = ("none", "masked", "read", "edit")
CLOCK_STATES = ("running", "paused", "met", "breached", "cancelled", "none")
_DURATIONS = ("weeks", "days", "hours", "minutes")


def compile_test(context: Context, document: Document, model: TestDocument) -> MetadataTest:
    """The compiled test."""
    return _Compiler(context, document, model).compile()


class _Compiler:
    """One test: collects the names of its records while it reads, then what is done, then what must hold."""

    def __init__(self, context: Context, document: Document, model: TestDocument) -> None:
        self.context = context
        self.document = document
        self.model = model
        self.records: dict[str, str] = {}  # name in the test → object
        self.submitted = ""  # the record that was submitted last

    def compile(self) -> MetadataTest:
        model, before = self.model, len(self.context.found.found)
        if model.at is not None and not _moment(model.at):
            self._error("wrong-value", f"a moment is written 2026-03-01T09:00:00Z, not {described(model.at)}", ("at",))
        self._names()
        given = {
            owner: frozen({name: self._values(owner, values, ("given", owner, name)) for name, values in rows.items()})
            for owner, rows in model.given.items()
            if self._object(owner, ("given", owner), key=True)
        }
        users = {name: self._person(name, values) for name, values in model.users.items()}
        when = tuple(self._step("when", index, step) for index, step in enumerate(model.when))
        then = tuple(self._step("then", index, step) for index, step in enumerate(model.then))
        if not then and not any(step.refused for step in when) and len(self.context.found.found) == before:
            said = "the test expects nothing: write what must hold under 'then', or 'refused' in a step"
            self._error("model-rule", said, ())
        return MetadataTest(
            name=self.document.name,
            given=frozen(given),
            when=when,
            then=then,
            at=model.at or "",
            users=frozen(users),
            layer=self.document.layer,
            place=self.document.place,
        )

    # names ------------------------------------------------------------------------------------------
    def _names(self) -> None:
        for owner, rows in self.model.given.items():
            for name in rows:
                self._call(name, owner, ("given", owner, name))
        for index, step in enumerate(self.model.when):
            made = step.get("create")
            if made is not None and isinstance(made.get("record"), str):
                self._call(made["record"], str(made["object"]), ("when", index, "create", "record"))

    def _call(self, name: str, owner: str, path: Path) -> None:
        other = self.records.setdefault(name, owner)
        if other != owner or (path[0] == "when" and any(name in rows for rows in self.model.given.values())):
            said = f"a record of '{other}' is called '{name}' already"
            self._error("clash", said, path, key=path[0] == "given")

    def _object(self, owner: object, path: Path, *, key: bool = False) -> bool:
        if isinstance(owner, str) and self.context.has("object", owner):
            return True
        known = self.context.names("object")
        self.context.unknown("unknown-object", "object", str(owner), known, self.document, path, key=key)
        return False

    def _person(self, person: str, values: Mapping[str, Any]) -> Mapping[str, Any]:
        path: Path = ("users", person)
        made = dict(values)
        key = "roles" if "roles" in made else "role"
        if key in made:
            given = made.pop(key)
            made["roles"] = tuple([given] if isinstance(given, str) else given if isinstance(given, list) else [])
            for role in made["roles"]:
                if not self.context.has("role", str(role)):
                    known = self.context.names("role")
                    said: Path = (*path, key)
                    self.context.unknown("unknown-reference", "role", str(role), known, self.document, said)
        others = {name: value for name, value in made.items() if name not in ("roles", "team", "manager")}
        kept = {name: made[name] for name in ("roles", "team", "manager") if name in made}
        return frozen(kept | dict(self._values("user", others, path)))

    # values -----------------------------------------------------------------------------------------
    def _values(self, owner: str, values: object, path: Path, *, raw: bool = False) -> Mapping[str, Any]:
        """Values of a record in the form in which they are given to it."""
        outline = self.context.outline_of(owner)
        if outline is None or not isinstance(values, Mapping):
            if not isinstance(values, Mapping):
                self._error("wrong-type", f"a map is needed here, not {described(values)}", path)
            return frozen({})
        if raw:
            return frozen(values)
        made = {name: self._value(outline, name, value, (*path, name)) for name, value in values.items()}
        return frozen(made)

    def _value(self, outline: Outline, name: str, value: Any, path: Path) -> Any:
        one = outline.fields.get(name)
        if one is None:
            if name not in _PEOPLE or name not in outline.infos:
                known = self.context.field_names(outline.name)
                what = f"field of {outline.name}"
                self.context.unknown("unknown-field", what, name, known, self.document, path, key=True)
            return value
        if one.target and one.part.type not in COMPUTED_TYPES:
            for number, name_of in enumerate(value if isinstance(value, list) else [value]):
                self._reference(one.target, name_of, (*path, number) if isinstance(value, list) else path)
        return input_value(self.context, self.document, path, outline, one, value)

    def _reference(self, target: str, value: object, path: Path) -> None:
        """A text that can be neither a record of the test nor a row of data leads nowhere."""
        if not isinstance(value, str) or target in ("user", "team", "role"):
            return
        owner = self.records.get(value)
        if owner is not None and owner != target:
            self._error("bad-data", f"'{value}' is a record of '{owner}'; one of '{target}' is needed here", path)
        elif owner is None and all(
            getattr(model, "object", "") != target for _, model in self.context.models.get("data", {}).values()
        ):
            hint = did_you_mean(value, [name for name, kind in self.records.items() if kind == target])
            self._error("unknown-reference", f"no record of the test is called '{value}'", path, hint)

    # steps ------------------------------------------------------------------------------------------
    def _step(self, part: str, index: int, step: Mapping[str, Any]) -> MetadataStep:
        (verb, given), *_ = step.items()
        path: Path = (part, index, verb)
        refused = self._refused(given["refused"], (*path, "refused")) if "refused" in given else None
        record = str(given.get("record", ""))
        if verb in OF_APPROVALS:
            self.submitted = record = record or self.submitted
            given = {"record": record, **given} if record else given
            self._approval(verb, given, path)
        owner = self._owner(given, record, path)
        values: Mapping[str, Any] = frozen({})
        if owner and "values" in given:
            values = self._values(owner, given["values"], (*path, "values"), raw=refused is not None)
        elif owner and "owner" in given:
            values = frozen({"owner": given["owner"]})
        condition = None
        for key in ("that", "where"):
            if owner and key in given and verb not in OF_APPROVALS:
                condition = self.context.expression(
                    self.document, (*path, key), given[key], owner, expect=BOOLEAN, sql=True
                )
        actor = given.get("as", given.get("to") if verb in ("visible", "hidden", "grant") else "")
        self._details(verb, given, owner, path, refused)
        kept = {k: v for k, v in given.items() if k not in ("object", "record", "as", "values", "refused", "owner")}
        return MetadataStep(
            verb=verb,
            object=owner,
            record=record,
            actor=str(actor or ""),
            values=values,
            condition=condition,
            refused=refused,
            more=frozen(kept),
            place=at(self.document.node, (part, index), key=False),
        )

    def _owner(self, given: Mapping[str, Any], record: str, path: Path) -> str:
        """The object a step is about, or "" when it has none (or a wrong one, which is noted)."""
        if "object" in given:
            return given["object"] if self._object(given["object"], (*path, "object")) else ""
        if "record" not in given:
            return ""
        owner = self.records.get(record, "")
        if not owner:
            hint = did_you_mean(record, self.records)
            self._error("unknown-reference", f"no record of the test is called '{record}'", (*path, "record"), hint)
        return owner if owner and self.context.has("object", owner) else ""

    def _refused(self, given: object, path: Path) -> Refusal:
        if not isinstance(given, dict) or not given:
            self._error("wrong-type", "say how it is refused: {code: …, field: …, rule: …}", path)
            return Refusal()
        for key in given:
            if key not in ("code", "field", "rule"):
                known = ("code", "field", "rule")
                self.context.unknown("unknown-key", "key", key, known, self.document, (*path, key), key=True)
        code = str(given.get("code", ""))
        if code and code not in RECORD_CODES and code not in ANSWERS:
            hint = did_you_mean(code, (*RECORD_CODES, *ANSWERS))
            self._error("wrong-value", f"nothing is refused with the code '{code}'", (*path, "code"), hint)
        return Refusal(code, str(given.get("field", "")), str(given.get("rule", "")))

    def _details(self, verb: str, given: Mapping[str, Any], owner: str, path: Path, refused: Refusal | None) -> None:
        """What single verbs ask for besides."""
        if verb == "wait":
            self._wait(given, path)
        if verb == "ran":
            self._ran(given, path)
        if verb == "clock" and owner:
            self._clock(given, owner, path)
        if verb == "count" and (not isinstance(given["is"], int) or isinstance(given["is"], bool)):
            self._error("wrong-type", f"a whole number is needed here, not {described(given['is'])}", (*path, "is"))
        if verb == "grant" and given["is"] not in _GRANTS:
            said = f"one of {', '.join(_GRANTS)} is needed here, not {described(given['is'])}"
            self._error("wrong-value", said, (*path, "is"), did_you_mean(str(given["is"]), _GRANTS))
        outline = self.context.outline_of(owner) if owner else None
        if outline is None:
            return
        if verb == "grant":
            self._known("unknown-field", f"field of {owner}", given["field"], self._fields(owner), (*path, "field"))
        if verb == "action":
            known = outline.model.actions
            self._known("unknown-reference", f"action of {owner}", given["name"], known, (*path, "name"))
        if verb == "move_stage" and refused is None:
            stages = outline.model.stages.path if outline.model.stages else {}
            self._known("unknown-option", f"stage of {owner}", given["to"], stages, (*path, "to"))
        if refused and refused.rule:
            rules = outline.model.rules
            self._known("unknown-reference", f"rule of {owner}", refused.rule, rules, (*path, "refused", "rule"))
        if refused and refused.field:
            fields = self._fields(owner)
            if refused.code != "unknown_field" and not (verb == "assign" and refused.field == "owner"):
                where: Path = (*path, "refused", "field")
                self._known("unknown-field", f"field of {owner}", refused.field, fields, where)

    def _approval(self, verb: str, given: Mapping[str, Any], path: Path) -> None:
        """What verbs of approvals name: a flow of the record's object, steps of it."""
        if not given.get("record"):
            self._error("missing-key", "say which 'record': none was submitted before", path)
        models = self.context.models.get("approval", {})
        flows = {name: model for name, (_, model) in models.items() if isinstance(model, ApprovalDocument)}
        name = given.get("approval")
        if name is not None and name not in flows:
            self.context.unknown("unknown-reference", "approval", str(name), flows, self.document, (*path, "approval"))
        object_name = self.records.get(str(given.get("record")), "")
        mine = [flows[name]] if name in flows else [one for one in flows.values() if one.object == object_name]
        steps = {"administrator", *(step for one in mine for step in step_names(one.steps))}
        if verb == "waiting_on":
            listed = given["is"] if isinstance(given["is"], list) else [given["is"]]
            for index, step in enumerate(listed):
                if step not in steps:
                    at = (*path, "is", index) if isinstance(given["is"], list) else (*path, "is")
                    self.context.unknown("unknown-reference", "step", str(step), sorted(steps), self.document, at)
            state = given.get("state")
            if state is not None and state not in APPROVAL_STATES:
                said = f"one of {', '.join(APPROVAL_STATES)} is needed here, not {described(state)}"
                self._error("wrong-value", said, (*path, "state"), did_you_mean(str(state), APPROVAL_STATES))
        elif (
            verb == "return"
            and "refused" not in given
            and given.get("to", "start") not in steps | {"start", "previous"}
        ):
            known = ("start", "previous", *sorted(steps))
            self.context.unknown("unknown-reference", "step", str(given["to"]), known, self.document, (*path, "to"))

    def _ran(self, given: Mapping[str, Any], path: Path) -> None:
        name = given["automation"]
        if not self.context.has("automation", str(name)):
            known = self.context.names("automation")
            where: Path = (*path, "automation")
            self.context.unknown("unknown-reference", "automation", str(name), known, self.document, where)
        times = given.get("times", 1)
        if not isinstance(times, int) or isinstance(times, bool) or times < 0:
            self._error("wrong-type", f"a whole number is needed here, not {described(times)}", (*path, "times"))

    def _clock(self, given: Mapping[str, Any], owner: str, path: Path) -> None:
        found = {name: model for name, (_, model) in self.context.models.get("sla", {}).items()}
        levels: dict[str, Any] = {name: model for name, model in found.items() if model.object == owner}  # type: ignore[attr-defined]
        targets = {target for model in levels.values() for target in model.targets}
        self._known("unknown-reference", f"target of {owner}", given["target"], targets, (*path, "target"))
        if "sla" in given:
            self._known("unknown-reference", f"service level of {owner}", given["sla"], levels, (*path, "sla"))
        if given["is"] not in CLOCK_STATES:
            said = f"one of {', '.join(CLOCK_STATES)} is needed here, not {described(given['is'])}"
            self._error("wrong-value", said, (*path, "is"), did_you_mean(str(given["is"]), CLOCK_STATES))

    def _fields(self, owner: str) -> tuple[str, ...]:
        return tuple(self.context.field_names(owner))

    def _wait(self, given: Mapping[str, Any], path: Path) -> None:
        for key, value in given.items():
            if key in _DURATIONS and (not isinstance(value, int | float) or isinstance(value, bool) or value < 0):
                self._error("wrong-type", f"a number is needed here, not {described(value)}", (*path, key))
        if "until" in given and not _moment(str(given["until"])):
            said = f"a moment is written 2026-03-01T09:00:00Z, not {described(given['until'])}"
            self._error("wrong-value", said, (*path, "until"))
        if not given:
            self._error("missing-key", "say how long: {days: 3}, or {until: 2026-03-01T09:00:00Z}", path)

    # faults -----------------------------------------------------------------------------------------
    def _known(self, code: str, what: str, name: object, known: Any, path: Path) -> None:
        if name not in known:
            self.context.unknown(code, what, str(name), known, self.document, path)

    def _error(self, code: str, said: str, path: Path, hint: str = "", *, key: bool = False) -> None:
        self.context.error(code, said, self.document, path, hint=hint, key=key)


def _moment(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
