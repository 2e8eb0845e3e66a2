"""Imports obey the rules of every other write, row by row; a dry run says beforehand what will happen."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from guanxi.common.errors import BadRequest, Conflict, Forbidden, TooLarge
from guanxi.runtime.access.actor import SYSTEM
from guanxi.runtime.jobs.store import JobStore, LostJob
from guanxi.runtime.transfer import importer
from guanxi.runtime.transfer.limits import Limits
from guanxi.runtime.transfer.service import JOB_KINDS
from tests.runtime.transfer.conftest import ADMIN, Shop

MIXED = """code,title,价格,Level,account
a1,One,10.50,高,Acme
a2,Two,-1,low,Acme
,Three,1,low,
a1,Again,1,low,
a4,Four,x,nope,Nobody
a5,Five,¥1200,"High, top",Acme
a6,Six,,,
"""


@pytest.fixture
def acme(shop: Shop) -> int:
    return int(shop.records.create(SYSTEM, "account", {"code": "AC", "name": "Acme"}).id)


def test_columns_are_matched_by_name_label_alias_and_bare_form(shop: Shop) -> None:
    job = shop.load("ItemCode;品名;PRICE;Level;Weight;doubled;id\nx;Y;1;H;9;2;7\n")
    found = {c["column"]: (c["status"], c.get("field")) for c in job.result["columns"]}
    assert found == {
        "ItemCode": ("used", "code"),
        "品名": ("used", "name"),
        "PRICE": ("used", "price"),
        "Level": ("used", "level"),
        "Weight": ("unmatched", None),
        "doubled": ("read_only", "doubled"),
        "id": ("read_only", "id"),
    }
    assert {w["column"] for w in job.result["warnings"]} == {"Weight", "doubled", "id"}
    row = shop.rows()[0]
    assert (row["code"], row["name"], row["price"], row["level"]) == ("x", "Y", "1.00", "high")


def test_every_row_has_its_verdict_and_reasons(shop: Shop, acme: int) -> None:
    job = shop.load(MIXED)
    assert shop.outcome(job) == [
        (2, "created", []),
        (3, "refused", [("price", "range")]),
        (4, "refused", [("code", "required")]),
        (5, "refused", [("code", "unique")]),
        (6, "refused", [("account", "reference"), ("price", "type"), ("level", "choice")]),
        (7, "created", []),
        (8, "created", []),
    ]
    assert shop.counts(job) == (3, 0, 0, 4)
    one, five, six = shop.rows()
    assert (one["account"], one["price"], one["level"]) == (acme, "10.50", "high")
    assert (five["price"], five["level"], six["level"]) == ("1200.00", "high", "low")
    error = shop.verdicts(job, "refused")[0]["errors"][0]
    assert (error["column"], error["value"]) == ("价格", "-1")


@pytest.mark.parametrize("key", [(), ("code",)])
def test_a_dry_run_says_what_the_real_run_does(
    shop: Shop, acme: int, key: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importer, "CHUNK", 2)
    before = shop.project.dump()
    dry = shop.load(MIXED, dry_run=True, key=key)
    assert shop.project.dump() == before
    real = shop.load(MIXED, key=key)
    assert shop.outcome(dry) == shop.outcome(real)
    assert dry.result["counts"] == real.result["counts"]
    if key:
        assert shop.outcome(real)[3] == (5, "updated", [])
        assert shop.rows()[0]["name"] == "Again"


@pytest.mark.parametrize("chunk", [1000, 2])
def test_the_same_file_again_changes_nothing(
    shop: Shop, acme: int, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importer, "CHUNK", chunk)
    text = "code,name,price,account,on_day\na,A,1,Acme,2026/3/1\nb,B,2.5,,\n"
    assert shop.counts(shop.load(text, key=("code",))) == (2, 0, 0, 0)
    before = shop.project.dump()
    assert shop.counts(shop.load(text, key=("code",))) == (0, 0, 2, 0)
    assert shop.project.dump() == before
    job = shop.load("code,name,price\na,A,3\nb,B,2.50\n", key=("code",))
    assert shop.outcome(job) == [(2, "updated", []), (3, "unchanged", [])]
    assert [row["price"] for row in shop.rows()] == ["3.00", "2.50"]


def test_atomic_writes_all_or_nothing(shop: Shop, acme: int) -> None:
    before = shop.project.dump()
    job = shop.load(MIXED, atomic=True)
    assert (job.state, shop.counts(job)) == ("failed", (0, 0, 0, 4))
    assert shop.project.dump() == before
    good = shop.load("code,name\na,A\nb,B\n", atomic=True)
    assert (good.state, shop.counts(good), len(shop.rows())) == ("done", (2, 0, 0, 0), 2)


def test_references_by_path_title_id_and_from_the_same_file(shop: Shop, acme: int) -> None:
    shop.records.create(SYSTEM, "account", {"code": "B1", "name": "Twin"})
    shop.records.create(SYSTEM, "account", {"code": "B2", "name": "Twin"})
    text = "code,name,owner_of,parent,friends\n"
    text += f"c2,Child,AC,Parent,\nc1,Parent,{acme},,Acme、B1\nc3,Odd,Twin,,\n"
    job = shop.load(text, columns={"owner_of": "account"})
    assert shop.outcome(job)[:2] == [(2, "created", []), (3, "created", [])]
    assert shop.outcome(job)[2] == (4, "refused", [("account", "reference")])
    parent, child = (next(r for r in shop.rows() if r["code"] == code) for code in ("c1", "c2"))
    assert child["parent"] == parent["id"]
    assert child["account"] == parent["account"] == acme
    assert len(parent["friends"]) == 2
    by_code = shop.load("code,name,who\nd1,D,B2\n", columns={"who": "account.code"})
    assert shop.counts(by_code) == (1, 0, 0, 0)
    by_head = shop.load("code,name,account.code\nd2,E,B2\n")
    assert shop.rows()[-1]["account"] == shop.rows()[-2]["account"]
    assert shop.counts(by_head) == (1, 0, 0, 0)


def test_a_blank_of_one_space_and_words_that_are_not_blank(shop: Shop) -> None:
    job = shop.load("code,name,price,note\na,A, ,N/A\nb,None,,\n")
    assert shop.counts(job) == (2, 0, 0, 0)
    rows = shop.rows()
    assert (rows[0]["price"], rows[0]["note"], rows[1]["name"]) == (None, "N/A", "None")
    assert {
        "column": "price",
        "field": "price",
        "code": "blank",
        "count": 2,
        "message": "2 blank values",
    } in job.result["warnings"]


def test_a_local_time_is_read_in_the_callers_zone(shop: Shop) -> None:
    from zoneinfo import ZoneInfo

    shop.load("code,name,at\na,A,2026-03-01 08:00\n", by=replace(ADMIN, zone=ZoneInfo("Asia/Shanghai")))
    assert shop.rows()[0]["at"] == "2026-03-01T00:00:00Z"


def test_rules_and_cell_counts_hold(shop: Shop) -> None:
    job = shop.load("code,name,sold\na,A,yes\nb,B,no,extra\nc,C\n")
    assert shop.outcome(job) == [
        (2, "refused", [("price", "rule")]),
        (3, "refused", [("", "type")]),
        (4, "created", []),
    ]
    assert any(w["code"] == "short_rows" for w in job.result["warnings"])


@pytest.mark.parametrize(
    ("duplicates", "outcomes"),
    [("refuse", ["refused", "refused"]), ("create", ["created", "created"]), ("skip", ["skipped", "skipped"])],
)
def test_likely_duplicates_are_refused_created_or_skipped(shop: Shop, duplicates: str, outcomes: list[str]) -> None:
    shop.load("code,name\na,Same\n")
    job = shop.load("code,name\nb,Same\nc,Same\n", duplicates=duplicates)
    assert [row["verdict"] for row in shop.verdicts(job)] == outcomes


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"columns": {"nope": "name"}}, "unknown_column"),
        ({"columns": {"code": "nmae"}}, "unknown_field"),
        ({"columns": {"name": "account.nope"}}, "unknown_field"),
        ({"columns": {"code": "name", "name": "name"}}, "bad_parameter"),
        ({"key": ("nope",)}, "unknown_field"),
        ({"key": ("price",)}, "key"),
        ({"columns": {"code": "", "name": ""}}, "mapping"),
    ],
)
def test_a_mapping_that_cannot_be_is_refused(shop: Shop, asked: dict[str, object], code: str) -> None:
    before = shop.project.dump()
    with pytest.raises(BadRequest) as fault:
        shop.load("code,name\na,A\n", **asked)
    assert fault.value.code == code
    assert shop.project.dump() == before


def test_more_rows_than_allowed_stop_the_import(shop: Shop) -> None:
    with pytest.raises(TooLarge):
        shop.load("code,name\na,A\nb,B\n", limits=Limits(rows=1), atomic=True)
    assert shop.rows() == []


# rights ---------------------------------------------------------------------------------------------
def test_rights_are_those_of_the_person(shop: Shop) -> None:
    clerk, other = (shop.project.user(name, ["clerk"]) for name in ("li", "wang"))
    reader = shop.project.user("zhao", ["reader"])
    with pytest.raises(Forbidden):
        shop.load("code,name\na,A\n", by=reader)
    job = shop.load("code,name,note,secret\na,A,x,y\nb,B,,\n", by=clerk)
    assert {c["column"]: c["status"] for c in job.result["columns"]}["secret"] == "unmatched"
    assert shop.outcome(job) == [(2, "refused", [("note", "forbidden")]), (3, "refused", [("note", "forbidden")])]
    job = shop.load("code,name\na,A\n", by=clerk)
    assert shop.rows()[0]["owner"] == clerk.id
    stolen = shop.load("code,name\na,Mine\n", by=other, key=("code",))
    assert shop.outcome(stolen) == [(2, "refused", [("code", "unique")])]
    given = shop.load(f"code,name,owner\nb,B,{other.name}\n", by=clerk)
    assert shop.outcome(given) == [(2, "refused", [("owner", "reference")])]  # clerks see no other people
    own = shop.load(f"code,name,owner\nb,B,{clerk.id}\n", by=clerk)
    assert shop.counts(own)[0] == 0
    admin = shop.load(f"code,name,owner\nb,B,{other.name}\n")
    assert shop.counts(admin) == (1, 0, 0, 0)
    assert shop.rows()[1]["owner"] == other.id


# undo -----------------------------------------------------------------------------------------------
def test_undo_keeps_what_people_touched_since(shop: Shop) -> None:
    shop.load("code,name,price\nold,Old,5\nkept,Kept,5\n")
    job = shop.load("code,name,price\nold,Old,6\nkept,Kept,6\nnew,New,1\nmine,Mine,1\nold,Old,7\n", key=("code",))
    assert shop.counts(job) == (2, 3, 0, 0)
    rows = {row["code"]: row for row in shop.rows()}
    for code in ("kept", "mine"):
        shop.records.update(SYSTEM, "item", rows[code]["id"], {"note": "touched"})
    undo = shop.undo(job)
    assert undo.result["counts"] == {"deleted": 1, "restored": 2, "kept": 2}
    kept = shop.verdicts(undo, "kept")
    assert {row["id"] for row in kept} == {rows["kept"]["id"], rows["mine"]["id"]}
    assert all(row["errors"][0]["code"] == "stale" for row in kept)
    now = {row["code"]: row["price"] for row in shop.rows()}
    assert now == {"old": "5.00", "kept": "6.00", "mine": "1.00"}


def test_a_dry_run_cannot_be_undone(shop: Shop) -> None:
    job = shop.load("code,name\na,A\n", dry_run=True)
    with pytest.raises(Conflict):
        shop.undo(job)


# refused rows come back -----------------------------------------------------------------------------
def test_refused_rows_are_mended_and_loaded_again(shop: Shop, acme: int) -> None:
    job = shop.load(MIXED.replace("a4,Four,x,nope,Nobody", "a4,=1+1,x,low,"))
    text = shop.rejected(job).decode("utf-8-sig")
    assert text.splitlines()[0] == "code,title,价格,Level,account,_row,_reason"
    assert "'=1+1" in text
    assert "'-1" in text
    mended = (
        text.replace("'-1", "1")
        .replace("\r\n,Three", "\r\na3,Three")
        .replace("a1,Again", "a9,Again")
        .replace(",x,", ",4,")
    )
    again = shop.load("\ufeff" + mended)
    assert shop.counts(again) == (4, 0, 0, 0)
    assert any(row["name"] == "=1+1" for row in shop.rows())


# stops ----------------------------------------------------------------------------------------------
def test_a_run_that_was_killed_goes_on_behind_its_last_row(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    from guanxi.runtime.transfer.importer import Importer, job_params
    from guanxi.runtime.transfer.options import ImportOptions

    monkeypatch.setattr(importer, "CHUNK", 2)
    text = "code,name\n" + "".join(f"c{n},N{n}\n" for n in range(7))
    store = shop.store
    params = job_params("item", ImportOptions(), resumable=True)
    store.create("import", None, params)
    job = store.claim("first", JOB_KINDS)
    assert job is not None
    seen: list[int] = []

    def die(rows: int, fraction: float) -> None:
        seen.append(rows)
        if rows >= 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Importer(shop.project.services, store, job, "first", ADMIN, on_progress=die).run(
            io.BytesIO(text.encode()), "f.csv"
        )
    assert seen == [2, 4]
    assert store.claim("second", JOB_KINDS) is None
    shop.project.clock.advance(minutes=5)
    taken = store.claim("second", JOB_KINDS)
    assert taken is not None
    assert taken.done == 4
    Importer(shop.project.services, store, taken, "second", ADMIN).run(io.BytesIO(text.encode()), "f.csv")
    assert [row["code"] for row in shop.rows()] == [f"c{n}" for n in range(7)]
    final = store.get(job.id)
    assert final is not None
    assert (final.state, final.done, final.result["counts"]["created"]) == ("done", 7, 7)
    with pytest.raises(LostJob):
        Importer(shop.project.services, store, job, "first", ADMIN).run(io.BytesIO(text.encode()), "f.csv")
    assert len(shop.rows()) == 7


def test_a_silent_worker_that_cannot_be_followed_is_marked_failed(shop: Shop) -> None:
    store: JobStore = shop.store
    job_id = store.create("import", None, {"object": "item"}, worker="gone")
    shop.project.clock.advance(**{"seconds": timedelta(minutes=2).total_seconds()})
    assert store.claim("other", JOB_KINDS) is None
    job = store.get(job_id)
    assert job is not None
    assert job.state == "failed"
    assert "stopped" in job.error


def test_a_cancelled_job_writes_nothing_more(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    from guanxi.runtime.transfer.importer import Importer, job_params
    from guanxi.runtime.transfer.options import ImportOptions

    monkeypatch.setattr(importer, "CHUNK", 1)
    store = shop.store
    store.create("import", None, job_params("item", ImportOptions()))
    job = store.claim("w", JOB_KINDS)
    assert job is not None
    with pytest.raises(LostJob):
        Importer(
            shop.project.services, store, job, "w", ADMIN, on_progress=lambda rows, _: store.cancel(job.id) and None
        ).run(io.BytesIO(b"code,name\na,A\nb,B\n"), "f.csv")
    assert [row["code"] for row in shop.rows()] == ["a"]
    found = store.get(job.id)
    assert found is not None
    assert found.state == "cancelled"
    assert json.loads(json.dumps(found.result))["counts"]["created"] == 1
