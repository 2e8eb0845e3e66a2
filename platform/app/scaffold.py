"""The files of something new: an instance with a commented `guanxi.yaml`, or the skeleton of a pack.

Never overwrites: what is there stays, and an instance or pack that exists already is refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from guanxi.common.diagnostics import DefinitionError, Diagnostics
from guanxi.common.errors import BadRequest
from guanxi.common.labels import title_case
from guanxi.common.names import name_fault

from .packs import pack_layers

DATABASE = "sqlite:///data/guanxi.db"

_SETTINGS = """\
# What this instance is. ${{NAME}} is replaced by the environment variable NAME; keep secrets there.
name: {name}
languages: [en, zh]            # the first is the default
time_zone: Asia/Shanghai       # for people who did not choose one
currency: CNY                  # for money fields that name none
packs: {packs}
database: {database}

# mail:                        # without it, mail is kept and shown to administrators
#   smtp: {{host: smtp.example.com, port: 587, user: crm@example.com, password: ${{MAIL_PASSWORD}}}}
#   from: Guanxi <crm@example.com>
#   imap: {{host: imap.example.com, user: crm@example.com, password: ${{MAIL_PASSWORD}}}}
# url: https://crm.example.com # for links in messages; marketing mail needs it to be unsubscribed from

# outbound: {{allow: [127.0.0.1]}}   # addresses besides public ones that webhooks may call

# webhooks:
#   erp_orders: {{url: ${{ERP_URL}}, secret: ${{ERP_SECRET}}}}

limits:
  requests_per_minute: 6000    # per person; from one address ten times that (requests_per_minute_per_address)
"""

_METADATA = """\
# The instance's own definitions. Every YAML file below this folder is read; folders and file names are yours to choose.
# Check them with `guanxi check`, see what publishing would do with `guanxi plan`, publish with `guanxi apply`.
#
# kind: object
# name: visit
# label: {en: Visit, zh: 拜访}
# title: subject
# fields:
#   subject: {type: text, required: true, length: 120, search: true}
#   on:      {type: date, required: true}
#
# Add to what a pack defines:
#
# ---
# kind: object
# extend: account
# fields:
#   region_code: {type: text, length: 20}
"""

_PACK: Mapping[str, str] = {
    "pack.yaml": """\
kind: pack
name: {name}
version: 0.1.0
label: {{en: {label}, zh: {label}}}
description: {{en: What this pack is for, zh: 用途说明}}
""",
    "objects/{name}_item.yaml": """\
kind: object
name: {name}_item
label: {{en: {label} item, zh: {label}条目}}
plural: {{en: {label} items, zh: {label}条目}}
title: name
owned: true
access: private
fields:
  name: {{type: text, label: {{en: Name, zh: 名称}}, required: true, length: 120, search: true}}
  note: {{type: long_text, label: {{en: Note, zh: 备注}}}}
views:
  all:  {{label: {{en: All, zh: 全部}}, columns: [name, owner, updated_at], sort: [-updated_at]}}
  mine: {{label: {{en: Mine, zh: 我的}}, where: owner == me, columns: [name, updated_at]}}
""",
    "roles.yaml": """\
kind: role
name: {name}_user
label: {{en: {label} user, zh: {label}用户}}
objects:
  {name}_item: {{create: true, read: team, update: own, delete: own}}
""",
    "README.md": """\
# {label}

What this pack brings, for whom, and how to adapt it.
""",
}


def write_instance(folder: Path, *, name: str = "", packs: Sequence[str] = (), database: str = "") -> list[Path]:
    """The files of a new instance; refuses a folder that is one, and packs that do not exist."""
    if (folder / "guanxi.yaml").exists():
        raise BadRequest(f"{folder} is an instance already", code="exists")
    found = Diagnostics()
    pack_layers(packs, folder, found)
    if found.failed:
        raise DefinitionError(list(found))
    settings = _SETTINGS.format(
        name=_quoted(name or folder.resolve().name),
        packs=f"[{', '.join(_quoted(pack) for pack in packs)}]",
        database=_quoted(database or DATABASE),
    )
    return _write(
        folder,
        {"guanxi.yaml": settings, "metadata/instance.yaml": _METADATA, ".gitignore": "data/\n"},
    )


def write_pack(folder: Path, name: str) -> list[Path]:
    """The skeleton of a pack: a head, one object, a role and a page."""
    if fault := name_fault(name):
        raise BadRequest(f"'{name}' cannot name a pack: {fault}", code="bad_name")
    if len(name) > 40:
        raise BadRequest("a pack's name has at most 40 characters", code="bad_name")
    if folder.exists() and any(folder.iterdir()):
        raise BadRequest(f"{folder} exists and is not empty", code="exists")
    label = title_case(name)
    return _write(folder, {f.format(name=name): t.format(name=name, label=label) for f, t in _PACK.items()})


def _quoted(text: str) -> str:
    """A text as a YAML scalar, quoted only where it must be."""
    plain = (
        text.replace("-", "").replace("_", "").isalpha() and text.isascii() and text not in {"true", "false", "null"}
    )
    return text if plain else json.dumps(text, ensure_ascii=False)


def _write(folder: Path, files: Mapping[str, str]) -> list[Path]:
    written = []
    for name, text in files.items():
        path = folder / name
        if path.exists():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written
