"""Approvals in a browser: submitting, deciding, returning, many at once; by keyboard, on a phone, Chinese, dark."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import pytest
from playwright.sync_api import expect
from werkzeug.serving import make_server

from guanxi.app.factory import create_app
from guanxi.runtime.access.actor import SYSTEM
from tests.support.approval_screens import FLOWS, Desk, people_of
from tests.support.screens import METADATA, Site, make_instance

AXE = files("axe_core_python").joinpath("axe.min.js")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("approvals")
    instance, live, _ = make_instance(folder / "one", METADATA.read_text("utf-8") + FLOWS)
    app = create_app(instance)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    made = Site(app, f"http://127.0.0.1:{server.server_port}", instance, live.services(), 0)
    people = people_of(made)
    made.user = people["li"]
    made.companies.append(made.services.records.create(SYSTEM, "company", {"name": "Northwind", "owner": made.user}).id)
    yield Desk(made, people)
    server.shutdown()
    thread.join()
    instance.close()


@pytest.fixture
def site(desk: Desk) -> Site:
    return desk.site


def flat(page: Any) -> bool:
    return not page.evaluate("document.documentElement.scrollWidth > innerWidth")


# the whole way -------------------------------------------------------------------------------------------------
def test_submit_lock_edit_with_the_decision_and_approve(visitor: Any, desk: Desk) -> None:
    deal = desk.site.deal("Fleet of cranes", owner=desk.people["li"])
    mine = visitor()
    page = mine.go(f"/o/deal/{deal}/")
    expect(page.locator(".gatehint")).to_contain_text("“Deal approval” must agree before the stage “Qualified”.")
    page.get_by_role("link", name="Submit for approval").first.click()
    expect(page.locator(".flow")).to_contain_text("manager of the submitter")
    page.fill("#gx-comment", "A good customer")
    page.get_by_role("button", name="Submit").click()
    expect(page.locator(".waits")).to_contain_text("“Deal approval” waits for Marco Rossi since")
    expect(page.get_by_role("tab", name="Approvals")).to_have_attribute("aria-selected", "true")
    expect(page.locator("#v-approvals .step.s-active")).to_contain_text("Manager")
    assert page.locator("[data-stage]").count() == 0
    mine.go(f"/o/deal/{deal}/edit/")
    assert page.locator("#f-amount").count() == 0
    page.fill("#f-notes", "Call on Monday")
    page.click("[data-save]")
    page.wait_for_url(re.compile(rf"/o/deal/{deal}/$"))
    assert desk.site.get("deal", deal)["notes"] == "Call on Monday"

    boss = visitor(name="boss")
    page = boss.go("/")
    tally = page.locator(".side [data-approvals]")
    expect(tally).to_have_text("1")
    page.get_by_role("link", name="Approvals").click()
    page.get_by_role("link", name="Fleet of cranes", exact=True).click()
    expect(page.locator(".rec")).to_contain_text("A good customer")
    expect(page.locator(".marked")).to_contain_text("Amount")
    page.fill("#gx-comment", "Less is fine")
    page.fill("#f-amount", "much")
    page.get_by_role("button", name="Approve").click()
    expect(page.locator("[data-field=amount] .err")).to_contain_text("number")
    assert page.input_value("#gx-comment") == "Less is fine"
    page.fill("#f-amount", "900")
    page.get_by_role("button", name="Approve").click()
    expect(page.locator(".toast")).to_contain_text("Approved.")
    expect(page.locator(".step.s-passed", has_text="Manager")).to_contain_text("Less is fine")
    expect(page.locator(".branch.taken")).to_contain_text("Finance")
    expect(page.locator(".branch.off")).to_contain_text("Legal")
    assert str(desk.site.get("deal", deal)["amount"]).startswith("900")

    number = int(re.search(r"/approvals/(\d+)/", page.url)[1])  # type: ignore[index]
    desk.act(number, "fin", "approve")
    page = mine.go(f"/approvals/{number}/")
    expect(page.locator(".rec")).to_contain_text("Approved")
    expect(page.locator(".storyside")).to_contain_text("王芳 agreed")
    page = mine.go(f"/o/deal/{deal}/")
    assert page.locator(".waits, .gatehint").count() == 0
    page.click("[data-stage=qualified]")
    expect(page.locator(".path .current")).to_have_text("Qualified")


def test_rejecting_needs_a_comment_and_keeps_it(visitor: Any, desk: Desk) -> None:
    _, number = desk.submitted("Too cheap")
    page = visitor(name="boss").go(f"/approvals/{number}/")
    page.get_by_role("button", name="Reject").click()
    expect(page.locator("#gx-comment-e")).not_to_be_empty()
    expect(page.locator("#gx-comment")).to_have_attribute("aria-invalid", "true")
    assert desk.show(number)["state"] == "running"
    page.fill("#gx-comment", "Below cost")
    page.get_by_role("button", name="Reject").click()
    expect(page.locator(".rec .badge")).to_have_text("Rejected")
    expect(page.locator(".step.s-rejected")).to_contain_text("Below cost")


def test_return_correct_and_submit_again(visitor: Any, desk: Desk) -> None:
    deal, number = desk.submitted("Unclear one")
    page = visitor(name="boss").go(f"/approvals/{number}/")
    page.fill("#gx-comment", "What is it about?")
    page.locator("summary", has_text="Return").click()
    page.get_by_role("button", name="Return").click()
    expect(page.locator(".rec .badge")).to_have_text("Returned")

    mine = visitor()
    page = mine.go("/approvals/")
    expect(page.locator(".ticket", has_text="Unclear one")).to_contain_text("Returned to you")
    page.get_by_role("link", name="Unclear one", exact=True).click()
    expect(page.locator(".note").first).to_contain_text("Marco Rossi: What is it about?")
    page.get_by_role("link", name="Edit").click()
    page.fill("#f-name", "Clear now")
    page.click("[data-save]")
    expect(page).to_have_url(f"{desk.site.url}/approvals/{number}/")
    page.get_by_role("button", name="Submit again").click()
    expect(page.locator(".rec .badge")).to_have_text("Under way")
    page.get_by_text("1 earlier round").click()
    expect(page.locator(".rounds")).to_contain_text("What is it about?")
    page.get_by_role("button", name="Withdraw").click()
    page.locator("#ask").get_by_role("button", name="Confirm").click()
    expect(page.locator(".rec .badge")).to_have_text("Withdrawn")
    assert desk.site.get("deal", deal)["name"] == "Clear now"


def test_who_comes_second_is_told_kindly(visitor: Any, desk: Desk) -> None:
    _, number = desk.submitted("Race")
    desk.act(number, "boss", "approve")
    page = visitor(name="fin").go(f"/approvals/{number}/")
    page.fill("#gx-comment", "I looked at every line")
    desk.act(number, "boss", "approve")
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("alert")).to_contain_text("handled by Marco Rossi")
    assert page.input_value("#gx-comment") == "I looked at every line"
    page.get_by_role("link", name="Load again").click()
    expect(page.locator(".rec .badge")).to_have_text("Approved")


def test_hand_over_and_ask_an_opinion(visitor: Any, desk: Desk) -> None:
    _, number = desk.submitted("For somebody else")
    page = visitor(name="boss").go(f"/approvals/{number}/")
    page.locator("summary", has_text="Hand over").click()
    page.get_by_role("button", name="Hand over").click()
    expect(page.locator("#gx-user-e")).not_to_be_empty()
    page.fill("#gx-user", "fin")
    page.locator("#gx-user-l .mi").first.click()
    page.get_by_role("button", name="Ask an opinion").click()
    expect(page.locator(".step.s-active")).to_contain_text("gives an opinion")
    page.get_by_role("button", name="Do not wait").click()
    expect(page.get_by_role("button", name="Approve")).to_be_visible()


# many at once --------------------------------------------------------------------------------------------------
def test_deciding_together_answers_each(visitor: Any, desk: Desk) -> None:
    numbers = [desk.submitted(f"Together {one}")[1] for one in range(3)]
    page = visitor(name="boss").go("/approvals/?approval=discount")
    expect(page.get_by_role("button", name="Approve…")).to_be_disabled()
    for one in range(3):
        page.get_by_label(f"Choose Together {one}").check()
    expect(page.locator("[data-chosen]")).to_have_text("3 selected")
    page.get_by_role("button", name="Reject…").click()
    page.get_by_role("button", name="Reject 3").click()
    expect(page.locator("#comment-e")).to_have_text("Say why.")
    page.fill("#comment", "Not this quarter")
    desk.act(numbers[0], "boss", "approve")
    page.get_by_role("button", name="Reject 3").click()
    expect(page.get_by_text("2 of 3 done")).to_be_visible()
    expect(page.locator(".outcomes")).to_contain_text("handled by")
    assert [desk.show(one)["state"] for one in numbers] == ["running", "rejected", "rejected"]


# changes that wait ---------------------------------------------------------------------------------------------
def test_a_change_that_needs_approval_says_so_and_shows_the_difference(visitor: Any, desk: Desk) -> None:
    company = desk.site.companies[0]
    before = desk.site.get("company", company)["name"]
    mine = visitor()
    page = mine.go(f"/o/company/{company}/edit/")
    page.fill("#f-name", "Northwind Works")
    page.click("[data-save]")
    expect(page.locator(".toast")).to_contain_text("has been submitted")
    assert desk.site.get("company", company)["name"] == before
    page.locator(".toast a").click()
    expect(page.locator(".diff tbody tr")).to_contain_text(before)
    expect(page.locator(".diff ins")).to_have_text("Northwind Works")
    boss = visitor(name="boss")
    page = boss.go(mine.page.url.removeprefix(desk.site.url))
    page.get_by_role("button", name="Approve").click()
    expect(page.locator(".rec .badge")).to_have_text("Approved")
    assert desk.site.get("company", company)["name"] == "Northwind Works"
    page = mine.go(f"/o/company/{company}/")
    page.click("[popovertarget=m-more]")
    page.get_by_role("button", name="Delete").click()
    page.locator("#ask").get_by_role("button", name="Confirm").click()
    expect(page.locator(".waits")).to_contain_text("“Renaming” waits for Marco Rossi")


# hands and eyes ------------------------------------------------------------------------------------------------
def test_by_keyboard_alone_and_enter_in_a_field_decides_nothing(visitor: Any, desk: Desk) -> None:
    _, number = desk.submitted("Only keys")
    page = visitor(name="boss").go(f"/approvals/{number}/")
    page.focus("#f-amount")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.locator("#gx-comment")).to_be_focused()
    page.keyboard.type("fine")
    page.keyboard.press("Tab")
    expect(page.locator("#decide [value=reject]")).to_be_focused()
    assert desk.show(number)["tasks"][0]["state"] == "open"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("Approved.")
    page.keyboard.press("Control+k")
    page.keyboard.type("Approv")
    expect(page.locator("#palette-list .mi").first).to_be_visible()
    assert "Approvals" in page.inner_text("#palette-list")


def test_phone_in_chinese_and_dark(visitor: Any, desk: Desk) -> None:
    _, number = desk.submitted("手机审批")
    window = visitor(language="zh", dark=True, phone=True, name="boss")
    page = window.go("/approvals/")
    assert flat(page)
    ticket = page.locator(".ticket", has_text="手机审批")
    box = ticket.locator(".quick").bounding_box()
    assert box is not None
    assert box["height"] >= 44
    page = window.go(f"/approvals/{number}/")
    assert flat(page)
    bar = page.locator(".decidebar").bounding_box()
    assert bar is not None
    assert bar["y"] + bar["height"] > 840
    expect(page.locator(".flow")).to_contain_text("并行审批")
    page = window.go("/approvals/")
    ticket = page.locator(".ticket", has_text="手机审批")
    ticket.get_by_role("button", name="通过").tap()
    page.get_by_role("button", name="通过 1 项").tap()
    expect(page.get_by_text("共 1 项,完成 1 项")).to_be_visible()
    assert flat(page)
    assert desk.show(number)["waiting_on"] == ["finance"]


# administrators ------------------------------------------------------------------------------------------------
def test_console_lists_ends_and_draws(visitor: Any, desk: Desk) -> None:
    _, number = desk.submitted("To be ended")
    window = visitor(name="admin")
    page = window.go("/console/approvals/?state=running")
    row = page.locator("tbody tr", has_text="To be ended")
    expect(row).to_contain_text("Marco Rossi")
    row.get_by_role("button", name="End without a decision").click()
    page.fill(f"#why-{number}", "Filed twice")
    page.locator(f"#m-end-{number}").get_by_role("button").click()
    expect(page.locator(".toast")).to_contain_text("Done")
    assert desk.show(number)["state"] == "terminated"
    page.get_by_role("link", name="Deal approval").click()
    expect(page.locator(".flow .branches li.branch")).to_have_count(2)
    expect(page.locator(".flow")).to_contain_text("needs_legal")
    other = visitor(name="fin")
    answer = other.page.goto(f"{desk.site.url}/console/approvals/")
    assert answer.status == 404


def test_administrator_hands_a_task_over(visitor: Any, desk: Desk) -> None:
    _, number = desk.submitted("Boss is ill")
    page = visitor(name="admin").go(f"/approvals/{number}/")
    page.locator("summary", has_text="For administrators").click()
    page.fill("#gx-new", "fin")
    page.locator("#gx-new-l .mi").first.click()
    page.get_by_role("button", name="Hand over").click()
    expect(page.locator(".rec")).to_contain_text("王芳")


def test_a_stranger_knows_nothing(visitor: Any, desk: Desk) -> None:
    window = visitor(name="fin")
    answer = window.page.goto(f"{desk.site.url}/approvals/999999/")
    assert answer.status == 404


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("place", ["inbox", "empty", "one", "submit", "tab", "console", "flow", "batch"])
def test_axe_finds_nothing(visitor: Any, desk: Desk, place: str, dark: bool) -> None:
    deal, number = desk.submitted(f"Axe {place} {dark}")
    free = desk.site.deal(f"Free {place} {dark}", owner=desk.people["li"])
    who = {"submit": "li", "console": "admin", "flow": "admin"}.get(place, "boss")
    addresses = {
        "inbox": "/approvals/",
        "batch": "/approvals/",
        "empty": "/approvals/?box=cc",
        "one": f"/approvals/{number}/",
        "submit": f"/o/deal/{free}/submit/",
        "tab": f"/o/deal/{deal}/?tab=approvals",
        "console": "/console/approvals/",
        "flow": "/console/approvals/flow/discount/",
    }
    page = visitor(dark=dark, name=who).go(addresses[place])
    if place == "batch":
        page.locator(".quick").first.click()
        expect(page.locator("#comment")).to_be_visible()
    if place == "tab":
        expect(page.locator("#v-approvals .flow")).to_be_visible()
    if place == "one":
        for summary in page.locator("#decide summary").all():
            summary.click()
    page.wait_for_timeout(300)
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
    assert [(v["id"], [n["html"][:200] for n in v["nodes"][:3]]) for v in found["violations"]] == []
