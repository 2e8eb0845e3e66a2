"""Import, export and the jobs that come of them."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from flask import Blueprint, Response, request, url_for

from guanxi.common.errors import BadRequest, FieldError, Invalid

from ..files.store import FileStore
from ..transfer.exporter import Exporter, rejected_csv
from ..transfer.options import BLANKS, DUPLICATES, ImportOptions, pairs
from ..transfer.service import limits_of, start_import, start_undo
from ..transfer.verdicts import refused_cells, report
from . import parse, respond
from .caller import actor, host, logged_in, services
from .jobs import own_job
from .multipart import one_file
from .records import known_object

IMPORT_PARAMETERS = (
    "key",
    "map",
    "encoding",
    "delimiter",
    "quote",
    "record_end",
    "header",
    "sheet",
    "format",
    "dry_run",
    "atomic",
    "duplicates",
    "blanks",
)
VERDICTS = ("created", "updated", "unchanged", "skipped", "refused", "deleted", "restored", "kept")
REPORT_LIMIT = 500


def register(api: Blueprint) -> None:
    """Add the routes."""
    api.add_url_rule("/<object:object_name>/import", "import", import_file, methods=["POST"])
    api.add_url_rule("/<object:object_name>/export", "export", export_records, methods=["GET"])
    api.add_url_rule("/jobs/<job>/report", "job_report", read_report, methods=["GET"])
    api.add_url_rule("/jobs/<job>/rejected.csv", "job_rejected", rejected_rows, methods=["GET"])
    api.add_url_rule("/jobs/<job>/undo", "job_undo", undo_job, methods=["POST"])


# import ---------------------------------------------------------------------------------------------
def import_options() -> ImportOptions:
    """The import's parameters of a request."""
    args = parse.parameters(request, IMPORT_PARAMETERS, repeated=("map",))
    for name, known in (("duplicates", DUPLICATES), ("blanks", BLANKS)):
        if args.get(name, known[0]) not in known:
            raise BadRequest(f"'{name}' is {' or '.join(known)}.", code="bad_parameter")
    return ImportOptions(
        key=parse.names(args.get("key", ""), "key", 10),
        columns=pairs(request.args.getlist("map"), ":"),
        dry_run=parse.truth(args.get("dry_run", "false"), "dry_run"),
        atomic=parse.truth(args.get("atomic", "false"), "atomic"),
        duplicates=args.get("duplicates", "refuse"),  # type: ignore[arg-type]
        blanks=args.get("blanks", ""),  # type: ignore[arg-type]
        format=args.get("format", ""),
        encoding=args.get("encoding", ""),
        delimiter=args.get("delimiter", ""),
        quote=args.get("quote", ""),
        record_end=args.get("record_end", ""),
        header=parse.truth(args["header"], "header") if "header" in args else None,
        sheet=args.get("sheet", ""),
    )


@logged_in
def import_file(object_name: str) -> Response:
    """A file of records: 202 with the job."""
    name = known_object(object_name)
    options = import_options()
    limits = limits_of(host().limits)
    file, file_name, _ = one_file(request, limits.bytes)
    retry_key = request.headers.get("Idempotency-Key", "")
    if len(retry_key) > 200 or not retry_key.isascii():
        raise BadRequest("Idempotency-Key has at most 200 printable ASCII characters.", code="bad_header")
    bundle = services()
    job = start_import(
        bundle,  # type: ignore[arg-type]
        bundle.jobs,
        FileStore(bundle.database, bundle.clock),
        actor(),
        object_name=name,
        file=file,
        name=file_name,
        options=options,
        limits=limits,
        retry_key=retry_key,
    )
    detail = {"job": job, "file": file_name, "dry_run": options.dry_run, "key": options.key}
    bundle.audit.record("import", actor(), object=name, detail=detail)
    return _accepted(job)


def _accepted(job: int) -> Response:
    return respond.answer({"id": job}, 202, {"Location": url_for("guanxi_api.job", job=job)})


# what came of an import -----------------------------------------------------------------------------
@logged_in
def read_report(job: str) -> Response:
    """A page of verdicts, row by row."""
    found = own_job(job)
    args = parse.parameters(request, ("verdict", "after", "limit"))
    verdict = args.get("verdict", "")
    if verdict and verdict not in VERDICTS:
        raise BadRequest(f"'verdict' is one of {', '.join(VERDICTS)}.", code="bad_parameter")
    after = parse.whole_number(args.get("after", "0"), "after", 0, 2**62)
    limit = parse.whole_number(args.get("limit", "100"), "limit", 1, REPORT_LIMIT)
    rows = report(services().database, found.id, verdict, after, limit)
    return respond.answer({"data": rows, "next": str(rows[-1]["row"]) if len(rows) == limit else None})


@logged_in
def rejected_rows(job: str) -> Response:
    """The refused rows with their reasons, as CSV to mend and load again."""
    found = own_job(job)
    parse.parameters(request, ())
    columns = found.result.get("header") or [c["column"] for c in found.result.get("columns", [])]
    rows = refused_cells(services().database, found.id)
    return _download(rejected_csv(columns, rows), "text/csv; charset=utf-8", f"rejected-{found.id}.csv")


@logged_in
def undo_job(job: str) -> Response:
    """Take an import back: 202 with the job that does it."""
    found = own_job(job)
    parse.parameters(request, ())
    parse.body(request, (), empty=True)
    started = start_undo(services().jobs, actor(), found.id)
    services().audit.record(
        "import_undo", actor(), object=str(found.params.get("object", "")), detail={"job": found.id}
    )
    return _accepted(started)


# export ---------------------------------------------------------------------------------------------
@logged_in
def export_records(object_name: str) -> Response:
    """All records of a list, streamed."""
    name = known_object(object_name)
    query = parse.list_query(request, name, also=("format", "style", "reason"))
    for useless in ("after", "offset", "total"):
        if useless in request.args:
            raise BadRequest(f"'{useless}' has no meaning for an export.", code="bad_parameter")
    if host().export_reason and not request.args.get("reason", "").strip():
        raise Invalid([FieldError("reason", "required", "Say what the export is for (reason=).")])
    bundle, who = services(), actor()
    exporter = Exporter(bundle.registry, bundle.records)
    made = exporter.prepare(
        who,
        bundle.access.of(who),
        query,
        format_=request.args.get("format", "csv"),
        style=request.args.get("style", ""),
        limit=query.limit if "limit" in request.args else None,
    )
    body = exporter.stream(made)
    _note_export(name, made.format, request.args.get("style", ""), request.args.get("reason", ""))
    return _download(body, made.content_type, f"{made.name}.{made.format}")


def _note_export(object_name: str, format_: str, style: str, reason: str) -> None:
    """Who took what out is on record."""
    asked = {name: value for name, value in request.args.items() if name not in ("format", "style", "reason")}
    detail = {"format": format_, "style": style, "asked": asked}
    services().audit.record("export", actor(), object=object_name, detail=detail, reason=reason)


def _download(body: Iterator[bytes], kind: str, name: str) -> Response:
    plain = "".join(char if char.isascii() and (char.isalnum() or char in "._-") else "_" for char in name)
    response = Response(body, content_type=kind)
    response.headers["Content-Disposition"] = (
        f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
    )
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
