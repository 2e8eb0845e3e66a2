"""Tables of approvals: instances, their activations and tasks, what happened (append-only), and who is told.

One active instance a record is kept by a partial unique index, so that two submits cannot both pass.
"""

from __future__ import annotations

ACTIVE = "('running', 'returned', 'suspended')"

APPROVALS = [
    """CREATE TABLE IF NOT EXISTS gx_approvals (id {ID}, flow {TEXT} NOT NULL, object {TEXT} NOT NULL,
    record_id {INT} NOT NULL, operation {TEXT} NOT NULL, state {TEXT} NOT NULL, submitted_by {INT}, at {TEXT} NOT NULL,
    finished_at {TEXT}, version {INT} NOT NULL, definition {TEXT} NOT NULL, position {TEXT} NOT NULL DEFAULT '{{}}',
    cycle {INT} NOT NULL DEFAULT 1, proposal {TEXT} NOT NULL DEFAULT '', chosen {TEXT} NOT NULL DEFAULT '{{}}',
    title {TEXT} NOT NULL DEFAULT '', comment {TEXT} NOT NULL DEFAULT '', reason {TEXT} NOT NULL DEFAULT '',
    locked {TEXT} NOT NULL DEFAULT '', material_at {TEXT} NOT NULL DEFAULT '', previous_id {INT})""",
    "CREATE UNIQUE INDEX IF NOT EXISTS ux_gx_approvals_active ON gx_approvals (object, record_id)"
    f" WHERE state IN {ACTIVE}",
    "CREATE INDEX IF NOT EXISTS ix_gx_approvals_record ON gx_approvals (object, record_id, id)",
    "CREATE INDEX IF NOT EXISTS ix_gx_approvals_mine ON gx_approvals (submitted_by, id)",
    "CREATE INDEX IF NOT EXISTS ix_gx_approvals_flow ON gx_approvals (flow, state)",
    """CREATE TABLE IF NOT EXISTS gx_approval_steps (id {ID}, approval_id {INT} NOT NULL, step {TEXT} NOT NULL,
    round {INT} NOT NULL, cycle {INT} NOT NULL, state {TEXT} NOT NULL, at {TEXT} NOT NULL, finished_at {TEXT},
    reason {TEXT} NOT NULL DEFAULT '')""",
    "CREATE INDEX IF NOT EXISTS ix_gx_approval_steps_approval ON gx_approval_steps (approval_id, id)",
    """CREATE TABLE IF NOT EXISTS gx_approval_tasks (id {ID}, approval_id {INT} NOT NULL, activation_id {INT} NOT NULL,
    step {TEXT} NOT NULL, part {TEXT} NOT NULL DEFAULT 'vote', user_id {INT} NOT NULL, principal {INT}, also {INT},
    state {TEXT} NOT NULL, weight {INT} NOT NULL DEFAULT 1, place {INT} NOT NULL DEFAULT 0, parent_id {INT},
    mode {TEXT} NOT NULL DEFAULT '', added_by {INT}, at {TEXT} NOT NULL, opened_at {TEXT}, due_at {TEXT},
    next_at {TEXT}, next_act {INT} NOT NULL DEFAULT 0, acted {INT} NOT NULL DEFAULT 0, decided_at {TEXT},
    decided_by {INT}, comment {TEXT} NOT NULL DEFAULT '', reason {TEXT} NOT NULL DEFAULT '',
    edits {TEXT} NOT NULL DEFAULT '')""",
    "CREATE INDEX IF NOT EXISTS ix_gx_approval_tasks_approval ON gx_approval_tasks (approval_id, id)",
    "CREATE INDEX IF NOT EXISTS ix_gx_approval_tasks_todo ON gx_approval_tasks (user_id, id) WHERE state = 'open'",
    "CREATE INDEX IF NOT EXISTS ix_gx_approval_tasks_also ON gx_approval_tasks (also, id) WHERE state = 'open'",
    "CREATE INDEX IF NOT EXISTS ix_gx_approval_tasks_done ON gx_approval_tasks (decided_by, id)",
    "CREATE INDEX IF NOT EXISTS ix_gx_approval_tasks_next ON gx_approval_tasks (next_at) WHERE state = 'open'",
    """CREATE TABLE IF NOT EXISTS gx_approval_log (id {ID}, approval_id {INT} NOT NULL, task_id {INT},
    at {TEXT} NOT NULL,
    actor_id {INT}, on_behalf_of {INT}, act {TEXT} NOT NULL, step {TEXT} NOT NULL DEFAULT '',
    channel {TEXT} NOT NULL DEFAULT '', comment {TEXT} NOT NULL DEFAULT '', detail {TEXT} NOT NULL DEFAULT '{{}}')""",
    "CREATE INDEX IF NOT EXISTS ix_gx_approval_log_approval ON gx_approval_log (approval_id, id)",
    """CREATE TABLE IF NOT EXISTS gx_approval_copies (approval_id {INT} NOT NULL, user_id {INT} NOT NULL,
    at {TEXT} NOT NULL, step {TEXT} NOT NULL DEFAULT '', read_at {TEXT}, PRIMARY KEY (approval_id, user_id))""",
    "CREATE INDEX IF NOT EXISTS ix_gx_approval_copies_user ON gx_approval_copies (user_id, approval_id)",
]
# What people saw when it ended; clocks that stand still; timers that run on while somebody's opinion is asked.
APPROVALS_KEPT = [
    "ALTER TABLE gx_approvals ADD COLUMN snapshot {TEXT} NOT NULL DEFAULT ''",
    "ALTER TABLE gx_approval_tasks ADD COLUMN paused_at {TEXT}",
    "DROP INDEX IF EXISTS ix_gx_approval_tasks_next",
    "CREATE INDEX IF NOT EXISTS ix_gx_approval_tasks_moment ON gx_approval_tasks (next_at, id)"
    " WHERE state IN ('open', 'delegated')",
    "CREATE INDEX IF NOT EXISTS ix_gx_approval_tasks_holder ON gx_approval_tasks (user_id)"
    " WHERE state IN ('open', 'waiting', 'delegated')",
    "CREATE INDEX IF NOT EXISTS ix_gx_approval_tasks_agent ON gx_approval_tasks (principal)"
    " WHERE state IN ('open', 'waiting', 'delegated') AND principal IS NOT NULL",
]
NAMING_OBJECTS = ("gx_approvals",)
