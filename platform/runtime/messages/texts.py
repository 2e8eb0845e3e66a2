"""Sentences that this room itself writes into messages, English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping

_TEXTS: Mapping[str, Mapping[str, str]] = {
    "unsubscribe": {"en": "Unsubscribe", "zh": "退订"},
    "why_marketing": {
        "en": "You get this because you agreed to hear from us.",
        "zh": "您收到此邮件是因为您同意接收我们的信息。",
    },
    "sms_stop": {"en": "Stop: {link}", "zh": "退订：{link}"},
    "digest_subject": {"en": "{count} notifications", "zh": "{count} 条通知"},
    "open": {"en": "Open", "zh": "打开"},
    "mail_from": {"en": "New message from {who}: {subject}", "zh": "收到 {who} 的来信：{subject}"},
}


def said(name: str, language: str, **values: object) -> str:
    """A sentence in a language (English when it is not known), with its places filled."""
    texts = _TEXTS[name]
    text = texts.get(language[:2], texts["en"])
    for key, value in values.items():
        text = text.replace("{" + key + "}", str(value))
    return text
