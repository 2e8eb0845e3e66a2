"""Two versions between which every kind of step happens."""

from __future__ import annotations

from guanxi.registry.registry import Registry
from tests.support.registries import registry

LEVELS = {"a": None, "b": None, "c": None}
ALLOW = ("client.code", "client.note", "client.level=b", "gone", "client.old_links")


def first() -> Registry:
    return registry(
        {
            "customer": {
                "name": {"type": "text", "unique": True, "search": True},
                "level": {"type": "choice", "options": LEVELS},
                "code": "text",
                "note": "text",
                "parent": {"type": "reference", "to": "customer"},
                "products": {"type": "references", "to": "product"},
                "old_links": {"type": "references", "to": "product"},
                "favourite": {"type": "reference", "to": "product"},
            },
            "product": {"name": "text"},
            "gone": {"name": "text"},
        }
    )


def second() -> Registry:
    return registry(
        {
            "client": {
                "title": {"type": "text", "unique": True, "search": True, "renamed_from": "name"},
                "level": {"type": "choice", "options": {"top": {"renamed_from": "a"}, "c": None}},
                "code": "integer",
                "parent": {"type": "reference", "to": "client"},
                "goods": {"type": "references", "to": "product", "renamed_from": "products"},
                "favourite": {"type": "references", "to": "product"},
                "source": {"type": "text", "required": True, "default": "web", "index": True},
            },
            "product": {"name": "text"},
            "fresh": {"client": {"type": "reference", "to": "client"}},
        },
        client={"renamed_from": "customer"},
    )
