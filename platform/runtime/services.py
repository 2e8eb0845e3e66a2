"""Everything that runs on one published version, as one frozen bundle: built whole, swapped whole.

A request reads the bundle once and finishes on it, whatever is published meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from zoneinfo import ZoneInfo

from guanxi.common.clock import Clock, SystemClock
from guanxi.common.errors import NotFound
from guanxi.registry.registry import Registry

from .access.actor import UTC_ZONE, Actor
from .access.grants import AccessTable
from .approvals.service import ApprovalService
from .audit import Audit
from .background import BACKGROUND, Background
from .dashboards import DashboardService
from .extensions import EXTENSIONS
from .jobs.schedules import Schedule
from .jobs.store import JobStore
from .messages.notifications import Notifications
from .messages.room import Messaging, install, messaging
from .messages.settings import MessageSettings
from .outbound import Outbound
from .outside import Outside
from .people import Absences, ActorLoader, Credentials, Organisation
from .people import Tokens as BearerTokens
from .pools.service import PoolService
from .ports import Database
from .query.reader import Reader
from .records.extensions import Extensions
from .records.room import Room
from .records.service import RecordService
from .sla.views import ClockService
from .storage.tables import Tables


@dataclass(frozen=True)
class Services:
    """One version. `version` is its number, 0 before anything is published."""

    registry: Registry
    database: Database
    clock: Clock
    version: int
    tables: Tables
    access: AccessTable
    reader: Reader
    records: RecordService
    zone: ZoneInfo
    language: str
    audit: Audit
    outside: Outside = Outside()
    background: Background = BACKGROUND

    @cached_property
    def actors(self) -> ActorLoader:
        """Who users are when acting."""
        return ActorLoader(self.database, self.registry, self.tables, self.zone, self.language)

    @cached_property
    def organisation(self) -> Organisation:
        """Manager lines, departments and members of teams."""
        return Organisation(self.database)

    @cached_property
    def absences(self) -> Absences:
        """Who is away, and who acts for whom."""
        return Absences(self.database)

    @cached_property
    def credentials(self) -> Credentials:
        """Passwords."""
        return Credentials(self.database, self.clock)

    @cached_property
    def tokens(self) -> BearerTokens:
        """Bearer tokens."""
        return BearerTokens(self.database, self.clock)

    @cached_property
    def approvals(self) -> ApprovalService:
        """Approvals: inboxes and acts."""
        return ApprovalService(self.records.room)

    @cached_property
    def dashboards(self) -> DashboardService:
        """Pages of figures."""
        return DashboardService(self.records.room)

    @cached_property
    def clocks(self) -> ClockService:
        """Clocks of service levels."""
        return ClockService(self.records.room)

    @cached_property
    def pools(self) -> PoolService:
        """Pools: who may take what, claims, ownership."""
        return PoolService(self.records.room)

    @cached_property
    def jobs(self) -> JobStore:
        """Work for the background: `enqueue`, and what became of it."""
        return JobStore(self.database, self.clock)

    @cached_property
    def outbound(self) -> Outbound:
        """The way out for every request of the server to another machine."""
        return Outbound(self.outside.allow)

    @cached_property
    def schedules(self) -> tuple[Schedule, ...]:
        """Everything that runs at set times in this version."""
        return tuple(schedule for make in self.background.schedules for schedule in make(self))

    @property
    def messaging(self) -> Messaging:
        """Notices, messages in and out, consent, templates."""
        return messaging(self.records.room)

    @property
    def notifications(self) -> Notifications:
        """Notices to people inside."""
        return self.messaging.notifications

    def actor(self, user_id: int) -> Actor | None:
        """The actor of an active user, or None."""
        return self.actors.load(user_id)

    def somebody(self, user: str) -> Actor:
        """The actor of an active user given by log-in name or id. Raises NotFound."""
        column = "id" if user.isascii() and user.isdigit() and len(user) < 18 else "name"
        sql = f"SELECT id FROM o_user WHERE {column} = ? AND deleted_at IS NULL"  # noqa: S608 (one of two names)
        row = self.database.one(self.database.sql(sql), (int(user) if column == "id" else user,))
        found = self.actor(int(row[0])) if row is not None else None
        if found is None:
            raise NotFound(f"There is no active user {user[:60]!r}.")
        return found


def build_services(
    registry: Registry,
    database: Database,
    *,
    clock: Clock | None = None,
    version: int = 0,
    zone: ZoneInfo = UTC_ZONE,
    language: str = "en",
    secret: bytes = b"guanxi",
    extensions: Extensions = EXTENSIONS,
    outside: Outside | None = None,
    background: Background = BACKGROUND,
    messages: MessageSettings | None = None,
) -> Services:
    """The bundle of a Registry whose tables exist; `secret` keys list cursors and the audit trail (the same for
    every worker)."""
    moment, around = clock or SystemClock(), outside or Outside()
    tables = Tables(registry, database.peewee)
    access = AccessTable(registry)
    reader = Reader(registry, database, tables=tables, access=access, clock=moment, secret=secret)
    audit = Audit(database, moment, secret)
    room = Room(
        registry=registry,
        database=database,
        tables=tables,
        access=access,
        reader=reader,
        clock=moment,
        zone=zone,
        extensions=extensions,
        audit=audit,
        outside=around,
        version=version,
    )
    records = RecordService(room)
    install(room, messages or MessageSettings(secret=secret))
    return Services(
        registry,
        database,
        moment,
        version,
        tables,
        access,
        reader,
        records,
        zone,
        language,
        audit,
        around,
        background,
    )
