"""Functions on numbers. Rounding is half to even throughout; see `decimals` for the limits."""

from __future__ import annotations

from decimal import Decimal

from .. import decimals as d
from .model import Entry, Function

TO_DECIMAL = Function("to_decimal", ("integer",), "decimal", Decimal, "({0})::numeric", "gx_dec({0}, 0)")
ABS_INTEGER = Function("abs_integer", ("integer",), "integer", d.absolute, "gx_int(abs(({0})::numeric))")
ABS_DECIMAL = Function("abs_decimal", ("decimal",), "decimal", d.absolute, "abs({0})")
ROUND_INTEGER = Function("round_integer", ("integer", "integer"), "integer", d.round_number,
                         "gx_int(gx_round(({0})::numeric, {1}))")  # fmt: skip
ROUND_DECIMAL = Function("round_decimal", ("decimal", "integer"), "decimal", d.round_number,
                         "gx_limit(gx_round({0}, {1}))")  # fmt: skip
ROUND_WHOLE = Function("round_whole", ("decimal",), "integer", d.round_whole, "gx_int(gx_round({0}, 0))")
FLOOR = Function("floor", ("decimal",), "integer", d.floor, "gx_int(floor({0}))")
CEIL = Function("ceil", ("decimal",), "integer", d.ceiling, "gx_int(ceil({0}))")
SAME = Function("same", ("integer",), "integer", lambda n: n, "{0}", "{0}")
MIN = Function("least", ("any", "any"), "any", min, "gx_least(ARRAY[{all}])", "min({all})", variadic=True)
MAX = Function("greatest", ("any", "any"), "any", max, "gx_greatest(ARRAY[{all}])", "max({all})", variadic=True)

ENTRIES = (
    Entry("abs", "numbers", "abs(number) → the same", "The size of a number, without its sign.",
          functions=(("integer", ABS_INTEGER), ("decimal", ABS_DECIMAL)), result="first",
          examples=(("abs(-5)", 5), ("abs(-1.5)", Decimal("1.5")))),
    Entry("round", "numbers", "round(number) → integer; round(number, digits) → decimal",
          "Rounded, ties to the even neighbour as Python does it. `digits` is a written number from -12 to 12.",
          form="round", functions=(("integer", ROUND_INTEGER), ("decimal", ROUND_DECIMAL), ("whole", ROUND_WHOLE)), least=1, most=2,
          examples=(("round(2.5)", 2), ("round(3.5)", 4), ("round(1.005, 2)", Decimal("1.00")), ("round(1250, -2)", 1200))),
    Entry("floor", "numbers", "floor(number) → integer", "The next whole number below.",
          functions=(("integer", SAME), ("decimal", FLOOR)), result="integer", examples=(("floor(-1.5)", -2), ("floor(7)", 7))),
    Entry("ceil", "numbers", "ceil(number) → integer", "The next whole number above.",
          functions=(("integer", SAME), ("decimal", CEIL)), result="integer", examples=(("ceil(1.2)", 2), ("ceil(-1.5)", -1))),
    Entry("min", "numbers", "min(a, b, …) → the same; min(list.field, condition) → the field's type",
          "The smallest of several values (blank when one is blank), or of the children's values (blanks left out).",
          form="extreme", functions=(("any", MIN),), least=1, most=50,
          examples=(("min(3, 1, 2)", 1), ("min(1, 0.5)", Decimal("0.5")), ('min("b", "a")', "a"), ("min(1, None)", None))),
    Entry("max", "numbers", "max(a, b, …) → the same; max(list.field, condition) → the field's type",
          "The greatest of several values (blank when one is blank), or of the children's values (blanks left out).",
          form="extreme", functions=(("any", MAX),), least=1, most=50,
          examples=(("max(3, 1, 2)", 3), ('max(date("2024-01-01"), date("2023-12-31")) == date("2024-01-01")', True))),
)  # fmt: skip
