"""Every kind of change of definitions on both engines: what the plan says, and what the data is afterwards."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from guanxi.common.errors import NotFound
from guanxi.runtime.schema import explain
from guanxi.runtime.schema.introspect import tables
from guanxi.runtime.schema.plan import Plan
from guanxi.runtime.schema.service import NeedsConsent, StalePlanError
from guanxi.runtime.storage.database import Handle
from guanxi.runtime.storage.faults import ForeignKeyViolation, UniqueViolation
from tests.support.evolution import World, codes


@pytest.fixture
def world(database: Handle) -> World:
    return World(database)


LEVELS = {"type": "choice", "options": {"a": None, "b": None, "c": None}}


def test_the_first_version_makes_tables_keys_and_references(world: World) -> None:
    plan = world.publish(
        {
            "order": {"no": {"type": "text", "unique": True}, "customer": {"type": "reference", "to": "customer"}},
            "customer": {"name": "text", "orders_liked": {"type": "references", "to": "order"}},
        }
    )
    assert plan.number == 1
    assert world.service.current() == (1, world.now.fingerprint)
    (customer,) = world.put("customer", {"name": "张三"})
    world.put("order", {"no": "A 1", "customer": customer})
    with pytest.raises(UniqueViolation) as fault:
        world.put("order", {"no": "a  1"})
    assert fault.value.columns == ("u_no",)
    with pytest.raises(ForeignKeyViolation):
        world.put("order", {"no": "A2", "customer": 999})
    assert world.put("order", {"no": None}, {"no": None})


def test_publishing_the_same_again_does_nothing(world: World) -> None:
    world.publish({"customer": {"name": "text"}})
    plan = world.plan({"customer": {"name": "text"}})
    assert plan.empty
    assert "Nothing to do" in explain.text(plan)
    assert world.apply(plan) == 1


def test_a_new_field_is_blank_and_the_others_stay(world: World) -> None:
    world.publish({"customer": {"name": "text"}})
    world.put("customer", {"name": "a"})
    plan = world.publish({"customer": {"name": "text", "revenue": "money", "tags": "tags", "born": "date"}})
    assert not plan.findings
    assert world.all("customer", "name", "revenue", "tags", "born") == [("a", None, None, None)]
    world.put("customer", {"revenue": Decimal("1.50"), "tags": ("x",), "born": date(2000, 2, 29)})
    assert world.all("customer", "revenue", "tags", "born")[1] == (Decimal("1.50"), ("x",), date(2000, 2, 29))


def test_renaming_everything_keeps_everything(world: World) -> None:
    world.publish(
        {
            "customer": {
                "name": {"type": "text", "unique": True, "search": True},
                "level": LEVELS,
                "parent": {"type": "reference", "to": "customer"},
                "products": {"type": "references", "to": "product"},
            },
            "product": {"name": "text"},
        },
        customer={"unique": {"name_level": ["name", "level"]}},
    )
    world.put("product", {"name": "p1"}, {"name": "p2"})
    world.put("customer", {"name": "甲", "level": "a", "products": (2, 1)})
    world.put("customer", {"name": "乙", "level": "b", "parent": 1})
    history = world.db.sql(
        "INSERT INTO gx_history (object, record_id, version, at, action, changes) VALUES (?, ?, ?, ?, ?, ?)"
    )
    world.db.execute(history, ("customer", 1, 1, "x", "create", '{"name":{"from":null,"to":"甲"}}'))
    plan = world.publish(
        {
            "client": {
                "title": {"type": "text", "unique": True, "search": True, "renamed_from": "name"},
                "grade": {
                    "type": "choice",
                    "renamed_from": "level",
                    "options": {"top": {"renamed_from": "a"}, "b": None, "c": None},
                },
                "mother": {"type": "reference", "to": "client", "renamed_from": "parent"},
                "goods": {"type": "references", "to": "ware", "renamed_from": "products"},
            },
            "ware": {"name": "text"},
        },
        client={"renamed_from": "customer", "unique": {"name_level": ["title", "grade"]}},
        ware={"renamed_from": "product"},
    )
    assert not [f for f in plan.findings if f.severity != "note"]
    assert world.all("client", "title", "grade", "mother", "goods") == [("甲", "top", None, (2, 1)), ("乙", "b", 1, ())]
    assert world.db.rows("SELECT object, changes FROM gx_history") == [("client", '{"title":{"from":null,"to":"甲"}}')]
    with pytest.raises(UniqueViolation):
        world.put("client", {"title": "甲"})
    left = {t for t in tables(world.db) if t[:2] in ("o_", "l_")}
    assert left == {"o_client", "o_ware", "l_client_goods"}


def test_a_rename_that_stays_in_the_files_is_done_once(world: World) -> None:
    world.publish({"customer": {"a": "text", "b": "text"}})
    world.put("customer", {"a": "was a", "b": "was b"})
    swapped = {"customer": {"b": {"type": "text", "renamed_from": "a"}, "a": {"type": "text", "renamed_from": "b"}}}
    world.publish(swapped)
    assert world.all("customer", "a", "b") == [("was b", "was a")]
    world.publish({"customer": {**swapped["customer"], "c": "text"}})
    assert world.all("customer", "a", "b") == [("was b", "was a")]


def test_a_dropped_field_needs_consent_and_its_values_stay_aside(world: World) -> None:
    world.publish({"customer": {"name": "text", "note": "text"}})
    world.put("customer", {"name": "a", "note": "x"}, {"name": "b"}, {"name": "c", "note": "z"})
    plan = world.plan({"customer": {"name": "text"}})
    assert codes(plan) == {"values-lost": 2}
    assert plan.findings[0].samples == (1, 3)
    with pytest.raises(NeedsConsent) as refused:
        world.apply(plan)
    assert refused.value.needs == ("customer.note",)
    assert world.all("customer", "note") == [("x",), (None,), ("z",)]
    world.apply(plan, ["customer.note"])
    assert world.db.rows("SELECT x_note_2 FROM o_customer ORDER BY id") == [("x",), (None,), ("z",)]
    assert world.service.purge(2) == ["x_note_2"]
    assert "x_note_2" not in tables(world.db)["o_customer"]


def test_a_field_without_values_goes_without_asking(world: World) -> None:
    world.publish({"customer": {"name": "text", "parent": {"type": "reference", "to": "customer"}}})
    world.put("customer", {"name": "a"})
    assert not world.publish({"customer": {"name": "text"}}).findings


def test_a_dropped_reference_never_holds_a_record_back(world: World) -> None:
    world.publish({"customer": {"parent": {"type": "reference", "to": "customer"}, "name": "text"}})
    world.put("customer", {"name": "a"})
    world.put("customer", {"name": "b", "parent": 1})
    world.publish({"customer": {"name": "text"}}, ["customer.parent"])
    world.db.execute("DELETE FROM o_customer WHERE id = 1")
    assert world.db.rows("SELECT x_parent_2 FROM o_customer") == [(1,)]


def test_dropped_objects_that_refer_to_each_other_go_together_and_come_back(world: World) -> None:
    first = {
        "a": {"b": {"type": "reference", "to": "b"}, "n": "text", "bs": {"type": "references", "to": "b"}},
        "b": {"a": {"type": "reference", "to": "a"}, "n": {"type": "text", "unique": True}},
        "c": {"n": "text"},
    }
    world.publish(first)
    world.put("b", {"n": "b1"})
    world.put("a", {"b": 1, "n": "a1", "bs": (1,)})
    world.change("b", 1, a=1)
    plan = world.plan({"c": {"n": "text"}})
    assert {f.consent: f.count for f in plan.findings} == {"a": 1, "b": 1}
    with pytest.raises(NeedsConsent):
        world.apply(plan, ["a"])
    world.apply(plan, ["a", "b"])
    assert {t for t in tables(world.db) if t[:2] in ("o_", "l_")} == {"o_c"}
    world.apply(world.service.plan_rollback(1))
    assert world.all("a", "b", "n", "bs") == [(1, "a1", (1,))]
    assert world.all("b", "a", "n") == [(1, "b1")]
    assert world.put("a", {"n": "a2"}) == [2]
    with pytest.raises(UniqueViolation):
        world.put("b", {"n": "B1"})
    assert world.service.kept() == []


def test_a_later_object_of_the_same_name_has_no_past(world: World) -> None:
    world.publish({"a": {"n": "text"}, "b": {"n": "text"}})
    world.put("a", {"n": "secret"})
    history = world.db.sql(
        "INSERT INTO gx_history (object, record_id, version, at, action, changes) VALUES (?, ?, ?, ?, ?, ?)"
    )
    world.db.execute(history, ("a", 1, 1, "x", "create", "{}"))
    world.publish({"b": {"n": "text"}}, ["a"])
    world.publish({"a": {"n": "text"}, "b": {"n": "text"}})
    assert world.all("a", "n") == []
    assert world.db.rows("SELECT count(*) FROM gx_history WHERE object = 'a'") == [(0,)]


def test_changing_a_type_converts_and_names_what_does_not_fit(world: World) -> None:
    world.publish({"customer": {"size": "text"}})
    world.put("customer", *({"size": v} for v in ("12", "007", "many", None, "-3")))
    plan = world.plan({"customer": {"size": "integer"}})
    assert codes(plan) == {"not-convertible": 1}
    assert plan.findings[0].samples == (3,)
    world.apply(plan, ["customer.size"])
    assert world.all("customer", "size") == [(12,), (7,), (None,), (None,), (-3,)]
    world.change("customer", 1, size=13)
    world.apply(world.service.plan_rollback(1))
    assert world.all("customer", "size") == [("13",), ("007",), ("many",), (None,), ("-3",)]


@pytest.mark.parametrize(
    ("old", "new", "before", "after"),
    [
        ("integer", "decimal", 12, Decimal(12)),
        ("integer", "text", 12, "12"),
        ("boolean", "text", True, "true"),
        ("text", "boolean", "yes", True),
        ("text", "date", "2026-03-01", date(2026, 3, 1)),
        ("date", "text", date(2026, 3, 1), "2026-03-01"),
        ("text", "long_text", "x\ny", "x\ny"),
        ("text", "email", "Li@Example.com", "Li@example.com"),
        ("text", LEVELS, "b", "b"),
        (LEVELS, {"type": "choices", "options": LEVELS["options"]}, "b", ("b",)),
        ({"type": "choices", "options": LEVELS["options"]}, LEVELS, ("c",), "c"),
        ({"type": "decimal", "digits": 4}, {"type": "decimal", "digits": 2}, Decimal("1.5"), Decimal("1.50")),
    ],
)
def test_values_convert_between_types(world: World, old: object, new: object, before: object, after: object) -> None:
    world.publish({"customer": {"f": old}})
    world.put("customer", {"f": before})
    world.publish({"customer": {"f": new}})
    assert world.all("customer", "f") == [(after,)]


def test_a_reference_becomes_a_list_and_back(world: World) -> None:
    one = {"customer": {"p": {"type": "reference", "to": "product"}}, "product": {"n": "text"}}
    many = {"customer": {"p": {"type": "references", "to": "product"}}, "product": {"n": "text"}}
    world.publish(one)
    world.put("product", {"n": "1"}, {"n": "2"})
    world.put("customer", {"p": 2}, {"p": None}, {"p": 1})
    assert not world.publish(many).findings
    assert world.all("customer", "p") == [((2,),), ((),), ((1,),)]
    world.db.execute("INSERT INTO l_customer_p VALUES (3, 2, 1)")
    plan = world.plan(one)
    assert codes(plan) == {"not-convertible": 1}
    world.apply(plan, ["customer.p"])
    assert world.all("customer", "p") == [(2,), (None,), (None,)]


def test_a_reference_to_another_object_is_a_loss(world: World) -> None:
    both = {"a": {"n": "text"}, "b": {"n": "text"}}
    world.publish({**both, "c": {"r": {"type": "reference", "to": "a"}}})
    world.put("a", {"n": "x"})
    world.put("c", {"r": 1})
    plan = world.plan({**both, "c": {"r": {"type": "reference", "to": "b"}}})
    assert codes(plan) == {"values-lost": 1}
    world.apply(plan, ["c.r"])
    assert world.all("c", "r") == [(None,)]
    with pytest.raises(ForeignKeyViolation):
        world.put("c", {"r": 1})


def test_a_required_field_is_filled_by_its_default_or_asks(world: World) -> None:
    world.publish({"customer": {"name": "text", "level": LEVELS}})
    world.put("customer", {"name": "a", "level": "a"}, {"name": "b"}, {})
    plan = world.plan({"customer": {"name": {"type": "text", "required": True}, "level": {**LEVELS, "required": True}}})
    assert {(f.code, f.field): f.count for f in plan.findings} == {
        ("needs-backfill", "name"): 1,
        ("needs-backfill", "level"): 2,
    }
    with pytest.raises(NeedsConsent):
        world.apply(plan)
    wanted = {
        "customer": {"name": {"type": "text", "required": True}, "level": {**LEVELS, "required": True, "default": "b"}}
    }
    plan = world.plan(wanted)
    assert codes(plan) == {"needs-backfill": 1, "filled": 2}
    world.apply(plan, ["customer.name"])
    assert world.all("customer", "name", "level") == [("a", "a"), ("b", "b"), (None, "b")]


def test_a_removed_option_names_its_rows_and_comes_back(world: World) -> None:
    several = {"type": "choices", "options": LEVELS["options"]}
    world.publish({"customer": {"level": LEVELS, "areas": several}})
    world.put("customer", {"level": "a", "areas": ("a", "b")}, {"level": "b", "areas": ("b",)}, {"level": "c"})
    less = {"a": None, "c": None}
    plan = world.plan({"customer": {"level": {**LEVELS, "options": less}, "areas": {**several, "options": less}}})
    assert {f.consent: (f.count, f.samples) for f in plan.findings} == {
        "customer.level=b": (1, (2,)),
        "customer.areas=b": (2, (1, 2)),
    }
    world.apply(plan, ["customer.level=b", "customer.areas=b"])
    assert world.all("customer", "level", "areas") == [("a", ("a",)), (None, None), ("c", None)]
    world.change("customer", 1, areas=("c",))
    world.apply(world.service.plan_rollback(1))
    assert world.all("customer", "level", "areas") == [("a", ("c",)), ("b", ("b",)), ("c", None)]


def test_an_option_nobody_holds_goes_without_asking(world: World) -> None:
    world.publish({"customer": {"level": LEVELS}})
    world.put("customer", {"level": "a"})
    assert not world.publish({"customer": {"level": {**LEVELS, "options": {"a": None}}}}).findings


def test_tighter_limits_report_what_no_longer_fits(world: World) -> None:
    world.publish({"customer": {"name": "text", "n": "integer"}})
    world.put("customer", {"name": "long name", "n": 5}, {"name": "ab", "n": 50})
    plan = world.publish({"customer": {"name": {"type": "text", "length": 3}, "n": {"type": "integer", "max": 10}}})
    assert {f.field: (f.severity, f.samples) for f in plan.findings} == {"name": ("break", (1,)), "n": ("break", (2,))}
    assert world.all("customer", "name", "n") == [("long name", 5), ("ab", 50)]


def test_fewer_decimals_lose_digits_only_with_consent(world: World) -> None:
    world.publish({"customer": {"x": {"type": "decimal", "digits": 4}}})
    world.put("customer", {"x": Decimal("1.2345")}, {"x": Decimal("2.5000")})
    plan = world.plan({"customer": {"x": {"type": "decimal", "digits": 2}}})
    assert codes(plan) == {"not-convertible": 1}
    world.apply(plan, ["customer.x"])
    assert world.all("customer", "x") == [(None,), (Decimal("2.50"),)]


def test_uniqueness_is_checked_against_the_data_first(world: World) -> None:
    world.publish({"customer": {"name": "text", "region": "text"}})
    world.put(
        "customer", {"name": "ABC", "region": "n"}, {"name": "abc ", "region": "s"}, {"name": "x"}, {"name": None}
    )
    plan = world.plan({"customer": {"name": {"type": "text", "unique": True}, "region": "text"}})
    assert codes(plan) == {"not-unique": 2}
    assert plan.findings[0].samples == (1, 2)
    assert "abc" in plan.findings[0].message
    with pytest.raises(NeedsConsent):
        world.apply(plan, ["customer.name"])
    keyed = {"customer": {"unique": {"both": ["name", "region"]}}}
    world.publish({"customer": {"name": "text", "region": "text"}}, **keyed)
    with pytest.raises(UniqueViolation):
        world.put("customer", {"name": "Abc", "region": "N"})
    world.publish({"customer": {"name": "text", "region": "text"}})
    world.put("customer", {"name": "Abc", "region": "N"})


def test_a_trashed_record_does_not_hold_a_unique_value(world: World) -> None:
    world.publish({"customer": {"name": {"type": "text", "unique": True}}})
    (first,) = world.put("customer", {"name": "a"})
    world.change("customer", first, deleted_at=world.clock.now())
    assert world.put("customer", {"name": "A"}) == [2]


def test_owning_comes_and_goes(world: World) -> None:
    people = {"user": {"name": "text"}, "team": {"name": "text"}}
    world.publish({**people, "customer": {"name": "text"}})
    world.put("customer", {"name": "a"})
    world.put("user", {"name": "li"})
    world.publish({**people, "customer": {"name": "text"}}, customer={"owned": True})
    world.change("customer", 1, owner=1, pool="north")
    assert world.all("customer", "owner", "team", "pool") == [(1, None, "north")]
    with pytest.raises(ForeignKeyViolation):
        world.change("customer", 1, owner=7)
    plan = world.plan({**people, "customer": {"name": "text"}})
    assert {f.consent for f in plan.findings} == {"customer.owner", "customer.pool"}
    world.apply(plan, ["customer.owner", "customer.pool"])


def test_a_stale_plan_is_refused_and_a_saved_one_is_the_same(world: World) -> None:
    world.publish({"customer": {"name": "text", "note": "text"}})
    world.put("customer", {"note": "x"})
    plan = world.plan({"customer": {"name": "text"}}, ["customer.note"])
    saved = Plan.from_json(plan.to_json())
    assert saved == plan
    world.put("customer", {"note": "y"})
    with pytest.raises(StalePlanError):
        world.apply(saved)
    assert world.all("customer", "note") == [("x",), ("y",)]
    fresh = world.plan({"customer": {"name": "text"}}, ["customer.note"])
    world.publish({"customer": {"name": "text", "note": "text", "more": "text"}})
    with pytest.raises(StalePlanError):
        world.apply(fresh)


def test_an_altered_file_is_not_a_plan(world: World) -> None:
    text = world.plan({"customer": {"name": "text"}}).to_json()
    with pytest.raises(ValueError, match="altered"):
        Plan.from_json(text.replace('"base": 0', '"base": 1'))
    with pytest.raises(ValueError, match="not a saved plan"):
        Plan.from_json("{}")


def test_a_table_somebody_changed_blocks_the_plan(world: World) -> None:
    world.publish({"customer": {"name": "text", "note": "text"}})
    world.db.execute("ALTER TABLE o_customer DROP COLUMN note")
    plan = world.plan({"customer": {"name": "text", "note": "text", "x": "text"}})
    assert [f.code for f in plan.findings] == ["drift"]
    with pytest.raises(NeedsConsent):
        world.apply(plan)


def test_versions_are_listed_compared_and_rolled_back(world: World) -> None:
    world.publish({"customer": {"name": "text"}})
    world.publish({"customer": {"title": {"type": "text", "renamed_from": "name"}}})
    world.put("customer", {"title": "kept"})
    world.publish({"client": {"title": "text"}}, client={"renamed_from": "customer"})
    plan = world.service.plan_rollback(1)
    assert not [f for f in plan.findings if f.severity != "note"]
    world.apply(plan)
    assert world.all("customer", "name") == [("kept",)]
    listed = world.service.versions()
    assert [(v.number, v.current, v.rollback_of) for v in listed] == [
        (4, True, 1),
        (3, False, None),
        (2, False, None),
        (1, False, None),
    ]
    assert "mark" in world.service.diff(1, 2)
    with pytest.raises(NotFound):
        world.service.bundle_of(9)


def test_both_engines_print_the_same_plan(world: World) -> None:
    world.publish({"customer": {"name": "text", "level": LEVELS}})
    world.put("customer", {"name": "a", "level": "b"})
    text = explain.text(world.plan({"customer": {"name": "integer", "level": {**LEVELS, "options": {"a": None}}}}))
    assert text.splitlines() == [
        "Plan for version 2",
        "",
        "Definitions:",
        "  ~ object/customer: fields.level, fields.name",
        "",
        "Database:",
        "  change customer.name from text to integer, keep the old values aside as x_name_2",
        "  take options b from customer.level, keep the old values aside as x_level_2",
        "",
        "Loses data:",
        "  1 values of customer.name do not fit type integer and become blank (kept aside) (ids 1) [not-convertible]",
        "  1 records hold option b of customer.level, which goes: they lose it (kept aside); renamed_from on another "
        "option keeps it under a new name (ids 1) [option-lost]",
        "",
        "To accept what is lost: --allow customer.level=b --allow customer.name",
    ]


def test_long_names_keep_apart(world: World) -> None:
    long = "a" * 48
    fields = {f"{'b' * 44}_{n}": {"type": "references", "to": long} for n in (1, 2)}
    world.publish({long: {**fields, "c" * 48: {"type": "text", "unique": True, "index": True}}})
    world.put(long, {"c" * 48: "x"})
    names = list(fields)
    world.put(long, {names[0]: (1,), names[1]: (1,)})
    assert world.all(long, *names)[1] == ((1,), (1,))


def test_sql_words_are_lawful_names(world: World) -> None:
    world.publish({"select": {"from": {"type": "text", "unique": True, "index": True}, "order": LEVELS}})
    world.put("select", {"from": "x", "order": "a"})
    world.publish({"select": {"where": {"type": "text", "unique": True, "renamed_from": "from"}, "order": LEVELS}})
    assert world.all("select", "where", "order") == [("x", "a")]
