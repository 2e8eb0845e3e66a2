"""Two published versions compared for people: each file of definitions that differs, as a unified diff."""

from __future__ import annotations

import difflib

from guanxi.metadata.bundle import Bundle, text_of


def changed_files(old: Bundle, new: Bundle, first: int, second: int) -> list[dict[str, str]]:
    """See `Publisher.diff`; by layer and file."""
    before, after = _texts(old), _texts(new)
    found = []
    for key in sorted({*before, *after}):
        one, other = before.get(key), after.get(key)
        if one == other:
            continue
        change = "added" if one is None else "removed" if other is None else "changed"
        lines = difflib.unified_diff(
            (one or "").splitlines(),
            (other or "").splitlines(),
            f"{key[1]} (version {first})",
            f"{key[1]} (version {second})",
            lineterm="",
        )
        found.append({"layer": key[0], "file": key[1], "change": change, "diff": "\n".join(lines)})
    return found


def _texts(bundle: Bundle) -> dict[tuple[str, str], str]:
    return {(layer.name, source.file): text_of(source) for layer in bundle.layers for source in layer.sources}
