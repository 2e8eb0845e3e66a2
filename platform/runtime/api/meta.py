"""Published metadata as the caller may see it, and publishing for administrators."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, request

from guanxi.common.errors import BadRequest, NotFound
from guanxi.common.labels import Label
from guanxi.expressions.expression import Expression
from guanxi.registry import Field, ObjectType

from . import parse, respond
from .caller import actor, administrators, host, logged_in, services
from .openapi import field_schema
from .records import known_object

MOST_FILES = 2000


def register(api: Blueprint) -> None:
    """Add the routes below /meta and /packs."""
    api.add_url_rule("/meta", "meta", overview, methods=["GET"])
    api.add_url_rule("/meta/objects/<object_name>", "meta_object", describe_object, methods=["GET"])
    api.add_url_rule("/meta/schema", "meta_schema", grammar, methods=["GET"])
    api.add_url_rule("/meta/plan", "meta_plan", plan, methods=["POST"])
    api.add_url_rule("/meta/apply", "meta_apply", apply, methods=["POST"])
    api.add_url_rule("/meta/versions", "meta_versions", versions, methods=["GET"])
    api.add_url_rule("/meta/rollback", "meta_rollback", rollback, methods=["POST"])
    api.add_url_rule("/packs", "packs", packs, methods=["GET"])
    api.add_url_rule("/packs/<pack>/<act>", "pack_act", pack_act, methods=["POST"])


def condition(value: bool | Expression) -> bool | str:
    """A switch as it is written in YAML; false where it asks for what the caller does not see."""
    if isinstance(value, Expression):
        return value.source if readable(value) else False
    return value


def label(value: Label) -> Any:
    """A label in the caller's language."""
    return value.text(actor().language)


def visible(object_name: str) -> Mapping[str, str]:
    """Field grants of the caller that are not `none`; {} when the object does not exist for the caller."""
    rights = services().records.permissions(actor(), object_name)
    if not (rights.get("read") or rights.get("create")):
        return {}
    return {name: grant for name, grant in rights.get("fields", {}).items() if grant != "none"}


def readable(expression: Expression) -> bool:
    """True when the caller sees every field that the expression reads."""
    return all(use.field in visible(use.object) for use in expression.uses)


def _offered(object_name: str) -> tuple[frozenset[str], frozenset[str]]:
    """The actions and the views that the caller has."""
    rights = services().records.permissions(actor(), object_name)
    return frozenset(rights.get("actions", ())), frozenset(rights.get("views", ()))


def describe_field(field: Field, grant: str) -> dict[str, Any]:
    """One field as data."""
    out: dict[str, Any] = {
        "name": field.name,
        "type": field.type,
        "label": label(field.label),
        "required": condition(field.required),
        "read_only": True if grant != "edit" else condition(field.read_only),
        "grant": grant,
        "schema": field_schema(field),
    }
    if field.system:
        out["system"] = True
    if field.help:
        out["help"] = label(field.help)
    if field.options:
        out["options"] = [
            {"name": option.name, "label": label(option.label), "color": option.color}
            for option in field.options.values()
        ]
    if field.target and visible(field.target):
        out["to"] = field.target
    if field.value is not None and readable(field.value):
        out["value"] = field.value.source
    for key in ("unique", "search", "index", "hidden"):
        if getattr(field, key):
            out[key] = True
    return out


def describe(kind: ObjectType) -> dict[str, Any]:
    """One object in full, as the caller may see it."""
    grants = visible(kind.name)
    may, usable = _offered(kind.name)
    lists = {name for name, related in kind.related.items() if visible(related.object)}
    out: dict[str, Any] = {
        "name": kind.name,
        "label": label(kind.label),
        "plural": label(kind.plural),
        "description": label(kind.description),
        "icon": kind.icon,
        "title": kind.title.source if kind.title.own <= set(grants) else "id",
        "owned": kind.owned,
        "concurrency": kind.concurrency,
        "pack": kind.layer,
        "fields": [describe_field(field, grants[name]) for name, field in kind.fields.items() if name in grants],
        "unique": {key.name: list(key.fields) for key in kind.unique.values() if set(key.fields) <= set(grants)},
        "related": [
            {"name": r.name, "label": label(r.label), "object": r.object, "field": r.field}
            for name, r in kind.related.items()
            if name in lists
        ],
        "views": [
            {"name": v.name, "label": label(v.label), "as": v.shape} for n, v in kind.views.items() if n in usable
        ],
        "form": [
            {"name": s.name, "label": label(s.label), "fields": [f for f in s.fields if f in grants]}
            for s in kind.form.sections
        ],
        "actions": [{"name": a.name, "label": label(a.label)} for a in kind.actions.values() if a.name in may],
    }
    if kind.stages is not None and kind.stages.field in grants:
        out["stages"] = {
            "field": kind.stages.field,
            "path": {
                s.name: {"to": list(s.to), "needs": [n for n in s.needs if n in grants]}
                for s in kind.stages.path.values()
            },
        }
    return out


@logged_in
def overview() -> Response:
    """Objects, apps and option sets in short."""
    parse.parameters(request, ())
    registry = services().registry
    objects = [
        {"name": o.name, "label": label(o.label), "plural": label(o.plural), "icon": o.icon, "pack": o.layer}
        for o in registry.objects.values()
        if visible(o.name)
    ]
    known = {o["name"] for o in objects}
    apps = [
        {"name": a.name, "label": label(a.label), "menu": [m for m in a.menu if m in known]}
        for a in registry.apps.values()
        if not a.roles or actor().unrestricted or actor().roles & set(a.roles)
    ]
    return respond.answer(
        {
            "version": services().version,
            "fingerprint": registry.fingerprint,
            "languages": list(registry.languages),
            "packs": [{"name": p.name, "version": p.version, "label": label(p.label)} for p in registry.packs.values()],
            "objects": objects,
            "apps": apps,
        }
    )


@logged_in
def describe_object(object_name: str) -> Response:
    """One object's full description."""
    parse.parameters(request, ())
    name = known_object(object_name)
    if not visible(name):
        raise NotFound(f"No object '{name}'.", code="unknown_object")
    return respond.answer(describe(services().registry.objects[name]))


@logged_in
def grammar() -> Response:
    """The JSON Schema of the YAML grammar."""
    parse.parameters(request, ())
    return respond.answer(host().publisher.json_schema())


def _files(body: Mapping[str, Any]) -> dict[str, str] | None:
    files: dict[str, str] | None = parse.typed(body, "files", dict)
    if files is None:
        return None
    if len(files) > MOST_FILES:
        raise BadRequest(f"At most {MOST_FILES} files.", code="limit")
    if not all(isinstance(text, str) for text in files.values()):
        raise BadRequest("'files' maps a file name to its text.", code="type")
    return files


def _words(body: Mapping[str, Any], key: str) -> list[str]:
    words = parse.typed(body, key, list, [])
    if not all(isinstance(word, str) for word in words):
        raise BadRequest(f"'{key}' is a list of texts.", code="type")
    return list(words)


@administrators
def plan() -> Response:
    """What publishing these files would change."""
    parse.parameters(request, ())
    body = parse.body(request, ("files", "allow"), empty=True)
    return respond.answer(host().publisher.plan(actor(), _files(body), _words(body, "allow")))


@administrators
def apply() -> Response:
    """Publish these files."""
    parse.parameters(request, ())
    body = parse.body(request, ("files", "allow", "plan", "note"), empty=True)
    done = host().publisher.apply(
        actor(),
        _files(body),
        _words(body, "allow"),
        parse.typed(body, "plan", str, ""),
        parse.typed(body, "note", str, "")[:2000],
    )
    return respond.answer(done)


@administrators
def versions() -> Response:
    """Published versions, newest first."""
    parse.parameters(request, ())
    return respond.answer({"data": list(host().publisher.versions())})


@administrators
def rollback() -> Response:
    """Publish the definitions of an earlier version again."""
    parse.parameters(request, ())
    body = parse.body(request, ("version", "allow"))
    number = parse.typed(body, "version", int)
    if number is None or number < 1:
        raise BadRequest("'version' is the number of a published version.", code="type")
    return respond.answer(host().publisher.rollback(actor(), number, _words(body, "allow")))


@administrators
def packs() -> Response:
    """The installed set of packs, with what the instance has of it."""
    parse.parameters(request, ())
    return respond.answer({"data": list(host().publisher.packs())})


@administrators
def pack_act(pack: str, act: str) -> Response:
    """Install, upgrade or uninstall a pack."""
    parse.parameters(request, ())
    if act not in ("install", "upgrade", "uninstall"):
        raise NotFound("A pack can be installed, upgraded or uninstalled.")
    body = parse.body(request, ("data", "allow", "sample"), empty=True)
    return respond.answer(host().publisher.pack(actor(), pack, act, body))
