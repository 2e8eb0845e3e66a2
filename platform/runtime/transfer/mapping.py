"""Which column fills which field. Decided once, before the first row; shown in the job whatever was decided.

A column that the caller named goes where the caller said; the others are matched by name, label, alias and bare form
among the fields that exist for the caller. What matches nothing is reported, never dropped in silence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from guanxi.common.errors import BadRequest
from guanxi.common.names import did_you_mean
from guanxi.fieldtypes import CATALOGUE
from guanxi.registry.objects import Field, ObjectType

from ..access.grants import Grants, ObjectRights
from .words import field_words

Status = Literal["used", "left_out", "read_only", "unmatched", "ambiguous"]
REASON = "_reason"
ROW = "_row"
OWN_COLUMNS = (REASON, ROW)
WRITABLE_SYSTEM = ("owner", "team")
REFERENCES = ("reference", "references", "user", "team")
MACHINE_SIGN = frozenset(("id", "version", "created_at"))


@dataclass(frozen=True, slots=True)
class Column:
    """One column's fate. `via` is the field of the target by which a reference is found ("" tries them in turn)."""

    name: str
    place: int
    status: Status
    field: str = ""
    via: str = ""
    note: str = ""

    def shown(self) -> dict[str, Any]:
        """For the report."""
        found: dict[str, Any] = {"column": self.name, "status": self.status}
        if self.field:
            found["field"] = f"{self.field}.{self.via}" if self.via else self.field
        if self.note:
            found["note"] = self.note
        return found


class ColumnMap:
    """The columns of a file; `column` adds one that NDJSON brings later."""

    def __init__(
        self, object_type: ObjectType, grants: Grants, asked: Mapping[str, str], key: Sequence[str] = ()
    ) -> None:
        self.object = object_type
        self.grants = grants
        self.rights: ObjectRights = grants.on(object_type.name)
        self.asked = dict(asked)
        self.key = tuple(key)
        self.columns: list[Column] = []
        self.taken: dict[str, str] = {}
        shown = [field for name, field in object_type.fields.items() if self.rights.shown(name)]
        self._words = field_words(shown)
        self._shown = {field.name: field for field in shown}

    def resolve(self, columns: Sequence[str]) -> None:
        """Decide all columns of a header. Raises BadRequest for a mapping that cannot be."""
        for name in self.asked:
            if name not in columns:
                raise BadRequest(
                    f"The file has no column '{name[:60]}'.", code="unknown_column", hint=did_you_mean(name, columns)
                )
        named = {place for place, name in enumerate(columns) if name in self.asked}
        exact = {place for place, name in enumerate(columns) if name in self._shown}
        found: dict[int, Column] = {}
        for places in (named, exact - named, set(range(len(columns))) - named - exact):
            for place in sorted(places):
                found[place] = self._decide(columns[place], place)
        self.columns = [found[place] for place in range(len(columns))]
        self._check_key()

    def column(self, name: str) -> Column:
        """Decide one more column."""
        decided = self._decide(name, len(self.columns))
        self.columns.append(decided)
        return decided

    def _check_key(self) -> None:
        filled = {column.field for column in self.columns if column.status == "used"}
        for name in self.key:
            if name not in self._shown:
                raise BadRequest(
                    f"There is no field '{name[:60]}' for the key.",
                    code="unknown_field",
                    hint=did_you_mean(name, self._shown),
                )
            if not self.rights.readable(name):
                raise BadRequest(f"'{name}' is masked for you and cannot be the key.", code="masked_field")
            field = self._shown[name]
            if not field.stored or field.type == "references":
                raise BadRequest(f"'{name}' cannot be the key.", code="key")
            if name not in filled:
                raise BadRequest(f"No column fills the key '{name}'.", code="key")

    def _decide(self, name: str, place: int) -> Column:
        if name in self.asked:
            return self._named(name, place, self.asked[name])
        if name in OWN_COLUMNS:
            return Column(name, place, "left_out", note="the report's own column")
        found = self._words.find(name)
        if len(found) > 1:
            return Column(name, place, "ambiguous", note="matches " + ", ".join(sorted(found)))
        if not found:
            return self._by_path(name, place)
        (field,) = found
        note = self._not_writable(self._shown[field])
        if note:
            return Column(name, place, "read_only", field, note=note)
        if field in self.taken:
            return Column(name, place, "ambiguous", note=f"{field} is filled by the column {self.taken[field]!r}")
        self.taken[field] = name
        return Column(name, place, "used", field)

    def _by_path(self, name: str, place: int) -> Column:
        """`account.code` as a column's own name fills the reference by that field."""
        head, dot, via = name.partition(".")
        field = self._shown.get(head)
        if dot and field is not None and field.type in REFERENCES and head not in self.taken:
            target = self.grants.registry.objects.get(field.target)
            if target is not None and via in target.fields and self.grants.on(target.name).readable(via):
                self.taken[head] = name
                return Column(name, place, "used", head, via)
        hint = did_you_mean(name, self._shown)
        return Column(name, place, "unmatched", note=hint)

    def _not_writable(self, field: Field) -> str:
        """Why a column that matched by itself is not written; "" when it is. The key may be any field."""
        if field.name in self.key:
            return ""
        if field.system:
            return "" if field.name in WRITABLE_SYSTEM and self.object.owned else "kept by the platform"
        if not field.stored or (not CATALOGUE[field.type].writable and field.type != "auto_number"):
            return "calculated"
        if field.type == "auto_number":
            return "numbered by the platform"
        if field.read_only is True:
            return "read only"
        return ""

    def _named(self, name: str, place: int, said: str) -> Column:
        if not said:
            return Column(name, place, "left_out", note="left out on request")
        head, _, via = said.partition(".")
        field = self._shown.get(head)
        if field is None:
            raise BadRequest(
                f"There is no field '{head[:60]}'.", code="unknown_field", hint=did_you_mean(head, self._shown)
            )
        if head in self.taken:
            raise BadRequest(f"Two columns fill '{head}'.", code="bad_parameter")
        if via:
            self._check_via(field, via)
        self.taken[head] = name
        return Column(name, place, "used", head, via)

    def _check_via(self, field: Field, via: str) -> None:
        target = self.grants.registry.objects.get(field.target) if field.type in REFERENCES else None
        if target is None:
            raise BadRequest(
                f"'{field.name}' refers to no record: '{field.name}.{via}' cannot be.", code="unknown_field"
            )
        rights = self.grants.on(target.name)
        known = [n for n, f in target.fields.items() if rights.readable(n) and f.stored]
        if via not in known:
            raise BadRequest(
                f"There is no field '{via[:60]}' to find a {target.name} by.",
                code="unknown_field",
                hint=did_you_mean(via, known),
            )

    @property
    def machine(self) -> bool:
        """True when the columns are those of an export for machines: plain field names with the platform's own."""
        names = {column.name for column in self.columns} - set(OWN_COLUMNS)
        return names >= MACHINE_SIGN and names <= set(self.object.fields)

    @property
    def mended(self) -> bool:
        """True for the file of refused rows, come back."""
        return any(column.name == REASON for column in self.columns)

    def shown(self) -> list[dict[str, Any]]:
        """For the report."""
        return [column.shown() for column in self.columns]
