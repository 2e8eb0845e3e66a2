"""What `guanxi.yaml` says about messages, as the runtime wants it."""

from __future__ import annotations

from types import MappingProxyType

from guanxi.runtime.messages.settings import (
    DEFAULT_CAPS,
    Cap,
    Imap,
    Inbound,
    MessageSettings,
    SmsGateway,
    Smtp,
    WeCom,
)

from .settings import Settings
from .settings_parts import Sms

ALIYUN = "https://dysmsapi.aliyuncs.com/"


def messages_of(settings: Settings, secret: bytes) -> MessageSettings:
    """The runtime's view; `secret` signs links."""
    mail = settings.mail
    asked = settings.messages.marketing_cap
    own: dict[str, Cap] = {str(channel): Cap(cap.count, cap.days) for channel, cap in asked.items()}
    return MessageSettings(
        name=settings.name,
        url=settings.url or "",
        sender=mail.sender,
        reply_to=mail.reply_to,
        smtp=Smtp(**mail.smtp.model_dump()) if mail.smtp is not None and mail.sink is None else None,
        imap=Imap(**mail.imap.model_dump()) if mail.imap is not None else None,
        inbound=Inbound(**mail.inbound.model_dump()) if mail.inbound is not None else None,
        hook_token=mail.hook.secret if mail.hook is not None else "",
        sms=_sms(settings.sms),
        wecom=WeCom(**settings.wecom.model_dump()) if settings.wecom is not None else None,
        caps=MappingProxyType({**DEFAULT_CAPS, **own}),
        secret=secret,
        max_megabytes=mail.megabytes,
    )


def _sms(sms: Sms | None) -> SmsGateway | None:
    url = (sms.url or (ALIYUN if sms.gateway == "aliyun" else "")) if sms is not None else ""
    if sms is None or not url:
        return None
    return SmsGateway(
        sms.gateway,
        url,
        sms.key,
        sms.secret,
        sms.sign_name,
        sms.template_code,
        dict(sms.body),
        dict(sms.headers),
        sms.id,
    )
