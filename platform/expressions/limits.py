"""The bounds of the language, in one place; `docs/reference/expressions.md` states the same figures."""

from __future__ import annotations

from decimal import Decimal

MAX_CHARACTERS = 4_000
MAX_DEPTH = 50
MAX_NODES = 1_000
MAX_INLINED_NODES = 5_000
MAX_LIST = 500
MAX_HOPS = 4
MAX_DIGITS = 38

INTEGER_MIN = -(2**63)
INTEGER_MAX = 2**63 - 1
# A decimal result has at most this many digits after the point (rounded half to even) and stays below the size.
DECIMAL_SCALE = 20
DECIMAL_SIZE = Decimal(10) ** 38
DIVISION_SCALE = 10
MAX_ROUND = 12
MAX_TEXT = 1_000_000

MAX_STEPS = 10_000
MAX_MILLISECONDS = 50
