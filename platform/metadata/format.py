"""How diagnostics are written: for people, for programs, and as annotations of GitHub's log."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from guanxi.common.diagnostics import Diagnostic

FORMATS = ("text", "json", "github")


def render(diagnostics: Iterable[Diagnostic], style: str = "text") -> str:
    """All diagnostics in one of FORMATS, sorted by place, without a line break at the end."""
    ordered = sorted(diagnostics, key=lambda d: (d.place, d.path, d.code))
    return {"text": _text, "json": _json, "github": _github}[style](ordered)


def summary(diagnostics: Sequence[Diagnostic]) -> str:
    """`2 errors, 1 warning`, or `no errors`."""
    errors = sum(d.severity == "error" for d in diagnostics)
    warnings = len(diagnostics) - errors
    said = [_count(errors, "error")] if errors else ["no errors"]
    if warnings:
        said.append(_count(warnings, "warning"))
    return ", ".join(said)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def line(diagnostic: Diagnostic) -> str:
    """One diagnostic on one line: place, severity when it is only a warning, path, sentence, hint, code."""
    path = f"{diagnostic.path}: " if diagnostic.path else ""
    hint = f" ({diagnostic.hint})" if diagnostic.hint else ""
    mild = "warning: " if diagnostic.severity == "warning" else ""
    said = f"{diagnostic.place}: {mild}{path}{diagnostic.message}{hint} [{diagnostic.code}]"
    return said.replace("\n", " ")


def _text(diagnostics: Sequence[Diagnostic]) -> str:
    return "\n".join(line(d) for d in diagnostics)


def _json(diagnostics: Sequence[Diagnostic]) -> str:
    errors = sum(d.severity == "error" for d in diagnostics)
    value = {
        "ok": not errors,
        "errors": errors,
        "warnings": len(diagnostics) - errors,
        "diagnostics": [d.as_dict() for d in diagnostics],
    }
    return json.dumps(value, ensure_ascii=False, indent=2)


def _github(diagnostics: Sequence[Diagnostic]) -> str:
    return "\n".join(_annotation(d) for d in diagnostics)


def _annotation(diagnostic: Diagnostic) -> str:
    path = f"{diagnostic.path}: " if diagnostic.path else ""
    hint = f" ({diagnostic.hint})" if diagnostic.hint else ""
    place = diagnostic.place
    properties = f"file={_property(place.file)},line={place.line},col={place.column},title={_property(diagnostic.code)}"
    return f"::{diagnostic.severity} {properties}::{_message(path + diagnostic.message + hint)}"


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")
