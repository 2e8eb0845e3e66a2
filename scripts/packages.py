"""Write the list of packages in pyproject.toml from what is in the tree; `tests/house` checks that it is current."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BASES = (("platform", "guanxi"), ("admin", "guanxi.admin"), ("industry_packs", "guanxi.industry_packs"))


def packages() -> list[str]:
    """Every folder with an `__init__.py`, under its import name."""
    found = []
    for base, name in BASES:
        for init in (ROOT / base).rglob("__init__.py"):
            found.append(".".join((name, *init.parent.relative_to(ROOT / base).parts)))
    return sorted(found)


def main() -> None:
    """Replace the list in place."""
    path = ROOT / "pyproject.toml"
    lines = "".join(f'  "{name}",\n' for name in packages())
    text = path.read_text(encoding="utf-8")
    path.write_text(
        re.sub(r"^packages = \[\n(?:  .*\n)*\]", f"packages = [\n{lines}]", text, flags=re.MULTILINE), encoding="utf-8"
    )


if __name__ == "__main__":
    main()
