"""The canonical form of definitions and its sha256: what a patch was made against, what a version is known by.

The order of keys counts, because fields, options and stages keep their order on screens; the order of documents, their
files, comments and quotes do not. A number and the text of the same digits differ.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from .nodes import Document, to_plain


def canonical(value: Any) -> str:
    """One JSON text for plain data; fractions are exact (`{"#": "2.5"}`)."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_number)


def _number(value: object) -> dict[str, str]:
    if isinstance(value, Decimal):
        return {"#": format(value.normalize(), "f")}
    raise TypeError(f"not plain data: {type(value).__name__}")


def hash_of(value: Any) -> str:
    """`sha256:` and 64 hexadecimal digits over the canonical form."""
    return "sha256:" + hashlib.sha256(canonical(value).encode("utf-8", "surrogatepass")).hexdigest()


def definition_hash(document: Document) -> str:
    """The hash of one definition as merged: what a patch names as its base."""
    return hash_of(definition_value(document))


def definition_value(document: Document) -> dict[str, Any]:
    """A definition as plain data without the keys that only steer merging."""
    plain: dict[str, Any] = to_plain(document.node)
    plain = {key: value for key, value in plain.items() if key not in {"kind", "name", "extend", "remove"}}
    return {"kind": document.kind, "name": document.name, **plain}


def fingerprint(documents: Iterable[Document], settings: Mapping[str, Any] | None = None) -> str:
    """One hash over all definitions and what else decides their meaning (languages, currency)."""
    total = hashlib.sha256(canonical(dict(settings or {})).encode())
    for label, text in sorted((d.label, canonical(definition_value(d))) for d in documents):
        total.update(f"\n{label} ".encode())
        total.update(text.encode("utf-8", "surrogatepass"))
    return "sha256:" + total.hexdigest()
