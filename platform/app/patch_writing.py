"""A patch as text, made against the definitions of an instance as they stand: base, changes, and what stood there."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import yaml

from guanxi.common.diagnostics import Diagnostics
from guanxi.common.errors import BadRequest, NotFound
from guanxi.common.names import did_you_mean
from guanxi.metadata.bases import unpatched
from guanxi.metadata.fingerprint import hash_of
from guanxi.metadata.nodes import Origin, to_plain
from guanxi.metadata.sources import INSTANCE, Layer, builtin_layer
from guanxi.metadata.yaml_reader import read_yaml

from .checking import Reading

_ABSENT: Any = object()


class _Plain(yaml.SafeDumper):
    """Writes exact decimals as the plain numbers they were read from."""


_Plain.add_representer(Decimal, lambda dumper, value: dumper.represent_scalar("tag:yaml.org,2002:float", str(value)))


class PatchWriter:
    """Writes patches for one reading of an instance."""

    def __init__(self, reading: Reading) -> None:
        own = Layer(INSTANCE, tuple(reading.loose))
        self.definitions = unpatched([builtin_layer(), *reading.layers.values(), own])

    def base(self, target: str) -> str:
        """The hash of a definition before any patch. Raises NotFound."""
        return hash_of(self._definition(target))

    def text(
        self, target: str, changes: Sequence[str], gone: Sequence[str], *, name: str = "", reason: str = ""
    ) -> str:
        """A whole patch. Raises NotFound for an unknown target or a path to remove, BadRequest for bad text."""
        definition = self._definition(target)
        patch: dict[str, Any] = {"kind": "patch", "name": name or f"local_{target.partition('/')[2]}"}
        patch |= {"target": target, "base": hash_of(definition)}
        wanted = dict(_change(text) for text in changes)
        was = {path: value for path in (*wanted, *gone) if (value := _value(definition, path)) is not _ABSENT}
        if unknown := [path for path in gone if path not in was]:
            raise NotFound(f"{target} has nothing at '{unknown[0]}'.", code="unknown_path")
        patch |= {"set": wanted} if wanted else {}
        patch |= {"remove": list(gone)} if gone else {}
        if wanted or gone:
            patch["was"] = {path: was.get(path) for path in (*wanted, *gone)}
        patch |= {"reason": reason} if reason else {}
        return yaml.dump(patch, Dumper=_Plain, allow_unicode=True, sort_keys=False, width=120)

    def _definition(self, target: str) -> Any:
        if target not in self.definitions:
            hint = did_you_mean(target, self.definitions) or "write kind/name, such as object/account"
            raise NotFound(f"There is no '{target}' to patch.", code="unknown_definition", hint=hint)
        return self.definitions[target]


def _change(text: str) -> tuple[str, Any]:
    """`path=value` → the path and the value that its YAML gives."""
    path, sign, value = text.partition("=")
    found = Diagnostics()
    documents = read_yaml(f"value: {value}\n", Origin(INSTANCE, "VALUE"), found)
    if not sign or not path.strip() or found.failed or len(documents) != 1:
        raise BadRequest(f"'{text}' is not PATH=VALUE with a value in YAML.", code="bad_change")
    return path.strip(), to_plain(documents[0].entries["value"])


def _value(value: Any, path: str) -> Any:
    """What stands at a dotted path; a member of a list of texts by its text."""
    for step in path.split("."):
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list) and step in value:
            value = step
        else:
            return _ABSENT
    return value
