"""What the tests of some objects touched, collected while they run."""

from __future__ import annotations

from dataclasses import dataclass, field

from guanxi.common.errors import NotFound
from guanxi.registry import MetadataStep, Registry
from guanxi.runtime.access.actor import SYSTEM

from .outcome import KINDS, Coverage
from .world import World


@dataclass
class Touched:
    """Names of touched rules, stages and formulas, as `object.name`, and the objects that tests have records of."""

    registry: Registry
    objects: dict[str, None] = field(default_factory=dict)
    names: dict[str, set[str]] = field(default_factory=lambda: {kind: set() for kind in KINDS})

    def made(self, world: World, layer: str) -> None:
        """Note the records a test begins with; objects of other layers than the test's only stand by."""
        for record, (kind, _) in world.records.items():
            if self.registry.objects[kind].layer == layer:
                self.objects[kind] = None
            self.stage_of(world, record)

    def stage_of(self, world: World, record: str) -> None:
        """Note the stage a record is in now."""
        kind, number = world.records.get(record, ("", 0))
        if not kind:
            return
        stages = self.registry.objects[kind].stages
        if stages is None:
            return
        try:
            row = world.services.records.get(SYSTEM, kind, number, fields=(stages.field,))
        except NotFound:
            return
        self.names["stages"].add(f"{kind}.{row.get(stages.field)}")

    def step(self, world: World, step: MetadataStep, broken: tuple[str, ...]) -> None:
        """Note what one step did or was refused by."""
        if step.object:
            self.objects[step.object] = None
        self.names["rules"].update(f"{step.object}.{rule}" for rule in broken)
        if step.verb == "move_stage" and step.refused is not None:
            self.names["stages"].add(f"{step.object}.{step.more['to']}")
        if step.record:
            self.stage_of(world, step.record)

    def check(self, step: MetadataStep) -> None:
        """Note the formulas a check reads."""
        if step.condition is not None:
            self.names["formulas"].update(f"{use.object}.{use.field}" for use in step.condition.uses)
            self.names["formulas"].update(f"{step.object}.{name}" for name in step.condition.own)

    def coverage(self) -> Coverage:
        """The sum."""
        known: dict[str, list[str]] = {kind: [] for kind in KINDS}
        for name in self.objects:
            kind = self.registry.objects[name]
            known["rules"] += [f"{name}.{rule}" for rule in kind.rules]
            known["stages"] += [f"{name}.{stage}" for stage in (kind.stages.path if kind.stages else ())]
            known["formulas"] += [f"{name}.{one.name}" for one in kind.fields.values() if one.value is not None]
        missed = {kind: tuple(n for n in names if n not in self.names[kind]) for kind, names in known.items()}
        return Coverage({kind: tuple(names) for kind, names in known.items()}, missed)
