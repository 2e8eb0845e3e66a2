"""How merging takes part in writes: the actions of a record."""

from __future__ import annotations

from ..records.extensions import RecordAction
from .checking import not_duplicate
from .merge import may_merge, merge, mergeable
from .preview import preview
from .undo import may_undo, undo_merge

ACTIONS = (
    RecordAction("merge", mergeable, may_merge, merge),
    RecordAction("merge_preview", mergeable, lambda _work, _plan, _row: None, preview),
    RecordAction(
        "not_duplicate",
        lambda room, plan: mergeable(room, plan) and bool(plan.duplicates),
        lambda work, plan, row: {} if work.may(plan, "update", row) else None,
        not_duplicate,
    ),
    RecordAction("undo_merge", mergeable, may_undo, undo_merge),
)
