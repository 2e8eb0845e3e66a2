"""How merging takes part in writes: the actions of a record."""

from __future__ import annotations

from ..records.extensions import RecordAction
from .merge import may_merge, merge, mergeable
from .undo import may_undo, undo_merge

ACTIONS = (
    RecordAction("merge", mergeable, may_merge, merge),
    RecordAction("undo_merge", mergeable, may_undo, undo_merge),
)
