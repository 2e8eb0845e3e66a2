"""`/forms/{form}`: public forms as a page, as data, as a script for other sites; and what visitors send.

Anybody may call these routes; what they may do is the form's own affair (`runtime.forms`). They know no session and set
no cookie, so that other sites may call them: for these routes alone the answers say so (CORS).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from flask import Blueprint, Response, render_template, request

from guanxi.common.errors import BadRequest, GuanxiError, Invalid, TooLarge
from guanxi.common.text import text_fault
from guanxi.registry.forms import WebForm

from ..forms.questions import page_texts, said
from ..forms.service import HONEYPOT, Forms, Sent, Upload, View
from ..forms.service import forms as forms_of
from . import parse, problems, respond
from .caller import public, services

forms = Blueprint("guanxi_forms", __name__, template_folder="templates")
EMBED = Path(__file__).parent / "static" / "embed.js"
MOST = 256 * 1024
STARTED, LINK, CONSENT, LANGUAGE = "_started", "_p", "_consent", "_lang"
CONTROLS = (STARTED, LINK, CONSENT, LANGUAGE, HONEYPOT)
OPEN = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
    "Access-Control-Allow-Headers": "Content-Type, Accept",
    "Access-Control-Max-Age": "86400",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
PLAIN = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'; form-action "
)


def _service() -> Forms:
    return forms_of(cast(Any, services()).records.room)


def _wants_page() -> bool:
    """True for browsers: they ask for HTML."""
    best = request.accept_mimetypes.best_match(("application/json", "text/html"), "application/json")
    return best == "text/html" and request.mimetype != "application/json"


def _answered(view: Callable[..., Response]) -> Callable[..., Response]:
    """Errors as a page for browsers, else as a problem; open to other sites either way."""

    @wraps(view)
    def guarded(name: str) -> Response:
        try:
            answer = view(name)
        except GuanxiError as error:
            answer = _error_page(name, error) if _wants_page() else problems.of_error(error)
        answer.headers.update(OPEN)
        return answer

    return guarded


# asking -----------------------------------------------------------------------------------------------------------
@forms.get("/forms/<name>", provide_automatic_options=False)
@public
@_answered
def show(name: str) -> Response:
    """The page. `lang` chooses the language, `p` is a personal link's token; other parameters fill in fields."""
    service = _service()
    form = service.get(name)
    given = parse.parameters(request, ("lang", "p", *form.fields))
    language = service.language(form, given.pop("lang", ""), request.accept_languages)
    token = given.pop("p", "")
    view = service.view(name, language, token)
    return _page(view, token, values=given)


@forms.get("/forms/<name>/schema")
@public
@_answered
def schema(name: str) -> Response:
    """The form as data, with the mark (`started`) that is sent back with the answers."""
    service = _service()
    form = service.get(name)
    given = parse.parameters(request, ("lang", "p"))
    language = service.language(form, given.get("lang", ""), request.accept_languages)
    view = service.view(name, language, given.get("p", ""))
    return respond.answer(
        {
            **view.questions,
            "started": service.tokens.start(name, service.room.clock.now()),
            "honeypot": HONEYPOT,
            "texts": page_texts(language),
        },
        headers={"Vary": "Accept-Language"},
    )


@forms.get("/forms/<name>/embed.js")
@public
@_answered
def embed(name: str) -> Response:
    """The script that draws the form on another site."""
    parse.parameters(request, ())
    _service().get(name)
    answer = Response(EMBED.read_bytes(), content_type="text/javascript; charset=utf-8")
    answer.headers["Cache-Control"] = "public, max-age=3600"
    return answer


@forms.route("/forms/<name>", methods=["OPTIONS"])
@public
@_answered
def ask_first(name: str) -> Response:  # noqa: ARG001 (every form answers the same)
    """What browsers ask before a script of another site may call."""
    return Response(status=204)


# taking -----------------------------------------------------------------------------------------------------------
@forms.post("/forms/<name>", provide_automatic_options=False)
@public
@_answered
def take(name: str) -> Response:
    """Take a submission: JSON, or the fields of an HTML form. The answer is the same whatever became of it."""
    service = _service()
    form = service.get(name)
    given = parse.parameters(request, ("lang", "p"))
    sent, token = _sent(service, form, given)
    try:
        service.submit(name, sent)
    except Invalid as refusal:
        if not _wants_page():
            raise
        view = service.view(name, sent.language, token)
        return _page(view, token, values=_typed(sent), faults=refusal, ticked=sent.consent, status=422)
    except BadRequest as refusal:
        if refusal.code != "expired" or not _wants_page():
            raise
        view = service.view(name, sent.language, token)
        note = said("expired", sent.language)
        return _page(view, token, values=_typed(sent), ticked=sent.consent, note=note, status=400)
    return _thanks(form, sent.language)


def _sent(service: Forms, form: WebForm, given: dict[str, str]) -> tuple[Sent, str]:
    """What came, by the body's own media type."""
    _bounded(form)
    page = request.mimetype in ("application/x-www-form-urlencoded", "multipart/form-data")
    if page:
        values, controls, files = _of_page(form)
    else:
        values, controls, files = _of_json(form)
    language = service.language(form, controls[LANGUAGE] or given.get("lang", ""), request.accept_languages)
    token = controls[LINK] or given.get("p", "")
    sent = Sent(
        values,
        request.remote_addr or "",
        language,
        page=page,
        started=controls[STARTED],
        bait=controls[HONEYPOT],
        link=token,
        consent=controls[CONSENT] not in ("", "false", "0"),
        files=files,
    )
    return sent, token


def _bounded(form: WebForm) -> None:
    files = request.mimetype == "multipart/form-data"
    most = MOST + (form.limits.megabytes * 1024 * 1024 * 4 if files else 0)
    if (request.content_length or 0) > most:
        raise TooLarge(f"A submission has at most {most // 1024} KB.")
    request.max_content_length = most


def _of_json(form: WebForm) -> tuple[dict[str, Any], dict[str, str], dict[str, Upload]]:
    values = parse.body(request)
    if "consent" in values and "consent" not in form.fields:
        values.setdefault(CONSENT, values.pop("consent"))
    controls = {}
    for name in CONTROLS:
        value = values.pop(name, "")
        if isinstance(value, bool):
            value = "true" if value else "false"
        if not isinstance(value, str | None) or text_fault(value or ""):
            raise BadRequest(f"'{name}' has the wrong type.", code="type")
        controls[name] = value or ""
    return values, controls, {}


def _of_page(form: WebForm) -> tuple[dict[str, Any], dict[str, str], dict[str, Upload]]:
    values: dict[str, Any] = {}
    kinds = cast(Any, services()).registry.objects[form.object].fields
    for name, many in request.form.lists():
        if any("\ufffd" in one or text_fault(one) for one in (name, *many)):
            raise BadRequest("The text is not UTF-8.", code="bad_parameter")
        several = name in form.fields and kinds[name].type in ("choices", "tags") and len(many) > 1
        values[name] = list(many) if several or (len(many) == 1 and _listed(kinds, name)) else many[-1]
    controls = {name: str(values.pop(name, "")) for name in CONTROLS}
    files = {
        name: Upload(cast(Any, one.stream), (one.filename or "file")[:500], one.mimetype or "")
        for name, one in request.files.items()
        if one.filename
    }
    return values, controls, files


def _listed(kinds: Any, name: str) -> bool:
    return name in kinds and kinds[name].type == "choices"


def _typed(sent: Sent) -> dict[str, Any]:
    return dict(sent.values)


# answers ----------------------------------------------------------------------------------------------------------
def _thanks(form: WebForm, language: str) -> Response:
    words = form.thanks.text(language) or said("thanks", language)
    if not _wants_page():
        body: dict[str, Any] = {"ok": True, "thanks": words}
        if form.redirect:
            body["redirect"] = form.redirect
        return respond.answer(body, 201)
    answer = _html(
        "guanxi_api/form_done.html", form, language, title=form.label.text(language), words=words, next=form.redirect
    )
    if form.redirect:
        answer.headers["Refresh"] = f"3; url={form.redirect}"
    return answer


def _page(
    view: View,
    token: str,
    *,
    values: dict[str, Any] | None = None,
    faults: Invalid | None = None,
    ticked: bool = False,
    note: str = "",
    status: int = 200,
) -> Response:
    service, form, language = _service(), view.form, view.questions["language"]
    by_field: dict[str, str] = {}
    for error in faults.errors if faults is not None else ():
        by_field.setdefault(error.field, error.message)
    asked = {one["name"] for one in view.questions["fields"]} | {CONSENT}
    return _html(
        "guanxi_api/form.html",
        form,
        language,
        status,
        title=view.questions["label"],
        form=view.questions,
        values=values or {},
        faults={name: text for name, text in by_field.items() if name in asked},
        others=[text for name, text in by_field.items() if name not in asked],
        ticked=ticked,
        note=note,
        token=token,
        started=service.tokens.start(form.name, service.room.clock.now()),
        honeypot=HONEYPOT,
    )


def _html(template: str, form: WebForm | None, language: str, status: int = 200, /, **given: Any) -> Response:
    page = render_template(
        template, language=language, texts=page_texts(language), site=services().messaging.settings.name, **given
    )
    answer = Response(page, status, content_type="text/html; charset=utf-8")
    target = urlsplit(form.redirect) if form is not None and form.redirect else None
    allowed = f"'self' {target.scheme}://{target.netloc}" if target is not None else "'self'"
    answer.headers["Content-Security-Policy"] = PLAIN + allowed
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["X-Robots-Tag"] = "noindex"
    answer.headers["Vary"] = "Accept-Language, Accept"
    return answer


def _error_page(name: str, error: GuanxiError) -> Response:
    service = _service()
    form = service.all().get(name)
    form = form if form is not None and form.active else None
    language = service.language(form, request.args.get("lang", ""), request.accept_languages) if form else _guess()
    words = said(error.code, language) or error.detail
    answer = _html(
        "guanxi_api/form_done.html", form, language, error.status, title=said("sorry", language), words=words, next=""
    )
    retry = getattr(error, "retry_after", None)
    if retry is not None:
        answer.headers["Retry-After"] = str(retry)
    return answer


def _guess() -> str:
    best = request.accept_languages.best_match(("en", "zh", "zh-CN", "zh-Hans"), "en") or "en"
    return best[:2]
