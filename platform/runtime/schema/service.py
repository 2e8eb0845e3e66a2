"""Planning and publishing: the one way tables change.

`plan` says what publishing a Registry would do, `apply` does exactly that or refuses, in one transaction: stopped at
any statement it leaves the old version or the new one. Rolling back is publishing an old bundle through the same
planner, with its renames undone and what was set aside brought back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import orjson

from guanxi.common.clock import Clock, SystemClock
from guanxi.common.errors import Conflict, Unavailable
from guanxi.registry.registry import Registry
from guanxi.runtime.storage.database import Handle
from guanxi.runtime.storage.faults import ConstraintViolation
from guanxi.runtime.storage.locks import APPLY_LOCK
from guanxi.runtime.storage.rows import instant_text

from .backfills import Backfills
from .definitions import changes, under_new_names
from .desired import desired
from .explain import as_data
from .history import History, sources_text
from .introspect import drift
from .look import Look
from .moves import Moves, declared, undone
from .pack_upgrades import backfills_of, due_steps, renames_of
from .plan import Finding, Plan
from .planner import Planner
from .rule_check import failing_rules
from .shapes import Shape
from .tool import OnStatement, Tool

Bundle = Mapping[str, Any]
RegistryOf = Callable[[Bundle], Registry]
Inspector = Callable[[Look], Iterable[Finding]]
OnPublished = Callable[[Plan], None]


class StalePlanError(Conflict):
    """Something the plan relied on has changed since it was made; make a new one."""

    code = "stale_plan"


class NeedsConsent(Conflict):
    """The plan loses something nobody has accepted; `findings` says what, `needs` the words that accept it."""

    code = "needs_consent"

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        self.needs = tuple(sorted({f.consent for f in findings if f.consent}))
        super().__init__("; ".join(f.message for f in findings), hint=" ".join(f"--allow {n}" for n in self.needs))


class SchemaService(History):
    """Plans and publishes versions of one database.

    `registry_of` compiles a bundle (the app hands it in); `inspectors` add findings of other rooms to every plan, e.g.
    whose access changes or which approvals are in flight. `renewed` puts into an old bundle what belongs to the running
    release rather than to the version.
    """

    def __init__(
        self,
        db: Handle,
        clock: Clock | None = None,
        registry_of: RegistryOf | None = None,
        inspectors: Sequence[Inspector] = (),
        renewed: Callable[[Bundle], Bundle] = dict,
    ) -> None:
        super().__init__(db)
        self.clock = clock or SystemClock()
        self.registry_of = registry_of
        self.inspectors = tuple(inspectors)
        self.renewed = renewed
        self._last: tuple[Registry, Shape] | None = None

    # planning ---------------------------------------------------------------------------------------
    def plan(
        self, registry: Registry, bundle: Bundle, author: str = "", *, allow: Iterable[str] = (), note: str = ""
    ) -> Plan:
        """What publishing `registry` would do; `bundle` are the sources it was compiled from."""
        return self._plan(registry, bundle, author, allow=allow, note=note)

    def plan_rollback(
        self, number: int, author: str = "", *, registry: Registry | None = None, allow: Iterable[str] = ()
    ) -> Plan:
        """What publishing version `number` again would do. Raises NotFound."""
        bundle = self.renewed(self.bundle_of(number))
        return self._plan(self._compiled(registry, bundle), bundle, author, allow=allow, rollback_to=number)

    def _plan(
        self,
        registry: Registry,
        bundle: Bundle,
        author: str,
        *,
        allow: Iterable[str] = (),
        note: str = "",
        rollback_to: int | None = None,
    ) -> Plan:
        with self.db.timeout(None), self.db.read():
            now = self.current() or (0, "")
            old, new = self.shape(), self._desired(registry)
            upgrades = [] if rollback_to else due_steps(old, registry)
            moves = self._moves(old, new, registry, rollback_to, upgrades)
            look = Look(self.db, registry, old, new, moves)
            lost = tuple(
                Finding("drift", "block", f"{what}: somebody changed the database") for what in drift(self.db, old)
            )
            kept = self.kept(rollback_to, moves) if rollback_to else ()
            filling = Backfills(look, backfills_of(registry, upgrades), self.clock.now())
            planner = Planner(
                old, new, registry, moves=moves, look=look, version=now[0] + 1, kept=kept, filling=filling
            )
            steps = () if lost else tuple(planner.steps())
            more: tuple[Finding, ...] = ()
            if not lost:
                more = tuple(failing_rules(look, self.clock.now()))
                more += tuple(f for inspect in self.inspectors for f in inspect(look))
        return Plan(
            base=now[0],
            base_fingerprint=now[1],
            target_fingerprint=registry.fingerprint,
            shape=new.fingerprint,
            bundle=bundle,
            author=author,
            steps=steps,
            findings=(*lost, *planner.findings, *more),
            changes=tuple(changes(under_new_names(old.definitions, moves), new.definitions)),
            moves=tuple(tuple(m) for m in moves.as_list()),
            allow=tuple(allow),
            rollback_to=rollback_to,
            note=note,
            made=instant_text(self.clock.now()),
        )

    def _desired(self, registry: Registry) -> Shape:
        """The registry's shape; planning and applying ask for the same one."""
        last = self._last
        if last is None or last[0] is not registry:
            last = self._last = (registry, desired(registry))
        return last[1]

    def _moves(
        self, old: Shape, new: Shape, registry: Registry, rollback_to: int | None, upgrades: Sequence[tuple[str, str]]
    ) -> Moves:
        if rollback_to is None:
            return declared(old, new, registry, renames_of(registry, upgrades))
        return undone(self.moves_since(rollback_to), new, old)

    def _compiled(self, registry: Registry | None, bundle: Bundle) -> Registry:
        if registry is not None:
            return registry
        if self.registry_of is None:
            raise RuntimeError("give a registry, or SchemaService(registry_of=…)")
        return self.registry_of(bundle)

    # applying ---------------------------------------------------------------------------------------
    def apply(
        self,
        plan: Plan,
        registry: Registry | None = None,
        *,
        allow: Iterable[str] = (),
        on_statement: OnStatement | None = None,
        published: OnPublished | None = None,
    ) -> int:
        """Publish exactly this plan; the number of the version that is current afterwards. `published` is told within
        the same transaction when a version has come of it.

        `registry` is what the plan was made for (else its bundle is compiled again). Raises StalePlanError,
        NeedsConsent or Unavailable; then nothing has happened. A plan that changes nothing publishes nothing.
        """
        compiled = self._compiled(registry, plan.bundle)
        words = tuple(dict.fromkeys((*plan.allow, *allow)))
        try:
            return self.db.retry(lambda: self._apply(plan, compiled, words, on_statement, published))
        except ConstraintViolation as error:
            raise StalePlanError("The data changed while the plan was applied; make a new plan.") from error
        finally:
            self.db.forget_statements()

    def _apply(
        self,
        plan: Plan,
        registry: Registry,
        words: tuple[str, ...],
        on_statement: OnStatement | None,
        published: OnPublished | None,
    ) -> int:
        with self.db.timeout(None), self.db.write(), self.db.unprepared():
            self._lock(plan)
            fresh = self._plan(
                registry, plan.bundle, plan.author, allow=words, note=plan.note, rollback_to=plan.rollback_to
            )
            if fresh.fingerprint != plan.fingerprint:
                raise StalePlanError("What the plan relied on has changed since it was made; make a new plan.")
            if missing := fresh.objections():
                raise NeedsConsent(missing)
            if fresh.empty:
                return fresh.base
            tool = Tool(
                self.db, registry, self.shape(), version=fresh.number, clock=self.clock, on_statement=on_statement
            )
            for step in fresh.steps:
                step.run(tool)
            self._record(tool, fresh, self._desired(registry))
            if published is not None:
                published(fresh)
            return fresh.number

    def _lock(self, plan: Plan) -> None:
        """One application at a time, and nobody writes to the tables it changes between counting and changing."""
        if self.db.engine == "sqlite":
            return  # BEGIN IMMEDIATE is that lock
        self.db.execute("SELECT pg_advisory_xact_lock(%s)", (APPLY_LOCK,))
        back = Moves.from_list(list(m) for m in plan.moves)
        names = {n: o for o, n in back.objects.items()}
        touched = {getattr(step, "object", "") for step in plan.steps} | set(back.objects)
        old = self.shape().objects
        for name in sorted(names.get(t, t) for t in touched):
            if name in old:
                self.db.execute(f'LOCK TABLE "{old[name].table}" IN SHARE ROW EXCLUSIVE MODE')

    def _record(self, tool: Tool, plan: Plan, shape: Shape) -> None:
        """The new version's row, and the pointer to it."""
        done = {**as_data(plan, plan.allow), "moves": plan.moves, "steps": [s.to_json() for s in plan.steps]}
        tool.do(
            "INSERT INTO gx_versions (number, at, author, note, fingerprint, bundle, plan, allowed, rollback_of) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                plan.number,
                instant_text(self.clock.now()),
                plan.author,
                plan.note,
                plan.target_fingerprint,
                sources_text(plan.bundle),
                orjson.dumps(done).decode(),
                orjson.dumps(plan.allow).decode(),
                plan.rollback_to,
            ),
        )
        tool.do("DELETE FROM gx_current")
        tool.do(
            "INSERT INTO gx_current (id, version, fingerprint, shape) VALUES (1, ?, ?, ?)",
            (plan.number, plan.target_fingerprint, shape.to_json()),
        )

    def publish(self, registry: Registry, bundle: Bundle, author: str = "", *, allow: Iterable[str] = ()) -> int:
        """Plan and apply at once, for callers that have nothing to show in between."""
        for _ in range(3):
            try:
                return self.apply(self.plan(registry, bundle, author, allow=allow), registry)
            except StalePlanError:
                continue
        raise Unavailable("The definitions are being changed by somebody else.")
