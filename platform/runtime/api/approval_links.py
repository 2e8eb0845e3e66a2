"""The page behind a link in a mail that decides: looking changes nothing, its button acts; nobody is logged in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from flask import Blueprint, Response, render_template, request

from guanxi.common.errors import GuanxiError

from ..approvals import links
from .caller import public, services

if TYPE_CHECKING:
    from ..services import Services

TEXTS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "approve": "Approve",
        "reject": "Reject",
        "changed": "The record was changed since this mail was written. Look at it before you decide.",
        "comment": "Say why",
        "open": "Look at the record",
        "done": "Done. Thank you.",
        "title": "Approval",
        "as": "You decide as",
    },
    "zh": {
        "approve": "同意",
        "reject": "拒绝",
        "changed": "此邮件发出后记录已被修改,请查看后再处理。",
        "comment": "请填写原因",
        "open": "查看记录",
        "done": "处理完成,谢谢。",
        "title": "审批",
        "as": "处理人",
    },
}


def register(api: Blueprint) -> None:
    """Add the page."""
    api.add_url_rule("/approvals/link/<word>", "approval_link", opened, methods=["GET"])
    api.add_url_rule("/approvals/link/<word>", "approval_link_act", decided, methods=["POST"])


@public
def opened(word: str) -> Response:
    """What the link is about, with one button; nothing happens by looking."""
    return _answered(lambda: ({"about": links.look(_whole(), word)}, 200))


@public
def decided(word: str) -> Response:
    """Do what the link says."""

    def run() -> tuple[dict[str, Any], int]:
        about = links.look(_whole(), word)
        links.act(_whole(), word, request.form.get("comment", ""))
        return {"about": about, "done": True}, 200

    return _answered(run)


def _whole() -> Services:
    return cast("Services", services())


def _answered(run: Any) -> Response:
    try:
        shown, status = run()
    except GuanxiError as error:
        shown, status = {"about": None, "fault": error.detail or str(error)}, error.status
    language = (shown["about"] or {}).get("language") or request.accept_languages.best_match(("en", "zh")) or "en"
    texts = TEXTS["zh" if str(language).startswith("zh") else "en"]
    site = services().messaging.settings.name
    page = render_template(
        "guanxi_api/approval_link.html", texts=texts, title=texts["title"], site=site, language=language, **shown
    )
    answer = Response(page, status, content_type="text/html; charset=utf-8")
    answer.headers["X-Robots-Tag"] = "noindex"
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer
