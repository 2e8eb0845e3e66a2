"""One JSON Schema (2020-12) of the whole YAML grammar, made from the models that judge documents.

`kind` chooses the branch; a document with `extend` may leave out what its definition already says. An editor with a
YAML language server completes and checks with it while one types.
"""

from __future__ import annotations

import copy
import json
from functools import lru_cache
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from .documents.base import MEANINGS
from .kinds import KINDS, Kind

DIALECT = "https://json-schema.org/draft/2020-12/schema"
IDENTIFIER = "https://guanxi.dev/schema/metadata.json"
Schema = dict[str, Any]


def json_schema() -> Schema:
    """The schema of a document of any kind; a fresh copy."""
    return copy.deepcopy(_schema())


@lru_cache(maxsize=1)
def _schema() -> Schema:
    shared: Schema = {}
    branches = []
    for kind in KINDS.values():
        whole, parts = _kind(kind)
        shared.update(parts)
        shared[kind.name] = whole
        shared[f"{kind.name}_extension"] = _extension(kind, whole)
        branches.append(_branch(kind.name))
    return {
        "$schema": DIALECT,
        "$id": IDENTIFIER,
        "title": "Guanxi metadata",
        "description": "A document of Guanxi's metadata: its kind says which keys it takes.",
        "type": "object",
        "required": ["kind"],
        "properties": {"kind": {"enum": list(KINDS), "description": "What the document defines"}},
        "allOf": branches,
        "$defs": shared,
    }


def _branch(kind: str) -> Schema:
    """`if` the kind is this one, `then` its keys; with `extend`, only those that are written."""
    return {
        "if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]},
        "then": {
            "if": {"required": ["extend"]},
            "then": {"$ref": f"#/$defs/{kind}_extension"},
            "else": {"$ref": f"#/$defs/{kind}"},
        },
    }


def _kind(kind: Kind) -> tuple[Schema, Schema]:
    made = kind.model.model_json_schema(by_alias=True, schema_generator=GenerateJsonSchema)
    parts: Schema = made.pop("$defs", {})
    _tidy(made)
    _tidy(parts)
    for key in ("extend", *(() if kind.name == "patch" else ("remove",))):
        made["properties"].pop(key, None)
    made["description"] = f"{kind.summary[:1].upper()}{kind.summary[1:]}."
    return made, parts


def _extension(kind: Kind, whole: Schema) -> Schema:
    """The keys of a partial document; their contents are judged when it is merged."""
    keys = {
        name: {"description": one["description"]} if "description" in one else {}
        for name, one in whole["properties"].items()
    }
    keys["kind"] = {"const": kind.name}
    keys["extend"] = {"type": "string", "description": "The definition that this document is merged into by key"}
    keys["remove"] = {"type": "array", "items": {"type": "string"}, "description": "Dotted paths that are taken away"}
    return {
        "type": "object",
        "properties": keys,
        "required": ["kind", "extend"],
        "additionalProperties": False,
        "description": f"What is added to {kind.summary}",
    }


# tidying --------------------------------------------------------------------------------------------------------
def _tidy(node: Any) -> None:
    """Leave out what only pydantic understands; refuse keys that are no names."""
    if isinstance(node, list):
        for one in node:
            _tidy(one)
    if not isinstance(node, dict):
        return
    if isinstance(node.get("title"), str) and ("type" in node or "$ref" in node or "anyOf" in node or "const" in node):
        node.pop("title")
    node.pop("discriminator", None)
    if "default" in node and node["default"] in (None, {"texts": []}, "", [], {}):
        node.pop("default")
    if "patternProperties" in node and "additionalProperties" not in node:
        node["additionalProperties"] = False
    for key, one in node.items():
        if key == "properties":
            for name, part in one.items():
                _tidy(part)
                part.pop("title", None)
                if "description" not in part and name in MEANINGS:
                    part["description"] = MEANINGS[name]
        else:
            _tidy(one)


def schema_text() -> str:
    """The schema as text (`guanxi schema`)."""
    return json.dumps(_schema(), ensure_ascii=False, indent=2) + "\n"
