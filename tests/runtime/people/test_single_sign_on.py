"""Log-in with a provider that runs: what it proves is believed, and nothing else."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from werkzeug.test import Client, TestResponse

from guanxi.runtime.people.oidc import SingleSignOn, SingleSignOnSettings
from tests.support.instances import House
from tests.support.provider import CLIENT, SECRET, Provider, provider

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def running() -> Iterator[Provider]:
    with provider() as made:
        yield made


@pytest.fixture
def idp(house: House, running: Provider) -> Iterator[Provider]:
    """The provider, known to the house; a person of its own each time."""
    subject = f"s{next(_numbers)}"
    running.claims = {"sub": subject, "preferred_username": f"sso.{subject}", "name": "Sam Sung"}
    running.says, running.forged = {}, False
    settings = SingleSignOnSettings(
        issuer=running.issuer,
        client_id=CLIENT,
        client_secret=SECRET,
        create=True,
        roles=("employee",),
        role_claim="groups",
        role_map={"makers": "worker"},
    )
    house.host.accounts.single = SingleSignOn(settings, house.instance.clock)
    yield running
    house.host.accounts.single = None


def start(client: Client) -> dict[str, str]:
    """Off to the provider and back: the parameters it sends us back with."""
    page = client.get("/login/").text
    assert 'href="/login/oidc/?url=' in page
    answer = client.get("/login/oidc/", query_string={"url": "/search/"})
    assert answer.status_code == 302, answer.text
    back = requests.get(answer.headers["Location"], allow_redirects=False, timeout=10)
    return {name: values[0] for name, values in parse_qs(urlsplit(back.headers["Location"]).query).items()}


def come_back(client: Client, given: dict[str, str]) -> TestResponse:
    return client.get("/login/oidc/callback/", query_string=given)


def who(client: Client) -> Any:
    answer = client.get("/api/me")
    return answer.json if answer.status_code == 200 else None


def test_somebody_new_gets_an_account_and_comes_back_to_it(house: House, idp: Provider) -> None:
    client = house.app.test_client()
    answer = come_back(client, start(client))
    assert (answer.status_code, answer.headers["Location"]) == (302, "/search/")
    me = who(client)
    assert me["name"] == idp.claims["preferred_username"]
    assert me["roles"] == ["employee"]
    idp.claims |= {"preferred_username": "renamed", "groups": ["makers", "others"]}
    again = house.app.test_client()
    come_back(again, start(again))
    assert who(again)["id"] == me["id"]
    assert who(again)["roles"] == ["employee", "worker"]
    idp.claims["groups"] = []
    third = house.app.test_client()
    come_back(third, start(third))
    assert who(third)["roles"] == ["employee"]


@pytest.mark.parametrize(
    "says",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "somebody-else"},
        {"aud": [CLIENT, "other"]},
        {"iss": "https://evil.example"},
        {"exp": 1_000_000_000},
        {"exp": None},
        {"sub": None},
    ],
)
def test_a_proof_that_does_not_hold_lets_nobody_in(house: House, idp: Provider, says: dict[str, Any]) -> None:
    idp.says = says
    client = house.app.test_client()
    assert come_back(client, start(client)).status_code == 403
    assert who(client) is None


def test_a_forged_signature_another_state_and_a_used_code_let_nobody_in(house: House, idp: Provider) -> None:
    idp.forged = True
    client = house.app.test_client()
    assert come_back(client, start(client)).status_code == 403
    idp.forged = False
    given = start(client)
    assert come_back(client, given | {"state": "other"}).status_code == 403
    assert come_back(client, given).status_code == 403  # what was remembered is used up
    given = start(client)
    assert come_back(house.app.test_client(), given).status_code == 403  # another browser
    assert come_back(client, given | {"code": "invented"}).status_code == 403
    given = start(client)
    assert come_back(client, given | {"iss": "https://evil.example"}).status_code == 403
    assert who(client) is None


@pytest.mark.parametrize("verified", [True, False, "true", None])
def test_only_a_verified_address_names_an_account_that_exists(house: House, idp: Provider, verified: Any) -> None:
    name = f"mail{next(_numbers)}"
    user = house.person(name, "employee")
    house.patch(f"/api/user/{user}", {"email": f"{name}@example.com"})
    idp.claims |= {"email": f"{name}@example.com", "email_verified": verified}
    client = house.app.test_client()
    come_back(client, start(client))
    assert (who(client)["id"] == user) is (verified is True)


def test_a_name_that_exists_is_not_taken_over(house: House, idp: Provider) -> None:
    idp.claims["preferred_username"] = "admin"
    client = house.app.test_client()
    assert come_back(client, start(client)).status_code == 403
    assert who(client) is None


def test_who_is_disabled_stays_out(house: House, idp: Provider) -> None:
    client = house.app.test_client()
    come_back(client, start(client))
    me = who(client)
    assert house.patch(f"/api/user/{me['id']}", {"active": False}).status_code == 200
    assert who(client) is None
    assert come_back(client, start(client)).status_code == 403
