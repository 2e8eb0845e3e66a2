"""/approvals/: the inbox, one approval with its panel, and acts on it. A refused act draws the page again with its
message and with everything that was typed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import flash, jsonify, redirect, render_template, request

from guanxi.common.errors import BadRequest, Conflict, GuanxiError, Invalid

from .approval_inbox import batch_page, inbox_page, waiting
from .approval_one import Case, faults_of
from .host import Host
from .pages import Pages
from .routes import expose
from .texts import gettext
from .visit import current_visit

Form = Mapping[str, str]
DONE = {
    "approve": "Approved.",
    "reject": "Rejected.",
    "return": "Returned.",
    "transfer": "Handed over.",
    "delegate": "Asked for an opinion.",
    "add_signer": "Added.",
    "remove_signer": "Taken out.",
    "take_back": "Taken back.",
    "pull_back": "Taken back.",
    "comment": "Your comment is there.",
    "resubmit": "Submitted again.",
    "withdraw": "Withdrawn.",
    "urge": "They were asked to decide soon.",
    "revoke": "Revoked.",
    "terminate": "Ended.",
    "retry": "Tried again.",
    "reassign": "Handed over.",
}


def _number(name: str) -> int | None:
    return request.form.get(f"gx.{name}", type=int)


def _nothing(case: Case) -> dict[str, Any]:  # noqa: ARG001
    return {}


def _user(case: Case) -> dict[str, Any]:  # noqa: ARG001
    return {"user": _number("user")}


def _signers(case: Case) -> dict[str, Any]:  # noqa: ARG001
    users = [int(one) for one in request.form.getlist("gx.users") if one.isascii() and one.isdigit() and len(one) < 19]
    return {
        "users": users,
        "where": request.form.get("gx.where", "before"),
        "sign": request.form.get("gx.sign", "all"),
    }


TASK_ACTS: Mapping[str, Callable[[Case], dict[str, Any]]] = {
    "approve": lambda case: case.decision(),
    "reject": _nothing,
    "return": lambda _: {"to": request.form.get("gx.to", "start")},
    "transfer": _user,
    "delegate": _user,
    "add_signer": _signers,
    "remove_signer": lambda _: {"user": _number("signer")},
    "take_back": _nothing,
    "pull_back": _nothing,
}
WHOLE_ACTS: Mapping[str, Callable[[Case], dict[str, Any]]] = {
    "resubmit": lambda case: case.picked_again(),
    "withdraw": _nothing,
    "urge": _nothing,
    "comment": _nothing,
    "revoke": _nothing,
    "terminate": _nothing,
    "retry": _nothing,
    "reassign": lambda _: {"task": _number("reassigned"), "user": _number("new_user")},
}


class ApprovalPages(Pages):
    """Pages for everybody who takes part in approvals."""

    def __init__(self, host: Host) -> None:
        self.host = host
        super().__init__(name="Approvals", endpoint="approvals", url="/approvals")

    def is_accessible(self) -> bool:
        """Somebody must be logged in; the approval service judges the rest."""
        return current_visit().person is not None

    @expose("/")
    def index(self) -> Any:
        """The inbox; `box`, `approval`, `object`, `state` and `after` say which part."""
        return inbox_page()

    @expose("/count/")
    def count(self) -> Any:
        """`{"todo": n}` for the badge."""
        return jsonify({"todo": waiting()})

    @expose("/batch/", methods=("POST",))
    def batch(self) -> Any:
        """Decide several tasks: a page that asks, then one that answers."""
        return batch_page()

    @expose("/<int:number>/")
    def one(self, number: int) -> Any:
        """One approval."""
        return self._drawn(Case.read(self.host, number))

    def _drawn(self, case: Case, status: int = 200, **more: Any) -> Any:
        return render_template("approvals/one.html", case=case, **case.values(), **more), status

    @expose("/<int:number>/act/", methods=("POST",))
    def act(self, number: int) -> Any:
        """Carry out one act on the viewer's task or on the whole approval, then back to the approval."""
        name, task = request.form.get("gx.act", ""), _number("task")
        case = Case.read(self.host, number, typed=request.form)
        if name not in TASK_ACTS and name not in WHOLE_ACTS:
            raise BadRequest(gettext("There is no such act."))
        try:
            self._carry_out(case, name, task)
        except Invalid as refusal:
            loose, at = faults_of(refusal, case)
            return self._drawn(case, 422, faults=loose, at=at, tried=name)
        except Conflict as refusal:
            fresh = Case.read(self.host, number, typed=request.form)
            return self._drawn(fresh, 409, conflict=refusal.detail, tried=name)
        except GuanxiError as refusal:
            if refusal.status == 404:
                raise
            return self._drawn(case, refusal.status, faults=[refusal.detail], tried=name)
        flash(gettext(DONE[name]), "ok")
        return redirect(f"/approvals/{number}/")

    def _carry_out(self, case: Case, name: str, task: int | None) -> None:
        visit = current_visit()
        comment = request.form.get("gx.comment", "").strip()
        said = {"comment": comment} if comment else {}
        approvals = visit.services.approvals
        if name in TASK_ACTS:
            if task is None or task not in case.tasks:
                raise BadRequest(gettext("There is no such task."))
            approvals.act(visit.person, task, name, {**TASK_ACTS[name](case), **said})
            return
        approvals.act_on(visit.person, case.number, name, {**WHOLE_ACTS[name](case), **said})
