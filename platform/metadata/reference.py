"""The reference of the metadata language as Markdown, generated from the models that judge documents.

`docs/reference/metadata.md` is this text; a test keeps the two equal. Field types have a page of their own.
"""

from __future__ import annotations

from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from guanxi.common.names import RESERVED_FIELDS, RESERVED_OBJECTS

from .documents.automation import EVENTS, EVENTS_WAITING
from .documents.base import MAX_LABEL, MAX_TEXT, MEANINGS, Definition, Inside
from .documents.fields import ComputedKeys, FieldPart, OptionKeys, ReferenceKeys
from .documents.options import OptionPart
from .documents.steps import VERBS, WAITING
from .kinds import KINDS

_HEAD = """# The metadata language

Generated from the models that check every document (`guanxi reference`). Field types and their own keys are in
[field types](field-types.md), expressions in [expressions](expressions.md), codes of messages in [codes](codes.md).

Metadata is a tree of YAML files. A file holds one or more documents; each says its `kind` and its `name`. Names are
lower snake_case ASCII of at most 48 characters. A label is a text of at most {label} characters, or a map by language
(`{{en: Customer, zh: 客户}}`); other texts have at most {text:,} characters. Instead of `name`, `extend: name` merges
the document by key into a definition that is there; `remove: [path, …]` then takes away.
"""

_DECISIONS = """## What happens where nothing is said

**Defaults of fields.** A YAML boolean, number, list or map is a constant and must fit the field. A text is
- for a choice: the option of that name, else an expression that gives an option;
- for a field of text: the text itself, unless it is a call of a function (`concat("A", "B")`), begins with `me.`, or
  stands in quotes of its own (`'"A"'`);
- for any other field: a constant when the field's type can read it (`"2026-01-01"`, `"12.50"`), else an expression
  (`today()`, `me`, `me.team`, `add_days(today(), 30)`).

**Conditions.** A YAML boolean or number in the place of an expression stands for its own literal.

**Titles.** Without `title`, the first text field among `name`, `full_name`, `title`, `subject`, `label`, `code` and
`number` is the title, else the first text field, else the id.

**Labels.** Without a label, the name is shown: `close_date` as "Close date". A map by language that lacks a language of
the instance gives a warning; the text in another language is shown.

**Related lists.** A reference makes a list on the object it points to. `related` names it; without it the list has the
plural of the child's name (`opportunity` → `opportunities`, `activity` → `activities`), or, where that is taken,
`<plural>_by_<field>`. A user or team field makes a list only when `related` names one. Two lists of one name, and a
list with the name of a field, are errors.

**Upgrades of packs.** A step of `upgrades` is done when the published version starts with the step's version (`"1.1"`
stands for every 1.1.x) or lies before it, and never again once a published version carried it. So a pack keeps its
steps, and an instance that skips versions gets them all, in order. A step names things as the pack calls them now; only
`from` holds old names. `backfill` reads the record's own stored fields, fills records in the trash too, and is not
undone by a rollback.

**Deleting.** `on_delete` is `restrict` for `reference`, and `clear` for `references`, `user` and `team`.

**Forms.** Without sections, one section shows all fields that are not hidden. With sections, exactly their fields are
shown; fields that must be filled and stand in none of them follow in a last section `other`, so that the form can be
saved.

**Views.** `all` is always there. Without `columns`, a view shows the title's field, the first useful fields, the stage
and the owner. A board without `by` uses the stage's field; a calendar needs `date`.

**Pages.** Without `tabs`: details, every related list, history. Without `highlights`: the stage, up to three choices,
references or amounts, and the owner.

**History.** `all` tracks every stored field, owner and team. Formulas and roll-ups have no history of their own.

**Duplicates.** `score` is 1 where every part must be equal, and 0.9 where a part is compared by likeness.

**Rules.** `when: c` with `check: d` means `d or not c`. A rule that always or never holds is an error.

**Stages.** The first stage of the path is where a record starts, unless the field has a default. A stage without `to`
is an end. `when` is judged when a record enters the stage, `by` against the person who moves it.

**Roles.** `read: where` means all records for which `where` holds; a grant with nothing but `where` grants reading
where it holds. `"*"` under `objects` stands for every object that the role does not name itself. `true` and `false`
may be written for `all` and `none`. The role `administrator` may do everything; `employee` reads people and teams.

**Data.** A reference in a row is the other record's natural key: its unique field, its key in a data set, or its title.
`owner` and `team` take a log-in name and a team's name. A text in a date or datetime field may be an expression
(`add_days(today(), -3)`), which is evaluated when the rows are loaded.

**Built-in objects.** `user`, `team` and `role` are objects like any other and may be extended. Role records follow the
published roles; administrators give them to people.

**Reserved names.** Fields: {fields}. Objects: {objects}.
"""


def reference_markdown() -> str:
    """The whole page."""
    parts = [_HEAD.format(label=MAX_LABEL, text=MAX_TEXT)]
    parts.append(
        "| kind | is |\n| --- | --- |\n" + "".join(f"| [{k.name}](#{k.name}) | {k.summary} |\n" for k in KINDS.values())
    )
    for kind in KINDS.values():
        parts.append(f"## {kind.name}\n\n{_sentence(kind.model)}\n\n{_keys(kind.model)}")
        parts.extend(_part(name, model) for name, model in _nested(kind.model).items())
        if kind.name == "object":
            parts.append(_fields())
    parts.append(_actions())
    words = {"fields": RESERVED_FIELDS, "objects": RESERVED_OBJECTS}
    filled = {key: ", ".join(f"`{word}`" for word in sorted(values)) for key, values in words.items()}
    parts.append(_DECISIONS.format(**filled))
    return "\n".join(part.rstrip() + "\n" for part in parts)


def _fields() -> str:
    said = "Keys that every field may have; the keys of each type are in [field types](field-types.md)."
    own: list[tuple[str, type[BaseModel]]] = [
        ("`choice` and `choices`", OptionKeys),
        ("`reference` and `references` (`user` and `team` take `related` and `on_delete`)", ReferenceKeys),
        ("`formula` and `rollup`", ComputedKeys),
    ]
    more = "\n".join(f"Keys of {what}:\n\n{_keys(model)}" for what, model in own)
    return f"### fields\n\n{said}\n\n{_keys(FieldPart)}\n{more}\n{_part('options', OptionPart)}"


def _actions() -> str:
    rows = "".join(f"| `{verb}` | {_ready(known.said, WAITING.get(verb, ''))} |\n" for verb, known in VERBS.items())
    events = "".join(f"| `{name}` | {_ready(said, EVENTS_WAITING.get(name, ''))} |\n" for name, said in EVENTS.items())
    return (
        "## Actions\n\nOne vocabulary wherever something happens (`on_enter`, `do`). A step is a map with one verb. In "
        "`set` and `values` a text is an expression, except a bare option name for a choice. What it all means is in "
        f"[automations](automations.md).\n\n| verb | does |\n| --- | --- |\n{rows}\n"
        f"Events of an automation:\n\n| event | means |\n| --- | --- |\n{events}"
    )


def _ready(said: str, needs: str) -> str:
    return f"{said}. Needs {needs}, which this version does not have: refused" if needs else said


def _part(name: str, model: type[BaseModel]) -> str:
    return f"### {name}\n\n{_sentence(model)}\n\n{_keys(model)}"


def _sentence(model: type[BaseModel]) -> str:
    return (model.__doc__ or "").strip()


def _keys(model: type[BaseModel]) -> str:
    schema = model.model_json_schema(by_alias=True)
    if "$ref" in schema:  # a model that contains itself
        schema = {**schema["$defs"][schema["$ref"].rsplit("/", 1)[-1]], "$defs": schema["$defs"]}
    required = set(schema.get("required", ()))
    rows = []
    for name, one in schema["properties"].items():
        if name in ("kind", "name", "extend") or (name == "remove" and model is not KINDS["patch"].model):
            continue
        said = one.get("description") or MEANINGS.get(name, "")
        rows.append(f"| `{name}` | {_shape(one, schema)} | {'yes' if name in required else _default(one)} | {said} |\n")
    return f"| key | takes | needed or default | meaning |\n| --- | --- | --- | --- |\n{''.join(rows)}"


def _default(one: dict[str, Any]) -> str:
    value = one.get("default")
    if value in (None, "", [], {}) or isinstance(value, dict):
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _shape(one: dict[str, Any], schema: dict[str, Any]) -> str:
    if "enum" in one:
        return " \\| ".join(f"`{str(word).lower() if isinstance(word, bool) else word}`" for word in one["enum"])
    if "const" in one:
        return f"`{one['const']}`"
    if "$ref" in one:
        return "a map of keys"
    for union in ("anyOf", "oneOf"):
        if union in one:
            shapes = [_shape(part, schema) for part in one[union] if part.get("type") != "null"]
            return " or ".join(dict.fromkeys(shapes))
    kind = one.get("type")
    if kind == "array":
        return f"list of {_plural(_shape(one['items'], schema)) if one.get('items') else 'values'}"
    if kind == "object":
        return "map"
    words = {"string": "text", "boolean": "true or false", "integer": "whole number", "number": "number"}
    many = kind if isinstance(kind, list) else [kind]
    return " or ".join(words.get(str(word), "value") for word in many)


def _plural(shape: str) -> str:
    return {"text": "texts", "map": "maps", "a map of keys": "maps"}.get(shape, shape)


# the maps inside a document -------------------------------------------------------------------------------------
def _nested(
    model: type[BaseModel], before: str = "", above: tuple[type[BaseModel], ...] = ()
) -> dict[str, type[BaseModel]]:
    """The models of maps inside a document by their paths; one that contains itself is listed where it is first."""
    found: dict[str, type[BaseModel]] = {}
    for name, field in model.model_fields.items():
        path = f"{before}{field.alias or name}"
        for part in _models(field.annotation):
            if issubclass(part, FieldPart | OptionPart) or part is Definition or part in above:
                continue
            found[path] = part
            found.update(_nested(part, f"{path}.", (*above, part)))
    return found


def _models(annotation: Any) -> list[type[BaseModel]]:
    origin = get_origin(annotation)
    if origin in (Annotated, Union, UnionType, dict, list, tuple):
        args = get_args(annotation)[:1] if origin is Annotated else get_args(annotation)
        inside = [one.model for one in get_args(annotation) if isinstance(one, Inside)]
        return [*inside, *(found for arg in args for found in _models(arg))]
    return [annotation] if isinstance(annotation, type) and issubclass(annotation, BaseModel) else []
