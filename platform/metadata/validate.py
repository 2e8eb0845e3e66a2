"""Stage 2: judge each document by its kind's model and say every fault at its place, in our own words.

A fault of pydantic is an address and a type; here it becomes a code, a sentence, the place of the value (or of the key,
when the key is wrong) and the nearest right name. What names in other documents mean is judged later, in `link`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from guanxi.common.diagnostics import Diagnostic, Diagnostics
from guanxi.common.names import RESERVED_OBJECTS, did_you_mean

from .collector import without_collection
from .documents.base import Definition
from .documents.fields import FIELD_MODELS
from .faults import Finding, findings
from .kinds import KINDS, Kind
from .link.memory import Judged, Judgements
from .nodes import Document, at, dotted, to_plain

__all__ = ["Judged", "Judgements", "judge", "validate"]
USER_FIELDS = frozenset({"team"})
"""Names of owner fields that the platform's own object `user` declares itself."""


def validate(documents: Sequence[Document], found: Diagnostics, judgements: Judgements | None = None) -> None:
    """Judge whole and partial (`extend`) documents as written; notes every fault."""
    memory = judgements if judgements is not None else Judgements()
    with without_collection():
        for document in documents:
            found.extend(judge(document, memory).found)


def judge(document: Document, judgements: Judgements) -> Judged:
    """The model of one document, from memory when its node was judged before."""
    known = judgements.known.get(document.node)
    if known is None:
        known = judgements.known[document.node] = _judge(document)
    return known


def _judge(document: Document) -> Judged:
    kind = KINDS.get(document.kind)
    if kind is None:
        place = at(document.node, ("kind",))
        hint = did_you_mean(document.kind, KINDS)
        return Judged(None, (Diagnostic("unknown-kind", f"unknown kind '{document.kind}'", place, "kind", hint),))
    plain = to_plain(document.node)
    plain.setdefault("name", document.name)
    found: list[Finding] = []
    model: Definition | None = None
    try:
        model = kind.model.model_validate(plain)
    except ValidationError as error:
        found = findings(kind.model, plain, error.errors(include_url=False))
    found.extend(_name_findings(kind, document))
    kept = [one for one in found if not _allowed(one, document)]
    if model is None and not kept and not document.extends:
        model = _without_reserved(kind, plain)
    return Judged(None if kept else model, tuple(_diagnostic(one, document) for one in kept))


def _name_findings(kind: Kind, document: Document) -> list[Finding]:
    if kind.name == "object" and document.name in RESERVED_OBJECTS:
        said = f"'{document.name}' is reserved by the platform and cannot name an object"
        return [Finding(("extend" if document.extends else "name",), "reserved-name", said)]
    return []


def _allowed(one: Finding, document: Document) -> bool:
    """A partial document may leave keys out; the platform's `user` has a field `team`."""
    if document.extends and one.code == "missing-key":
        return True
    own = document.kind == "object" and document.name == "user" and one.code == "reserved-name"
    return own and len(one.path) == 2 and one.path[1] in USER_FIELDS


def _without_reserved(kind: Kind, plain: dict[str, Any]) -> Definition:
    """The model of `user`: its fields are judged without the reserved name, which is then put back."""
    fields = plain["fields"]
    own = {
        name: FIELD_MODELS[fields[name]["type"]].model_validate(fields[name]) for name in USER_FIELDS & fields.keys()
    }
    rest = {name: value for name, value in fields.items() if name not in own}
    model = kind.model.model_validate({**plain, "fields": rest})
    judged: dict[str, Any] = {**model.fields, **own}  # type: ignore[attr-defined]
    return model.model_copy(update={"fields": {name: judged[name] for name in fields}})


def _diagnostic(one: Finding, document: Document) -> Diagnostic:
    place = at(document.node, one.path[:-1] if one.missing else one.path, key=one.at_key or one.missing)
    return Diagnostic(one.code, one.message, place, dotted(one.path), one.hint)
