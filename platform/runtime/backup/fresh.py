"""Whether a database may be overwritten: it is empty, or as `guanxi init` leaves it and nobody has used it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from guanxi.common.errors import Conflict

Count = Callable[[str], int]
_BEGUN = {"o_user": 1, "o_role": 1_000_000}


class NotEmpty(Conflict):
    """There is something where a backup should be restored."""

    code = "not_empty"


def demand_fresh(names: Sequence[str], count: Count) -> None:
    """Raise NotEmpty for a database with records, or with tables that are not ours."""
    foreign = [name for name in names if not name.startswith(("gx_", "o_", "l_", "s_", "x_"))]
    held = [name for name in names if name.startswith(("o_", "x_")) and count(name) > _BEGUN.get(name, 0)]
    if found := [*foreign, *held]:
        sentence = (
            f"the database holds something already ({', '.join(found[:3])}); a backup is restored into an empty one"
        )
        raise NotEmpty(sentence, hint="choose a new folder or database")
