"""`guanxi.yaml`: what an instance is, read with the same strict reader as metadata, every fault at its place.

`${NAME}` anywhere in a text is replaced from the environment (`${NAME:-default}` where it is not set), also inside
`{…}`, where plain YAML would not allow the braces. A secret comes from there, or from the file that `<key>_file` names.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from guanxi.common.diagnostics import Diagnostics, Place
from guanxi.common.names import did_you_mean
from guanxi.metadata.nodes import ListNode, MapNode, Node, Origin, ScalarNode, at, dotted
from guanxi.metadata.yaml_reader import read_yaml

from .settings_parts import SECRETS, UNSET, Incoming, Limits, Settings, Webhook

__all__ = ["FILE", "Limits", "Settings", "Webhook", "load_settings", "read_settings", "redacted", "secret_values"]

FILE = "guanxi.yaml"
# While the file is parsed, the braces of ${NAME} are two private characters: same width, and no YAML syntax.
_OPEN, _CLOSE = "\ue000", "\ue001"
_WRITTEN = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*(?::-[^}\n]*)?)\}")
_VARIABLE = re.compile(f"\\$({_OPEN})([A-Za-z_][A-Za-z0-9_]*)(?::-([^{_CLOSE}]*))?{_CLOSE}")
_SECRET_PART = re.compile(r"//[^:/@]*:([^@]*)@")
_PASSWORD = re.compile(r"(//[^:/@]*):[^@]*@")


def redacted(url: str) -> str:
    """A database URL without its password."""
    return _PASSWORD.sub(r"\1:***@", url)


def secret_values(settings: BaseModel) -> list[str]:
    """Every secret the settings hold, passwords of database addresses among them."""
    found: list[str] = []
    for name, field in type(settings).model_fields.items():
        value = getattr(settings, name)
        for one in value.values() if isinstance(value, Mapping) else [value]:
            if isinstance(one, BaseModel):
                found += secret_values(one)
            elif isinstance(one, str) and name == "database":
                found += [match.group(1)] if (match := _SECRET_PART.search(one)) else []
            elif isinstance(one, str) and not field.repr:
                found.append(one)
    return [one for one in found if one]


def read_settings(folder: Path, environment: Mapping[str, str] | None = None) -> Settings:
    """The settings of an instance's folder. Raises DefinitionError with every fault at file:line:column."""
    found = Diagnostics()
    settings, _ = load_settings(folder, found, environment)
    found.raise_if_failed()
    return settings


def load_settings(
    folder: Path,
    found: Diagnostics,
    environment: Mapping[str, str] | None = None,
    *,
    shown: str = FILE,
    secrets: bool = True,
) -> tuple[Settings, MapNode]:
    """The settings and the tree they were read from; faults and warnings go to `found`.

    Without `secrets` an unset variable is only a warning: enough to judge definitions.
    """
    origin = Origin("instance", shown)
    empty = MapNode(origin, 1, 1, {}, {})
    try:
        data: bytes | str = (folder / FILE).read_bytes()
    except OSError:
        hint = "make one with `guanxi init DIR`"
        found.error("file-missing", f"there is no {FILE} in {folder}", Place(shown), hint=hint)
        return Settings(), empty
    before = len(found.errors)
    trees = read_yaml(_hidden_braces(data), origin, found)
    if len(found.errors) > before:
        return Settings(), empty
    if len(trees) > 1:
        found.error("settings", f"{FILE} holds one document", trees[1].place)
    tree = trees[0] if trees else empty
    expansion = _Expansion(folder, environment if environment is not None else os.environ, found, secrets)
    values = expansion.value(tree, ())
    return (_validated(values, tree, found) or Settings()), tree


def _hidden_braces(data: bytes | str) -> bytes | str:
    try:
        text = data.decode("utf-8") if isinstance(data, bytes) else data
    except UnicodeDecodeError:
        return data  # the reader says where
    return _WRITTEN.sub(lambda found: f"${_OPEN}{found.group(1)}{_CLOSE}", text)


class _Expansion:
    """Nodes → plain values with variables and secret files put in."""

    def __init__(self, folder: Path, environment: Mapping[str, str], found: Diagnostics, secrets: bool) -> None:
        self.folder = folder
        self.environment = environment
        self.found = found
        self.secrets = secrets

    def value(self, node: Node, path: tuple[str | int, ...]) -> Any:
        """The plain value of a node."""
        if isinstance(node, MapNode):
            return dict(self._entry(key, value, path) for key, value in node.entries.items())
        if isinstance(node, ListNode):
            return [self.value(item, (*path, number)) for number, item in enumerate(node.items)]
        assert isinstance(node, ScalarNode)  # noqa: S101 (there is no fourth kind)
        if not isinstance(node.value, str):
            return node.value
        return _VARIABLE.sub(lambda found: self._variable(found, node, path), node.value)

    def _entry(self, key: str, node: Node, path: tuple[str | int, ...]) -> tuple[str, Any]:
        stem = key.removesuffix("_file")
        value = self.value(node, (*path, key))
        if stem != key and stem in SECRETS:
            return stem, self._file(str(value), node, (*path, key))
        literal = isinstance(node, ScalarNode) and node.text and _OPEN not in node.text
        database = key == "database" and isinstance(value, str) and _PASSWORD.search(value)
        if literal and (key in SECRETS or database):
            hint = f"write ${{NAME}} and set the variable{'' if database else f', or name a file with {key}_file'}"
            self.found.warning(
                "settings", "a secret stands in the file", node.place, path=dotted((*path, key)), hint=hint
            )
        return key, value

    def _variable(self, match: re.Match[str], node: Node, path: tuple[str | int, ...]) -> str:
        name, default = match.group(2), match.group(3)
        if name in self.environment:
            return self.environment[name]
        if default is not None:
            return default
        note = self.found.error if self.secrets else self.found.warning
        note("environment", f"the environment variable {name} is not set", node.place, path=dotted(path))
        return f"{UNSET}{name}}}"

    def _file(self, name: str, node: Node, path: tuple[str | int, ...]) -> str:
        try:
            return (self.folder / name).read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as fault:
            said = fault.strerror if isinstance(fault, OSError) else "it is not UTF-8 text"
            note = self.found.error if self.secrets else self.found.warning
            note("settings", f"the file '{name}' cannot be read: {said}", node.place, path=dotted(path))
            return ""


def _validated(values: Any, tree: MapNode, found: Diagnostics) -> Settings | None:
    try:
        return Settings.model_validate(values)
    except ValidationError as faults:
        for fault in faults.errors(include_input=False, include_url=False):
            _note(fault["type"], fault["msg"], fault["loc"], tree, found)
        return None


def _note(kind: str, said: str, path: tuple[str | int, ...], tree: MapNode, found: Diagnostics) -> None:
    if kind == "extra_forbidden":
        hint = did_you_mean(str(path[-1]), _known(path[:-1]))
        place = at(tree, path, key=True)
        found.error("settings", f"unknown key '{path[-1]}'", place, path=dotted(path), hint=hint)
    elif kind == "missing":
        found.error("settings", f"'{path[-1]}' is missing", at(tree, path[:-1], key=True), path=dotted(path))
    else:
        sentence = _SENTENCES.get(kind) or said.removeprefix("Value error, ")
        found.error("settings", sentence[:1].lower() + sentence[1:], at(tree, path), path=dotted(path))


_SENTENCES = {
    "string_type": "a text is needed here",
    "int_type": "a whole number is needed here",
    "int_parsing": "a whole number is needed here",
    "int_from_float": "a whole number is needed here",
    "bool_type": "true or false is needed here",
    "bool_parsing": "true or false is needed here",
    "tuple_type": "a list is needed here",
    "mapping_type": "a map is needed here",
    "model_type": "a map is needed here",
    "model_attributes_type": "a map is needed here",
    "string_pattern_mismatch": "the value does not have the form needed here",
}


def _known(path: tuple[str | int, ...]) -> list[str]:
    """The keys lawful at a path."""
    model: Any = Settings
    named: Any = None
    for step in path:
        if model is _ANY_NAME:
            model = named
        elif _is_model(model):
            field = next((f for n, f in model.model_fields.items() if (f.alias or n) == step), None)
            named = {"webhooks": Webhook, "hooks": Incoming}.get(str(step))
            model = _ANY_NAME if named else _model_of(field.annotation if field else None)
    return [field.alias or name for name, field in model.model_fields.items()] if _is_model(model) else []


_ANY_NAME = object()


def _is_model(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, BaseModel)


def _model_of(annotation: Any) -> Any:
    """The model of a field, also of one that may be absent."""
    return next((one for one in (annotation, *getattr(annotation, "__args__", ())) if _is_model(one)), None)
