"""The packs' roles against a matrix written by hand: every object, operation, field and channel with real requests.

`expected_matrix.csv` was written from what the roles are meant to do. Each role has one person; of every object there
is a record of that person's own, of a colleague, of somebody in a team below and of a stranger. Whatever is refused
must leave the database as it was.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from guanxi.runtime.access.actor import SYSTEM
from guanxi.runtime.access.matrix import HEAD, matrix_csv
from tests.support.databases import ENGINES, drop_postgres, new_postgres_url
from tests.support.instances import House, make_house

HERE = Path(__file__).parent
CELLS = list(csv.DictReader((HERE / "expected_matrix.csv").read_text("utf-8").splitlines()))
ROLES = list(dict.fromkeys(cell["role"] for cell in CELLS))
OF_SCOPE = {
    "none": set(),
    "own": {"own"},
    "team": {"own", "mate"},
    "team_tree": {"own", "mate", "below"},
    "all": {"own", "mate", "below", "other"},
}
PHONE = "13800138000"
VALUES: dict[str, dict[str, Any]] = {
    "account": {"name": "Acme", "phone": PHONE, "annual_revenue": "5.00", "level": "a"},
    "contact": {"name": "Jane", "mobile": PHONE, "account": "account"},
    "lead": {"name": "Lead", "phone": PHONE, "source": None},
    "opportunity": {"name": "Deal", "account": "account", "amount": "7.00"},
    "activity": {"subject": "Call", "happened_at": "2026-03-01T08:00:00Z", "account": "account", "type": None},
    "product": {"name": "Box", "code": None, "list_price": "9.00", "cost": "4.00"},
    "plan": {"name": "Plan", "code": None, "monthly_fee": "1.00", "kind": None},
    "subscriber": {"customer_id": None, "service_number": PHONE, "monthly_charges": "3.00", "contract": None},
    "subscription": {"subscriber": "subscriber", "plan": "plan", "starts_on": "2026-03-01"},
    "incident": {
        "subject": "Down",
        "subscriber": "subscriber",
        "reported_at": "2026-03-01T08:00:00Z",
        "category": None,
    },
}


@dataclass
class Town:
    """The instance, and the records of each role's person: object → class → id."""

    house: House
    records: dict[str, dict[str, dict[str, int]]]

    def state(self) -> str:
        names = [t.name for t in self.house.host.services().tables.values()]
        db = self.house.instance.database
        return repr([sorted(map(repr, db.rows(f'SELECT * FROM "{name}"'))) for name in (*names, "gx_history")])


@pytest.fixture(scope="module", params=ENGINES)
def town(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("town")
    url = f"sqlite:///{folder}/g.db" if request.param == "sqlite" else new_postgres_url()
    house = make_house(folder / "instance", url, {}, packs=("crm", "telecom"))
    yield Town(house, {role: people(house, role) for role in ROLES})
    house.close()
    if request.param != "sqlite":
        drop_postgres(url)


def login(role: str, kind: str) -> str:
    """A log-in name that could be a person's."""
    return f"{role.replace('_', '.')}.{kind}"


def people(house: House, role: str) -> dict[str, dict[str, int]]:
    """A team of its own for each role, so that the roles do not see each other's colleagues."""
    records = house.host.services().records
    team = records.create(SYSTEM, "team", {"name": f"{role} team"}).id
    records.create(SYSTEM, "team", {"name": f"{role} below", "parent": team})
    owners = {
        "own": house.person(login(role, "own"), *({role, "employee"}), team=f"{role} team"),
        "mate": house.person(login(role, "mate"), "employee", team=f"{role} team"),
        "below": house.person(login(role, "below"), "employee", team=f"{role} below"),
        "other": house.person(login(role, "other"), "employee", team=f"{role} strangers"),
    }
    made: dict[str, dict[str, int]] = {}
    for name in VALUES:
        made[name] = {kind: make(house, role, name, kind, owner, made) for kind, owner in owners.items()}
    return made


def make(house: House, role: str, name: str, kind: str, owner: int, made: dict[str, dict[str, int]]) -> int:
    services = house.host.services()
    object_type = services.registry.objects[name]
    values: dict[str, Any] = {}
    for field, value in VALUES[name].items():
        definition = object_type.fields[field]
        if value is None:
            value = next(iter(definition.options)) if definition.options else f"{role}-{name}-{kind}"  # noqa: PLW2901
        values[field] = made[value][kind] if definition.target and isinstance(value, str) else value
    if object_type.owned:
        values["owner"] = owner
    return int(services.records.create(SYSTEM, name, values, force_duplicates=True).id)


def cells(role: str) -> list[dict[str, str]]:
    return [cell for cell in CELLS if cell["role"] == role]


def inside(town: Town, cell: dict[str, str], operation: str) -> set[int]:
    """The ids of the role's own four records that the operation may touch."""
    mine = town.records[cell["role"]][cell["object"]]
    owned = town.house.host.services().registry.objects[cell["object"]].owned
    kinds = OF_SCOPE[cell[operation]] if owned or cell[operation] == "none" else OF_SCOPE["all"]
    return {mine[kind] for kind in kinds}


@pytest.mark.parametrize("role", ROLES)
def test_reading(town: Town, role: str) -> None:
    who, get = login(role, "own"), town.house.get
    for cell in cells(role):
        name, mine = cell["object"], town.records[role][cell["object"]]
        base, seen = f"/api/{name}", inside(town, cell, "read")
        where = f"id in [{', '.join(map(str, mine.values()))}]"
        listed = get(base, who, where=where, total="exact", limit=500)
        if not seen and cell["create"] == "no":
            assert listed.status_code == 404, cell
        else:
            assert {row["id"] for row in listed.json["data"]} == seen, cell
            assert listed.json["total"] == len(seen), cell
            counted = get(f"{base}/aggregate", who, measures="count()", where=where)
            assert counted.json["data"][0]["count()"] == len(seen), cell
            assert get(base, who, where=f"({where}) and id in []", total="exact").json["total"] == 0
        for kind, number in mine.items():
            one = get(f"{base}/{number}", who)
            assert one.status_code == (200 if number in seen else 404), (cell, kind)
            history = get(f"{base}/{number}/history", who)
            may = number in seen & inside(town, cell, "history")
            assert history.status_code == (200 if may else 404), (cell, kind)
            assert get(f"{base}/{number}/timeline", who).status_code == (200 if number in seen else 404), (cell, kind)
        out = get(f"{base}/export", who, format="ndjson", where=where)
        export = seen & inside(town, cell, "export")
        assert out.status_code == (200 if export else 403 if seen or cell["create"] == "yes" else 404), cell
        if export:
            assert {json.loads(line)["id"] for line in out.text.splitlines()} == export, cell


@pytest.mark.parametrize("role", ROLES)
def test_fields(town: Town, role: str) -> None:
    who, get = login(role, "own"), town.house.get
    for cell in cells(role):
        name, seen = cell["object"], inside(town, cell, "read")
        if not seen:
            continue
        base, one = f"/api/{name}", sorted(seen)[0]
        hidden, masked = set(cell["hidden"].split()), set(cell["masked"].split())
        object_type = town.house.host.services().registry.objects[name]
        row = get(f"{base}/{one}", who).json
        assert set(row) == set(object_type.fields) - hidden, cell
        related = get(f"{base}/{one}/view360", who)
        assert hidden.isdisjoint(related.json["record"]), cell
        exported = get(f"{base}/export", who, format="csv", style="machine", limit="1")
        if exported.status_code == 200:
            assert hidden.isdisjoint(next(csv.reader(io.StringIO(exported.text.lstrip("\ufeff"))))), cell
        for field in hidden | masked:
            code = "unknown_field" if field in hidden else "masked_field"
            for query in (
                {"where": f"filled({field})"},
                {"sort": field},
                {"sort": f"-{field}"},
            ):
                refused = get(base, who, **query)
                assert refused.status_code == 400, (cell, query)
                assert field in hidden or refused.json["code"] == code, (cell, query, refused.json)
            for measure in (f"min({field})", f"max({field})", f"count({field})"):
                assert get(f"{base}/aggregate", who, measures=measure).status_code == 400, (cell, measure)
            assert get(f"{base}/aggregate", who, group=field, measures="count()").status_code == 400, cell
            if field in hidden:
                assert get(base, who, fields=f"id,{field}").status_code == 400, cell
                assert field not in get(f"/api/meta/objects/{name}", who).text, cell
        for field in masked:
            assert PHONE not in get(base, who, fields=f"id,{field}", limit=500).text, cell
            assert PHONE[3:] not in str(row[field]), cell
            assert get(base, who, q=PHONE[3:9]).json["data"] == [], cell
            assert PHONE not in get(f"{base}/{one}/history", who).text, cell
        for field in set(object_type.fields) - hidden - masked:
            definition = object_type.fields[field]
            if definition.system or definition.type in ("json", "address", "tags", "references", "rich_text"):
                continue
            assert get(base, who, where=f"filled({field})", limit=1).status_code == 200, (cell, field)


@pytest.mark.parametrize("role", ROLES)
def test_writing(town: Town, role: str) -> None:
    who, house = login(role, "own"), town.house
    for cell in cells(role):
        name, mine, base = cell["object"], town.records[role][cell["object"]], f"/api/{cell['object']}"
        seen, known = inside(town, cell, "read"), cell["create"] == "yes" or cell["read"] != "none"
        before = town.state()
        refused = 403 if known else 404
        assert house.post(base, {}, who).status_code == (422 if cell["create"] == "yes" else refused), cell
        file = {"file": (io.BytesIO(b"nothing\n1\n"), "a.csv")}
        loaded = house.call("POST", f"{base}/import", who, data=file, query_string={"dry_run": "true"})
        assert loaded.status_code == (400 if cell["import"] == "yes" else refused), (cell, loaded.text)
        for kind, number in mine.items():
            where = (cell, kind)
            unseen = 403 if number in seen else 404
            may = number in inside(town, cell, "update")
            assert house.patch(f"{base}/{number}", {}, who).status_code == (200 if may else unseen), where
            batch = house.post(f"{base}/batch", {"operations": [{"op": "update", "id": number, "values": {}}]}, who)
            status = batch.json["results"][0]["status"] if batch.status_code == 200 else batch.status_code
            assert status == (200 if may else unseen), where
            if house.host.services().registry.objects[name].owned:
                owner = house.get(f"{base}/{number}").json["owner"]
                given = house.post(f"{base}/{number}/actions/assign", {"owner": owner}, who)
                assert given.status_code == (200 if number in inside(town, cell, "assign") else unseen), where
        assert town.state() == before, cell
        if role in ("sales", "sales_manager", "service"):
            deleting(town, cell, who)


def deleting(town: Town, cell: dict[str, str], who: str) -> None:
    """Delete and restore one by one; what is still referred to (422) was past the question of rights."""
    house, base = town.house, f"/api/{cell['object']}"
    seen = inside(town, cell, "read")
    for kind, number in town.records[cell["role"]][cell["object"]].items():
        may = number in inside(town, cell, "delete")
        status = house.delete(f"{base}/{number}", who).status_code
        assert status in ((204, 422) if may else (403 if number in seen else 404,)), (cell, kind)
        if status != 204:
            assert house.get(f"{base}/{number}").status_code == 200
            continue
        back = house.post(f"{base}/{number}/restore", {}, who)
        assert back.status_code == (200 if number in inside(town, cell, "restore") else 403), (cell, kind)
        if back.status_code != 200:
            assert house.post(f"{base}/{number}/restore", {}).status_code == 200


def test_hops_take_the_rules_of_what_they_reach(town: Town) -> None:
    """An agent reads accounts but not their opportunities; a clerk of sales does not see a stranger's account."""
    mine = town.records["sales"]
    deal = mine["opportunity"]["own"]
    town.house.patch(f"/api/opportunity/{deal}", {"account": mine["account"]["other"]})
    row = town.house.get(f"/api/opportunity/{deal}", "sales.own", expand="account").json
    assert row["account"] == {"id": mine["account"]["other"], "title": None}
    query = f'id == {deal} and account.level == "a"'
    assert town.house.get("/api/opportunity", "sales.own", where=query).json["data"] == []
    agent = town.house.get("/api/account", "telecom.agent.own", where="count(opportunities) > 0")
    assert agent.status_code == 400
    town.house.patch(f"/api/opportunity/{deal}", {"account": mine["account"]["own"]})


def test_the_generated_matrix_is_for_administrators(town: Town) -> None:
    text = town.house.get("/api/meta/matrix").text
    assert text == matrix_csv(town.house.host.services().registry)
    rows = list(csv.DictReader(io.StringIO(text)))
    assert tuple(rows[0]) == HEAD
    cell = next(r for r in rows if (r["role"], r["object"], r["operation"]) == ("sales", "account", "update"))
    assert cell["grant"] == "own"
    assert cell["place"].endswith("roles.yaml:6")
    assert town.house.get("/api/meta/matrix", "sales.own").status_code == 403
