"""Names that the checker builds into terms of the tree: blanks, people, children, changes."""

from __future__ import annotations

from .model import Entry

ENTRIES = (
    Entry("blank", "blank", "blank(x) → boolean", "Whether there is no value. An empty text and an empty list are blank.",
          form="blank", result="boolean", examples=(("blank(None)", True), ('blank("a")', False), ('blank("")', True))),
    Entry("filled", "blank", "filled(x) → boolean", "Whether there is a value.", form="blank", result="boolean",
          examples=(("filled(0)", True), ("filled(None)", False))),
    Entry("coalesce", "blank", "coalesce(a, b, …) → their common type", "The first value that is not blank.", form="coalesce",
          least=1, most=50, examples=(("coalesce(None, 2, 3)", 2), ('coalesce("", "x")', "x"), ("coalesce(None, None)", None))),
    Entry("has_role", "people", 'has_role("name") → boolean', "Whether the caller has the role, directly or through another.",
          form="has_role", result="boolean"),
    Entry("in_team", "people", 'in_team("name") → boolean; in_team(team) → boolean', "Whether the caller is in the team.",
          form="in_team", result="boolean"),
    Entry("reports_to", "people", "reports_to(user) → boolean",
          "Whether that user is below the caller in the line of managers: reports_to(owner) holds for the owner's managers.",
          form="reports_to", result="boolean"),
    Entry("count", "children", "count(list, condition) → integer", "How many children there are, or meet the condition.",
          form="aggregate", most=2, result="integer"),
    Entry("sum", "children", "sum(list.field, condition) → the field's type", "The sum over the children; 0 for none.",
          form="aggregate", most=2),
    Entry("avg", "children", "avg(list.field, condition) → decimal",
          "The mean of the values that are not blank, to ten digits; blank for none.", form="aggregate", most=2, result="decimal"),
    Entry("any", "children", "any(list, condition) → boolean", "Whether a child meets the condition; without one: whether there is a child.",
          form="aggregate", most=2, result="boolean"),
    Entry("all", "children", "all(list, condition) → boolean", "Whether every child meets the condition; true for none.",
          form="aggregate", least=2, most=2, result="boolean"),
    Entry("changed", "change", "changed(field) → boolean", "Whether the field's value changes; on create: whether it is filled.",
          form="changed", result="boolean"),
    Entry("was", "change", "was(field, value) → boolean", "Whether the field had that value before the change.", form="was",
          least=2, most=2, result="boolean"),
    Entry("is_new", "change", "is_new() → boolean", "Whether the record is being created.", form="is_new", least=0, most=0, result="boolean"),
)  # fmt: skip
