"""Style sheets and scripts: the files of `static/` joined into one of each, served under a content hash for a year.

Two requests for the whole front end, no build tool: style sheets lose comments and white space between rules;
scripts stay ES modules in the source and are joined in the listed order with their import and export words taken off.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from flask import Blueprint, Response, abort

FOLDER = Path(__file__).parent / "static"
STYLES = (
    "tokens", "base", "shell", "controls", "list", "form", "record", "board", "account", "notices", "dashboard",
    "clocks", "approvals", "adapt",
)  # fmt: skip
SCRIPTS = ("core", "overlay", "combobox", "shell", "notices", "list", "form", "record", "board", "approvals")
_COMMENT = re.compile(r"/\*.*?\*/", re.S)
_IMPORT = re.compile(r"^import .*?;\n", re.M)
_EXPORT = re.compile(r"^export (?=(async )?(function|const|class|let) )", re.M)


@dataclass(frozen=True, slots=True)
class Asset:
    """One served file."""

    name: str
    body: bytes
    mimetype: str


def _join_styles() -> str:
    text = "\n".join((FOLDER / "css" / f"{name}.css").read_text("utf-8") for name in STYLES)
    text = _COMMENT.sub("", text)
    text = re.sub(r"\s*\n\s*", "\n", text).strip()
    return re.sub(r"\s*([{};,])\s*", r"\1", text)


def _join_scripts() -> str:
    parts = [(FOLDER / "js" / f"{name}.js").read_text("utf-8") for name in SCRIPTS]
    return "\n".join(_EXPORT.sub("", _IMPORT.sub("", part)) for part in parts)


def _asset(stem: str, extension: str, text: str, mimetype: str) -> Asset:
    body = text.encode()
    return Asset(f"{stem}.{hashlib.sha256(body).hexdigest()[:12]}.{extension}", body, mimetype)


@cache
def assets() -> dict[str, Asset]:
    """Kind ("css", "js") → the file."""
    return {
        "css": _asset("guanxi", "css", _join_styles(), "text/css"),
        "js": _asset("guanxi", "js", _join_scripts(), "text/javascript"),
    }


def asset_url(kind: str) -> str:
    """The path of a joined file."""
    return f"/assets/{assets()[kind].name}"


blueprint = Blueprint("assets", __name__, template_folder="templates")


@blueprint.get("/assets/<name>")
def serve(name: str) -> Response:
    """One of the joined files; public, since the log-in page needs them."""
    for asset in assets().values():
        if asset.name == name:
            answer = Response(asset.body, mimetype=asset.mimetype)
            answer.headers["Cache-Control"] = "public, max-age=31536000, immutable"
            return answer
    return abort(404)
