"""From `guanxi.yaml` to what the people room asks to know."""

from __future__ import annotations

from datetime import timedelta

from guanxi.runtime.people.login import Policy
from guanxi.runtime.people.oidc import SingleSignOnSettings
from guanxi.runtime.people.service import AccountSettings

from .instance import Instance
from .settings_parts import RequiredFor


def account_settings(instance: Instance) -> AccountSettings:
    """What `guanxi.yaml` says about accounts."""
    settings = instance.settings
    security = settings.security
    required = frozenset(security.totp.required_for) if isinstance(security.totp, RequiredFor) else frozenset()
    return AccountSettings(
        name=settings.name,
        address=(settings.url or "").rstrip("/"),
        policy=Policy(totp=security.totp != "off", required_for=required),
        idle=timedelta(hours=security.session_idle_hours),
        longest=timedelta(days=security.session_days),
        secret=instance.secret,
        single=SingleSignOnSettings(**settings.oidc.model_dump()) if settings.oidc else None,
    )
