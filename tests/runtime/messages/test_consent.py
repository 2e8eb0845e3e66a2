"""Marketing needs consent and obeys the cap, whoever sends and however many at once; everybody can unsubscribe."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from guanxi.common.errors import Conflict, Invalid, NotFound
from guanxi.runtime.messages.outgoing import Outgoing, Posted
from guanxi.runtime.messages.room import Messaging
from guanxi.runtime.messages.settings import Cap, Smtp
from tests.runtime.messages.conftest import Configure, deliver
from tests.support.mail_servers import smtp_relay
from tests.support.published import Project


def send(messaging: Messaging, to: str = "ann@example.com", *, marketing: bool = True) -> Posted:
    return messaging.outgoing.send(Outgoing("email", to, "Buy", "News", marketing=marketing))


def test_consent_then_the_cap_then_the_window(house: Project, configure: Configure) -> None:
    messaging = configure()
    assert send(messaging).reason == "no_consent"
    messaging.consents.note("email", "given", source="form", address="Ann <ANN@example.com>", wording="v3")
    assert [send(messaging).reason for _ in range(3)] == ["", "", "cap"]
    assert send(messaging, marketing=False).state == "queued"
    house.clock.advance(days=31)
    assert send(messaging).state == "queued"
    messaging.consents.note("email", "withdrawn", source="phone call", address="ann@example.com")
    assert send(messaging).reason == "unsubscribed"
    messaging.consents.note("email", "given", source="phone call", address="ann@example.com")
    assert send(messaging).state == "queued"
    with pytest.raises(Invalid) as refusal:
        messaging.consents.note("pigeon", "maybe", source=" ", address="x")  # type: ignore[arg-type]
    assert {fault.field for fault in refusal.value.errors} == {"channel", "state", "source"}


def test_a_consent_of_the_record_serves_its_address(house: Project, configure: Configure) -> None:
    messaging = configure()
    messaging.consents.note("email", "given", source="contract", object="contact", record_id=7)
    made = messaging.outgoing.send(
        Outgoing("email", "b@example.com", "t", "s", marketing=True, object="contact", record_id=7)
    )
    assert made.state == "queued"
    assert send(messaging, "b@example.com").reason == "no_consent"


def test_sixty_four_senders_never_pass_the_cap(house: Project, configure: Configure) -> None:
    messaging = configure(caps={"email": Cap(5, 30)})
    for address in ("ann@example.com", "bob@example.com"):
        messaging.consents.note("email", "given", source="form", address=address)
    gate = threading.Barrier(16)

    def one(number: int) -> str:
        if number < 16:
            gate.wait()
        return house.db.retry(lambda: send(messaging, ("ann@example.com", "bob@example.com")[number % 2])).state

    with ThreadPoolExecutor(16) as pool:
        states = list(pool.map(one, range(128)))
    assert states.count("queued") == 10
    counts = house.db.rows("SELECT address, count(*) FROM gx_messages WHERE state = 'queued' GROUP BY address")
    assert sorted(map(tuple, counts)) == [("ann@example.com", 5), ("bob@example.com", 5)]


def test_a_consent_withdrawn_meanwhile_stops_what_waits(house: Project, configure: Configure) -> None:
    messaging = configure()
    messaging.consents.note("email", "given", source="form", address="ann@example.com")
    send(messaging)
    messaging.consents.note("email", "withdrawn", source="form", address="ann@example.com")
    deliver(house)
    assert house.db.rows("SELECT state, error FROM gx_messages") == [("refused", "unsubscribed")]


def test_the_way_out_in_the_mail(house: Project, configure: Configure) -> None:
    with smtp_relay() as relay:
        messaging = configure(smtp=Smtp("127.0.0.1", relay.port, "none"))
        messaging.consents.note("email", "given", source="form", address="ann@example.com")
        send(messaging)
        deliver(house)
        mail = relay.mails[0]
    link = mail["List-Unsubscribe"].strip("<>")
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert link.startswith("https://crm.example.com/u/")
    assert link in mail.get_body(("plain",)).get_content()
    token = link.rpartition("/")[2]
    assert messaging.consents.read_link(token).address == "ann@example.com"
    for _ in range(2):
        messaging.consents.unsubscribe(token, "link")
    assert send(messaging).reason == "unsubscribed"
    assert house.count("gx_consents") == 2
    for wrong in (token[:-1], token + "x", "", "a.b"):
        with pytest.raises(NotFound):
            messaging.consents.unsubscribe(wrong, "link")


def test_trying_again_does_not_pass_the_cap(house: Project, configure: Configure) -> None:
    messaging = configure(caps={"email": Cap(1, 30)})
    messaging.consents.note("email", "given", source="form", address="ann@example.com")
    first = send(messaging).id
    assert messaging.delivery.drop(first)
    assert send(messaging).state == "queued"
    with pytest.raises(Conflict):
        messaging.delivery.retry(first)
