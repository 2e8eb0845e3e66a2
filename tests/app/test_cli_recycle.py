"""`guanxi recycle`: what is due falls now; a dry run only counts."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from guanxi.app.cli import main
from tests.support.instances import make_house

POOLED = """
kind: object
name: customer
title: name
owned: true
fields: {name: {type: text}, seen_at: {type: datetime}}
---
kind: pool
name: sea
object: customer
label: Sea
members: [{role: administrator}]
recycle: {silent: {clock: {from: [seen_at], after: {days: 7}}}}
"""


def test_what_is_due_falls_and_a_dry_run_only_counts(tmp_path: Path, database_url: str) -> None:
    house = make_house(tmp_path / "i", database_url, {"a.yaml": POOLED})
    made = house.post("/api/customer", {"name": "Ada"}).json
    assert made is not None
    with house.instance.database.write():
        house.instance.database.execute("UPDATE gx_ownership SET due_on = '2020-01-01' WHERE due_on IS NOT NULL")
    folder = str(house.instance.folder)
    dry = CliRunner().invoke(main, ["--instance", folder, "recycle", "--dry-run", "--json"])
    assert dry.exit_code == 0, dry.output
    assert house.get(f"/api/customer/{made['id']}").json["owner"] is not None  # type: ignore[index]
    done = CliRunner().invoke(main, ["--instance", folder, "recycle"])
    assert done.exit_code == 0, done.output
    assert "fell back" in done.output
    house.close()
