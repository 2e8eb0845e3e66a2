"""Webhooks that come in: only with a signature or the token, each once, with the rights of the hook's own role."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from guanxi.runtime.api import create_api
from guanxi.runtime.jobs.work import run_due
from guanxi.runtime.outside import Hook, Outside
from guanxi.runtime.services import build_services
from guanxi.runtime.storage.database import Handle
from guanxi.runtime.webhooks import signing
from tests.support.published import project

TEXT = """
kind: object
name: lead
fields:
  code: {type: text, unique: true}
  name: {type: text, required: true}
  secret: {type: text}
---
kind: role
name: door
objects:
  lead: {create: true, read: all, update: all, fields: {secret: none}}
---
kind: automation
name: greet
object: lead
on: {webhook: shop}
do:
  - set: {secret: '"greeted " + name'}
"""


class Stub:
    def __init__(self, services: Any) -> None:
        self._services = services
        self.limits: dict[str, int] = {}
        self.languages = ("en",)

    def services(self) -> Any:
        return self._services

    def identify(self, _: Any) -> None:
        return None


class Door:
    def __init__(self, database: Handle) -> None:
        made = project(database, TEXT)
        self.clock, self.db = made.clock, database
        values = {"code": "body.data.id", "name": "body.data.names.0"}
        hooks = {
            "shop": Hook("shop", ("whsec_c2VjcmV0",), "", "lead", ("code",), values, "door"),
            "form": Hook("form", (), "knock", "lead", (), {"name": "body.name", "secret": "body.secret"}, "door"),
        }
        self.services = build_services(
            made.services.registry, database, clock=made.clock, version=1, outside=Outside(hooks=hooks)
        )
        self.app = Flask("test")
        create_api(self.app, Stub(self.services))  # type: ignore[arg-type]

    def call(self, name: str, body: Any, headers: dict[str, str]) -> int:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.app.test_client().post(f"/hooks/{name}", data=data, headers=headers).status_code

    def signed(self, body: Any, call: str = "m1", secret: str = "whsec_c2VjcmV0", **moved: float) -> int:
        data = json.dumps(body).encode()
        at = self.clock.now() + timedelta(**moved)
        return self.call("shop", data, signing.headers((secret,), call, at, data))

    def rows(self) -> list[tuple[Any, ...]]:
        run_due(self.services, "w")
        return [tuple(row) for row in self.db.rows("SELECT code, name, secret FROM o_lead ORDER BY id")]


@pytest.fixture
def door(database: Handle) -> Door:
    return Door(database)


def test_a_signed_call_becomes_a_record_once_and_its_automation_runs(door: Door) -> None:
    body = {"data": {"id": "A1", "names": ["Ann"]}}
    assert [door.signed(body), door.signed(body)] == [202, 202]
    assert door.rows() == [("A1", "Ann", "greeted Ann")]
    assert door.signed({"data": {"id": "A1", "names": ["Bo"]}}, call="m2") == 202
    assert door.rows() == [("A1", "Bo", "greeted Bo")]


def test_what_is_not_signed_well_or_is_too_old_stays_outside(door: Door) -> None:
    body = {"data": {"id": "A1", "names": ["Ann"]}}
    assert door.signed(body, secret="other") == 401
    assert door.signed(body, minutes=-6) == 401
    assert door.signed(body, minutes=6) == 401
    assert door.call("shop", body, {}) == 401
    assert door.call("shop", body, {"Authorization": "Bearer "}) == 401
    data = json.dumps(body).encode()
    headers = signing.headers(("whsec_c2VjcmV0",), "m1", door.clock.now(), data)
    assert door.call("shop", data.replace(b"Ann", b"Eve"), headers) == 401
    assert door.call("nowhere", body, headers) == 404
    assert door.rows() == []


def test_a_token_lets_in_and_the_role_bounds_what_is_written(door: Door) -> None:
    assert door.call("form", {"name": "A"}, {"Authorization": "Bearer wrong"}) == 401
    assert door.call("form", {"name": "A"}, {"Authorization": "Bearer knock"}) == 202
    assert door.call("form", {"name": "B", "secret": "x"}, {"Authorization": "Bearer knock"}) == 202
    assert [row[1] for row in door.rows()] == ["A"]
    assert door.db.rows("SELECT state FROM gx_jobs ORDER BY id") == [("done",), ("failed",)]


def test_bodies_that_are_no_json_object_or_too_large_are_refused(door: Door) -> None:
    token = {"Authorization": "Bearer knock"}
    assert door.call("form", b"[1]", token) == 400
    assert door.call("form", b"{", token) == 400
    assert door.call("form", b'{"a": "' + b"x" * 300_000 + b'"}', token) == 413
