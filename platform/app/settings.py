"""`guanxi.yaml`: what an instance is, read with the same strict reader as metadata, every fault at its place.

`${NAME}` in a text is replaced from the environment; secrets come from there and are never shown again (`redacted`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from guanxi.common.diagnostics import Diagnostics, Place
from guanxi.common.names import did_you_mean
from guanxi.metadata.nodes import MapNode, Origin, at, to_plain
from guanxi.metadata.yaml_reader import read_yaml

FILE = "guanxi.yaml"
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Limits(_Part):
    """What one caller or one request may use; see docs/reference/limits.md."""

    requests_per_minute: int = Field(6000, ge=1, le=10_000_000, description="Requests a minute, per caller and address")
    login_tries_per_minute: int = Field(20, ge=1, le=10_000, description="Log-in tries a minute, per address and name")
    import_rows: int = Field(1_000_000, ge=1, description="Rows of one import file")
    upload_megabytes: int = Field(64, ge=1, le=4096, description="Size of an uploaded file")


class Outbound(_Part):
    """Addresses that requests from the server may go to besides public ones."""

    allow: tuple[str, ...] = ()


class Webhook(_Part):
    """A destination that automations name."""

    url: str
    secret: str = ""


class Settings(_Part):
    """One instance. Relative paths count from the instance's folder."""

    name: str = Field("Guanxi", max_length=200, description="Shown as the product's name")
    languages: tuple[str, ...] = Field(("en", "zh"), min_length=1, description="Languages, the default first")
    time_zone: str = Field("Asia/Shanghai", description="Zone of people who did not choose one")
    currency: str = Field("CNY", pattern=r"^[A-Z]{3}$", description="ISO 4217 code for money without a currency")
    packs: tuple[str, ...] = Field((), description="Packs by name, or folders starting with . or /")
    database: str = Field("sqlite:///data/guanxi.db", description="sqlite:///path or postgresql://…")
    jobs: Mapping[str, Any] = Field(default_factory=dict)
    mail: Mapping[str, Any] = Field(default_factory=dict)
    sms: Mapping[str, Any] = Field(default_factory=dict)
    outbound: Outbound = Outbound()
    webhooks: Mapping[str, Webhook] = Field(default_factory=dict)
    limits: Limits = Limits()
    oidc: Mapping[str, Any] = Field(default_factory=dict)

    @field_validator("time_zone")
    @classmethod
    def _zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"no time zone '{value}'") from None
        return value

    @field_validator("database")
    @classmethod
    def _database(cls, value: str) -> str:
        if not value.startswith(("sqlite:///", "postgresql://", "postgres://")):
            raise ValueError("a database is sqlite:///path or postgresql://…")
        return value

    @property
    def zone(self) -> ZoneInfo:
        """The instance's zone."""
        return ZoneInfo(self.time_zone)


def redacted(url: str) -> str:
    """A database URL without its password."""
    return re.sub(r"(//[^:/@]*):[^@]*@", r"\1:***@", url)


def read_settings(folder: Path, environment: Mapping[str, str] | None = None) -> Settings:
    """The settings of an instance's folder. Raises DefinitionError with every fault at file:line:column."""
    found = Diagnostics()
    path = folder / FILE
    try:
        data = path.read_bytes()
    except OSError:
        found.error(
            "file-missing", f"there is no {FILE} in {folder}", Place(FILE), hint="make one with `guanxi init DIR`"
        )
        found.raise_if_failed()
        raise AssertionError from None
    trees = read_yaml(data, Origin("instance", FILE), found)
    found.raise_if_failed()
    tree = trees[0] if trees else MapNode(Origin("instance", FILE), 1, 1, {}, {})
    if len(trees) > 1:
        found.error("settings", "guanxi.yaml holds one document", trees[1].place)
    values = _expanded(to_plain(tree), tree, (), environment if environment is not None else os.environ, found)
    settings = _validated(values, tree, found)
    found.raise_if_failed()
    return settings or Settings()


def _expanded(
    value: Any, tree: MapNode, path: tuple[str | int, ...], environment: Mapping[str, str], found: Diagnostics
) -> Any:
    if isinstance(value, dict):
        return {k: _expanded(v, tree, (*path, k), environment, found) for k, v in value.items()}
    if isinstance(value, list):
        return [_expanded(v, tree, (*path, i), environment, found) for i, v in enumerate(value)]
    if not isinstance(value, str):
        return value

    def replaced(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in environment:
            found.error("environment", f"the environment variable {name} is not set", at(tree, path))
            return ""
        return environment[name]

    return _VARIABLE.sub(replaced, value)


def _validated(values: Any, tree: MapNode, found: Diagnostics) -> Settings | None:
    try:
        return Settings.model_validate(values)
    except ValidationError as faults:
        for fault in faults.errors(include_input=False, include_url=False):
            path = tuple(fault["loc"])
            name = ".".join(str(part) for part in path)
            if fault["type"] == "extra_forbidden":
                known = _known(path[:-1])
                found.error(
                    "settings",
                    f"unknown key '{path[-1]}'",
                    at(tree, path, key=True),
                    path=name,
                    hint=did_you_mean(str(path[-1]), known),
                )
            else:
                sentence = fault["msg"].removeprefix("Value error, ")
                found.error("settings", sentence[:1].lower() + sentence[1:], at(tree, path), path=name)
        return None


def _known(path: tuple[str | int, ...]) -> list[str]:
    models: dict[tuple[str | int, ...], type[BaseModel]] = {(): Settings, ("limits",): Limits, ("outbound",): Outbound}
    return list(models.get(path, Webhook).model_fields)
