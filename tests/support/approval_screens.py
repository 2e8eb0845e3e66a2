"""The screens' instance with two flows: a deal goes to the manager, then to finance; a company's name is proposed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from guanxi.app.accounts import Accounts
from guanxi.runtime.access.actor import SYSTEM
from tests.support.screens import PASSWORD, Site

FLOWS = """
---
kind: approval
name: discount
object: deal
label: {en: Deal approval, zh: 商机审批}
start: {on: submit, required_for: {stage: qualified}}
comment: on_reject
repeat: each
always_editable: [notes]
steps:
  manager:
    label: {en: Manager, zh: 主管审批}
    who: {manager_of: submitter}
    edit: [amount]
    help: {en: Mind the margin, zh: 关注毛利}
    due: {days: 1}
  checks:
    parallel:
      money:
        label: {en: Money, zh: 财务}
        steps: {finance: {label: {en: Finance, zh: 财务审批}, who: {user: [fin, boss]}}}
      law:
        label: {en: Law, zh: 法务}
        when: needs_legal
        steps: {legal: {label: {en: Legal, zh: 法务审批}, who: {role: administrator}}}
---
kind: approval
name: renaming
object: company
label: {en: Renaming, zh: 企业更名}
start: {on: [update, delete], watch: [name]}
steps:
  boss: {label: {en: Manager, zh: 主管审批}, who: {manager_of: submitter}}
"""


@dataclass
class Desk:
    """The site and its people; `submitted` puts a deal into approval."""

    site: Site
    people: dict[str, int]

    def actor(self, name: str) -> Any:
        found = self.site.services.actor(self.people[name])
        assert found is not None
        return found

    @property
    def approvals(self) -> Any:
        return self.site.services.approvals

    def submitted(self, title: str, **values: Any) -> tuple[int, int]:
        """(deal, approval) of a new deal that li has submitted."""
        deal = self.site.deal(title, owner=self.people["li"], **values)
        found = self.site.services.records.act(self.actor("li"), "deal", deal, "submit", {})
        return deal, int(found["id"])

    def show(self, approval: int) -> dict[str, Any]:
        return dict(self.approvals.show(SYSTEM, approval))

    def task(self, approval: int, who: str) -> int:
        tasks = self.show(approval)["tasks"]
        return int(next(t["id"] for t in tasks if t["user"]["id"] == self.people[who] and t["state"] == "open"))

    def act(self, approval: int, who: str, act: str, **payload: Any) -> None:
        self.approvals.act(self.actor(who), self.task(approval, who), act, payload)


def people_of(site: Site) -> dict[str, int]:
    """li and her boss, somebody of finance, an administrator."""
    accounts = Accounts(site.instance, site.services)
    found = {}
    for name, full, role in (
        ("li", "李娜", "sales"),
        ("boss", "Marco Rossi", "sales"),
        ("fin", "王芳", "sales"),
        ("admin", "Administrator", "administrator"),
    ):
        found[name] = accounts.add(name, password=PASSWORD, roles=[role], full_name=full)[0]
    site.services.records.update(SYSTEM, "user", found["li"], {"manager": found["boss"]})
    return found
