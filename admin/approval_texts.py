"""Words of approvals: states, acts, reasons, and who a definition asks, in the visit's language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guanxi.registry.approvals import Due, Flow, Step, Who
from guanxi.runtime.approvals.desk import ApprovalDesk

from .texts import gettext
from .visit import current_visit

STATES = {
    "running": "Under way",
    "returned": "Returned",
    "suspended": "Suspended",
    "approved": "Approved",
    "rejected": "Rejected",
    "withdrawn": "Withdrawn",
    "terminated": "Terminated",
    "revoked": "Revoked",
}
TONES = {
    "running": "blue", "returned": "amber", "suspended": "red", "approved": "green", "rejected": "red",
    "withdrawn": "slate", "terminated": "slate", "revoked": "slate",
}  # fmt: skip
# of steps and of tasks: text, tone, icon
STANDING = {
    "ahead": ("To come", "slate", "circle-dashed"),
    "active": ("Waiting", "blue", "clock"),
    "passed": ("Agreed", "green", "check"),
    "rejected": ("Rejected", "red", "x"),
    "returned": ("Returned", "amber", "undo-2"),
    "cancelled": ("Cancelled", "slate", "ban"),
    "superseded": ("Runs again", "slate", "history"),
    "left": ("Left out", "slate", "minus"),
    "told": ("Informed", "slate", "send"),
    "open": ("To decide", "blue", "clock"),
    "waiting": ("Not yet asked", "slate", "circle-dashed"),
    "held": ("Agreed, others sign after", "blue", "clock"),
    "delegated": ("Asked for an opinion", "violet", "message-circle"),
    "approved": ("Agreed", "green", "check"),
    "abstained": ("Abstained", "slate", "minus"),
}
OPERATIONS = {
    "submit": "Submitted by hand", "create": "New record", "update": "Change of values", "delete": "Deletion",
    "stage": "Change of stage", "transfer": "Change of owner", "import": "Import", "bulk": "Change of many",
}  # fmt: skip
ACTS = {
    "submitted": ("submitted it", "send"),
    "approved": ("agreed", "check"),
    "rejected": ("rejected it", "x"),
    "returned": ("returned it", "undo-2"),
    "resubmitted": ("submitted it again", "send"),
    "transferred": ("handed the task over", "arrow-right-left"),
    "delegated": ("asked for an opinion", "message-circle"),
    "opinion": ("gave an opinion", "message-circle"),
    "pulled_back": ("took the task back from the one asked", "undo"),
    "taken_back": ("took the own agreement back", "undo"),
    "signers_added": ("added people who sign", "user-plus"),
    "signer_removed": ("took somebody out who was added", "user-minus"),
    "comment": ("wrote", "message-square"),
    "urged": ("asked to decide soon", "bell-ring"),
    "withdraw": ("withdrew it", "rotate-ccw"),
    "withdrawn": ("The approval was withdrawn", "rotate-ccw"),
    "terminate": ("ended it without a decision", "ban"),
    "terminated": ("The approval was ended", "ban"),
    "revoke": ("declared the approval void", "ban"),
    "revoked": ("The approval is void", "ban"),
    "reassigned": ("handed the task to somebody else", "arrow-right-left"),
    "retried": ("let it try again", "rotate-cw"),
    "suspended": ("The flow could not go on", "circle-alert"),
    "escalated": ("The task was escalated", "trending-up"),
    "escalation_failed": ("Nobody was found to escalate to", "circle-alert"),
    "reminded": ("A reminder was sent", "bell"),
    "handed_over": ("The task was handed over", "arrow-right-left"),
    "auto_approved": ("Agreed before, not asked again", "check-check"),
    "passed": ("The step has passed", "check-check"),
    "step_rejected": ("The step was rejected", "x"),
}
REASONS = {
    "nobody": "nobody was found",
    "repeat": "agreed in an earlier step",
    "again": "asked again",
    "added": "added to sign",
    "delegated": "asked for an opinion",
    "delegation": "stands in for somebody away",
    "escalated": "escalated",
    "require_human": "a person must look at it",
    "taken_back": "took the decision back",
    "conflict": "the record was changed meanwhile",
    "auto_pass": "passes by itself",
    "auto_reject": "rejects by itself",
    "decided": "the step was decided",
    "returned": "it was returned",
    "withdrawn": "it was withdrawn",
    "terminated": "it was ended",
    "removed": "taken out",
    "pulled_back": "no longer asked",
    "before_refused": "those asked before did not agree",
    "after_refused": "those asked after did not agree",
    "timeout": "the time was over",
    "overdue": "the time was over",
    "resubmitted": "submitted again",
}
PARTS = {"before": "signs before", "after": "signs after", "beside": "signs as well", "opinion": "gives an opinion"}
ADMINISTRATOR = "administrator"


def state(name: str) -> tuple[str, str]:
    """Text and tone of an approval's state."""
    return gettext(STATES.get(name, name)), TONES.get(name, "slate")


def operation(name: str) -> str:
    """What an approval is about."""
    return gettext(OPERATIONS.get(name, name))


def part(name: str) -> str:
    """The part somebody who was added takes."""
    return gettext(PARTS[name])


def standing(name: str) -> tuple[str, str, str]:
    """Text, tone and icon of a step's or task's state."""
    text, tone, sign = STANDING.get(name, (name, "slate", "circle"))
    return gettext(text), tone, sign


def step_label(flow: Flow | None, name: str) -> str:
    """What a step is called."""
    if name == ADMINISTRATOR:
        return gettext("Administrator")
    if name == "start":
        return gettext("Submitter")
    step = flow.step(name) if flow is not None else None
    return (step.label.text(current_visit().language) or name) if step is not None else name


def reason(code: str) -> str:
    """Why somebody was asked, or why the platform decided, for a person; "" for what says nothing."""
    head, _, rest = code.partition(":")
    if head == "inactive":
        return gettext("stands in for somebody inactive")
    if head == "self":
        return gettext("instead of the submitter")
    if code in REASONS:
        return gettext(REASONS[code])
    return source(Who(head, names=tuple(rest.split(",")) if rest else (), path=rest, of=rest or "submitter"))


def source(who: Who) -> str:
    """A source of people in words."""
    registry, language = current_visit().services.registry, current_visit().language
    of = {"submitter": gettext("the submitter"), "owner": gettext("the owner")}.get(who.of, who.of)
    if who.kind == "role":
        labels = (registry.roles[n].label.text(language) if n in registry.roles else n for n in who.names)
        return gettext("role %(names)s", names=", ".join(labels))
    if who.kind in ("team", "team_tree"):
        return gettext("team %(names)s", names=", ".join(who.names))
    if who.kind == "user":
        return ", ".join(ApprovalDesk(current_visit().services.approvals).called(who.names))
    if who.kind == "field":
        return gettext("from the field %(name)s", name=who.path)
    simple = {
        "owner": "the owner",
        "submitter": "the submitter",
        "expression": "by a rule",
        "submitter_choice": "picked by the submitter",
        "previous_choice": "picked by the approver before",
    }
    if who.kind in simple:
        return gettext(simple[who.kind])
    lines = {
        "manager_of": "manager of %(of)s",
        "managers_of": "managers above %(of)s",
        "department_head_of": "head of department of %(of)s",
    }
    return gettext(lines[who.kind], of=of) if who.kind in lines else ""


def asked(step: Step) -> str:
    """Whom a definition's step asks."""
    return "; ".join(text for text in (source(who) for who in step.who) if text)


def signing(step: Step) -> str:
    """How the votes of a step add up; "" for steps that nobody votes in."""
    if step.kind != "approve":
        return ""
    sign = step.sign
    if sign.mode == "percent":
        return gettext("%(n)s %% must agree", n=sign.percent)
    if sign.mode == "count":
        return gettext("%(n)s must agree", n=sign.count)
    spoken = {"any": "one is enough", "all": "all must agree", "in_order": "all, one after another"}
    return gettext(spoken[sign.mode])


def due(limit: Due | None) -> str:
    """The time a step gives."""
    if limit is None:
        return ""
    if limit.working_days:
        return gettext("%(n)s working days", n=limit.working_days)
    if limit.days:
        return gettext("%(n)s days", n=limit.days)
    if limit.minutes % 60 == 0:
        return gettext("%(n)s hours", n=limit.minutes // 60)
    return gettext("%(n)s minutes", n=limit.minutes)


def act(entry: Mapping[str, Any]) -> tuple[str, str]:
    """Text and icon of an entry of the story."""
    text, sign = ACTS.get(str(entry["act"]), (str(entry["act"]), "circle"))
    by_itself = {"approved": "The approval was given", "rejected": "Rejected by the flow", "returned": "Returned"}
    if entry.get("by") is None and entry["act"] in by_itself:
        text = by_itself[entry["act"]]
    return gettext(text), sign
