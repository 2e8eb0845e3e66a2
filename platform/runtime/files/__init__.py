"""Stored files: bytes in pieces in the database, a kind found out from the bytes, read by whoever reads the record."""

from .kinds import find_kind
from .store import FileStore, StoredFile

__all__ = ["FileStore", "StoredFile", "find_kind"]
