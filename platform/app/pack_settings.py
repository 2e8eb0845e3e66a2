"""Write the list of packs back into `guanxi.yaml`, leaving everything else of the file as its author wrote it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from guanxi.common.errors import Unavailable

from .settings import FILE

_LINE = re.compile(r"^packs:[^\n#]*(?P<note>#[^\n]*)?(?:\n[ \t]+-[^\n]*|\n[ \t]*-[ \t][^\n]*)*", re.MULTILINE)
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Prepared:
    """A file that lies beside the present one, ready to take its place; nothing when the list stays as it is."""

    path: Path
    beside: Path | None

    def __call__(self) -> None:
        """Swap the files, whole."""
        if self.beside is not None:
            self.beside.replace(self.path)

    def discard(self) -> None:
        """Leave everything as it was."""
        if self.beside is not None:
            self.beside.unlink(missing_ok=True)


def prepare_packs(folder: Path, packs: Sequence[str]) -> Prepared:
    """Write the file with another `packs` entry beside the present one. Raises Unavailable when that is impossible."""
    path = folder / FILE
    text = path.read_text(encoding="utf-8")
    line = f"packs: [{', '.join(_scalar(pack) for pack in packs)}]"

    def written(match: re.Match[str]) -> str:
        return line + (f"  {match.group('note')}" if match.group("note") else "")

    changed = _LINE.sub(written, text, count=1) if _LINE.search(text) else text.rstrip("\n") + f"\n{line}\n"
    if changed == text:
        return Prepared(path, None)
    beside = path.with_name(FILE + ".new")
    try:
        beside.write_text(changed, encoding="utf-8")
    except OSError as fault:
        raise Unavailable(f"{beside} cannot be written: {fault.strerror}", code="read_only_settings") from None
    return Prepared(path, beside)


def _scalar(text: str) -> str:
    return text if _PLAIN.fullmatch(text) else '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
