"""The reference page of the field types, written from the catalogue itself."""

from __future__ import annotations

import json
from typing import Any

from pydantic_core import PydanticUndefined

from .base import FieldType
from .masks import MASK_STYLES

_HEAD = """# Field types

Every field names a `type`; the keys below are the type's own, besides the common keys of any field. Values travel in
their JSON form. A blank is `null`; `""`, text of white space alone and an empty list are blank too. Unknown keys are
refused. What the API refuses carries one of the codes `type`, `length`, `range` or `choice`.

Rules for all types

- One-line texts are trimmed, and a line break or tab inside becomes one space. NUL, other control characters and lone
  surrogates are refused.
- Numbers are exact: nothing is rounded. A decimal has at most 18 digits counted with its scale; one with more digits
  after the point than the field has is refused (`type`), zeros at the end apart. Decimals are given as strings; JSON
  numbers are taken too.
- Instants need `Z` or an offset and have at most six digits of a second's fraction. Where people type or import a local
  time, it is read in their own zone; an hour that the clock change makes double or void is refused.
- "Typed" shows forms that imports and screens understand besides the JSON form. A form with two meanings is refused:
  `3/1/2026`, `1,23`.
- Patterns run on RE2 in linear time: no look-around and no back-references. The whole value must match.
"""


def reference_markdown() -> str:
    """The whole page, as kept in `docs/reference/field-types.md`."""
    from . import CATALOGUE

    parts = [_HEAD, _overview(CATALOGUE), *(_section(t) for t in CATALOGUE.values()), _masks()]
    return "\n".join(parts)


def _overview(catalogue: dict[str, FieldType]) -> str:
    lines = [
        "| type | is | stored as | sort | group | search | unique |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for type_ in catalogue.values():
        flags = (type_.sortable, type_.groupable, type_.searchable, type_.can_unique)
        marks = " | ".join("yes" if flag else "–" for flag in flags)
        kind = type_.column(type_.Options()).kind
        stored = {"none": "computed", "links": "link table"}.get(kind, kind)
        lines.append(
            f"| [{type_.name}](#{type_.name}) | {type_.summary.split(';')[0].rstrip('.')} | {stored} | {marks} |"
        )
    return "\n".join(lines) + "\n"


def _section(type_: FieldType) -> str:
    example = json.dumps(type_.example, ensure_ascii=False)
    lines = [f"## {type_.name}", "", type_.summary, "", f"JSON: `{example}`" + _typed(type_), ""]
    lines += _options(type_)
    if type_.mask_style != "all":
        lines += [f"Masked, unless the field says otherwise: `{type_.mask_style}`, here `{_masked(type_)}`.", ""]
    return "\n".join(lines)


def _typed(type_: FieldType) -> str:
    return " · typed: " + ", ".join(f"`{text}`" for text in type_.typed) if type_.typed else ""


def _masked(type_: FieldType) -> Any:
    return type_.masked(type_.example, "")


def _options(type_: FieldType) -> list[str]:
    fields = type_.Options.model_fields
    if not fields:
        return []
    rows = ["| key | default | meaning |", "| --- | --- | --- |"]
    for name, field in fields.items():
        default = field.default
        shown = "–" if default is None or default is PydanticUndefined or default == () else f"`{_plain(default)}`"
        rows.append(f"| `{field.alias or name}` | {shown} | {field.description} |")
    return [*rows, ""]


def _plain(value: Any) -> str:
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def _masks() -> str:
    rows = [f"| `{name}` | {meaning} |" for name, meaning in MASK_STYLES.items()]
    text = "How a value looks to those who may see it masked only (`mask:`). Values other than text show nothing."
    return "\n".join(["## Masks", "", text, "", "| style | shows |", "| --- | --- |", *rows, ""])
