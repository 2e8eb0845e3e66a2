"""What `guanxi.yaml` says that the runtime needs beside the definitions: destinations, the way out, limits.

The wiring room makes one value from the settings; everything here has a default, so that tests and tools need none.
Secrets are never in a repr.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Destination:
    """A webhook that leaves: `secrets` sign (more than one while a secret is changed), `on` names events such as
    `customer.created`, `fields` what of the record goes along, `role` whose rights decide what may ("": only `fields`).
    """

    name: str
    url: str
    secrets: tuple[str, ...] = field(default=(), repr=False)
    on: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    role: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    at_once: int = 4


@dataclass(frozen=True, slots=True)
class Hook:
    """A webhook that comes in: signed with one of `secrets`, or carrying `token`. With `object`, its body becomes a
    record: `values` maps fields to paths into the body (`body.contact.name`) or to fixed values, `key` names the fields
    that find a record to change, `role` is whose rights the write has.
    """

    name: str
    secrets: tuple[str, ...] = field(default=(), repr=False)
    token: str = field(default="", repr=False)
    object: str = ""
    key: tuple[str, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)
    role: str = ""


@dataclass(frozen=True, slots=True)
class Outside:
    """One instance's surroundings. `allow` lists host names, addresses and networks that requests may go to besides
    public ones; `mail` and `sms` are those parts of the settings by key; `limits` the instance's limits by name.
    """

    name: str = "Guanxi"
    allow: tuple[str, ...] = ()
    webhooks: Mapping[str, Destination] = field(default_factory=dict)
    hooks: Mapping[str, Hook] = field(default_factory=dict)
    mail: Mapping[str, Any] = field(default_factory=dict, repr=False)
    sms: Mapping[str, Any] = field(default_factory=dict, repr=False)
    limits: Mapping[str, int] = field(default_factory=dict)
    keep_days: int = 30
    languages: tuple[str, ...] = ("en", "zh")
