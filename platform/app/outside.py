"""Settings of an instance as the runtime sees them."""

from __future__ import annotations

from guanxi.runtime.outside import Destination, Hook, Outside

from .settings import Settings


def outside_of(settings: Settings) -> Outside:
    """The runtime's view of `guanxi.yaml`."""
    return Outside(
        name=settings.name,
        allow=settings.outbound.allow,
        hooks={
            name: Hook(
                name,
                tuple(secret for secret in (hook.secret, hook.previous_secret) if secret),
                hook.token,
                hook.object_,
                hook.key,
                hook.values,
                hook.as_,
            )
            for name, hook in settings.hooks.items()
        },
        webhooks={
            name: Destination(
                name,
                hook.url,
                tuple(secret for secret in (hook.secret, hook.previous_secret) if secret),
                hook.on,
                hook.fields,
                hook.as_,
                hook.headers,
                hook.at_once,
            )
            for name, hook in settings.webhooks.items()
        },
        mail=settings.mail.model_dump(by_alias=True),
        sms=settings.sms.model_dump() if settings.sms is not None else {},
        limits=settings.limits.model_dump(),
        keep_days=settings.jobs.keep_days,
        languages=tuple(settings.languages),
    )
