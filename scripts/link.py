"""Make `.links/guanxi`: a folder of symlinks with the import layout, for mypy and for running without an install.

The import name `guanxi` maps onto `platform/`, `admin/` and `industry_packs/`; setuptools does that mapping for an
install, but type checkers cannot follow it. Usage: `python scripts/link.py`, then `MYPYPATH=.links` or
`PYTHONPATH=.links`.
"""

from __future__ import annotations

from pathlib import Path


def main() -> None:
    """Rebuild the links below the repository's root."""
    root = Path(__file__).resolve().parent.parent
    base = root / ".links" / "guanxi"
    base.mkdir(parents=True, exist_ok=True)
    wanted = {p.name: p for p in sorted((root / "platform").iterdir()) if p.is_dir() and p.name != "__pycache__"}
    wanted |= {"admin": root / "admin", "industry_packs": root / "industry_packs"}
    for link in base.iterdir():
        if link.is_symlink() and (link.name not in wanted or link.resolve() != wanted[link.name]):
            link.unlink()
    for name, target in wanted.items():
        link = base / name
        if not link.exists():
            link.symlink_to(target, target_is_directory=True)


if __name__ == "__main__":
    main()
