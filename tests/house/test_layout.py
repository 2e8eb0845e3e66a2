"""The house itself: facts about the tree that would break an install or an import without any test noticing."""

from __future__ import annotations

import platform
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_platform_folder_stays_a_namespace() -> None:
    assert not (ROOT / "platform" / "__init__.py").exists()
    assert platform.system(), "the standard library's module must win"


def test_every_package_is_listed_for_the_wheel() -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    listed = set(config["tool"]["setuptools"]["packages"])
    found = set()
    for base, name in (("platform", "guanxi"), ("admin", "guanxi.admin"), ("industry_packs", "guanxi.industry_packs")):
        for init in (ROOT / base).rglob("__init__.py"):
            parts = init.parent.relative_to(ROOT / base).parts
            found.add(".".join((name, *parts)))
    assert listed == found


def test_every_package_has_a_readme() -> None:
    for base in ("platform", "admin", "industry_packs"):
        for folder in (ROOT / base).iterdir():
            if (folder / "__init__.py").exists():
                assert (folder / "README.md").exists(), folder
    assert (ROOT / "admin" / "README.md").exists()
    assert (ROOT / "industry_packs" / "README.md").exists()


def test_dependencies_are_bounded_and_pinned() -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    for line in config["project"]["dependencies"]:
        assert "<" in line or "~=" in line or line.startswith("tzdata"), line
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        assert "==" in line, line
        assert "/" not in line, line
