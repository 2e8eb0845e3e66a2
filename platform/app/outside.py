"""Settings of an instance as the runtime sees them."""

from __future__ import annotations

from guanxi.runtime.outside import Destination, Outside

from .settings import Settings


def outside_of(settings: Settings) -> Outside:
    """The runtime's view of `guanxi.yaml`."""
    return Outside(
        name=settings.name,
        allow=settings.outbound.allow,
        webhooks={
            name: Destination(name, hook.url, tuple(s for s in (hook.secret,) if s))
            for name, hook in settings.webhooks.items()
        },
        mail=settings.mail.model_dump(by_alias=True),
        sms=settings.sms.model_dump(),
        limits=settings.limits.model_dump(),
        languages=tuple(settings.languages),
    )
