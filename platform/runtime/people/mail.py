"""Mail about an account (invitation, reset), handed to the outbox in the transaction that made its link.

What the mail says is put together here in the person's language; how it leaves is the outbox's business.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guanxi.common.clock import Clock

from ..outbox.store import post
from ..ports import Database
from .credentials import Account
from .links import Kind

KIND = "account_mail"
_TEXTS: dict[str, dict[str, tuple[str, str]]] = {
    "en": {
        "invite": (
            "Your account at {instance}",
            "{name}, an account was made for you at {instance}.\n\nChoose your password within seven days:\n{link}\n",
        ),
        "reset": (
            "A new password for {instance}",
            "{name}, somebody asked for a new password of your account at {instance}.\n\nChoose it within 30 minutes:\n"
            "{link}\n\nIf it was not you, do nothing: the present password stays.\n",
        ),
    },
    "zh": {
        "invite": (
            "您在{instance}的账号",
            "{name}，您好！已为您在{instance}创建账号。\n\n请在七天内设置密码：\n{link}\n",
        ),
        "reset": (
            "重设{instance}的密码",
            "{name}，您好！有人申请重设您在{instance}的账号密码。\n\n请在 30 分钟内设置新密码：\n{link}\n\n"
            "若非本人操作，请忽略本邮件，原密码仍然有效。\n",
        ),
    },
}


def wording(kind: str, language: str, instance: str, given: Mapping[str, Any]) -> tuple[str, str]:
    """Subject and text of a mail."""
    subject, text = _TEXTS.get(language, _TEXTS["en"])[kind]
    values = {"instance": instance, "name": given["name"], "link": given["link"]}
    return subject.format(**values), text.format(**values)


class AccountMail:
    """Hands mail about accounts to the outbox (`messages.account_mail` delivers it)."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.database = database
        self.clock = clock

    def send(self, account: Account | None, kind: Kind, link: str, language: str) -> None:
        """Hand a mail over, inside `write()`. For nobody, or somebody without an address, a row that goes nowhere is
        written, so that both cost the same.
        """
        goes = account is not None and bool(account.email)
        payload = {
            "to": account.email if account is not None and goes else "",
            "name": account.name if account is not None and goes else "",
            "kind": kind,
            "link": link if goes else "",
            "language": (account.language if account is not None else "") or language,
        }
        post(self.database, kind=KIND, payload=payload, at=self.clock.now())
