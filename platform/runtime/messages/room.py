"""Everything about messages on one published version, put together: `services.messaging`, and `messaging(room)` for
those who take part in writes.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from .consent import Consents
from .gateways import Adapter, Http, sms_adapter
from .notifications import Notifications
from .preferences import PreferenceStore
from .settings import MessageSettings
from .wecom import WeComAdapter

if TYPE_CHECKING:
    from guanxi.runtime.records.room import Room

    from .delivery import Delivery
    from .digest import Digests
    from .inbox import Inbox
    from .log import MessageLog
    from .outgoing import Door
    from .templates import Templates

_KEY = "messages"


class Messaging:
    """See the module."""

    def __init__(self, room: Room, settings: MessageSettings) -> None:
        self.room = room
        self.settings = settings
        self.language = room.registry.languages[0] if room.registry.languages else "en"
        self.actors = room.actors
        self.preferences = PreferenceStore(room.db)
        self.notifications = Notifications(self)
        self.consents = Consents(room.db, room.clock, settings)
        self._adapters: dict[str, Adapter] = {}

    @cached_property
    def outgoing(self) -> Door:
        """The one door for what leaves."""
        from .outgoing import Door

        return Door(self)

    @cached_property
    def delivery(self) -> Delivery:
        """Sending what the log holds."""
        from .delivery import Delivery

        return Delivery(self)

    @cached_property
    def templates(self) -> Templates:
        """The templates of the metadata."""
        from .templates import Templates

        return Templates(self)

    @cached_property
    def log(self) -> MessageLog:
        """What was sent and what arrived."""
        from .log import MessageLog

        return MessageLog(self)

    @cached_property
    def inbox(self) -> Inbox:
        """What arrives."""
        from .inbox import Inbox

        return Inbox(self)

    @cached_property
    def digests(self) -> Digests:
        """Notices gathered into one mail."""
        from .digest import Digests

        return Digests(self)

    @cached_property
    def http(self) -> Http:
        """Requests to gateways, where the instance allows them."""
        from .http import checked_http

        return checked_http(self.room.outside.allow)

    def adapter(self, channel: str) -> Adapter | None:
        """The way out of a channel; None when its messages are kept here."""
        settings = self.settings
        if channel not in self._adapters:
            if channel == "sms" and settings.sms is not None:
                self._adapters[channel] = sms_adapter(settings.sms, self.http)
            elif channel == "wecom" and settings.wecom is not None:
                self._adapters[channel] = WeComAdapter(settings.wecom, self.http)
        return self._adapters.get(channel)


def install(room: Room, settings: MessageSettings) -> Messaging:
    """Give a room its messages."""
    found = room.shared[_KEY] = Messaging(room, settings)
    return found


def messaging(room: Room) -> Messaging:
    """The messages of a room; with no settings when nobody gave any."""
    found = room.shared.get(_KEY)
    return found if isinstance(found, Messaging) else install(room, MessageSettings())
