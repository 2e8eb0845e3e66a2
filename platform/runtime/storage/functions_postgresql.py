"""Expression functions in PostgreSQL: `gx_*`, immutable and safe for parallel plans.

Each answers exactly what the Python implementation answers; the differential test holds them to it. Years run from 1 to
9999, text is compared by code point, numbers keep the limits of `expressions.decimals`.
"""

from __future__ import annotations

from guanxi.expressions.functions.text import WHITE_SPACE
from guanxi.expressions.limits import DECIMAL_SCALE, DIVISION_SCALE, MAX_DIGITS, MAX_TEXT
from guanxi.expressions.zones import MAX_SHIFT

_SPACES = "".join(f"\\{ord(c):04X}" for c in WHITE_SPACE)
_TAIL = "IMMUTABLE PARALLEL SAFE"
_STRICT = f"STRICT {_TAIL}"


def _plpgsql(signature: str, returns: str, body: str, strict: bool = True, declare: str = "") -> str:
    tail = _STRICT if strict else _TAIL
    declared = f"DECLARE {declare} " if declare else ""
    return f"CREATE OR REPLACE FUNCTION {signature} RETURNS {returns} LANGUAGE plpgsql {tail} AS $gx$ {declared}BEGIN {body} END $gx$"


def _sql(signature: str, returns: str, body: str, strict: bool = True) -> str:
    tail = _STRICT if strict else _TAIL
    return f"CREATE OR REPLACE FUNCTION {signature} RETURNS {returns} LANGUAGE sql {tail} AS $gx$ SELECT {body} $gx$"


_NUMBERS = [
    _plpgsql(
        "gx_round(x numeric, digits bigint)",
        "numeric",
        # The tie goes to the even neighbour: numeric's own round() takes it away from zero.
        "r := round(x, digits::int); d := (r - x) * power(10::numeric, digits + 1);"
        " IF abs(d) = 5 THEN"
        "  IF mod(trunc(r * power(10::numeric, digits)), 2) <> 0 THEN"
        "   r := round(r - sign(d) * power(10::numeric, -digits), digits::int); END IF;"
        " END IF; RETURN r;",
        declare="r numeric; d numeric;",
    ),
    _plpgsql(
        "gx_limit(x numeric)",
        "numeric",
        f"IF scale(x) > {DECIMAL_SCALE} THEN x := gx_round(x, {DECIMAL_SCALE}); END IF;"
        f" IF abs(x) < 1e{MAX_DIGITS} THEN RETURN x; END IF; RETURN NULL;",
    ),
    _plpgsql(
        "gx_int(x numeric)",
        "bigint",
        "IF x BETWEEN -9223372036854775808 AND 9223372036854775807 THEN RETURN x::bigint; END IF; RETURN NULL;",
    ),
    _plpgsql(
        "gx_divide(a numeric, b numeric)",
        "numeric",
        f"IF b = 0 THEN RETURN NULL; END IF; n := a * 1e{DIVISION_SCALE}; q := div(n, b); r := abs(n - q * b) * 2;"
        " IF r > abs(b) OR (r = abs(b) AND mod(q, 2) <> 0) THEN"
        "  q := q + CASE WHEN sign(n) = sign(b) THEN 1 ELSE -1 END; END IF;"
        f" RETURN gx_limit(q * 1e-{DIVISION_SCALE});",
        declare="n numeric; q numeric; r numeric;",
    ),
    _plpgsql(
        "gx_floor_divide(a numeric, b numeric)",
        "numeric",
        "IF b = 0 THEN RETURN NULL; END IF; q := div(a, b); r := a - q * b;"
        " IF r <> 0 AND sign(r) <> sign(b) THEN q := q - 1; END IF; RETURN gx_limit(q);",
        declare="q numeric; r numeric;",
    ),
    _plpgsql(
        "gx_modulo(a numeric, b numeric)",
        "numeric",
        "IF b = 0 THEN RETURN NULL; END IF; r := a - div(a, b) * b;"
        " IF r <> 0 AND sign(r) <> sign(b) THEN r := r + b; END IF; RETURN gx_limit(r);",
        declare="r numeric;",
    ),
    _sql("gx_number_text(x numeric)", "text", "trim_scale(x)::text"),
    _sql(
        "gx_least(v anyarray)",
        "anyelement",
        "CASE WHEN array_position(v, NULL) IS NULL THEN (SELECT min(x) FROM unnest(v) AS x) END",
    ),
    _sql(
        "gx_greatest(v anyarray)",
        "anyelement",
        "CASE WHEN array_position(v, NULL) IS NULL THEN (SELECT max(x) FROM unnest(v) AS x) END",
    ),
]
_TEXT = [
    _sql("gx_lower(t text)", "text", "lower(t COLLATE pg_c_utf8)"),
    _sql("gx_upper(t text)", "text", "upper(t COLLATE pg_c_utf8)"),
    _sql("gx_fold(t text)", "text", "casefold(t COLLATE pg_unicode_fast)"),
    _sql("gx_trim(t text)", "text", f"nullif(btrim(t, U&'{_SPACES}'), '')"),
    _sql("gx_digits(t text)", "text", "nullif(regexp_replace(t, '[^0-9]', '', 'g'), '')"),
    _sql("gx_bounded(t text)", "text", f"CASE WHEN t <> '' AND char_length(t) <= {MAX_TEXT} THEN t END"),
    _sql("gx_concat(v text[])", "text", "gx_bounded(array_to_string(v, ''))"),
    _sql("gx_join(a text, b text)", "text", "gx_bounded(a || b)"),
    _sql("gx_left(t text, n bigint)", "text", f"nullif(left(t, greatest(0, least(n, {MAX_TEXT}))::int), '')"),
    _sql("gx_right(t text, n bigint)", "text", f"nullif(right(t, greatest(0, least(n, {MAX_TEXT}))::int), '')"),
    _plpgsql(
        "gx_replace(t text, old text, new text)",
        "text",
        "IF t IS NULL OR old IS NULL OR old = '' THEN RETURN NULL; END IF; new := coalesce(new, '');"
        " n := (char_length(t) - char_length(replace(t, old, ''))) / char_length(old);"
        f" IF char_length(t) + n::bigint * (char_length(new) - char_length(old)) > {MAX_TEXT} THEN RETURN NULL; END IF;"
        " RETURN nullif(replace(t, old, new), '');",
        strict=False,
        declare="n int;",
    ),
    _sql("gx_date_text(d date)", "text", "to_char(d, 'YYYY-MM-DD')"),
]
_FIRST, _LAST = "DATE '0001-01-01'", "DATE '9999-12-31'"
_FIRST_AT, _LAST_AT = "TIMESTAMPTZ '0001-01-01 00:00:00+00'", "TIMESTAMPTZ '9999-12-31 23:59:59.999999+00'"
_TIME = [
    _sql("gx_day_ok(d date)", "date", f"CASE WHEN d BETWEEN {_FIRST} AND {_LAST} THEN d END"),
    _sql("gx_at_ok(t timestamptz)", "timestamptz", f"CASE WHEN t BETWEEN {_FIRST_AT} AND {_LAST_AT} THEN t END"),
    _sql(
        "gx_local_date(t timestamptz, zone text)",
        "date",
        f"greatest({_FIRST}, least({_LAST}, (t AT TIME ZONE zone)::date))",
    ),
    _plpgsql(
        "gx_add_days(d date, n bigint)",
        "date",
        f"IF n NOT BETWEEN -{MAX_SHIFT} AND {MAX_SHIFT} THEN RETURN NULL; END IF; RETURN gx_day_ok(d + n::int);",
    ),
    _plpgsql(
        "gx_add_months(d date, n bigint)",
        "date",
        "IF n NOT BETWEEN -120000 AND 120000 THEN RETURN NULL; END IF; RETURN gx_day_ok((d + make_interval(months => n::int))::date);",
    ),
    _plpgsql(
        "gx_moved(t timestamptz, day date, zone text)",
        "timestamptz",
        "RETURN gx_at_ok((day + (t AT TIME ZONE zone)::time) AT TIME ZONE zone);",
    ),
    _sql(
        "gx_add_days_at(t timestamptz, n bigint, zone text)",
        "timestamptz",
        "gx_moved(t, gx_add_days(gx_day_ok((t AT TIME ZONE zone)::date), n), zone)",
    ),
    _sql(
        "gx_add_months_at(t timestamptz, n bigint, zone text)",
        "timestamptz",
        "gx_moved(t, gx_add_months(gx_day_ok((t AT TIME ZONE zone)::date), n), zone)",
    ),
    _plpgsql(
        "gx_add_hours(t timestamptz, n bigint)",
        "timestamptz",
        f"IF n NOT BETWEEN {-MAX_SHIFT * 24} AND {MAX_SHIFT * 24} THEN RETURN NULL; END IF; RETURN gx_at_ok(t + make_interval(hours => n::int));",
    ),
    _sql(
        "gx_hours_between(a timestamptz, b timestamptz)",
        "bigint",
        "floor(extract(epoch FROM b - a) / 3600)::bigint",
    ),
    _plpgsql(
        "gx_working_up_to(d date, week text, off_days date[], on_days date[])",
        "bigint",
        # Working days from 0001-01-01, a Monday, up to and including d.
        f"n := d - {_FIRST} + 1;"
        " RETURN n / 7 * char_length(replace(week, '0', '')) + char_length(replace(left(week, n % 7), '0', ''))"
        " - width_bucket(d, off_days) + width_bucket(d, on_days);",
        declare="n int;",
    ),
    _sql(
        "gx_working_days(a date, b date, week text, off_days date[], on_days date[])",
        "bigint",
        "gx_working_up_to(b, week, off_days, on_days) - gx_working_up_to(a, week, off_days, on_days)",
    ),
]


def postgres_ddl() -> list[str]:
    """Statements that create the functions or bring them up to date, in order."""
    return [*_NUMBERS, *_TEXT, *_TIME]
