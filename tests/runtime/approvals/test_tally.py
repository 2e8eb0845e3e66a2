"""How votes add up: the table of rules, and that no order of votes changes a result."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guanxi.registry.approvals import Signing
from guanxi.runtime.approvals.tally import Ballot, tally

ANY, ALL = Signing("any"), Signing("all")


def cast(votes: str, weights: tuple[int, ...] = ()) -> list[Ballot]:
    """`y` agrees, `n` refuses, `?` is open, `-` does not count."""
    words = {"y": "approve", "n": "reject", "?": "open", "-": "none"}
    return [Ballot(words[v], weights[i] if weights else 1) for i, v in enumerate(votes)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("signing", "votes", "result"),
    [
        (ANY, "???", "wait"),
        (ANY, "y??", "pass"),
        (ANY, "n??", "reject"),
        (Signing("any", after_all=True), "n??", "wait"),
        (Signing("any", after_all=True), "nnn", "reject"),
        (Signing("any", after_all=True), "nny", "pass"),
        (ALL, "yy?", "wait"),
        (ALL, "yyy", "pass"),
        (ALL, "yn?", "reject"),
        (Signing("all", after_all=True), "yn?", "wait"),
        (Signing("all", after_all=True), "yny", "reject"),
        (ALL, "y-y", "pass"),
        (ALL, "---", "nobody"),
        (ANY, "", "nobody"),
        (Signing("percent", percent=50), "yy??", "pass"),
        (Signing("percent", percent=50, strict=True), "yy??", "wait"),
        (Signing("percent", percent=50, strict=True), "yynn", "reject"),
        (Signing("percent", percent=60), "nn???", "wait"),
        (Signing("percent", percent=60), "nnn??", "reject"),
        (Signing("percent", percent=60, close_early=False), "yyy??", "wait"),
        (Signing("percent", percent=34), "y??", "wait"),
        (Signing("percent", percent=33), "y??", "pass"),
        (Signing("count", count=2), "y???", "wait"),
        (Signing("count", count=2), "yy??", "pass"),
        (Signing("count", count=2), "nnn?", "reject"),
        (Signing("count", count=3, against=2), "nn??y", "reject"),
        (Signing("count", count=3, against=2), "ynny", "reject"),
        (Signing("count", against=2), "n?", "wait"),
        (Signing("count", against=2), "ny", "pass"),
    ],
)
def test_table(signing: Signing, votes: str, result: str) -> None:
    assert tally(signing, cast(votes)) == result


def test_weights() -> None:
    signing = Signing("percent", percent=60)
    assert tally(signing, cast("n??", (50, 30, 20))) == "reject"
    assert tally(signing, cast("?n?", (50, 30, 20))) == "wait"
    assert tally(signing, cast("yy?", (50, 30, 20))) == "pass"


@given(
    st.sampled_from(["any", "all", "in_order", "percent", "count"]),
    st.integers(1, 100),
    st.integers(1, 5),
    st.booleans(),
    st.text("yn?-", min_size=1, max_size=5),
)
def test_order_does_not_matter(mode: str, percent: int, count: int, strict: bool, votes: str) -> None:
    signing = Signing(mode, percent=percent, count=count, strict=strict)  # type: ignore[arg-type]
    assert len({tally(signing, cast("".join(order))) for order in permutations(votes)}) == 1


@given(
    st.sampled_from([ANY, ALL, Signing("percent", percent=67), Signing("count", count=2)]),
    st.text("yn", min_size=1, max_size=6),
)
def test_a_result_stands_whatever_follows(signing: Signing, votes: str) -> None:
    """Votes come one by one; an early result of all, percent and count is the one of the complete count."""
    results = [tally(signing, cast(votes[:n] + "?" * (len(votes) - n))) for n in range(len(votes) + 1)]
    early = next(result for result in results if result != "wait")
    if signing is not ANY:
        assert early == results[-1]
    assert results[-1] != "wait"
