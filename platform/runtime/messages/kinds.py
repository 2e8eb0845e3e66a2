"""What notices are about and how they may reach people: the catalogue behind everybody's settings.

A notice's kind is a name; what stands after its first dot is finer than the settings ask (`approval.urge` follows
`approval`), and a kind that is not listed follows `other`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from guanxi.common.labels import Label


def _label(en: str, zh: str) -> Label:
    return Label((("en", en), ("zh", zh)))


KINDS: Mapping[str, Label] = MappingProxyType(
    {
        "approval": _label("Approvals", "审批"),
        "assignment": _label("Records given to you", "分配给我的记录"),
        "pool": _label("Pools and warnings before a record returns", "公海与回收提醒"),
        "automation": _label("Automations and stages", "自动化与阶段"),
        "mention": _label("Mentions and comments", "提及与评论"),
        "task": _label("Tasks and reminders", "任务与提醒"),
        "sla": _label("Service deadlines", "服务时限"),
        "message": _label("Messages from customers", "客户来信"),
        "report": _label("Scheduled reports", "定期报表"),
        "other": _label("Everything else", "其他"),
    }
)
CHANNELS: Mapping[str, Label] = MappingProxyType(
    {
        "screen": _label("On the screen", "站内"),
        "email": _label("E-mail", "邮件"),
        "sms": _label("SMS", "短信"),
        "wecom": _label("WeCom", "企业微信"),
    }
)
VALUES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "screen": ("on", "off"),
        "email": ("off", "now", "hourly", "daily"),
        "sms": ("off", "now"),
        "wecom": ("off", "now"),
    }
)
DEFAULTS: Mapping[str, str] = MappingProxyType({"screen": "on", "email": "off", "sms": "off", "wecom": "off"})


def group_of(kind: str) -> str:
    """The kind that settings know."""
    head = kind.partition(".")[0]
    return head if head in KINDS else "other"
