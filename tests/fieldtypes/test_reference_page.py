from __future__ import annotations

from pathlib import Path

from guanxi.fieldtypes import CATALOGUE, reference_markdown

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "field-types.md"


def test_the_page_is_what_the_catalogue_says() -> None:
    assert PAGE.read_text("utf-8") == reference_markdown(), "write reference_markdown() to the page again"


def test_every_type_has_a_section_with_its_keys() -> None:
    page = reference_markdown()
    for name, type_ in CATALOGUE.items():
        section = page.split(f"\n## {name}\n")[1].split("\n## ")[0]
        for key, field in type_.Options.model_fields.items():
            assert f"`{field.alias or key}`" in section
