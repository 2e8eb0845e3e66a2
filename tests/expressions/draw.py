"""Typed expressions drawn at random, as text: what can be written is drawn, wrong types are not."""

from __future__ import annotations

import random

from guanxi.expressions.printer import quote

from .model import AMOUNTS, DATES, FORMULAS, INTEGERS, MOMENTS, RELATED, STORED, TEXTS, model

NUMERIC = ("integer", "decimal")
HOPS = {o: [n for n, k in f.items() if k.kind == "reference"] for o, f in STORED.items()}
LISTS = {o: list(r) for o, r in RELATED.items()}
LISTS["deal"] = [*LISTS["deal"], "products"]


class Draw:
    """Draws for one object in focus; `outer` is the object around a child condition."""

    def __init__(self, rng: random.Random, object_name: str = "deal", outer: str = "") -> None:
        self.rng = rng
        self.object = object_name
        self.outer = outer

    def pick(self, *choices: str) -> str:
        return self.rng.choice(choices)

    # fields -----------------------------------------------------------------------------------------
    def path(self, kind: str) -> str | None:
        """A field of that kind, perhaps behind references."""
        object_name, prefix = self.object, ""
        if self.outer and self.rng.random() < 0.25:
            object_name, prefix = self.outer, "outer."
        elif self.rng.random() < 0.06:
            object_name, prefix = "user", "me."
        for _ in range(self.rng.choice([0, 0, 0, 1, 1, 2, 3])):
            if not HOPS[object_name]:
                break
            hop = self.rng.choice(HOPS[object_name])
            prefix += hop + "."
            object_name = STORED[object_name][hop].object
        found = [n for n, k in STORED[object_name].items() if k.kind == kind]
        for name in FORMULAS.get(object_name, {}):
            info = model().field(object_name, name)
            if info is not None and info.type.kind == kind:
                found.append(name)
        return prefix + self.rng.choice(found) if found else None

    def field(self, kind: str) -> str:
        return self.path(kind) or self.literal(kind)

    def literal(self, kind: str) -> str:
        if self.rng.random() < 0.03:
            return "None"
        match kind:
            case "text":
                return quote(self.rng.choice(TEXTS).replace("\ud7ff", "a"))
            case "choice":
                return self.pick('"new"', '"won"', '"lost"')
            case "integer":
                return str(self.rng.choice([i for i in INTEGERS if i > -(2**63)]))
            case "decimal":
                return self.pick(*AMOUNTS, "0.1", "33.3333333", "2.675", "100000000000000000000.5") + (
                    ".0" if self.rng.random() < 0 else ""
                )
            case "boolean":
                return self.pick("true", "false")
            case "date":
                return f'date("{self.rng.choice(DATES)}")'
            case "datetime":
                return f'datetime("{self.rng.choice(MOMENTS)}Z")'
            case "time":
                return self.pick('"09:30"', '"00:00:00"')
            case "reference":
                return str(self.rng.randint(1, 5))
        raise ValueError(kind)

    # values -----------------------------------------------------------------------------------------
    def value(self, kind: str, depth: int) -> str:
        if depth <= 0 or self.rng.random() < 0.25:
            return self.field(kind) if self.rng.random() < 0.7 else self.literal(kind)
        if self.rng.random() < 0.15 and kind != "time":
            return self.general(kind, depth - 1)
        return getattr(self, f"_{kind}")(depth - 1)

    def general(self, kind: str, depth: int) -> str:
        a, b = self.value(kind, depth), self.value(kind, depth)
        if self.rng.random() < 0.5:
            return f"({a} if {self.condition(depth)} else {b})"
        return f"coalesce({a}, {b})"

    def _text(self, depth: int) -> str:
        a = self.value("text", depth)
        n = self.value("integer", depth - 2)
        return self.pick(
            f"lower({a})", f"upper({a})", f"trim({a})", f"left({a}, {n})", f"right({a}, {n})", f"digits({a})",
            f"({a} + {self.value('text', depth)})", f"concat({a}, {self.value('integer', depth)}, {self.value('date', depth)})",
            f"concat({self.value('decimal', depth)}, {a})", f"replace({a}, {self.value('text', depth)}, {self.value('text', depth)})",
            f"max({a}, {self.value('text', depth)})", self.aggregate("min", "text", depth), f"concat({self.value('choice', depth)})",
        )  # fmt: skip

    def _choice(self, depth: int) -> str:
        return self.general("choice", depth)

    def _integer(self, depth: int) -> str:
        a, b = self.value("integer", depth), self.value("integer", depth)
        day, instant = self.value("date", depth), self.value("datetime", depth)
        return self.pick(
            f"({a} + {b})", f"({a} - {b})", f"({a} * {b})", f"({a} // {b})", f"({a} % {b})", f"-({a})", f"abs({a})",
            f"min({a}, {b})", f"max({a}, {b})", f"length({self.value('text', depth)})", f"round({self.value('decimal', depth)})",
            f"floor({self.value('decimal', depth)})", f"ceil({self.value('decimal', depth)})", f"round({a}, -2)",
            f"year({day})", f"month({instant})", f"day({day})", f"weekday({instant})",
            f"days_between({day}, {instant})", f"days_since({day})", f"days_since({instant})", f"hours_since({instant})",
            f"working_days_since({day})", f"working_days_between({day}, {instant}, \"shop\")",
            self.aggregate("sum", "integer", depth), self.aggregate("max", "integer", depth), self.count(depth), self.count(depth),
        )  # fmt: skip

    def _decimal(self, depth: int) -> str:
        a, b = self.value("decimal", depth), self.value(self.rng.choice(NUMERIC), depth)
        return self.pick(
            f"({a} + {b})", f"({a} - {b})", f"({a} * {b})", f"({a} / {b})", f"({b} / {a})", f"({a} // {b})", f"({a} % {b})",
            f"-({a})", f"abs({a})", f"min({a}, {b})", f"max({b}, {a})", f"round({a}, 2)", f"round({a}, -1)",
            f"({self.value('integer', depth)} / {self.value('integer', depth)})",
            self.aggregate("sum", "decimal", depth), self.aggregate("avg", self.rng.choice(NUMERIC), depth),
            self.aggregate("min", "decimal", depth),
        )  # fmt: skip

    def _date(self, depth: int) -> str:
        day, n = self.value(self.rng.choice(["date", "datetime"]), depth), self.small(depth)
        only = self.value("date", depth)
        only = "today()" if only == "None" else only
        return self.pick(
            "today()", f"date({self.value('datetime', depth)})", f"add_days({only}, {n})", f"add_months({only}, {n})",
            f"start_of_month({day})", f"start_of_quarter({day})", f"start_of_year({day})", f"max({only}, today())",
            self.aggregate("max", "date", depth),
        )  # fmt: skip

    def _datetime(self, depth: int) -> str:
        at, n = self.value("datetime", depth), self.small(depth)
        at = "now()" if at == "None" else at
        return self.pick("now()", f"add_days({at}, {n})", f"add_months({at}, {n})", f"add_hours({at}, {n})",
                         self.aggregate("max", "datetime", depth))  # fmt: skip

    def _time(self, depth: int) -> str:
        return self.field("time")

    def _boolean(self, depth: int) -> str:
        return self.condition(depth)

    def _reference(self, depth: int) -> str:
        return self.field("reference")

    def small(self, depth: int) -> str:
        return self.pick("1", "-1", "3", "-12", "14", "400", "0", self.value("integer", depth - 2))

    # lists ------------------------------------------------------------------------------------------
    def listed(self) -> tuple[str, str] | None:
        """A list path and its object."""
        names = list(LISTS.get(self.object, ()))
        if self.object == "deal":
            names.append("account.deals")
        if not names:
            return None
        name = self.rng.choice(names)
        target = "deal" if name == "account.deals" else None
        found = RELATED.get(self.object, {}).get(name)
        target = target or (found.object if found else STORED[self.object][name].object)
        return name, target

    def aggregate(self, function: str, kind: str, depth: int) -> str:
        found = self.listed()
        if found is None or depth < 0:
            return self.field("decimal" if function == "avg" else kind)
        name, target = found
        inner = Draw(self.rng, target, self.object)
        saved, inner.outer = inner.outer, ""
        item = inner.path(kind)
        inner.outer = saved
        if item is None or item.startswith("me."):
            return self.field("decimal" if function == "avg" else kind)
        condition = f", {inner.condition(depth - 1)}" if self.rng.random() < 0.6 else ""
        return f"{function}({name}.{item}{condition})"

    def count(self, depth: int) -> str:
        found = self.listed()
        if found is None:
            return self.field("integer")
        inner = Draw(self.rng, found[1], self.object)
        condition = f", {inner.condition(depth - 1)}" if self.rng.random() < 0.7 else ""
        return f"count({found[0]}{condition})"

    # conditions -------------------------------------------------------------------------------------
    def condition(self, depth: int) -> str:
        if depth <= 0:
            return self.comparison(0)
        return self.rng.choice(
            [self.comparison, self.comparison, self.comparison, self.logic, self.member, self.other]
        )(depth)

    def logic(self, depth: int) -> str:
        a, b = self.condition(depth - 1), self.condition(depth - 1)
        return self.pick(f"({a} and {b})", f"({a} or {b})", f"(not {a})", f"(not ({a} or {b}))", f"({a}) == ({b})")

    def comparison(self, depth: int) -> str:
        kind = self.rng.choice(
            ["text", "choice", "integer", "decimal", "date", "datetime", "time", "reference", "boolean", "days"]
        )
        if kind == "days":
            return self.days(depth)
        if kind == "boolean":
            return self.field("boolean")
        if kind in ("reference",):
            left = self.field("reference")
            return f"{left} {self.pick('==', '!=')} {self.pick(left, 'me' if left.endswith(('owner', 'manager')) else left, self.literal(kind))}"
        left = self.value(kind, depth - 1)
        other = (
            self.rng.choice(NUMERIC) if kind in NUMERIC else self.pick("date", "datetime") if kind == "date" else kind
        )
        right = self.value(other, depth - 1) if self.rng.random() < 0.6 else self.literal(other)
        if "None" in (left, right):
            return f"{left} {self.pick('==', '!=')} {right}"
        if kind == "time" and left.startswith('"'):
            left = "at" if self.object == "deal" else "None"
            return f"{left} {self.pick('==', '!=')} None"
        if kind == "choice" and self.rng.random() < 0.8:
            return f"{left} {self.pick('==', '!=')} {right}"
        if self.rng.random() < 0.1 and kind not in ("time", "choice"):
            return f"({left} < {right} <= {self.field(other)})"
        return f"{left} {self.pick('==', '!=', '<', '<=', '>', '>=')} {right}"

    def days(self, depth: int) -> str:
        op = self.pick("<", "<=", ">", ">=", "==", "!=")
        n = self.pick("0", "1", "15", "-3", "400", "-400")
        text = self.pick(
            f"days_since({self.field('date')})", f"days_since({self.field('datetime')})", f"hours_since({self.field('datetime')})",
            f"working_days_since({self.field('date')})", f"working_days_since({self.field('datetime')}, \"shop\")", self.count(depth),
        )  # fmt: skip
        return f"{text} {op} {n}" if self.rng.random() < 0.8 else f"{n} {op} {text}"

    def member(self, depth: int) -> str:
        word = self.pick("in", "not in")
        if self.rng.random() < 0.35:
            return self.pick(
                f'"red" {word} tags', f"{self.field('text')} {word} tags", f"{self.literal('reference')} {word} products",
                f"{self.field('integer')} {word} products",
            ) if self.object == "deal" else f'"sales" {word} me.roles'  # fmt: skip
        if self.rng.random() < 0.2:
            return self.pick(f"{self.field('text')} {word} me.roles", f"{self.field('integer')} {word} me.teams")
        kind = self.rng.choice(["text", "choice", "integer", "decimal", "date", "datetime"])
        items = [
            self.literal(kind) if self.rng.random() < 0.8 else self.field(kind) for _ in range(self.rng.randint(0, 3))
        ]
        return f"{self.value(kind, depth - 1)} {word} [{', '.join(items)}]"

    def other(self, depth: int) -> str:
        kind = self.rng.choice(["text", "integer", "decimal", "date", "datetime", "boolean", "reference", "time"])
        text, part = self.value("text", depth - 1), self.value("text", depth - 2)
        choices = [
            f"blank({self.value(kind, depth - 1)})", f"filled({self.field(kind)})", f"contains({text}, {part})",
            f"starts_with({text}, {part})", f"ends_with({text}, {part})", 'has_role("sales")', "reports_to(" + self.user() + ")",
            f"in_team({self.pick('owner.team', 'me.team') if self.object in ('deal', 'account') else 'me.team'})", 'in_team("team2")',
        ]  # fmt: skip
        if self.object == "deal":
            choices += ["blank(tags)", "filled(products)", "blank(extra)", "filled(tags)", 'contains(tags, "red")']
        found = self.listed()
        if found is not None:
            inner = Draw(self.rng, found[1], self.object).condition(depth - 1)
            choices += [f"any({found[0]}, {inner})", f"all({found[0]}, {inner})", f"any({found[0]})"]
        return self.rng.choice(choices)

    def user(self) -> str:
        return {"deal": "owner", "account": "owner", "user": "manager"}.get(self.object, "me")
