"""Jobs: what the caller asked for and what became of it. Everybody sees the own ones, administrators all of them."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, current_app, request, url_for

from guanxi.common.errors import BadRequest, Conflict, NotFound

from ..jobs import FINISHED, Job
from ..jobs.engine import Engine
from ..storage.rows import instant_text_json
from ..transfer.service import IMPORT
from ..transfer.undo import KIND as UNDO
from . import parse, respond
from .caller import actor, logged_in, services

STATES = ("queued", "running", *FINISHED)


def register(api: Blueprint) -> None:
    """Add the routes."""
    api.add_url_rule("/jobs", "jobs", list_jobs, methods=["GET"])
    api.add_url_rule("/jobs/<job>", "job", read_job, methods=["GET"])
    api.add_url_rule("/jobs/<job>/cancel", "job_cancel", cancel_job, methods=["POST"])
    api.add_url_rule("/jobs/<job>/retry", "job_retry", retry_job, methods=["POST"])


def engine() -> Engine:
    """The application's background work."""
    found: Engine = current_app.extensions["guanxi_jobs"]
    return found


def own_job(text: str) -> Job:
    """A job of the caller; NotFound for anybody else's, unless the caller is an administrator."""
    found = services().jobs.get(parse.record_id(text))
    who = actor()
    if found is None or not (who.administrator or (found.by_id is not None and found.by_id == who.id)):
        raise NotFound("There is no such job.")
    return found


def shown_job(job: Job) -> dict[str, Any]:
    """A job as the API tells it."""
    result = dict(job.result)
    here = engine().progress_of(job.id) if job.state == "running" else None
    told = job.done / job.total if job.total else result.get("fraction", 0.0)
    fraction = 1.0 if job.state == "done" else here if here is not None else min(told, 1.0)
    shown: dict[str, Any] = {
        "id": job.id,
        "kind": job.kind,
        "state": job.state,
        "progress": fraction,
        "object": job.params.get("object"),
        "counts": result.get("counts", {}),
        "rows": job.done,
        "attempts": job.attempts,
        "created_at": instant_text_json(job.at),
        "finished_at": instant_text_json(job.finished_at) if job.finished_at else None,
    }
    if job.kind in (IMPORT, UNDO):
        shown["report"] = url_for("guanxi_api.job_report", job=job.id)
        shown["counts"] = shown["counts"] or _no_counts(job)
    else:
        shown["total"] = job.total
        shown["result"] = result
    if job.kind == IMPORT:
        asked = job.params["options"]
        shown |= {
            "file": job.params.get("name", ""),
            "dry_run": asked["dry_run"],
            "atomic": asked["atomic"],
            "source": result.get("source", {}),
            "columns": result.get("columns", []),
            "warnings": result.get("warnings", []),
        }
        if shown["counts"].get("refused"):
            shown["rejected"] = url_for("guanxi_api.job_rejected", job=job.id)
        undo = services().jobs.by_key(f"undo:{job.id}")
        if undo is not None:
            shown["undone_by"] = undo.id
    if job.kind == UNDO:
        shown["import"] = job.params["import"]
    if job.error:
        shown["error"] = job.error
    if job.state not in FINISHED[:1] and job.result.get("last_row"):
        shown["last_row"] = job.result["last_row"]
    return shown


def _no_counts(job: Job) -> dict[str, int]:
    names = ("created", "updated", "unchanged", "refused") if job.kind == IMPORT else ("deleted", "restored", "kept")
    return dict.fromkeys(names, 0)


@logged_in
def list_jobs() -> Response:
    """The caller's newest jobs; administrators may ask for `all=true`."""
    args = parse.parameters(request, ("all", "state", "kind", "after", "limit"))
    everybody = parse.truth(args.get("all", "false"), "all")
    if everybody and not actor().administrator:
        raise BadRequest("'all' is for administrators.", code="bad_parameter")
    state = args.get("state", "")
    if state and state not in STATES:
        raise BadRequest(f"'state' is one of {', '.join(STATES)}.", code="bad_parameter")
    limit = parse.whole_number(args.get("limit", "50"), "limit", 1, 500)
    before = parse.whole_number(args.get("after", "0"), "after", 0, 2**62)
    found = services().jobs.recent(
        actor().id, everybody=everybody, limit=limit, state=state, kind=args.get("kind", ""), before=before
    )
    following = str(found[-1].id) if len(found) == limit else None
    return respond.answer({"data": [shown_job(job) for job in found], "next": following})


@logged_in
def read_job(job: str) -> Response:
    """One job with its progress and the last lines of its log."""
    parse.parameters(request, ())
    found = own_job(job)
    lines = services().jobs.log(found.id)
    log = [{"at": instant_text_json(at), "level": level, "text": text} for at, level, text in lines]
    return respond.answer(shown_job(found) | ({"log": log} if log else {}))


@logged_in
def cancel_job(job: str) -> Response:
    """Stop a job; what it has written stays."""
    found = own_job(job)
    parse.parameters(request, ())
    parse.body(request, (), empty=True)
    if found.state in FINISHED:
        raise Conflict("The job has ended.", code="ended")
    engine().cancel_soon(found.id)
    with services().database.write():
        if not services().jobs.cancel(found.id):
            raise Conflict("The job has ended.", code="ended")
        _audited("cancel", found)
    return respond.answer(shown_job(own_job(job)))


@logged_in
def retry_job(job: str) -> Response:
    """Do a failed or cancelled job again, with the rights of whoever asked for it first."""
    found = own_job(job)
    parse.parameters(request, ())
    parse.body(request, (), empty=True)
    if found.kind in (IMPORT, UNDO):
        raise Conflict("An import is not done again; load the file once more.", code="not_repeatable")
    with services().database.write():
        if not services().jobs.retry(found.id):
            raise Conflict("Only a failed or cancelled job can be done again.", code="not_ended")
        _audited("retry", found)
    return respond.answer(shown_job(own_job(job)))


def _audited(act: str, job: Job) -> None:
    bundle = services()
    bundle.audit.record("job_changed", actor(), record_id=job.id, detail={"act": act, "kind": job.kind})
