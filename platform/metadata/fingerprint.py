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

from .nodes import Document, MapNode, to_plain


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


class DigestCache:
    """Digests of definitions by node, so that only changed ones are hashed again."""

    def __init__(self) -> None:
        self._kept: dict[MapNode, bytes] = {}

    def of(self, documents: Iterable[Document]) -> list[tuple[str, bytes]]:
        """Label and digest of each definition; forgets every other."""
        used: dict[MapNode, bytes] = {}
        made = []
        for document in documents:
            digest = self._kept.get(document.node) or _digest(document)
            used[document.node] = digest
            made.append((document.label, digest))
        self._kept = used
        return made


def _digest(document: Document) -> bytes:
    return hashlib.sha256(canonical(definition_value(document)).encode("utf-8", "surrogatepass")).digest()


def fingerprint(
    documents: Iterable[Document], settings: Mapping[str, Any] | None = None, cache: DigestCache | None = None
) -> str:
    """One hash over all definitions and what else decides their meaning (languages, currency)."""
    total = hashlib.sha256(canonical(dict(settings or {})).encode())
    for label, digest in sorted((cache or DigestCache()).of(documents)):
        total.update(f"\n{label} ".encode())
        total.update(digest)
    return "sha256:" + total.hexdigest()
