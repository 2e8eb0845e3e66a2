"""Background work as a console: figures, jobs with progress and log, dead letters, schedules, webhooks; what may be
done about them by hand. huey's own panel needs flask-peewee, so its figure (messages in the queue) stands here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import flash, redirect, render_template, request

from guanxi.common.errors import BadRequest, GuanxiError
from guanxi.runtime.jobs import Job

from ..formats import Formats, formats
from ..routes import expose
from ..texts import gettext
from ..visit import current_visit
from .base import Console

PAGE = 50
STATE_TEXT = {
    "queued": "Waiting", "running": "Under way", "done": "Done", "failed": "Failed", "cancelled": "Cancelled",
}  # fmt: skip
TONES = {"queued": "blue", "running": "blue", "done": "green", "failed": "red", "cancelled": "slate"}


@dataclass(frozen=True, slots=True)
class Line:
    """One job as it is drawn."""

    job: Job
    label: str
    state: str
    tone: str
    moment: str
    percent: int


class JobsConsole(Console):
    """See the module."""

    address = "jobs"
    title = "Background work"
    sign = "cpu"

    @expose("/")
    def index(self) -> Any:
        """Everything at a look, and a page of jobs that fit the filters."""
        visit = current_visit()
        desk, shown = visit.services.background, _formats()
        state, kind, before = _given(desk.kinds())
        found = desk.jobs(state, kind, before, PAGE + 1)
        kept = {name: value for name, value in (("state", state), ("kind", kind)) if value}
        return render_template(
            "consoles/jobs.html",
            health=desk.health(),
            queue=desk.queue(),
            workers=[(name, shown.instant(seen), threads, busy) for name, _, seen, threads, busy in desk.workers()],
            lines=[_line(job, shown) for job in found[:PAGE]],
            letters=[(one, shown.instant(one.at)) for one in desk.dead()],
            schedules=[(name, spec, shown.instant(at)) for name, spec, at in desk.schedules() if at < "9999"],
            webhooks=desk.destinations(),
            given={"state": state, "kind": kind},
            kinds=[(name, desk.label(name, visit.language)) for name in desk.kinds()],
            states={name: gettext(text) for name, text in STATE_TEXT.items()},
            older="?" + urlencode(kept | {"before": found[PAGE - 1].id}) if len(found) > PAGE else "",
        )

    @expose("/<int:number>/")
    def one(self, number: int) -> Any:
        """One job with its result and log."""
        desk, shown = current_visit().services.background, _formats()
        job = desk.job(number)
        log = [(shown.instant(at), level, text) for at, level, text in desk.services.jobs.log(number)]
        return render_template("consoles/job.html", line=_line(job, shown), job=job, log=log)

    @expose("/act/<what>/<act>/<key>/", methods=("POST",))
    def act(self, what: str, act: str, key: str) -> Any:
        """job cancel|retry, letter retry|drop, webhook pause|resume."""
        visit = current_visit()
        try:
            visit.services.background.act(visit.person, what, act, key)
        except GuanxiError as refusal:
            flash(refusal.detail, "error")
        else:
            flash(gettext("Done"), "ok")
        return redirect(f"/console/jobs/{key}/" if what == "job" else "/console/jobs/")


def _formats() -> Formats:
    visit = current_visit()
    return formats(visit.locale, visit.person.zone.key)


def _given(kinds: list[str]) -> tuple[str, str, int]:
    state, kind = request.args.get("state", ""), request.args.get("kind", "")
    before = request.args.get("before", "0") or "0"
    if (state and state not in STATE_TEXT) or (kind and kind not in kinds):
        raise BadRequest(gettext("There is no such state or kind."), code="bad_parameter")
    if not (before.isascii() and before.isdigit()) or len(before) > 18:
        raise BadRequest("'before' is a number.", code="bad_parameter")
    return state, kind, int(before)


def _line(job: Job, shown: Formats) -> Line:
    visit = current_visit()
    desk = visit.services.background
    moment = shown.instant(job.finished_at or job.started_at or job.at)
    state, percent = gettext(STATE_TEXT[job.state]), round(desk.progress(job) * 100)
    return Line(job, desk.label(job.kind, visit.language), state, TONES[job.state], moment, percent)
