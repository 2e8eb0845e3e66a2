"""Plain digits take a short way through `from_text`; it must say what the long way says."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from guanxi.fieldtypes.typed_numbers import number_from_text, read_number


@given(st.from_regex(r"-?[0-9]{1,40}(\.[0-9]{1,40})?", fullmatch=True))
def test_both_ways_agree(text: str) -> None:
    short = number_from_text(lambda value: value)(text)
    long = read_number(text)
    assert isinstance(short, Decimal)
    assert (short, short.as_tuple()) == (long, long.as_tuple())


def test_a_line_end_is_not_swallowed() -> None:
    assert number_from_text(lambda value: value)("12\n") == Decimal(12)
