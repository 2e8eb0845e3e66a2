"""Log-in, throttling, links, second factors, sessions, tokens with scopes, and the end of it all at once."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import timedelta

import pyotp
import pytest

from guanxi.common.clock import FixedClock
from guanxi.common.errors import Invalid, NotFound, TooManyRequests
from guanxi.runtime.access.actor import SYSTEM
from guanxi.runtime.people.passwords import HASHER, password_fault
from guanxi.runtime.people.service import AccountService
from tests.support.instances import PASSWORD, House

New = Callable[..., tuple[int, str]]
GOOD = "seven green bicycles"


def test_every_refused_log_in_costs_one_hash(house: House, accounts: AccountService, new: New) -> None:
    disabled, name = new()
    house.patch(f"/api/user/{disabled}", {"active": False})
    service, program = new()
    house.patch(f"/api/user/{service}", {"kind": "service"})
    _, known = new()
    for number, (who, word) in enumerate(
        [
            ("nobody-here", PASSWORD),
            (known, "wrong"),
            (name, PASSWORD),
            (program, PASSWORD),
            (known, "x" * 300),
            ("\0", "a"),
        ]
    ):
        before = HASHER.spent
        assert accounts.login.password(who, word, f"10.0.0.{number}") is None
        assert HASHER.spent - before == 1, who
    found = accounts.login.password(known, PASSWORD, "10.0.0.99")
    assert found is not None
    assert found.name == known


def test_wrong_tries_wait_and_nobody_is_locked_out_for_good(
    accounts: AccountService, clock: FixedClock, new: New
) -> None:
    _, name = new()
    for number in range(10):
        assert accounts.login.password(name, "wrong", f"10.1.0.{number}") is None
    with pytest.raises(TooManyRequests) as wait:
        accounts.login.password(name, PASSWORD, "10.1.1.1")
    assert 0 < wait.value.retry_after <= 300
    clock.advance(seconds=wait.value.retry_after)
    assert accounts.login.password(name, PASSWORD, "10.1.1.1") is not None
    for number in range(30):
        assert accounts.login.password(f"{name}-{number}", "wrong", "10.1.2.2") is None
    with pytest.raises(TooManyRequests):
        accounts.login.password(name, PASSWORD, "10.1.2.2")
    assert accounts.login.password(name, PASSWORD, "10.1.2.3") is not None


@pytest.mark.parametrize(
    "word", ["short", "1234567890", "password123", "qwertyuiop", "wang.xiaoming", "a\x00bcdefghijk"]
)
def test_passwords_that_are_refused(word: str) -> None:
    assert password_fault(word, "wang.xiaoming")
    assert not password_fault(GOOD, "wang.xiaoming")


def test_an_invitation_works_once_and_ends(accounts: AccountService, clock: FixedClock, new: New) -> None:
    user, name = new()
    first, second = accounts.invite(user, SYSTEM), accounts.invite(user, SYSTEM)
    assert accounts.by_link(first.rpartition("/")[2]) is None  # a new one makes the older useless
    token = second.rpartition("/")[2]
    with pytest.raises(Invalid):
        accounts.set_by_link(token, "1234567890")
    assert accounts.set_by_link(token, GOOD).id == user
    with pytest.raises(NotFound):
        accounts.set_by_link(token, GOOD + "!")
    assert accounts.login.password(name, GOOD, "10.2.0.1") is not None
    late = accounts.invite(user, SYSTEM).rpartition("/")[2]
    clock.advance(days=8)
    assert accounts.by_link(late) is None


def test_asking_for_a_reset_does_the_same_for_nobody(
    house: House, accounts: AccountService, new: New, monkeypatch: pytest.MonkeyPatch
) -> None:
    user, name = new()
    house.patch(f"/api/user/{user}", {"email": f"{name}@example.com"})
    posted: list[dict[str, str]] = []
    monkeypatch.setattr("guanxi.runtime.people.mail.post", lambda _, payload, **__: posted.append(payload))
    links = [accounts.database.one("SELECT count(*) FROM gx_account_links")]
    for who in (name, f"{name}@example.com", "nobody-at-all"):
        accounts.request_reset(who, "10.3.0.1", "en")
        links.append(accounts.database.one("SELECT count(*) FROM gx_account_links"))
    assert [b[0] - a[0] for a, b in itertools.pairwise(links) if a and b] == [1, 1, 1]
    assert [one["to"] for one in posted] == [f"{name}@example.com"] * 2 + [""]
    assert posted[1]["link"].startswith("https://crm.example.com/reset/")
    assert posted[2]["link"] == ""


def test_a_reset_ends_sessions_and_tokens_at_once(house: House, accounts: AccountService, new: New) -> None:
    user, name = new("worker")
    session = accounts.sessions.begin(user, address="", agent="")
    assert house.get("/api/me", name).status_code == 200
    path = accounts.reset_by_administrator(user, SYSTEM)
    assert accounts.sessions.find(session) is None
    assert house.get("/api/me", name).status_code == 401
    assert accounts.login.password(name, PASSWORD, "10.4.0.1") is None
    assert accounts.set_by_link(path.rpartition("/")[2], GOOD).id == user


@pytest.mark.parametrize("how", ["disable", "delete"])
def test_who_is_disabled_or_removed_is_out_at_once(house: House, accounts: AccountService, new: New, how: str) -> None:
    user, name = new("worker")
    session = accounts.sessions.begin(user, address="", agent="")
    if how == "disable":
        assert house.patch(f"/api/user/{user}", {"active": False}).status_code == 200
    else:
        assert house.delete(f"/api/user/{user}").status_code == 204
    assert accounts.sessions.find(session) is None
    assert house.get("/api/me", name).status_code == 401
    assert accounts.tokens.of(user) == []


def test_other_roles_act_at_once_and_end_sessions(house: House, accounts: AccountService, new: New) -> None:
    user, name = new("worker")
    session = accounts.sessions.begin(user, address="", agent="")
    assert house.post("/api/thing", {"name": "a"}, name).status_code == 201
    assert house.patch(f"/api/user/{user}", {"roles": []}).status_code == 200
    assert house.post("/api/thing", {"name": "b"}, name).status_code == 404
    assert accounts.sessions.find(session) is None


def test_sessions_end_when_unused_and_after_their_time(accounts: AccountService, clock: FixedClock, new: New) -> None:
    user, _ = new()
    token = accounts.sessions.begin(user, address="10.0.0.1", agent="Firefox\n\x00")
    held = accounts.sessions.find(token)
    assert held is not None
    assert held.user_id == user
    clock.advance(hours=7)
    assert accounts.sessions.find(token) is not None  # notes that it is in use
    clock.advance(hours=7)
    assert accounts.sessions.find(token) is not None
    assert accounts.sessions.find(accounts.sessions.rotate(held)) is not None
    assert accounts.sessions.find(token) is None
    short = accounts.sessions.begin(user, address="", agent="")
    clock.advance(hours=8, seconds=1)
    assert accounts.sessions.find(short) is None
    long = accounts.sessions.begin(user, address="", agent="")
    for _ in range(30 * 4 - 1):
        clock.advance(hours=6)
        assert accounts.sessions.find(long) is not None
    clock.advance(hours=6)
    assert accounts.sessions.find(long) is None


def test_a_code_holds_once_per_step(accounts: AccountService, clock: FixedClock, new: New) -> None:
    user, name = new()
    enrolment = accounts.second.begin(user, name)
    assert not accounts.second.enrolled(user)
    app = pyotp.TOTP(enrolment.secret)
    codes = accounts.second.confirm(user, app.at(clock.now()))
    assert codes is not None
    assert len(set(codes)) == 10
    assert not accounts.second.verify(user, app.at(clock.now()))  # the step was used to confirm
    clock.advance(seconds=30)
    assert accounts.second.verify(user, app.at(clock.now()))
    assert not accounts.second.verify(user, app.at(clock.now()))
    assert not accounts.second.verify(user, app.at(clock.now() - timedelta(seconds=90)))
    assert accounts.second.verify(user, codes[0].upper())
    assert not accounts.second.verify(user, codes[0])
    assert accounts.second.left(user) == 9
    stored = accounts.database.one(accounts.database.sql("SELECT secret FROM gx_totp WHERE user_id = ?"), (user,))
    assert stored
    assert enrolment.secret not in stored[0]


def test_the_token_route_asks_for_the_code(house: House, new: New) -> None:
    user, name = new("worker")
    second = house.host.accounts.second
    app = pyotp.TOTP(second.begin(user, name).secret)
    codes = second.confirm(user, app.now())
    assert codes is not None
    body = {"name": name, "password": PASSWORD}
    missing = house.post("/api/auth/token", body, None)
    assert missing.status_code == 401
    assert missing.json is not None
    assert missing.json["code"] == "totp"
    assert house.post("/api/auth/token", body | {"totp": "000000"}, None).status_code == 401
    assert house.post("/api/auth/token", body | {"totp": codes[1]}, None).status_code == 200
    assert house.post(f"/api/user/{user}/actions/reset_totp").status_code == 204
    assert house.post("/api/auth/token", body, None).status_code == 200


def scoped(house: House, name: str, *scopes: str) -> str:
    made = house.post("/api/me/tokens", {"name": "t", "scopes": list(scopes)}, name)
    assert made.status_code == 201, made.text
    assert made.json is not None
    key = f"{name} {' '.join(scopes)}"
    house.tokens[key] = made.json["token"]
    return key


@pytest.mark.parametrize("role", ["worker", "administrator"])
def test_a_token_never_does_more_than_its_scopes(house: House, new: New, role: str) -> None:
    _, name = new(role)
    secret = house.post("/api/secret", {"name": "hush"}).json["id"]  # type: ignore[index]
    thing = house.post("/api/thing", {"name": "a", "other": secret}, name).json["id"]  # type: ignore[index]
    reads, writes = scoped(house, name, "read"), scoped(house, name, "write", "object:thing")
    assert house.get(f"/api/thing/{thing}", reads).status_code == 200
    assert house.get(f"/api/secret/{secret}", reads).status_code == 200
    for refused in (
        house.patch(f"/api/thing/{thing}", {"name": "b"}, reads),
        house.post("/api/thing", {"name": "b"}, reads),
        house.post("/api/thing/batch", {"operations": [{"op": "delete", "id": thing}]}, reads),
        house.post("/api/me/tokens", {"name": "more"}, reads),
    ):
        assert refused.status_code == 403, refused.text
    assert house.patch(f"/api/thing/{thing}", {"name": "c"}, writes).status_code == 200
    assert house.get(f"/api/secret/{secret}", writes).status_code == 404
    assert house.get("/api/secret", writes).status_code == 404
    assert house.get("/api/thing", writes, where='other.name == "hush"').status_code == 400
    assert "hush" not in house.get(f"/api/thing/{thing}", writes, expand="other").text
    assert house.get("/api/thing", writes, q="hush").status_code == 200
    assert house.get("/api/meta/versions", writes).status_code == 403
    assert house.post("/api/me/tokens", {"name": "more"}, writes).status_code == 403
    me = house.get("/api/me", writes).json
    assert me is not None
    assert set(me["objects"]) == {"thing"}
    assert not any(one.startswith("scope") for one in me["roles"])


def test_tokens_are_listed_without_their_secret_and_revoked(house: House, new: New) -> None:
    _, name = new("worker")
    _, other = new("worker")
    key = scoped(house, name, "read")
    listed = house.get("/api/me/tokens", name).json
    assert listed is not None
    mine = next(row for row in listed["data"] if row["scopes"] == ["read"])
    assert house.tokens[key] not in str(listed)
    assert house.delete(f"/api/me/tokens/{mine['id']}", other).status_code == 404
    assert house.delete(f"/api/me/tokens/{mine['id']}", name).status_code == 204
    assert house.get("/api/me", key).status_code == 401
    for wrong in (
        {"name": "x", "days": 366},
        {"name": "x", "scopes": ["object:nothing"]},
        {"name": " "},
        {"name": "x", "days": 0},
    ):
        assert house.post("/api/me/tokens", wrong, name).status_code == 422, wrong


def test_service_accounts_have_tokens_and_nothing_else(house: House, new: New) -> None:
    made = house.post("/api/user", {"name": f"program-{new()[1]}", "kind": "service"})
    assert made.json is not None
    user = made.json["id"]
    token = house.post(f"/api/user/{user}/actions/make_token", {"name": "nightly", "days": 10})
    assert token.status_code == 201
    assert token.json is not None
    house.tokens["program"] = token.json["token"]
    me = house.get("/api/me", "program").json
    assert me is not None
    assert me["kind"] == "service"
    assert house.post(f"/api/user/{user}/actions/invite").status_code == 409
    person, name = new("worker")
    assert house.post(f"/api/user/{person}/actions/make_token", {"name": "x"}).status_code == 409
    assert house.post(f"/api/user/{person}/actions/invite", {}, name).status_code == 403


def test_nobody_gives_rights_they_do_not_have(house: House, new: New) -> None:
    _, clerk = new("personnel")
    admin = house.get("/api/me").json
    roles = {row["name"]: row["id"] for row in house.get("/api/role").json["data"]}  # type: ignore[index]
    assert admin is not None
    assert house.post("/api/user", {"name": f"new-{clerk}", "roles": [roles["employee"]]}, clerk).status_code == 201
    for role in ("administrator", "worker"):
        answer = house.post("/api/user", {"name": f"x-{clerk}-{role}", "roles": [roles[role]]}, clerk)
        assert answer.status_code == 422, role
    assert house.patch(f"/api/user/{admin['id']}", {"email": "me@example.com"}, clerk).status_code == 403
    assert house.post("/api/user", {"name": f"y-{clerk}", "kind": "service"}, clerk).status_code == 422


def test_the_last_administrator_stays(house: House) -> None:
    admin = house.get("/api/me").json
    assert admin is not None
    others = house.get("/api/user", limit=500).json["data"]  # type: ignore[index]
    roles = {row["name"]: row["id"] for row in house.get("/api/role").json["data"]}  # type: ignore[index]
    for row in others:
        if roles["administrator"] in (row.get("roles") or []) and row["id"] != admin["id"]:
            assert house.patch(f"/api/user/{row['id']}", {"active": False}).status_code == 200
    for change in ({"active": False}, {"roles": []}):
        answer = house.patch(f"/api/user/{admin['id']}", change)
        assert answer.status_code == 409, answer.text
    assert house.delete(f"/api/user/{admin['id']}").status_code == 409


def test_ones_own_password(house: House, new: New) -> None:
    _, name = new("worker")
    assert house.post("/api/me/password", {"old": "wrong", "password": GOOD}, name).status_code == 422
    assert house.post("/api/me/password", {"old": PASSWORD, "password": "short"}, name).status_code == 422
    assert house.post("/api/me/password", {"old": PASSWORD, "password": GOOD}, name).status_code == 204
    assert house.get("/api/me", name).status_code == 401
    assert house.post("/api/auth/token", {"name": name, "password": GOOD}, None).status_code == 200
