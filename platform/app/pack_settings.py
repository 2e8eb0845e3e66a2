"""Write the list of packs back into `guanxi.yaml`, leaving everything else of the file as its author wrote it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from .settings import FILE

_LINE = re.compile(r"^packs:[^\n]*(?:\n[ \t]+-[^\n]*|\n[ \t]*-[ \t][^\n]*)*", re.MULTILINE)


def with_packs(folder: Path, packs: Sequence[str]) -> None:
    """Replace (or add) the `packs` entry; the file is swapped whole."""
    path = folder / FILE
    text = path.read_text(encoding="utf-8")
    line = f"packs: [{', '.join(packs)}]"
    changed = _LINE.sub(lambda _: line, text, count=1) if _LINE.search(text) else text.rstrip("\n") + f"\n{line}\n"
    if changed == text:
        return
    beside = path.with_name(FILE + ".new")
    beside.write_text(changed, encoding="utf-8")
    beside.replace(path)
