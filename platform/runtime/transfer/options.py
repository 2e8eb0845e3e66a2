"""What an import is asked to do, as one frozen value that travels from the channel to the job and back as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from guanxi.common.errors import BadRequest

from .sniff import Wanted

Duplicates = Literal["refuse", "create", "skip"]
Blanks = Literal["", "default", "keep"]
DUPLICATES: tuple[Duplicates, ...] = ("refuse", "create", "skip")
BLANKS = ("default", "keep")


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """`key`: fields that find the record to update; `columns`: column → field (or path into a reference, "" leaves it
    out); `duplicates`: what a warning about a likely duplicate does (refuse the row, create it, skip it);
    `blanks`: a blank cell of a new record takes the field's default, or stays blank ("" decides by the file).
    """

    key: tuple[str, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    dry_run: bool = False
    atomic: bool = False
    duplicates: Duplicates = "refuse"
    blanks: Blanks = ""
    format: str = ""
    encoding: str = ""
    delimiter: str = ""
    quote: str = ""
    record_end: str = ""
    header: bool | None = None
    sheet: str = ""

    @property
    def wanted(self) -> Wanted:
        """The part that says how the file is written."""
        return Wanted(self.format, self.encoding, self.delimiter, self.quote, self.record_end, self.header, self.sheet)

    def as_json(self) -> dict[str, Any]:
        """For the job's row."""
        return asdict(self) | {"key": list(self.key), "columns": dict(self.columns)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> ImportOptions:
        """Back from a job's row."""
        return cls(**{**values, "key": tuple(values["key"])})


def pairs(texts: Iterable[str], mark: str) -> dict[str, str]:
    """`Column:field` texts as a map; the last mark divides, so that a column's name may hold it."""
    found: dict[str, str] = {}
    for text in texts:
        column, divided, name = text.rpartition(mark)
        if not divided or not column.strip():
            raise BadRequest(f"'map' is Column{mark}field, not '{text[:60]}'.", code="bad_parameter")
        if column in found:
            raise BadRequest(f"The column '{column[:60]}' is mapped twice.", code="bad_parameter")
        found[column] = name.strip()
    return found
