"""What one file may hold; every limit is answered with a 4xx that names it (docs/reference/limits.md)."""

from __future__ import annotations

from dataclasses import dataclass

from guanxi.common.errors import BadRequest, TooLarge

MEGABYTE = 1024 * 1024
MAX_COLUMNS = 500
MAX_CELL = 200_000
MAX_HEADER = 500
MAX_LINE = 8 * MEGABYTE
MAX_ENTRIES = 2_000
MAX_UNPACKED = 512 * MEGABYTE
MAX_RATIO = 200


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits an instance may set: bytes of the file and rows in it."""

    bytes: int = 64 * MEGABYTE
    rows: int = 1_000_000


def bad_file(detail: str, *, code: str = "file", row: int = 0, column: int = 0, hint: str = "") -> BadRequest:
    """A file that cannot be read; `row` and `column` count from 1, as a spreadsheet shows them."""
    place = f"row {row}, column {column}: " if column else f"row {row}: " if row else ""
    position = f"{row}:{column}" if column else str(row) if row else ""
    return BadRequest(place + detail, code=code, position=position, hint=hint)


def too_many_rows(most: int) -> TooLarge:
    """More rows than the instance allows."""
    return TooLarge(f"A file has at most {most:,} rows.")


def too_many_bytes(most: int) -> TooLarge:
    """A larger file than the instance allows."""
    return TooLarge(f"A file has at most {most:,} bytes.")
