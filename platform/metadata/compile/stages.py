"""The stage path of an object: stages are options of one choice field, moves and gates name what exists."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from guanxi.registry import Option, Stage, StagePath

from ..documents.object import StagePart
from ..nodes import Path
from .rules import constant
from .scope import Scope, frozen
from .steps import compile_steps


def compile_stages(scope: Scope) -> StagePath | None:
    """The compiled path, or None when the object has none."""
    part = scope.model.stages
    if part is None or not scope.field(("stages", "field"), part.field):
        return None
    field = scope.outline.fields.get(part.field)
    if field is None or field.part.type != "choice":
        scope.error("model-rule", f"'{part.field}' is not a field of type choice", ("stages", "field"))
        return None
    if field.options:
        _covers_options(scope, part.field, field.options, part.path)
    stages = with_ends(part.path, field.options)
    path = {name: _stage(scope, name, one, field.options, stages) for name, one in stages.items()}
    _reachable(scope, part.path, field.part.default)
    return StagePath(part.field, frozen(path))


def with_ends(path: Mapping[str, StagePart], options: Iterable[str]) -> dict[str, StagePart]:
    """The stages written, and those that others only lead to: options that end the path."""
    leads = {to for part in path.values() for to in part.to}
    return dict(path) | {name: StagePart.model_validate({}) for name in options if name in leads and name not in path}


def _covers_options(scope: Scope, field: str, options: Mapping[str, Option], path: Mapping[str, StagePart]) -> None:
    for name in path:
        if name not in options:
            at = ("stages", "path", name)
            scope.context.unknown("unknown-option", f"option of {field}", name, options, scope.document, at, key=True)
    stages = with_ends(path, options)
    missing = [name for name in options if name not in stages]
    if missing:
        said = f"options of '{field}' without a stage cannot be reached: {', '.join(missing)}"
        scope.warning("model-rule", said, ("stages", "path"), key=True)


def _stage(
    scope: Scope, name: str, part: StagePart, options: Mapping[str, Option], stages: Mapping[str, StagePart]
) -> Stage:
    path: Path = ("stages", "path", name)
    for index, to in enumerate(part.to):
        if to not in stages:
            scope.context.unknown("unknown-reference", "stage", to, stages, scope.document, (*path, "to", index))
        elif to == name:
            scope.error("model-rule", "a stage cannot lead to itself", (*path, "to", index))
    when = scope.condition((*path, "when"), part.when, change=True)
    if constant(when) is False:
        scope.error("never-true", "the stage could never be entered", (*path, "when"))
    option = options.get(name)
    label = part.label or (option.label if option else scope.label((*path, "label"), part.label, name))
    return Stage(
        name=name,
        label=scope.text((*path, "label"), label) if part.label else label,
        to=tuple(dict.fromkeys(part.to)),
        needs=scope.fields((*path, "needs"), part.needs),
        when=when,
        by=scope.condition((*path, "by"), part.by, change=True),
        on_enter=compile_steps(scope, (*path, "on_enter"), part.on_enter),
        message=scope.text((*path, "message"), part.message),
    )


def _reachable(scope: Scope, path: Mapping[str, StagePart], default: object) -> None:
    """A stage that no other leads to and that no record starts in can never be entered."""
    first = next(iter(path))
    entered = {first, default, *(to for part in path.values() for to in part.to)}
    for name in path:
        if name not in entered:
            said = f"no stage leads to '{name}' and records do not start there"
            scope.warning("never-true", said, ("stages", "path", name), key=True)
