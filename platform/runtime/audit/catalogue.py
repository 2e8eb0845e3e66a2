"""The closed list of acts that the audit trail knows; docs/reference/audit.md is written from it.

A room that audits something new adds its row here. Ordinary changes of records are not audited: the record's history
has them, field by field.
"""

from __future__ import annotations

from collections.abc import Mapping

ACTIONS: Mapping[str, str] = {
    # the doors
    "log_in": "Somebody logged in; `detail.by` says how (password, token, single sign-on)",
    "log_in_failed": "A log-in was refused; the name is kept only when an account of it exists",
    "log_out": "Somebody logged out",
    "locked_out": "Too many failed log-ins: the account or the address waits",
    "password_changed": "A person changed the own password",
    "password_reset": "Somebody else set a password, or it was reset by mail",
    "second_factor_changed": "A second factor was set up, replaced or taken away",
    "token_issued": "A bearer token was issued; `detail` has its name and end, never the token",
    "token_revoked": "A bearer token was ended",
    "session_ended": "A session was ended by its owner elsewhere or by an administrator",
    "view_as": "An administrator looked at the product as somebody else",
    # who may do what
    "user_added": "A person was added",
    "user_suspended": "A person can no longer log in",
    "user_resumed": "A suspended person can log in again",
    "roles_changed": "Roles were given or taken; `detail.added`, `detail.removed`",
    "team_changed": "A person went to another team or manager",
    "delegation_changed": "Somebody may act for somebody else, or no longer",
    "share": "A record was shared with somebody",
    "unshare": "A share was ended",
    "reveal": "A masked value was shown in full",
    # approvals
    "approval_terminated": "An approval was ended without a decision",
    "approval_revoked": "An approval that was given is void again",
    "approval_reassigned": "A task of an approval was given to somebody else; `detail.from`, `detail.to`",
    "approval_retried": "A suspended approval was set going again",
    "approval_migrated": "A running approval goes on by a newer definition",
    # definitions
    "publish": "A version was published; `detail` has its number, fingerprint, author and what was allowed",
    "rollback": "An earlier version was published again",
    "platform_upgrade": "A newer release brought the platform's own objects up to date as it was first started",
    "pack_install": "A pack was installed",
    "pack_upgrade": "A pack was upgraded",
    "pack_uninstall": "A pack was taken away",
    "dropped_purged": "Values that a drop had set aside were removed for good",
    # records in number, and for good
    "export": "Records left as a file; `detail` has the format and the question",
    "import": "A file of records was given to be loaded",
    "import_undo": "An import is taken back",
    "delete": "A record went to the trash",
    "restore": "A record came back from the trash",
    "purge": "A record was removed for good",
    "bulk_change": "Many records were changed at once",
    "merge": "Records were merged",
    "merge_undone": "A merge was taken back",
    "handover": "Records of one person were given to others",
    # operation
    "backup": "A backup was written",
    "restored_backup": "The instance was restored from a backup",
    "redelivered": "A message or webhook was sent again by hand",
    "dead_letter": "An effect that could not happen was tried again or dropped by hand; `detail.act`",
    "webhook_paused": "A webhook was left alone because it kept failing, or by hand",
    "webhook_resumed": "A paused webhook was resumed by hand",
    "job_changed": "A background job was cancelled or started again by hand",
    "settings_changed": "A setting was changed by a person in the running product",
    "demo_loaded": "Sample data was loaded",
    # the trail itself
    "audit_read": "The trail was exported",
    "refused": "An act was refused for lack of rights where that is worth knowing",
}
