"""Webhooks that leave: signed, complete, limited to what may be told, tried again with one id, paused when dead."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from guanxi.runtime.access.actor import SYSTEM
from guanxi.runtime.jobs.work import run_due
from guanxi.runtime.outbox import OutboxStore
from guanxi.runtime.outside import Destination, Outside
from guanxi.runtime.services import Services, build_services
from guanxi.runtime.storage.database import Handle
from guanxi.runtime.webhooks import destinations, log
from tests.runtime.outbound.receiver import Receiver, receiver, redirect
from tests.support.published import Project, project

TEXT = """
kind: object
name: deal
owned: true
fields:
  name: {type: text, required: true}
  amount: {type: money}
  stage: {type: choice, options: {open: {label: {en: Open, zh: 开}}, won: {label: {en: Won, zh: 赢}}}}
  margin: {type: decimal}
actions:
  tell:
    label: {en: Tell, zh: 告知}
    do:
      - webhook: {url_from: erp, body: {id: id, amount: amount, nested: {who: owner.name, list: [stage, 7]}}}
---
kind: role
name: partner
objects:
  deal: {read: all, fields: {margin: none}}
---
kind: object
name: other
fields:
  name: {type: text}
"""


class World:
    def __init__(self, database: Handle, far: Receiver) -> None:
        self.far = far
        self.base: Project = project(database, TEXT)
        self.clock = self.base.clock
        self.services: Services = self.base.services

    def with_hooks(self, *hooks: Destination, allow: tuple[str, ...] = ("127.0.0.1",)) -> World:
        base = self.base.services
        outside = Outside(allow=allow, webhooks={hook.name: hook for hook in hooks})
        self.services = build_services(base.registry, base.database, clock=self.clock, version=1, outside=outside)
        return self

    def hook(self, **more: Any) -> Destination:
        return replace(Destination("erp", self.far.url, ("whsec_c2VjcmV0", "old")), **more)

    def create(self, **values: Any) -> int:
        return int(self.services.records.create(SYSTEM, "deal", {"name": "A", **values}).id)

    def run(self, **later: float) -> None:
        if later:
            self.clock.advance(**later)
        run_due(self.services, "w")

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(one.body) for one in self.far.got]

    def outbox(self, columns: str) -> list[tuple[Any, ...]]:
        return self.services.database.rows(f"SELECT {columns} FROM gx_outbox ORDER BY id")


@pytest.fixture
def world(database: Handle) -> Iterator[World]:
    with receiver() as far:
        yield World(database, far)


def test_a_created_record_is_told_signed_with_both_secrets(world: World) -> None:
    world.with_hooks(world.hook(on=("deal.created",), fields=("name", "amount")))
    number = world.create(amount="12.50")
    assert world.far.got == []
    world.run()
    (got,) = world.far.got
    body = json.loads(got.body)
    assert (body["type"], body["version"], body["data"]["id"]) == ("deal.created", 1, number)
    assert body["data"]["record"] == {"name": "A", "amount": "12.50"}
    assert got.headers["content-type"] == "application/json"
    signed = f"{got.headers['webhook-id']}.{got.headers['webhook-timestamp']}.".encode() + got.body
    wanted = [
        "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode() for key in (b"secret", b"old")
    ]
    assert got.headers["webhook-signature"].split(" ") == wanted
    world.services.records.update(SYSTEM, "deal", number, {"name": "B"})
    world.run()
    assert len(world.far.got) == 1


def test_only_named_fields_or_what_the_role_may_see_goes_along(world: World) -> None:
    world.with_hooks(
        world.hook(name="bare", on=("deal.*",)),
        world.hook(name="role", on=("deal.created",), role="partner"),
        world.hook(name="both", on=("deal.created",), role="partner", fields=("margin", "name")),
        world.hook(name="blind", on=("deal.created",), role="nobody"),
    )
    world.create(margin="0.4")
    world.run()
    shown = [body["data"].get("record") for body in world.bodies]
    assert shown[0] == {}
    assert shown[1]["name"] == "A"
    assert "margin" not in shown[1]
    assert shown[2:] == [{"name": "A"}]


def test_changes_deletes_and_imports_are_told(world: World) -> None:
    world.with_hooks(world.hook(on=("deal.*",), fields=("name",)))
    number = world.create()
    world.services.records.update(SYSTEM, "deal", number, {"name": "B", "stage": "won"})
    world.run()
    world.services.records.delete(SYSTEM, "deal", number)
    world.services.records.create(SYSTEM, "other", {"name": "x"})
    world.services.records.bulk_create(SYSTEM, "deal", [{"name": f"n{n}"} for n in range(450)])
    world.run()
    kinds = [body["type"] for body in world.bodies]
    assert kinds[:3] == ["deal.created", "deal.updated", "deal.deleted"]
    assert world.bodies[1]["data"]["changed"] == ["name"]
    assert "record" not in world.bodies[2]["data"]
    assert sorted(b["data"]["record"]["name"] for b in world.bodies[3:]) == sorted(f"n{n}" for n in range(450))
    assert len({one.headers["webhook-id"] for one in world.far.got}) == 453


def test_an_object_nobody_subscribed_to_leaves_nothing_in_the_outbox(world: World) -> None:
    world.with_hooks(world.hook(on=("deal.created",)))
    world.services.records.create(SYSTEM, "other", {"name": "x"})
    assert world.outbox("kind") == []
    world.create()
    assert world.outbox("kind") == [("record.created",)]
    world.run()
    assert world.outbox("kind, done_at IS NOT NULL") == [("webhook", 1)]


def test_the_step_sends_exactly_its_body(world: World) -> None:
    world.with_hooks(world.hook())
    li = world.base.user("li", ["administrator"])
    number = world.services.records.create(li, "deal", {"name": "A", "amount": "3", "stage": "open"}).id
    world.services.records.act(li, "deal", number, "tell", {})
    world.run()
    assert world.bodies == [{"id": number, "amount": "3.00", "nested": {"who": "li", "list": ["open", 7]}}]


def test_it_is_tried_again_after_about_5_15_45_seconds_with_one_id(world: World) -> None:
    world.with_hooks(world.hook(on=("deal.created",)))
    world.far.answers = [500, redirect(world.far.url), 404, 200]
    world.create()
    world.run()
    counts = []
    for seconds in (4, 2, 12, 5, 38, 12):
        world.run(seconds=seconds)
        counts.append(len(world.far.got))
    assert counts == [1, 2, 2, 3, 3, 4]
    assert len({one.headers["webhook-id"] for one in world.far.got}) == 1
    assert len({one.body for one in world.far.got}) == 1
    assert len({one.headers["webhook-timestamp"] for one in world.far.got}) == 4
    noted = log.tries(world.services.database, webhook="erp")
    assert [(one.attempt, one.status) for one in noted] == [(4, 200), (3, 404), (2, 302), (1, 500)]
    world.run(days=4)
    assert len(world.far.got) == 4


def test_the_waits_go_on_for_about_three_days() -> None:
    from guanxi.runtime.webhooks.send import WAITS

    assert timedelta(days=2.7) < sum(WAITS, timedelta()) < timedelta(days=3.2)
    assert list(WAITS) == sorted(WAITS)


def test_inner_addresses_become_dead_letters_without_a_request(world: World) -> None:
    world.with_hooks(world.hook(on=("deal.created",)), allow=())
    world.create()
    world.run()
    assert world.far.got == []
    ((dead, error),) = world.outbox("dead_at IS NOT NULL, error")
    assert dead
    assert "not a public one" in error


def test_no_secret_stands_in_the_log(world: World) -> None:
    def echo(handler: Any) -> None:
        said = b"you sent whsec_c2VjcmV0 \x00 and more " + b"x" * 9000
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(said)))
        handler.end_headers()
        handler.wfile.write(said)

    world.with_hooks(world.hook(on=("deal.created",), headers={"Authorization": "Bearer inner"}))
    world.far.answers = [echo]
    world.create()
    world.run()
    assert world.far.got[0].headers["authorization"] == "Bearer inner"
    (kept,) = log.tries(world.services.database)
    assert len(kept.answer) == 2048
    assert "c2VjcmV0" not in repr(kept)
    assert "inner" not in repr(kept)
    assert "\x00" not in kept.answer


def test_a_dead_destination_is_paused_probed_and_resumed(world: World) -> None:
    world.with_hooks(world.hook(on=("deal.created",)))
    world.far.answers = [500] * 200
    for _ in range(12):
        world.create()
        world.run()
    world.run(minutes=90)
    state = destinations.states(world.services)["erp"]
    assert state.paused_at is not None
    before = len(world.far.got)
    world.create()
    world.run()
    assert len(world.far.got) == before
    world.run(minutes=16)
    assert len(world.far.got) == before + 1
    world.far.answers.clear()
    assert destinations.resume(world.services, "erp")
    world.run()
    assert all(done for (done,) in world.outbox("done_at IS NOT NULL"))
    assert destinations.states(world.services) == {}


def test_gone_is_gone(world: World) -> None:
    world.with_hooks(world.hook(on=("deal.created",)))
    world.far.answers = [410]
    world.create()
    world.run()
    assert destinations.states(world.services)["erp"].paused_at is not None
    assert world.outbox("dead_at IS NOT NULL") == [(1,)]


def test_a_dead_letter_sent_again_keeps_its_id(world: World) -> None:
    world.with_hooks(world.hook(on=("deal.created",)))
    world.far.answers = [410]
    world.create()
    world.run()
    destinations.resume(world.services, "erp")
    ((dead,),) = world.outbox("id")
    OutboxStore(world.services.database).retry_dead(dead, world.clock.now())
    world.run()
    first, second = world.far.got
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
