"""Text functions. Positions and lengths count code points; an empty result is blank."""

from __future__ import annotations

from decimal import Decimal

from .. import casing
from ..decimals import decimal_text
from ..limits import MAX_TEXT
from .model import Entry, Function

WHITE_SPACE = (
    "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f \x85\xa0\u1680"
    + "".join(map(chr, range(0x2000, 0x200B)))
    + ("\u2028\u2029\u202f\u205f\u3000")
)


def _bounded(text: str) -> str | None:
    return text if 0 < len(text) <= MAX_TEXT else None


def _concat(*parts: str | None) -> str | None:
    return _bounded("".join(p for p in parts if p is not None))


def _replace(text: str, old: str, new: str | None) -> str | None:
    new = new or ""
    if len(text) + text.count(old) * (len(new) - len(old)) > MAX_TEXT:
        return None
    return text.replace(old, new) or None


def _clamp(count: int) -> int:
    return min(max(count, 0), MAX_TEXT)


def _right(text: str, count: int) -> str | None:
    return text[len(text) - min(_clamp(count), len(text)) :] or None


def _digits(text: str) -> str | None:
    return "".join(c for c in text if c in "0123456789") or None


LOWER = Function("lower", ("text",), "text", casing.lower, "gx_lower({0})")
UPPER = Function("upper", ("text",), "text", casing.upper, "gx_upper({0})")
TRIM = Function("trim", ("text",), "text", lambda t: t.strip(WHITE_SPACE) or None, "gx_trim({0})")
LENGTH = Function("length", ("text",), "integer", len, "char_length({0})::bigint", "length({0})")
CONTAINS = Function(
    "contains",
    ("text", "text"),
    "boolean",
    lambda t, part: casing.fold(part) in casing.fold(t),
    "(strpos(gx_fold({0}), gx_fold({1})) > 0)",
)
STARTS = Function(
    "starts_with", ("text", "text"), "boolean", str.startswith, "starts_with({0}, {1})", "(instr({0}, {1}) = 1)"
)
ENDS = Function("ends_with", ("text", "text"), "boolean", str.endswith, "(right({0}, char_length({1})) = {1})")
CONCAT = Function("concat", ("text",), "text", _concat, "gx_concat(ARRAY[{all}])", variadic=True, strict=False)
JOIN = Function("join_texts", ("text", "text"), "text", lambda left, right: _bounded(left + right), "gx_join({0}, {1})")
LEFT = Function("left", ("text", "integer"), "text", lambda t, n: t[: _clamp(n)] or None, "gx_left({0}, {1})")
RIGHT = Function("right", ("text", "integer"), "text", _right, "gx_right({0}, {1})")
REPLACE = Function(
    "replace",
    ("text", "text", "text"),
    "text",
    lambda t, old, new: None if t is None or old is None else _replace(t, old, new),
    "gx_replace({0}, {1}, {2})",
    strict=False,
)
DIGITS = Function("digits", ("text",), "text", _digits, "gx_digits({0})")
NUMBER_TEXT = Function(
    "number_text",
    ("number",),
    "text",
    lambda n: decimal_text(n) if isinstance(n, Decimal) else str(n),
    "gx_number_text({0})",
)
DATE_TEXT = Function("date_text", ("date",), "text", lambda d: d.isoformat(), "gx_date_text({0})", "{0}")

ENTRIES = (
    Entry("lower", "text", "lower(text) → text", "In small letters, character by character.",
          functions=(("text", LOWER),), result="text", examples=(('lower("ABC é Ü")', "abc é ü"), ('lower("İ")', "i"))),
    Entry("upper", "text", "upper(text) → text", "In capital letters, character by character.",
          functions=(("text", UPPER),), result="text", examples=(('upper("abc ß é")', "ABC ß É"),)),
    Entry("trim", "text", "trim(text) → text", "Without white space at both ends.",
          functions=(("text", TRIM),), result="text", examples=(('trim("  a b　")', "a b"), ('trim("  ")', None))),
    Entry("length", "text", "length(text) → integer", "The number of characters.",
          functions=(("text", LENGTH),), result="integer", examples=(('length("客户😀")', 3), ('length("")', None))),
    Entry("contains", "text", "contains(text, part) → boolean",
          "Whether the part occurs in the text; case is ignored. Also contains(tags, option), the same as option in tags.",
          form="contains", functions=(("text", CONTAINS),), least=2, most=2, result="boolean",
          examples=(('contains("Straße", "STRASSE")', True), ('contains("华北公司", "公司")', True), ('contains("ab", "ba")', False))),
    Entry("starts_with", "text", "starts_with(text, part) → boolean", "Whether the text begins with the part, case included.",
          functions=(("text", STARTS),), least=2, most=2, result="boolean",
          examples=(('starts_with("Acme", "Ac")', True), ('starts_with("Acme", "ac")', False))),
    Entry("ends_with", "text", "ends_with(text, part) → boolean", "Whether the text ends with the part, case included.",
          functions=(("text", ENDS),), least=2, most=2, result="boolean",
          examples=(('ends_with("北京公司", "公司")', True), ('ends_with("b", "ab")', False))),
    Entry("concat", "text", "concat(a, b, …) → text",
          "The texts one after the other, blanks left out. Numbers and dates are written plainly (1.5, 2026-03-01).",
          form="concat", functions=(("text", CONCAT),), least=1, most=50, result="text",
          examples=(('concat("a", None, "b")', "ab"), ('concat("n", 5, 1.50)', "n51.5"), ('concat(None)', None))),
    Entry("left", "text", "left(text, n) → text", "The first n characters.",
          functions=(("text", LEFT),), least=2, most=2, result="text", examples=(('left("客户关系", 2)', "客户"), ('left("a", 0)', None))),
    Entry("right", "text", "right(text, n) → text", "The last n characters.",
          functions=(("text", RIGHT),), least=2, most=2, result="text", examples=(('right("abc", 2)', "bc"), ('right("abc", 9)', "abc"))),
    Entry("replace", "text", "replace(text, old, new) → text",
          'Every `old` replaced by `new`; a blank `new` takes it away.',
          functions=(("text", REPLACE),), least=3, most=3, result="text",
          examples=(('replace("a-b-c", "-", "")', "abc"), ('replace("aaa", "aa", "b")', "ba"))),
    Entry("digits", "text", "digits(text) → text", "Only the digits 0 to 9 of the text.",
          functions=(("text", DIGITS),), result="text", examples=(('digits("+86 (10) 5")', "86105"), ('digits("x")', None))),
)  # fmt: skip
