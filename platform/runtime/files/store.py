"""Files in the database: put piece by piece, read piece by piece, attached to the record and field that use them.

A file's public id is a random token. While it is attached to nothing only its uploader (and administrators) may use it;
afterwards whoever may read that field of that record may read it.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, BinaryIO

from guanxi.common.clock import Clock
from guanxi.common.errors import FieldError, GuanxiError, Invalid, NotFound, TooLarge
from guanxi.registry.objects import ObjectType

from ..access.actor import Actor
from ..ports import Database, Records
from ..storage.rows import instant_text
from .kinds import find_kind, safe_name

PIECE = 512 * 1024
FILE_TYPES = ("file", "image")
UNATTACHED_KEPT = timedelta(days=2)
_COLUMNS = "id, token, name, mime, size, by_id, object, record_id, field"


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file's card and where it belongs ("" and None while unattached)."""

    id: int
    token: str
    name: str
    type: str
    size: int
    by_id: int | None
    object: str
    record_id: int | None
    field: str

    @property
    def card(self) -> dict[str, Any]:
        """The value of a file or image field."""
        return {"id": self.token, "name": self.name, "type": self.type, "size": self.size}


class FileStore:
    """One per database."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.db = database
        self.clock = clock

    # bytes ------------------------------------------------------------------------------------------
    def put(
        self,
        content: BinaryIO,
        name: str,
        *,
        by_id: int | None,
        said: str = "",
        most: int,
        waiting: int = 0,
        judged: bool = True,
    ) -> StoredFile:
        """Store a file of at most `most` bytes; `waiting` (0: no limit) bounds the person's files that no record holds
        yet, together. Raises TooLarge, or Invalid when its bytes contradict its type.
        """
        start = content.read(4096)
        content.seek(0)
        clean = safe_name(name)
        mime = find_kind(start, clean, said) if judged else "application/octet-stream"
        token, digest, size = "f_" + secrets.token_urlsafe(18), hashlib.sha256(), 0
        now = instant_text(self.clock.now())
        with self.db.write():
            self._sweep()
            self.db.execute(
                self.db.sql(
                    "INSERT INTO gx_files (at, by_id, name, mime, size, sha256, token) VALUES (?, ?, ?, ?, 0, '', ?)"
                ),
                (now, by_id, clean, mime, token),
            )
            row = self.db.one(self.db.sql("SELECT id FROM gx_files WHERE token = ?"), (token,))
            assert row is not None  # noqa: S101 (inserted above)
            left = waiting - self._waiting(by_id) if waiting else 0
            number = 0
            while piece := content.read(PIECE):
                size += len(piece)
                if size > most:
                    raise TooLarge(f"A file has at most {most:,} bytes.")
                if waiting and size > left:
                    raise TooLarge("Too many of your files wait for a record; save or forget some first.")
                digest.update(piece)
                self.db.execute(
                    self.db.sql("INSERT INTO gx_file_parts (file_id, number, content) VALUES (?, ?, ?)"),
                    (row[0], number, piece),
                )
                number += 1
            self.db.execute(
                self.db.sql("UPDATE gx_files SET size = ?, sha256 = ? WHERE id = ?"), (size, digest.hexdigest(), row[0])
            )
        return StoredFile(int(row[0]), token, clean, mime, size, by_id, "", None, "")

    def _waiting(self, by_id: int | None) -> int:
        """Bytes of a person's files that no record holds."""
        row = self.db.one(
            self.db.sql(
                "SELECT coalesce(sum(size), 0) FROM gx_files WHERE by_id = ? AND object = '' AND record_id IS NULL"
            ),
            (by_id,),
        )
        return int(row[0]) if row else 0

    def read(self, file: StoredFile) -> Iterator[bytes]:
        """The bytes, piece by piece."""
        number = 0
        while True:
            row = self.db.one(
                self.db.sql("SELECT content FROM gx_file_parts WHERE file_id = ? AND number = ?"), (file.id, number)
            )
            if row is None:
                return
            yield bytes(row[0])
            number += 1

    def reserve(self, file: StoredFile, place: str, number: int) -> None:
        """Keep a file for the platform's own use (`place` starts with gx:); it is nobody's upload then."""
        self.db.execute(
            self.db.sql("UPDATE gx_files SET object = ?, record_id = ? WHERE id = ?"), (place, number, file.id)
        )

    def remove(self, file: StoredFile) -> None:
        """Forget a file."""
        with self.db.write():
            self._remove([file.id])

    def _remove(self, ids: Iterable[int]) -> None:
        for number in ids:
            self.db.execute(self.db.sql("DELETE FROM gx_file_parts WHERE file_id = ?"), (number,))
            self.db.execute(self.db.sql("DELETE FROM gx_files WHERE id = ?"), (number,))

    def _sweep(self) -> None:
        """Uploads that nobody attached in time are forgotten."""
        before = instant_text(self.clock.now() - UNATTACHED_KEPT)
        rows = self.db.rows(
            self.db.sql("SELECT id FROM gx_files WHERE object = '' AND record_id IS NULL AND at < ? LIMIT 100"),
            (before,),
        )
        self._remove(row[0] for row in rows)

    # who may ----------------------------------------------------------------------------------------
    def find(self, token: str) -> StoredFile | None:
        """A file by its public id."""
        if not token or len(token) > 64:
            return None
        row = self.db.one(self.db.sql(f"SELECT {_COLUMNS} FROM gx_files WHERE token = ?"), (token,))  # noqa: S608
        return StoredFile(*row) if row else None

    def readable(self, token: str, actor: Actor, records: Records) -> StoredFile:
        """The file, when the actor may read it; NotFound otherwise, whatever the reason."""
        file = self.find(token)
        if file is None or file.object.startswith("gx:"):
            raise NotFound("There is no such file.")
        if file.record_id is None:
            if actor.unrestricted or (actor.id is not None and actor.id == file.by_id):
                return file
            raise NotFound("There is no such file.")
        try:
            row = records.get(actor, file.object, file.record_id, fields=(file.field,))
        except GuanxiError:
            raise NotFound("There is no such file.") from None
        card = row.get(file.field)
        if not isinstance(card, Mapping) or card.get("id") != token:
            raise NotFound("There is no such file.")
        return file

    # fields -----------------------------------------------------------------------------------------
    def check(
        self, actor: Actor, object_type: ObjectType, values: Mapping[str, Any], record_id: int | None
    ) -> list[FieldError]:
        """Faults of the file fields among `values` (Python or JSON form): the file must exist, its card be its own, and
        it must be the actor's unattached upload or belong to this very field of this record already.
        """
        errors = []
        for name, value in values.items():
            field = object_type.fields.get(name)
            if field is None or field.type not in FILE_TYPES or not isinstance(value, Mapping):
                continue
            file = self.find(str(value.get("id", "")))
            own = file is not None and (
                (file.record_id is None and file.object == "" and (actor.unrestricted or file.by_id == actor.id))
                or (
                    record_id is not None
                    and (file.object, file.record_id, file.field) == (object_type.name, record_id, name)
                )
            )
            if file is None or not own or file.card != dict(value):
                said = "没有这个文件。" if actor.language[:2] == "zh" else "There is no such file; upload it first."
                errors.append(FieldError(name, "reference", said))
        return errors

    def attach(self, object_type: ObjectType, values: Mapping[str, Any], record_id: int) -> None:
        """Bind the files of a saved record to it; inside the transaction of the save. Raises Invalid when another
        record took one meanwhile.
        """
        for name, value in values.items():
            field = object_type.fields.get(name)
            if field is None or field.type not in FILE_TYPES or not isinstance(value, Mapping):
                continue
            place = (object_type.name, record_id, name)
            taken = self.db.execute(
                self.db.sql(
                    "UPDATE gx_files SET object = ?, record_id = ?, field = ? WHERE token = ?"
                    " AND (record_id IS NULL OR (object = ? AND record_id = ? AND field = ?))"
                ),
                (*place, value.get("id"), *place),
            )
            if not taken:
                raise Invalid([FieldError(name, "reference", "There is no such file; upload it first.")])
