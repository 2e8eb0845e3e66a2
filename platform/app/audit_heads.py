"""The head of the audit trail as the last good verification saw it, kept in a file beside the instance's secret.

It shows a trail that was set back together with its head, as long as the file is not set back too; heads kept on
another machine show it always.
"""

from __future__ import annotations

import json

from guanxi.runtime.audit import Head

from .instance import Instance

FILE = "data/audit.head"


def last_seen(instance: Instance) -> Head | None:
    """The head of the last good verification; None before the first."""
    try:
        return Head.of_dict(json.loads((instance.folder / FILE).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (ValueError, OSError, AttributeError):
        return Head(1, "", "")  # a file that cannot be read is a head that nobody made


def remember(instance: Instance, head: Head) -> None:
    """Keep a head that was just proved."""
    path = instance.folder / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.new")
    beside.write_text(json.dumps(head.as_dict()), encoding="utf-8")
    beside.replace(path)
