"""One object as the write side sees it: everything a create or update asks, compiled once per published version.

Coercers, closures of conditions and rules, JSON writers; lists hold only the fields a stage has work for, so a write
walks no field twice without need. SQL text is `statements`' part. Nothing here knows an actor.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from guanxi.expressions.evaluate import compile_expression
from guanxi.expressions.expression import Expression
from guanxi.fieldtypes import CATALOGUE, FieldContext, ValueFault
from guanxi.fieldtypes.base import Coercer, ColumnKind
from guanxi.registry.objects import DuplicateRule, Field, ObjectType, Rule, StagePath
from guanxi.runtime.files.store import FILE_TYPES
from guanxi.runtime.search.index import searched_fields
from guanxi.runtime.storage.rows import first_values_function, python_json
from guanxi.runtime.storage.tables import ColumnSpec

Closure = Callable[[Any], Any]
LINKS = "references"

SHORT: frozenset[ColumnKind] = frozenset({"integer", "decimal", "boolean", "date", "datetime", "time"})
"""Kinds whose written form is short and costs much to read."""
RECALLED = 1024


@dataclass(frozen=True, slots=True)
class FieldPlan:
    """One field. `fixed` is never written by people; `required`, `read_only`, `when` are closures where the metadata
    gives an expression (`required` None: always). `stage_rank` is the place of `since_stage` on the path, -1 without.
    """

    field: Field
    name: str
    system: bool
    stored: bool
    fixed: bool
    coerce: Coercer
    typed: Coercer
    json: Callable[[Any], Any]
    target: str = ""
    links: bool = False
    required: Closure | None = None
    read_only: Closure | None = None
    when: Closure | None = None
    when_is_personal: bool = False
    default: Closure | None = None
    constant: Any = None
    stage_rank: int = -1
    value: Closure | None = None
    recalled: Coercer | None = None

    @property
    def typed_once(self) -> Coercer:
        """`typed` for a value that is no list or map; what a file says again and again is read once."""
        return self.recalled or self.typed


@dataclass(frozen=True, slots=True)
class ObjectPlan:
    """One object. `fields` are all of them, `writable` the names of stored non-system fields in order (and owner,
    team, pool of an owned object); `columns` those of them that have a column, `links` the `references` fields.
    `first_values` gives the history of a new row.
    """

    object: ObjectType
    name: str
    owned: bool
    strict: bool
    fields: Mapping[str, FieldPlan]
    writable: tuple[str, ...]
    links: tuple[FieldPlan, ...]
    references: tuple[FieldPlan, ...]
    computed: tuple[FieldPlan, ...]
    numbered: tuple[FieldPlan, ...]
    blank: Mapping[str, Any]
    defaulted: tuple[FieldPlan, ...]
    conditional: tuple[FieldPlan, ...]
    frozen: tuple[FieldPlan, ...]
    required: tuple[FieldPlan, ...]
    rules: tuple[tuple[Rule, Closure], ...]
    stages: StagePath | None
    ranks: Mapping[str, int]
    gates: Mapping[str, tuple[Closure | None, Closure | None]]
    unique: Mapping[str, tuple[str, ...]]
    duplicates: tuple[DuplicateRule, ...]
    history: frozenset[str]
    searched: frozenset[str]
    files: tuple[str, ...]
    title: Closure
    first_values: Callable[[Mapping[str, Any]], dict[str, Any]]

    def rank(self, row: Mapping[str, Any]) -> int:
        """How far along the path the record stands."""
        return self.ranks.get(row.get(self.stages.field, ""), 0) if self.stages is not None else 0


def compile_object(object_type: ObjectType, columns: Mapping[str, ColumnSpec]) -> ObjectPlan:
    """The plan of one object whose table has `columns`."""
    ranks = {name: rank for rank, name in enumerate(object_type.stages.path)} if object_type.stages else {}
    fields = {name: _field(field, ranks, columns.get(name)) for name, field in object_type.fields.items()}
    stored = [f for f in fields.values() if f.stored and (not f.system or f.name in ("owner", "team", "pool"))]
    own = [f for f in stored if not f.system]
    return ObjectPlan(
        object=object_type,
        name=object_type.name,
        owned=object_type.owned,
        strict=object_type.concurrency == "strict",
        fields=fields,
        writable=tuple(f.name for f in stored),
        links=tuple(f for f in stored if f.links),
        references=tuple(f for f in stored if f.target),
        computed=tuple(f for f in fields.values() if f.value is not None),
        numbered=tuple(f for f in own if f.field.type == "auto_number"),
        blank=dict.fromkeys(f.name for f in stored),
        defaulted=tuple(f for f in own if f.default is not None or f.constant is not None),
        conditional=tuple(f for f in own if f.when is not None),
        frozen=tuple(f for f in own if f.read_only is not None),
        required=tuple(f for f in own if f.field.type != "auto_number" and (f.field.required or f.stage_rank >= 0)),
        rules=tuple((rule, compile_expression(rule.check)) for rule in object_type.rules.values()),
        stages=object_type.stages,
        ranks=ranks,
        gates=_gates(object_type.stages),
        unique=_unique_keys(object_type),
        duplicates=tuple(object_type.duplicates.values()),
        history=object_type.history,
        searched=frozenset(f.name for f in searched_fields(object_type)),
        files=tuple(f.name for f in own if f.field.type in FILE_TYPES),
        title=compile_expression(object_type.title),
        first_values=first_values_function((f.name, f.json) for f in stored if f.name in object_type.history),
    )


def _field(field: Field, ranks: Mapping[str, int], column: ColumnSpec | None) -> FieldPlan:
    kind = CATALOGUE[field.type]
    target = (field.target or kind.target) if field.stored else ""
    links = field.type == LINKS
    context = FieldContext(field.name, frozenset(field.options), target)
    coerce = kind.coercer(field.settings, context) if field.stored else _refused
    typed = kind.from_text(field.settings, context) if field.stored else _refused
    default = field.default
    computed = field.default.expression if field.default is not None else None
    return FieldPlan(
        field=field,
        name=field.name,
        system=field.system,
        stored=field.stored,
        fixed=field.read_only is True or not kind.writable,
        coerce=coerce,
        typed=typed,
        recalled=lru_cache(maxsize=RECALLED, typed=True)(typed) if column and column.kind in SHORT else None,
        json=python_json(column.kind, column.scale)
        if column is not None
        else python_json("links" if links else "json"),
        target=target,
        links=links,
        required=_closure(field.required),
        read_only=_closure(field.read_only),
        when=_closure(field.when),
        when_is_personal=isinstance(field.when, Expression) and (field.when.volatile or bool(field.when.roles)),
        default=_closure(computed),
        constant=default.constant if default is not None else None,
        stage_rank=ranks.get(field.since_stage, -1) if field.since_stage else -1,
        value=_closure(field.value),
    )


def _refused(_: object) -> Any:
    raise ValueFault("read_only", "This field is calculated.", "该字段由系统计算。")


def _closure(given: bool | Expression | None) -> Closure | None:
    if isinstance(given, Expression):
        return compile_expression(given)
    return None


def _gates(stages: StagePath | None) -> dict[str, tuple[Closure | None, Closure | None]]:
    return {s.name: (_closure(s.when), _closure(s.by)) for s in stages.path.values()} if stages else {}


def _unique_keys(object_type: ObjectType) -> dict[str, tuple[str, ...]]:
    """Declared keys and `unique: true` fields (whose key bears the field's name)."""
    keys: dict[str, tuple[str, ...]] = {}
    for name, field in object_type.fields.items():
        if field.unique and field.stored:
            keys[name] = (name,)
    keys.update({key.name: key.fields for key in object_type.unique.values()})
    return keys
