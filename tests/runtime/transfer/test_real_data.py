"""Public data sets load completely, with the figures that their owners publish."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest

from guanxi.common.clock import FixedClock
from guanxi.common.diagnostics import Diagnostics
from guanxi.metadata.load import read_definitions
from guanxi.metadata.sources import folder_layer
from guanxi.runtime.jobs.store import JobStore
from guanxi.runtime.query.request import AggregateQuery, ListQuery
from guanxi.runtime.schema.service import SchemaService
from guanxi.runtime.services import build_services
from guanxi.runtime.storage.database import Handle
from tests.runtime.transfer.conftest import ADMIN, Shop
from tests.support.data import data_file
from tests.support.published import START, Project, project

CATALOGUE = """
kind: object
name: category
label: Category
title: name
fields: {number: {type: integer, unique: true}, name: {type: text, required: true}}
---
kind: object
name: subcategory
label: Subcategory
title: name
fields:
  number: {type: integer, unique: true}
  name: {type: text, required: true}
  category: {type: reference, to: category, related: subcategories, required: true}
---
kind: object
name: product
label: Product
title: name
fields:
  number: {type: integer, unique: true}
  name: {type: text, required: true}
  code: {type: text, unique: true}
  subcategory: {type: reference, to: subcategory, related: products}
"""
TRADE = """
kind: object
name: client
label: Client
title: name
fields: {code: {type: text, unique: true, required: true}, name: {type: text, required: true}, city: {type: text}}
---
kind: object
name: deal
label: Deal
title: number
fields:
  number: {type: text, unique: true, required: true}
  client: {type: reference, to: client, related: deals, required: true}
  ordered_on: {type: date}
  freight: {type: money, currency: USD}
"""


def shop_of(database: Handle, text: str) -> Shop:
    made = project(database, text)
    return Shop(made, JobStore(database, made.clock))


def test_the_churn_file_loads_completely(database: Handle) -> None:
    content = data_file("telecom/telco_customer_churn.csv").read_bytes()
    root, clock = Path(str(resources.files("guanxi.industry_packs"))), FixedClock(START)
    layers = [folder_layer(name, root / name, Diagnostics(), shown=name) for name in ("crm", "telecom")]
    registry = read_definitions(layers, languages=("en", "zh"), currency="CNY")
    SchemaService(database, clock).publish(registry, {}, "test")
    made = Project(build_services(registry, database, clock=clock, version=1), clock)
    shop = Shop(made, JobStore(database, clock))
    job = shop.load(content, "subscriber", key=("customer_id",), name="churn.csv")
    assert shop.counts(job) == (7043, 0, 0, 0)
    assert {column["status"] for column in job.result["columns"]} == {"used"}
    assert [(w["field"], w["count"]) for w in job.result["warnings"]] == [("total_charges", 11)]
    churned = made.records.list(ADMIN, ListQuery("subscriber", where="churned", limit=1, total="exact"))
    assert churned.total == 1869
    asked = AggregateQuery("subscriber", measures=("count()", "sum(monthly_charges)", "sum(total_charges)"))
    (sums,) = made.records.aggregate(ADMIN, asked)
    assert (sums["count()"], sums["sum(monthly_charges)"], sums["sum(total_charges)"]) == (
        7043,
        "456116.60",
        "16056168.70",
    )


def test_a_product_tree_loads_level_by_level(database: Handle) -> None:
    shop = shop_of(database, CATALOGUE)
    base = "core/adventureworks/ol_Product"
    files = {
        "category": ("Category.csv", {"col1": "number", "col2": "name"}, 4),
        "subcategory": ("Subcategory.csv", {"col1": "number", "col2": "category.number", "col3": "name"}, 37),
        "product": (".csv", {"col1": "number", "col2": "name", "col3": "code", "col19": "subcategory.number"}, 504),
    }
    for name, (ending, columns, count) in files.items():
        content = data_file(base + ending).read_bytes()
        job = shop.load(content, name, columns=columns, header=False, key=("number",))
        assert shop.counts(job) == (count, 0, 0, 0), shop.verdicts(job, "refused")[:3]
    found = shop.records.list(
        ADMIN, ListQuery("product", where='subcategory.category.name == "Bikes"', limit=1, total="exact")
    )
    assert found.total == 97


def northwind(table: str) -> Iterator[list[str]]:
    """The rows of a table of the SQL script."""
    text = data_file("core/northwind_instnwnd.sql").read_text(encoding="utf-8")
    values = re.compile(
        rf'INSERT(?: INTO)?\s+"{table}"\s*(?:\([^)]*\))?\s*VALUES\s*\((.*?)\)\s*$', re.DOTALL | re.MULTILINE
    )
    for found in values.finditer(text):
        cells = re.findall(r"N?'((?:[^']|'')*)'|(NULL)|([-0-9.]+)", found.group(1))
        yield [number or quoted.replace("''", "'") for quoted, _null, number in cells]


def as_csv(head: list[str], rows: Iterator[list[str]]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(head)
    writer.writerows(rows)
    return out.getvalue().encode("utf-8-sig")


@pytest.mark.timeout(240)
def test_orders_find_their_customers(database: Handle) -> None:
    shop = shop_of(database, TRADE)
    clients = as_csv(["code", "name", "city"], ([row[0], row[1], row[5]] for row in northwind("Customers")))

    def day(text: str) -> str:
        month, date, year = text.split("/")
        return f"{year}-{month}-{date}"

    deals = as_csv(
        ["number", "CustomerID", "ordered_on", "freight"],
        ([row[0], row[1], day(row[3]), row[7]] for row in northwind("Orders")),
    )
    early = shop.load(deals, "deal", columns={"CustomerID": "client"}, dry_run=True)
    assert shop.counts(early) == (0, 0, 0, 830)
    assert shop.counts(shop.load(clients, "client", key=("code",))) == (91, 0, 0, 0)
    job = shop.load(deals, "deal", columns={"CustomerID": "client"}, key=("number",))
    assert shop.counts(job) == (830, 0, 0, 0)
    (munich,) = shop.rows("client", where='code == "FRANK"')
    assert munich["city"] == "München"
    assert (
        shop.records.list(ADMIN, ListQuery("deal", where='client.code == "SAVEA"', limit=1, total="exact")).total == 31
    )
