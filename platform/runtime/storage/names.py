"""Physical names: tables, link tables, shadow columns, indexes, kept-aside columns; always quoted, at most 63 bytes.

PostgreSQL cuts longer identifiers silently, so long ones are shortened here with a hash that keeps them apart.
"""

from __future__ import annotations

import hashlib

LONGEST = 63


def fitted(name: str) -> str:
    """`name`, or its beginning with a short hash of the whole when PostgreSQL would cut it."""
    if len(name) <= LONGEST:
        return name
    return f"{name[: LONGEST - 9]}_{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def quoted(name: str) -> str:
    """An SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def object_table(object_name: str) -> str:
    """The table of an object."""
    return fitted(f"o_{object_name}")


def link_table(object_name: str, field: str) -> str:
    """The link table of a `references` field: (source, target, position)."""
    return fitted(f"l_{object_name}_{field}")


def link_index(link: str) -> str:
    """The index that finds a link table's entries by their target."""
    return fitted(f"ix_{link}")


def unique_column(key: str) -> str:
    """The shadow column holding a unique key's folded value."""
    return fitted(f"u_{key}")


def unique_index(object_name: str, key: str) -> str:
    """The partial unique index over a shadow column."""
    return fitted(f"ux_{object_name}_{key}")


def plain_index(table: str, *columns: str) -> str:
    """An ordinary index."""
    return fitted("ix_" + "_".join((table, *columns)))


def kept_column(field: str, version: int) -> str:
    """Where a dropped column's values stay until they are purged; `version` is the one that dropped it."""
    return fitted(f"x_{field}_{version}")


def kept_table(table: str, version: int) -> str:
    """Where a dropped table's rows stay until they are purged."""
    return fitted(f"x_{table}_{version}")


def former_name(kept: str) -> str:
    """What rows about a dropped field or object call it; no definition can have such a name."""
    return f"-{kept}"
