"""What is really there: tables and columns as the database itself reports them, against what was applied."""

from __future__ import annotations

from collections import defaultdict

from guanxi.runtime.storage.database import Handle
from guanxi.runtime.storage.tables import ROW_COLUMNS

from .shapes import Shape


def tables(db: Handle) -> dict[str, set[str]]:
    """Every table of the database with its columns."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    if db.engine == "sqlite":
        rows = db.rows(
            "SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c "
            "WHERE m.type = 'table' AND substr(m.name, 1, 2) IN ('o_', 'l_')"
        )
    else:
        rows = db.rows(
            "SELECT c.relname, a.attname FROM pg_catalog.pg_class c "
            "JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid "
            "WHERE c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped "
            "AND c.relnamespace = current_schema()::regnamespace"
        )
    for table, column in rows:
        found[table].add(column)
    return found


def drift(db: Handle, shape: Shape) -> list[str]:
    """Sentences about tables and columns that were applied once and are no longer there; [] when all is well."""
    real = tables(db)
    lost: list[str] = []
    for obj in shape.objects.values():
        if obj.table not in real:
            lost.append(f"table {obj.table} is missing")
            continue
        wanted = {*ROW_COLUMNS, *(f.name for f in obj.fields.values() if f.kind != "links")}
        wanted |= {u.column for u in obj.uniques.values()}
        lost += [f"column {obj.table}.{c} is missing" for c in sorted(wanted - real[obj.table])]
        links = [f.link for f in obj.fields.values() if f.link]
        lost += [f"table {link} is missing" for link in links if link not in real]
    return lost
