"""Who is asked in a step: sources, then inactive people, oneself, nobody, and those who are away, in this order.

Answers are plain picks with their reasons, in the order of the definition and then by user id. They become tasks when
the step is entered and are not resolved again. Simulating asks the same questions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from guanxi.expressions.evaluate import compile_expression
from guanxi.registry.approvals import Flow, Step, Who

from ..people.absences import Absences
from ..people.organisation import Organisation, Person
from ..records.environment import environment
from .definition import RoutingFault

if TYPE_CHECKING:
    from ..records.work import Work

Row = Mapping[str, Any]
ADMINISTRATOR = "administrator"


@dataclass(frozen=True, slots=True)
class Pick:
    """One person asked. `principal`: for whom; `also`: a delegate who may act beside; `reason`: why this person."""

    user: int
    weight: int = 1
    principal: int | None = None
    also: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Picked:
    """`ask` the people, or the step `passes`, is `rejected`, or is `blocked` because nobody is found."""

    outcome: str
    people: tuple[Pick, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """What a resolution depends on. `row`: the record's values now; `chosen`: people whom the submitter (or the
    approver before) picked, by step; `explicit`: the flow was returned to this step, so nobody is left out for being
    himself.
    """

    flow: Flow
    step: Step
    row: Row
    submitter: int | None
    chosen: Mapping[str, Sequence[int]]
    at: datetime
    explicit: bool = False
    first: bool = False


class Approvers:
    """Resolves steps within one piece of work."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.organisation = Organisation(work.db)
        self.absences = Absences(work.db)

    def pick(self, question: Question) -> Picked:
        """The whole pipeline for one step."""
        step, flow = question.step, question.flow
        found = self.resolve(step.who, question, weights=step.sign.weights)
        found = self._active(found, flow)
        found = self._not_oneself(found, question)
        if not found:
            return self._nobody(question)
        return Picked("ask", tuple(self._delegated(found, question)))

    # sources ----------------------------------------------------------------------------------------
    def resolve(
        self, sources: Sequence[Who], question: Question, *, weights: Mapping[str, int] | None = None
    ) -> list[Pick]:
        """Everybody whom sources name, once each: the first place and the highest weight count."""
        picks: dict[int, Pick] = {}
        for who in sources:
            for user in self._source(who, question):
                picks.setdefault(user, Pick(user, reason=said(who)))
        if not weights:
            return list(picks.values())
        names = self._log_in_names(picks)
        return [replace(pick, weight=weights.get(names.get(user, ""), 1)) for user, pick in picks.items()]

    def _source(self, who: Who, question: Question) -> Sequence[int]:
        if who.kind == "owner":
            return _one(question.row.get("owner"))
        if who.kind == "submitter":
            return _one(question.submitter)
        if who.kind == "user":
            return self._by_names(who.names)
        if who.kind == "role":
            return self._within(self.holders(who.names), who.within, question)
        if who.kind in ("team", "team_tree"):
            return self._members(who.names, tree=who.kind == "team_tree")
        if who.kind == "field":
            return _one(self._path(who.path, question))
        if who.kind == "expression":
            return _one(self._expression(who, question))
        if who.kind in ("submitter_choice", "previous_choice"):
            return tuple(question.chosen.get(question.step.name, ()))
        return self._line(who, question)

    def _line(self, who: Who, question: Question) -> Sequence[int]:
        """Managers and heads of departments above a person."""
        base = self._base(who.of, question)
        if base is None:
            return ()
        if who.kind == "department_head_of":
            return self._head(base, who)
        chain = self.organisation.chains([base], who.level).get(base, ())
        if who.kind == "manager_of":
            if len(chain) >= who.level:
                return (chain[who.level - 1].id,)
            return (chain[-1].id,) if chain and who.nearest else ()
        return self._chain(chain, who)

    def _head(self, base: int, who: Who) -> Sequence[int]:
        head = self.organisation.department_head(base, who.level)
        level = who.level
        while head is None and who.nearest and level > 1:
            level -= 1
            head = self.organisation.department_head(base, level)
        return (head.id,) if head is not None else ()

    def _chain(self, chain: Sequence[Person], who: Who) -> Sequence[int]:
        ids = [person.id for person in chain]
        if who.until:
            holders = set(self.holders((who.until,)))
            end = next((index for index, user in enumerate(ids) if user in holders), len(ids) - 1)
            ids = ids[: end + 1]
        return tuple(reversed(ids)) if who.top_first else tuple(ids)

    def _base(self, of: str, question: Question) -> int | None:
        if of == "submitter":
            return question.submitter
        value = question.row.get("owner") if of == "owner" else self._path(of, question)
        return value if isinstance(value, int) else None

    def _path(self, path: str, question: Question) -> Any:
        """A field, or a path over references, of the record."""
        object_name, row = question.flow.object, question.row
        names = path.split(".")
        for step in names[:-1]:
            info = self.work.room.registry.field(object_name, step)
            if info is None:
                raise RoutingFault(f"'{path}' no longer leads to a person")
            target = row.get(step)
            found = self.work.row(info.type.object, target) if isinstance(target, int) else None
            if found is None:
                return None
            object_name, row = info.type.object, found
        if self.work.room.registry.field(object_name, names[-1]) is None:
            raise RoutingFault(f"'{path}' no longer leads to a person")
        return row.get(names[-1])

    def _expression(self, who: Who, question: Question) -> Any:
        if who.value is None:
            raise RoutingFault("the expression that names people has faults")
        return compile_expression(who.value)(environment(self.work, question.flow.object, question.row))

    # look-ups ---------------------------------------------------------------------------------------
    def holders(self, roles: Iterable[str]) -> Sequence[int]:
        """Live users who have one of the roles, through includes too, by id; the inactive among them."""
        wanted = set(roles)
        names = [name for name, role in self.work.room.registry.roles.items() if wanted & set(role.lineage)]
        if not names:
            return ()
        marks = ", ".join("?" * len(names))
        sql = (
            "SELECT DISTINCT l.source FROM l_user_roles l JOIN o_role r ON r.id = l.target"  # noqa: S608
            " JOIN o_user u ON u.id = l.source WHERE u.deleted_at IS NULL AND r.deleted_at IS NULL"
            f" AND r.name IN ({marks}) ORDER BY l.source"
        )
        return [int(row[0]) for row in self.work.db.rows(self.work.db.sql(sql), names)]

    def _by_names(self, names: Sequence[str]) -> Sequence[int]:
        marks = ", ".join("?" * len(names))
        sql = f"SELECT id, name FROM o_user WHERE deleted_at IS NULL AND name IN ({marks})"  # noqa: S608
        known = {row[1]: int(row[0]) for row in self.work.db.rows(self.work.db.sql(sql), names)}
        return [known[name] for name in names if name in known]

    def _log_in_names(self, users: Iterable[int]) -> Mapping[int, str]:
        rows = ((user, self.work.row("user", user)) for user in users)
        return {user: str(row["name"]) for user, row in rows if row is not None}

    def _members(self, names: Sequence[str], *, tree: bool) -> Sequence[int]:
        marks = ", ".join("?" * len(names))
        sql = f"SELECT id FROM o_team WHERE deleted_at IS NULL AND name IN ({marks}) ORDER BY id"  # noqa: S608
        teams = [int(row[0]) for row in self.work.db.rows(self.work.db.sql(sql), names)]
        return sorted({one.id for team in teams for one in self.organisation.members(team, tree=tree)})

    def _within(self, users: Sequence[int], of: str, question: Question) -> Sequence[int]:
        """Those of the department (or, without one, the team) of the submitter or owner."""
        if not of:
            return users
        base = self._base(of, question)
        if base is None:
            return ()
        departments = self.organisation.departments(base)
        person = self.organisation.people([base]).get(base)
        team = departments[0].id if departments else person.team if person is not None else None
        if team is None:
            return ()
        inside = {one.id for one in self.organisation.members(team)}
        return [user for user in users if user in inside]

    # replacing --------------------------------------------------------------------------------------
    def admins(self, flow: Flow) -> list[int]:
        """Those who look after the flow, active ones; the administrators when it names nobody."""
        question = Question(flow, next(flow.all_steps()), {}, None, {}, self.work.now)
        found = [pick.user for pick in self.resolve(flow.admin, question)] if flow.admin else []
        found = found or list(self.holders((ADMINISTRATOR,)))
        people = self.organisation.people(found)
        return [user for user in found if user in people and people[user].active]

    def _active(self, found: Sequence[Pick], flow: Flow) -> list[Pick]:
        """Somebody inactive gives way to his delegation, else the nearest active manager, else the administrators."""
        people = self.organisation.people([pick.user for pick in found])
        kept: list[Pick] = []
        for pick in found:
            person = people.get(pick.user)
            if person is not None and person.active:
                kept.append(pick)
                continue
            kept.extend(
                replace(pick, user=user, reason=f"inactive:{pick.user}") for user in self.instead(pick.user, flow)
            )
        return unique(kept)

    def instead(self, user: int, flow: Flow) -> Sequence[int]:
        """Who stands in for somebody inactive."""
        delegated = self.absences.delegate_of(user, self.work.now, flow.name)
        if delegated is not None:
            return (delegated.delegate,)
        chain = self.organisation.chains([user]).get(user, ())
        manager = next((person.id for person in chain if person.active), None)
        return (manager,) if manager is not None else self.admins(flow)

    def oneself(self, question: Question) -> frozenset[int]:
        """Who counts as deciding on his own behalf."""
        found = {question.submitter}
        if question.flow.self_is == "both":
            found.add(question.row.get("owner"))
        return frozenset(user for user in found if isinstance(user, int))

    def others(self, users: Sequence[int], question: Question) -> list[int]:
        """Those who would not decide on their own behalf, where the step forbids that."""
        if (question.step.self_policy or question.flow.self_policy) == "allow":
            return list(users)
        selves = self.oneself(question)
        return [user for user in users if user not in selves]

    def _not_oneself(self, found: Sequence[Pick], question: Question) -> list[Pick]:
        policy = question.step.self_policy or question.flow.self_policy
        if policy == "allow" or question.explicit:
            return list(found)
        selves = self.oneself(question)
        if not any(pick.user in selves for pick in found):
            return list(found)
        others = [pick for pick in found if pick.user not in selves]
        if policy == "forbid" or (policy == "skip" and others):
            return others
        kept = list(others)
        for pick in found:
            if pick.user in selves:
                kept.extend(self._above(pick, policy, selves, question))
        return unique(kept)

    def _above(self, pick: Pick, policy: str, selves: frozenset[int], question: Question) -> list[Pick]:
        """The manager or head of department instead of oneself; the administrators when there is nobody."""
        reason = f"self:{pick.user}"
        if policy == "to_department_head":
            heads = (self.organisation.department_head(pick.user, level) for level in range(1, 11))
            head = next((p.id for p in heads if p is not None and p.active and p.id not in selves), None)
            if head is not None:
                return [replace(pick, user=head, reason=reason)]
        chain = self.organisation.chains([pick.user]).get(pick.user, ())
        manager = next((p.id for p in chain if p.active and p.id not in selves), None)
        if manager is not None:
            return [replace(pick, user=manager, reason=reason)]
        return [replace(pick, user=user, reason=reason) for user in self.admins(question.flow) if user not in selves]

    def _nobody(self, question: Question) -> Picked:
        step, flow = question.step, question.flow
        policy = step.empty or flow.empty
        if policy == "auto_pass":
            return Picked("passes", reason="nobody")
        if policy == "auto_reject":
            return Picked("rejected", reason="nobody")
        if policy == "block":
            return Picked("blocked", reason="nobody")
        if policy == "assign":
            assigned = self.resolve(step.assign if step.empty else flow.assign, question)
            users = [pick.user for pick in self._active(assigned, flow)]
        else:
            users = self.admins(flow)
        users = self.others(users, question)
        if not users:
            raise RoutingFault(f"nobody can be asked in '{step.name}'")
        return Picked("ask", tuple(self._delegated([Pick(user, reason="nobody") for user in users], question)))

    def _delegated(self, found: Sequence[Pick], question: Question) -> list[Pick]:
        """People who are away hand over; a delegate who would decide on his own behalf does not."""
        rules = self.absences.delegates_of([pick.user for pick in found], question.at, question.flow.name)
        policy = question.step.self_policy or question.flow.self_policy
        selves = self.oneself(question) if policy != "allow" else frozenset()
        kept: list[Pick] = []
        for pick in found:
            rule = rules.get(pick.user)
            if rule is None or rule.delegate in selves:
                kept.append(pick)
            elif rule.mode == "share":
                kept.append(replace(pick, also=rule.delegate))
            else:
                kept.append(replace(pick, user=rule.delegate, principal=pick.user, reason="delegation"))
        return unique(kept) if question.step.sign.mode == "any" else kept


def unique(found: Iterable[Pick]) -> list[Pick]:
    """Each person once: the first place, the highest weight."""
    kept: dict[int, Pick] = {}
    for pick in found:
        known = kept.get(pick.user)
        if known is None:
            kept[pick.user] = pick
        elif pick.weight > known.weight:
            kept[pick.user] = replace(known, weight=pick.weight)
    return list(kept.values())


def said(who: Who) -> str:
    """A source in a word, for the story."""
    what = who.path or who.of if who.kind.endswith("_of") or who.kind == "field" else ",".join(who.names)
    return f"{who.kind}:{what}" if what else who.kind


def _one(value: Any) -> Sequence[int]:
    if isinstance(value, int) and not isinstance(value, bool):
        return (value,)
    return tuple(one for one in value if isinstance(one, int)) if isinstance(value, list | tuple) else ()
