"""Imports and undos as jobs: what a channel calls to start one, and what a worker calls to carry one out."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from guanxi.common.errors import Conflict, Forbidden, NotFound
from guanxi.common.labels import Label

from ..access.actor import Actor
from ..files.store import FileStore
from ..jobs.kinds import Handler, JobKind, Run
from ..jobs.store import Job, JobStore
from .importer import Importer, ImportServices, Progress, Stop, job_params, no_progress, plan_import
from .limits import MEGABYTE, Limits
from .options import ImportOptions
from .undo import KIND as UNDO
from .undo import Undoer, check_undoable

if TYPE_CHECKING:
    from ..services import Services

IMPORT = "import"
MOST_ATTEMPTS = 3
READ_AT_ONCE = 8 * MEGABYTE
SOURCE = "gx:import"


class WorkerServices(ImportServices, Protocol):
    """What carrying out a job needs besides: who its person is now."""

    def actor(self, user_id: int) -> Actor | None:
        """The actor of an active user, or None."""
        ...


def check_file(
    services: ImportServices,
    actor: Actor,
    object_name: str,
    file: BinaryIO,
    *,
    name: str,
    options: ImportOptions,
    limits: Limits,
) -> None:
    """Look at a file before it is accepted; a file of ordinary size is read to its end, so that what is wrong with its
    form is told at once. Raises BadRequest, TooLarge, Forbidden, NotFound.
    """
    size = file.seek(0, 2)
    file.seek(0)
    plan = plan_import(services, actor, object_name, file, name=name, options=options, limits=limits)
    if size <= READ_AT_ONCE and plan.dialect.format != "xlsx":
        for _ in plan.table.records():
            pass
    file.seek(0)


def start_import(
    services: ImportServices,
    store: JobStore,
    files: FileStore,
    actor: Actor,
    *,
    object_name: str,
    file: BinaryIO,
    name: str,
    options: ImportOptions,
    limits: Limits,
    retry_key: str = "",
) -> int:
    """A queued job for an uploaded file; its id. The same `retry_key` of one person gives the first job again."""
    check_file(services, actor, object_name, file, name=name, options=options, limits=limits)
    key = f"import:{actor.id}:{retry_key}" if retry_key else None
    print_of = _fingerprint(file, object_name, options) if key else ""
    if key is not None and (known := store.by_key(key)) is not None:
        if known.params.get("fingerprint") != print_of:
            raise Conflict("This Idempotency-Key was used for another request.", code="idempotency_key")
        return known.id
    with services.database.write():
        stored = files.put(file, name, by_id=actor.id, most=limits.bytes, judged=False)
        more = {"file": stored.token, "name": name, "language": actor.language, "resumable": True}
        params = job_params(object_name, options, fingerprint=print_of, **more)
        job = store.create(IMPORT, actor.id, params, key=key)
        files.reserve(stored, SOURCE, job)
    return job


def _fingerprint(file: BinaryIO, object_name: str, options: ImportOptions) -> str:
    digest = hashlib.sha256(repr((object_name, options)).encode())
    file.seek(0)
    while block := file.read(MEGABYTE):
        digest.update(block)
    file.seek(0)
    return digest.hexdigest()


def start_undo(store: JobStore, actor: Actor, import_id: int) -> int:
    """A queued job that takes an import back; its id. Asked again, the same job. Raises NotFound, Conflict."""
    job = check_undoable(store.get(import_id))
    params = {"import": job.id, "object": job.params["object"], "language": actor.language, "resumable": True}
    return store.create(UNDO, actor.id, params, key=f"undo:{job.id}")


def _do_import(services: Services, run: Run) -> None:
    files = FileStore(services.database, services.clock)
    run_import(
        services,
        run.store,
        files,
        run.job,
        run.worker,
        limits=limits_of(services.outside.limits),
        on_progress=lambda _, fraction: run.watch(fraction),
        stop=run.cancelled,
    )


def _do_undo(services: Services, run: Run) -> None:
    who = person_of(services, run.job)
    Undoer(
        services,
        run.store,
        run.job,
        run.worker,
        who,
        on_progress=lambda _, fraction: run.watch(fraction),
        stop=run.cancelled,
    ).run()


def _resumable(job: Job) -> bool:
    return bool(job.params.get("resumable")) and job.attempts < MOST_ATTEMPTS


def _kind(handler: Handler, **label: str) -> JobKind:
    waits = (timedelta(0),) * MOST_ATTEMPTS
    return JobKind(handler, Label.of(label), waits=waits, ends_itself=True, takes_over=_resumable, stays_failed=True)


JOB_KINDS = {
    IMPORT: _kind(_do_import, en="Import", zh="导入"),
    UNDO: _kind(_do_undo, en="Take an import back", zh="撤销导入"),
}


def limits_of(own: Mapping[str, int]) -> Limits:
    """The limits of files among an instance's limits."""
    usual = Limits()
    size = own.get("upload_megabytes", usual.bytes // MEGABYTE) * MEGABYTE
    return Limits(size, own.get("import_rows", usual.rows))


def person_of(services: WorkerServices, job: Job) -> Actor:
    """Who asked for the job, with the rights of now. Raises Forbidden when that person is no longer active."""
    found = services.actor(job.by_id) if job.by_id is not None else None
    if found is None:
        raise Forbidden("The person who asked for this may no longer log in.")
    return replace(found, language=job.params.get("language") or found.language, channel="import")


def run_import(
    services: WorkerServices,
    store: JobStore,
    files: FileStore,
    job: Job,
    worker: str,
    *,
    limits: Limits,
    on_progress: Progress = no_progress,
    stop: Stop = lambda: False,
) -> dict[str, Any]:
    """Carry out a queued import: its file is fetched, read and forgotten once the job has ended."""
    source = files.find(job.params["file"])
    if source is None:
        raise NotFound("The job's file is gone.")
    actor = person_of(services, job)
    with tempfile.TemporaryFile() as file:
        for piece in files.read(source):
            file.write(piece)
        file.seek(0)
        run = Importer(services, store, job, worker, actor, limits=limits, on_progress=on_progress, stop=stop)
        try:
            return run.run(file, job.params["name"])
        finally:
            ended = store.get(job.id)
            if ended is None or ended.state != "running":
                files.remove(source)


def import_here(
    services: ImportServices,
    store: JobStore,
    actor: Actor,
    object_name: str,
    file: BinaryIO,
    *,
    name: str,
    options: ImportOptions,
    limits: Limits,
    worker: str,
    on_progress: Progress = no_progress,
) -> Job:
    """Import in this very process (the command line); the job with its result. The file is not stored."""
    plan_import(services, actor, object_name, file, name=name, options=options, limits=limits)
    file.seek(0)
    job_id = store.create(IMPORT, actor.id, job_params(object_name, options, name=name), worker=worker)
    job = _known(store, job_id)
    return _carry_out(
        store,
        job,
        worker,
        lambda: Importer(services, store, job, worker, actor, limits=limits, on_progress=on_progress).run(file, name),
    )


def undo_here(
    services: ImportServices,
    store: JobStore,
    actor: Actor,
    import_id: int,
    *,
    worker: str,
    on_progress: Progress = no_progress,
) -> Job:
    """Undo in this very process (the command line); the job with its result."""
    source = check_undoable(store.get(import_id))
    params = {"import": source.id, "object": source.params["object"]}
    job = _known(store, store.create(UNDO, actor.id, params, worker=worker))
    return _carry_out(
        store, job, worker, lambda: Undoer(services, store, job, worker, actor, on_progress=on_progress).run()
    )


def _carry_out(store: JobStore, job: Job, worker: str, do: Callable[[], Any]) -> Job:
    """Run, and mark the job failed when it stops half way, however it stops."""
    try:
        do()
    except BaseException as error:
        latest = _known(store, job.id)
        if latest.state == "running":
            said = str(getattr(error, "detail", "")) or "The run was stopped."
            store.finish(job, worker, state="failed", done=latest.done, result=latest.result, error=said)
        raise
    return _known(store, job.id)


def _known(store: JobStore, job_id: int) -> Job:
    found = store.get(job_id)
    if found is None:
        raise NotFound("There is no such job.")
    return found
