"""The screens in a real browser: what a person does all day, in two languages, light and dark, desktop and phone."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Any

import pytest
from playwright.sync_api import expect

AXE = files("axe_core_python").joinpath("axe.min.js")
PAGES = {
    "home": "/",
    "list": "/o/deal/",
    "board": "/o/deal/?view=board",
    "form": "/o/deal/new/",
    "record": "/o/company/1/",
    "deal": "/o/deal/1/",
    "search": "/search/?q=fleet",
}


# logging in ------------------------------------------------------------------------------------------------
def test_log_in_out_and_back_to_where_one_wanted_to_go(visitor: Any, site: Any) -> None:
    window = visitor(name=None)
    page = window.go("/o/deal/?view=mine")
    expect(page).to_have_url(re.compile(r"/login/\?url="))
    page.fill("#name", "li")
    page.fill("#password", "wrong")
    page.click("form.gatebox button")
    expect(page.get_by_role("alert")).to_contain_text("The name or the password is wrong.")
    page.fill("#password", "correct horse 9")
    page.click("form.gatebox button")
    expect(page).to_have_url(f"{site.url}/o/deal/?view=mine")
    page.click("[popovertarget=m-me]")
    page.get_by_role("button", name="Log out").click()
    expect(page).to_have_url(f"{site.url}/login/")
    window.go("/o/deal/")
    expect(page).to_have_url(re.compile("/login/"))


def test_navigation_shows_only_what_one_may_read(visitor: Any) -> None:
    page = visitor().page
    side = page.get_by_role("navigation", name="Main")
    expect(side.get_by_role("link", name="Deals")).to_be_visible()
    expect(side).not_to_contain_text("Secret")
    expect(page.get_by_role("heading", name="Welcome, 李娜")).to_be_visible()
    expect(page.get_by_role("heading", name="My deals")).to_be_visible()


# lists -----------------------------------------------------------------------------------------------------
def test_list_search_filter_sort_and_chips(visitor: Any) -> None:
    window = visitor()
    page = window.go("/o/deal/?view=all")
    expect(page.get_by_text("60 records")).to_be_visible()
    page.get_by_role("searchbox", name="Find in this list").fill("数据中台")
    page.keyboard.press("Enter")
    expect(page.locator("tbody tr")).to_have_count(10)
    page.get_by_role("button", name="Filter").click()
    page.get_by_label("Field").select_option(label="Stage")
    page.get_by_label("Condition").select_option(label="is any of")
    page.locator("#m-filter").get_by_label("New").check()
    page.locator("#m-filter").get_by_role("button", name="Apply").click()
    expect(page).to_have_url(re.compile(r"f\.stage=in%3Anew"))
    expect(page.locator(".chip")).to_contain_text("Stage is any of New")
    page.get_by_role("link", name="Remove the filter Stage").click()
    expect(page.locator(".chip")).to_have_count(0)
    page.get_by_role("columnheader", name="Amount").get_by_role("link").click()
    expect(page.get_by_role("columnheader", name="Amount")).to_have_attribute("aria-sort", "ascending")
    amounts = [int(re.sub(r"\D", "", t)) for t in page.locator("td[data-label=Amount]").all_inner_texts()]
    assert amounts == sorted(amounts)


def test_list_sorts_by_several_columns_and_keeps_chosen_ones(visitor: Any) -> None:
    window = visitor()
    page = window.go("/o/deal/?view=all")
    page.get_by_role("button", name="Sort").click()
    page.locator("#sort-0").select_option("stage")
    page.locator("#sort-1").select_option("amount")
    page.locator("#m-sort").get_by_label("Direction").nth(1).select_option("-")
    page.locator("#m-sort").get_by_role("button", name="Apply").click()
    expect(page).to_have_url(re.compile(r"sort=stage(%2C|,)-amount"))
    page.get_by_role("button", name="Columns").click()
    columns = page.locator("#m-columns")
    columns.get_by_label("Probability", exact=True).uncheck()
    columns.get_by_label("Notes", exact=True).check()
    columns.get_by_role("button", name="Apply").click()
    heads = page.locator("thead th")
    expect(heads.filter(has_text="Probability")).to_have_count(0)
    expect(heads.filter(has_text="Notes")).to_have_count(1)
    window.go("/o/company/")
    expect(page.locator("thead th").filter(has_text="Industry")).to_have_count(1)


def test_paging_forth_and_back_meets_every_record_once(visitor: Any) -> None:
    page = visitor().go("/o/deal/?view=all&sort=name")
    seen: list[str] = []
    for _ in range(3):
        seen += page.locator("tbody .name").all_inner_texts()
        if page.get_by_role("link", name="Next").count():
            page.get_by_role("link", name="Next").click()
            page.wait_for_load_state()
    assert len(seen) == len(set(seen)) == 60
    expect(page.locator(".pager")).to_contain_text("51–60 / 60")
    page.get_by_role("link", name="Previous").click()
    expect(page.locator(".pager")).to_contain_text("26–50 / 60")
    assert page.locator("tbody .name").all_inner_texts() == seen[25:50]
    page.get_by_role("link", name="Previous").click()
    expect(page.locator(".pager")).to_contain_text("1–25 / 60")


def test_selected_records_are_deleted_after_a_question(visitor: Any, site: Any) -> None:
    keys = [site.deal(f"Delete me {n}") for n in range(2)]
    page = visitor().go("/o/deal/?view=all&q=Delete+me")
    page.get_by_label("Select all on this page").check()
    bar = page.get_by_role("toolbar")
    expect(bar).to_contain_text("2 selected")
    bar.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    assert site.get("deal", keys[0])["name"] == "Delete me 0"
    bar.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("No record fits the search and the filters.")).to_be_visible()


def test_palette_finds_records_and_pages_by_keyboard(visitor: Any, site: Any) -> None:
    page = visitor().page
    page.keyboard.press("Control+k")
    page.get_by_role("combobox", name="Search or jump to…").fill("Harbor")
    expect(page.get_by_role("option", name="Blue Harbor Bank")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{site.url}/o/company/3/")


# forms -----------------------------------------------------------------------------------------------------
def test_form_shows_messages_at_the_field_in_chinese(visitor: Any) -> None:
    page = visitor(language="zh").go("/o/deal/new/")
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    page.get_by_label("赢率").fill("95")
    page.get_by_role("button", name="保存", exact=True).click()
    summary = page.locator("[data-summary]")
    expect(summary).to_be_focused()
    expect(summary).to_contain_text("请修正标出的字段。")
    for name in ("name", "company"):
        expect(page.locator(f"#f-{name}")).to_have_attribute("aria-invalid", "true")
        expect(page.locator(f"#f-{name}-e")).not_to_be_empty()
    expect(page.locator("#f-close_on-e")).to_have_text("高赢率商机须填写预计成交日")
    assert page.locator("#f-probability").input_value() == "95"
    summary.get_by_role("link", name="商机名称").click()
    expect(page.locator("#f-name")).to_be_focused()


def test_conditional_field_appears_and_is_required_then(visitor: Any) -> None:
    page = visitor().go("/o/deal/new/")
    contact = page.locator("[data-field=legal_contact]")
    expect(contact).to_be_hidden()
    page.get_by_label("Needs legal review").check()
    expect(contact).to_be_visible()
    expect(contact.locator(".req")).to_be_visible()
    contact.get_by_role("textbox").fill("nobody")
    page.locator("#f-notes").focus()
    expect(page.locator("#f-legal_contact-e")).not_to_be_empty()
    page.get_by_label("Needs legal review").uncheck()
    expect(contact).to_be_hidden()


def test_new_record_with_a_lookup_then_change_and_history(visitor: Any, site: Any) -> None:
    page = visitor().go("/o/deal/new/")
    page.locator("#f-name").fill("Orders portal")
    page.locator("#f-company").fill("Northwind")
    page.get_by_role("option", name="Northwind Robotics").wait_for()
    page.keyboard.press("Enter")
    expect(page.locator("#f-company")).to_have_value("Northwind Robotics")
    page.locator("#f-amount").fill("1.2万")
    page.locator("#f-next_at").fill("2027-02-01T10:30")
    page.get_by_label("Cloud").check()
    page.locator("#f-partners").fill("Harbor")
    page.get_by_role("option", name="Blue Harbor Bank").wait_for()
    page.keyboard.press("Enter")
    expect(page.locator(".token")).to_contain_text("Blue Harbor Bank")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", name="Orders portal")).to_be_visible()
    key = int(page.url.rstrip("/").split("/")[-1])
    stored = site.get("deal", key)
    assert stored["amount"] == "12000.00"
    assert stored["next_at"] == "2027-02-01T02:30:00Z"
    assert stored["owner"] == site.user
    assert stored["partners"] == [site.companies[2]]
    expect(page.locator(".pairs").get_by_role("link", name="Blue Harbor Bank")).to_be_visible()
    expect(page.locator(".pairs")).to_contain_text(["Feb 1, 2027, 10:30"])
    page.get_by_role("link", name="Edit").click()
    page.locator("#f-amount").fill("13000")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("tab", name="History").click()
    history = page.locator(".history")
    expect(history).to_contain_text("李娜 changed the record")
    expect(history).to_contain_text("¥12,000")
    expect(history).to_contain_text("¥13,000")
    assert site.get("deal", key)["next_at"] == "2027-02-01T02:30:00Z"


def test_somebody_else_saved_first(visitor: Any, site: Any) -> None:
    key = site.deal("Two writers")
    page = visitor().go(f"/o/deal/{key}/edit/")
    from guanxi.runtime.access.actor import SYSTEM

    site.services.records.update(SYSTEM, "deal", key, {"amount": "777"})
    page.locator("#f-amount").fill("888")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("alert").filter(has_text="Somebody else saved this record meanwhile.")).to_be_visible()
    expect(page.locator("[data-summary] table")).to_contain_text("¥888")
    expect(page.locator("[data-summary] table")).to_contain_text("¥777")
    assert site.get("deal", key)["amount"] == "777.00"
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", name="Two writers", exact=True)).to_be_visible()
    assert site.get("deal", key)["amount"] == "888.00"


def test_a_likely_duplicate_is_saved_only_on_purpose(visitor: Any) -> None:
    page = visitor().go("/o/company/new/")
    page.locator("#f-name").fill("Northwind Copy")
    page.locator("#f-phone").fill("13800138000")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("[data-summary]")).to_contain_text("There may already be such a record.")
    page.get_by_label("Save anyway").check()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", name="Northwind Copy")).to_be_visible()


def test_leaving_a_changed_form_is_asked_for(visitor: Any, site: Any) -> None:
    page = visitor().go("/o/deal/1/edit/")
    page.locator("#f-notes").fill("almost lost")
    expect(page.locator("[data-dirty]")).to_be_visible()
    page.get_by_role("link", name="Cancel").click()
    page.get_by_role("dialog").get_by_role("button", name="Stay").click()
    expect(page.locator("#f-notes")).to_have_value("almost lost")
    page.get_by_role("link", name="Cancel").click()
    page.get_by_role("dialog").get_by_role("button", name="Leave").click()
    expect(page).to_have_url(f"{site.url}/o/deal/1/")


# records and boards ----------------------------------------------------------------------------------------
def test_record_page_moves_along_the_path_and_says_why_not(visitor: Any, site: Any) -> None:
    key = site.deal("Path walker", amount=None)
    page = visitor().go(f"/o/deal/{key}/")
    page.get_by_role("button", name="Qualified").click()
    expect(page.locator("[data-refusal]")).to_contain_text("Amount")
    assert site.get("deal", key)["stage"] == "new"
    from guanxi.runtime.access.actor import SYSTEM

    site.services.records.update(SYSTEM, "deal", key, {"amount": "10"})
    page.get_by_role("button", name="Qualified").click()
    expect(page.locator(".path [aria-current=step]")).to_have_text("Qualified")
    assert site.get("deal", key)["stage"] == "qualified"
    page.get_by_role("button", name="Postpone").first.click()
    expect(page.locator(".toast")).to_contain_text("Postpone")
    assert site.get("deal", key)["probability"] == "10.00"


def test_related_list_offers_a_new_child_with_the_parent_filled_in(visitor: Any, site: Any) -> None:
    page = visitor().go("/o/company/2/")
    expect(page.get_by_role("tab", name="Deals · Partners")).to_be_visible()
    page.get_by_role("tab", name="Deals", exact=True).click()
    panel = page.get_by_role("tabpanel")
    expect(panel.locator("tbody tr")).to_have_count(10)
    panel.get_by_role("link", name="New Deal").click()
    expect(page.locator("#f-company")).to_have_value("苏州市政务服务中心")
    page.locator("#f-name").fill("Child deal")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page).to_have_url(f"{site.url}/o/company/2/?tab=deals")
    expect(page.get_by_role("tabpanel")).to_contain_text("Child deal")


def lane(page: Any, value: str) -> Any:
    return page.locator(f".lane[data-value={value}]")


def test_board_drag_by_mouse_and_back_when_refused(visitor: Any, site: Any) -> None:
    key = site.deal("Dragged deal", amount="99000")
    page = visitor().go("/o/deal/?view=board&q=Dragged")
    card = page.locator(f".card[data-id='{key}']")
    expect(lane(page, "new").locator("[data-total]")).to_have_text("¥99k")

    def drag(value: str) -> None:
        box, goal = card.bounding_box(), lane(page, value).bounding_box()
        page.mouse.move(box["x"] + 40, box["y"] + 40)
        page.mouse.down()
        page.mouse.move(box["x"] + 60, box["y"] + 50, steps=3)
        page.mouse.move(goal["x"] + 80, goal["y"] + 70, steps=6)
        page.mouse.up()

    drag("qualified")
    expect(page.locator(".toast")).to_contain_text("Moved to Qualified")
    expect(lane(page, "qualified").locator(f".card[data-id='{key}']")).to_be_visible()
    assert site.get("deal", key)["stage"] == "qualified"
    drag("won")  # not on the path from here: the lane is closed
    expect(lane(page, "qualified").locator(f".card[data-id='{key}']")).to_be_visible()
    assert site.get("deal", key)["stage"] == "qualified"


def test_board_by_keyboard_with_the_reason_of_a_refusal(visitor: Any, site: Any) -> None:
    key = site.deal("Keyboard deal", amount=None)
    page = visitor().go("/o/deal/?view=board&q=Keyboard")
    card = page.locator(f".card[data-id='{key}']")
    card.focus()
    page.keyboard.press("Alt+ArrowRight")
    expect(page.locator(".toast.error")).to_contain_text("Amount")
    expect(lane(page, "new").locator(f".card[data-id='{key}']")).to_be_visible()
    assert site.get("deal", key)["stage"] == "new"
    from guanxi.runtime.access.actor import SYSTEM

    site.services.records.update(SYSTEM, "deal", key, {"amount": "5"})
    card.focus()
    page.keyboard.press("Alt+ArrowRight")
    expect(lane(page, "qualified").locator(f".card[data-id='{key}']")).to_be_focused()
    page.get_by_role("button", name="Undo").click()
    expect(lane(page, "new").locator(f".card[data-id='{key}']")).to_be_visible()


def test_board_by_touch(visitor: Any, site: Any) -> None:
    key = site.deal("Touched deal")
    window = visitor(phone=True)
    page = window.go("/o/deal/?view=board&q=Touched")
    box = page.locator(f".card[data-id='{key}']").bounding_box()
    cdp = window.context.new_cdp_session(page)

    def touch(kind: str, x: float, y: float) -> None:
        points = [] if kind == "touchEnd" else [{"x": x, "y": y}]
        cdp.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", box["x"] + 30, box["y"] + 30)
    page.wait_for_timeout(450)
    for x in range(60, 380, 40):
        touch("touchMove", x, box["y"] + 40)
    touch("touchEnd", 0, 0)
    expect(page.locator(".toast")).to_contain_text("Moved to Qualified")
    assert site.get("deal", key)["stage"] == "qualified"


# looks -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing(visitor: Any, name: str, dark: bool) -> None:
    page = visitor(dark=dark).go(PAGES[name])
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
    assert [(v["id"], [n["html"][:200] for n in v["nodes"][:3]]) for v in found["violations"]] == []


@pytest.mark.parametrize("name", PAGES)
def test_phone_has_no_horizontal_overflow(visitor: Any, name: str) -> None:
    page = visitor(phone=True, language="zh").go(PAGES[name])
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_theme_and_language_are_kept(visitor: Any) -> None:
    window = visitor()
    page = window.go("/o/deal/")
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.get_by_role("button", name="Switch between light and dark").click()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != before
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.click("[popovertarget=m-me]")
    page.get_by_role("button", name="中文").click()
    expect(page.get_by_role("heading", name="商机")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_phone_menu_opens_and_closes(visitor: Any) -> None:
    page = visitor(phone=True).go("/o/deal/")
    side = page.get_by_role("navigation", name="Main")
    expect(side).to_be_hidden()
    page.get_by_role("button", name="Menu").click()
    expect(side.get_by_role("link", name="Companies")).to_be_visible()
    page.keyboard.press("Escape")
    expect(side).to_be_hidden()
