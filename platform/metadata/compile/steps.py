"""Action steps are kept as data; here the ones that write are judged: fields exist, values have the field's type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from guanxi.common.labels import Label
from guanxi.common.names import name_fault
from guanxi.expressions.types import ValueType

from ..documents.base import described
from ..documents.fields import COMPUTED_TYPES
from ..nodes import Path
from .scope import Scope


def check_steps(scope: Scope, path: Sequence[str | int], steps: Sequence[Any]) -> None:
    """Note everything in `steps` that names what does not exist or has the wrong type."""
    for index, step in enumerate(steps):
        if isinstance(step, dict):
            verb, given = next(iter(step.items()))
            judge = _JUDGES.get(verb)
            if judge is not None:
                judge(scope, (*path, index, verb), given)


def _set(scope: Scope, path: Path, given: object) -> None:
    if _is_map(scope, path, given):
        check_values(scope, path, given, scope.name)  # type: ignore[arg-type]


def _create(scope: Scope, path: Path, given: object) -> None:
    if not _is_map(scope, path, given):
        return
    keys: Mapping[str, Any] = given  # type: ignore[assignment]
    _known_keys(scope, path, keys, ("object", "values"))
    target = keys.get("object")
    if not isinstance(target, str):
        scope.error("missing-key", "'object' is missing: the kind of record to make", path)
    elif not scope.context.has("object", target):
        names = scope.context.names("object")
        scope.context.unknown("unknown-object", "object", target, names, scope.document, (*path, "object"))
    elif _is_map(scope, (*path, "values"), keys.get("values", {})):
        check_values(scope, (*path, "values"), keys.get("values", {}), target)


def _notify(scope: Scope, path: Path, given: object) -> None:
    if _is_map(scope, path, given):
        keys: Mapping[str, Any] = given  # type: ignore[assignment]
        _known_keys(scope, path, keys, ("to", "text", "template"))
        text = keys.get("text")
        if isinstance(text, dict) and not all(isinstance(one, str) for one in text.values()):
            scope.error("bad-label", "a text under a language must be text", (*path, "text"))
        elif isinstance(text, dict):
            scope.text((*path, "text"), Label.of(text))


def _webhook(scope: Scope, path: Path, given: object) -> None:
    if not _is_map(scope, path, given):
        return
    keys: Mapping[str, Any] = given  # type: ignore[assignment]
    _known_keys(scope, path, keys, ("url_from", "body"))
    name = keys.get("url_from")
    if not isinstance(name, str) or name_fault(name):
        scope.error("missing-key", "'url_from' is missing: the name of a webhook in guanxi.yaml", path)
    if _is_map(scope, (*path, "body"), keys.get("body", {})):
        _webhook_part(scope, (*path, "body"), keys.get("body", {}))


def _webhook_part(scope: Scope, path: Path, given: object) -> None:
    """Texts are expressions on the record, at any depth."""
    if isinstance(given, dict):
        for key, part in given.items():
            _webhook_part(scope, (*path, key), part)
    elif isinstance(given, list):
        for index, part in enumerate(given):
            _webhook_part(scope, (*path, index), part)
    elif isinstance(given, str):
        scope.expression(path, given, change=True)


def _is_map(scope: Scope, path: Path, given: object) -> bool:
    if isinstance(given, dict):
        return True
    scope.error("wrong-type", f"a map is needed here, not {described(given)}", path)
    return False


def _known_keys(scope: Scope, path: Path, given: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for key in given:
        if key not in known:
            scope.context.unknown("unknown-key", "key", key, known, scope.document, (*path, key), key=True)


def check_values(scope: Scope, path: Path, values: Mapping[str, Any], target: str) -> None:
    """Values that are set on a record of `target`, as expressions on the record of the scope."""
    for name, value in values.items():
        at = (*path, name)
        wanted = writable_type(scope, at, name, target)
        if wanted is not None:
            scope.context.value(scope.document, at, value, scope.name, wanted, change=True)


def writable_type(scope: Scope, path: Path, name: str, target: str) -> ValueType | None:
    """The type of a field that a step may write; notes why it may not."""
    context = scope.context
    info = context.field(target, name)
    outline = context.outlines[target]
    if info is None and name not in outline.computed:
        known = context.field_names(target)
        context.unknown("unknown-field", f"field of {target}", name, known, scope.document, path, key=True)
        return None
    one = outline.fields.get(name)
    if one is None and name not in ("owner", "team"):
        context.error(
            "model-rule", f"'{name}' is kept by the platform and cannot be set", scope.document, path, key=True
        )
        return None
    if one is not None and (one.part.type in COMPUTED_TYPES or not one.type.writable):
        said = f"a field of type {one.part.type} cannot be set"
        context.error("model-rule", said, scope.document, path, key=True)
        return None
    return info.type if info else None


_JUDGES = {"set": _set, "create": _create, "notify": _notify, "webhook": _webhook}
