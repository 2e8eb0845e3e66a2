"""A plan for readers: text for people (the same on both engines), and JSON-ready data for the API and the screens."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from .plan import Finding, Plan

_HEADS = {"block": "Cannot be applied", "loss": "Loses data", "break": "No longer fits", "note": "Good to know"}
_SIGNS = {"added": "+", "removed": "-", "changed": "~"}


def text(plan: Plan, allow: Iterable[str] = ()) -> str:
    """The plan as lines; ends with what is still missing before it can be applied."""
    if plan.empty:
        return f"Nothing to do: version {plan.base} is what the files say.\n"
    lines = [f"Plan for version {plan.number}" + (f" (back to version {plan.rollback_to})" if plan.rollback_to else "")]
    lines += _section("Definitions", [_change(c) for c in plan.changes])
    lines += _section("Database", [f"  {s.title()}" for s in plan.steps])
    for severity, head in _HEADS.items():
        lines += _section(head, [_finding(f) for f in plan.findings if f.severity == severity])
    missing = plan.objections(allow)
    words = sorted({f.consent for f in missing if f.consent})
    if words:
        lines += ["", "To accept what is lost: " + " ".join(f"--allow {w}" for w in words)]
    elif missing:
        lines += ["", "It cannot be applied as it is."]
    return "\n".join(lines) + "\n"


def _section(head: str, lines: list[str]) -> list[str]:
    return ["", f"{head}:", *lines] if lines else []


def _change(change: Any) -> str:
    parts = change["parts"]
    shown = ", ".join(parts[:8]) + (f" and {len(parts) - 8} more" if len(parts) > 8 else "")
    return f"  {_SIGNS[change['change']]} {change['definition']}" + (f": {shown}" if shown else "")


def _finding(finding: Finding) -> str:
    ids = f" (ids {', '.join(map(str, finding.samples))}{', …' if finding.count > len(finding.samples) else ''})"
    return f"  {finding.message}{ids if finding.samples else ''} [{finding.code}]"


def as_data(plan: Plan, allow: Iterable[str] = ()) -> dict[str, Any]:
    """JSON-ready: version, fingerprint, definitions, steps, findings, and which words of consent are missing."""
    missing = plan.objections(allow)
    return {
        "version": plan.number,
        "base": plan.base,
        "fingerprint": plan.fingerprint,
        "rollback_to": plan.rollback_to,
        "empty": plan.empty,
        "definitions": [dict(c) for c in plan.changes],
        "steps": [{"step": s.kind, "title": s.title()} for s in plan.steps],
        "findings": [{**asdict(f), "samples": list(f.samples)} for f in plan.findings],
        "needs": sorted({f.consent for f in missing if f.consent}),
        "can_apply": not missing,
        "text": text(plan, allow),
    }
