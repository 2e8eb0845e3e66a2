"""Requests of the server reach public addresses and named ones only, whatever a name says a moment later."""

from __future__ import annotations

import time
from collections.abc import Iterator
from ipaddress import ip_address

import pytest

from guanxi.runtime.outbound import Failed, Outbound, Refused
from guanxi.runtime.outbound.addresses import is_public
from tests.runtime.outbound.receiver import Receiver, drip, flood, receiver, redirect

INNER = """0.0.0.0 0.1.2.3 10.0.0.1 100.64.0.1 100.100.100.200 127.0.0.1 127.255.255.254 168.63.129.16 169.254.169.254
172.16.0.1 172.31.255.255 192.0.0.192 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 198.51.100.7 203.0.113.9 224.0.0.1
239.255.255.255 240.0.0.1 255.255.255.255 :: ::1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::127.0.0.1 64:ff9b::7f00:1
64:ff9b:1::1 2002:7f00:1:: 2002:a00:1::1 fc00::1 fd00:ec2::254 fe80::1 fec0::1 ff02::1 100::1 2001:db8::1 2001:10::1
::ffff:169.254.169.254 ::ffff:0:7f00:1""".split()
PUBLIC = "8.8.8.8 1.1.1.1 93.184.216.34 223.5.5.5 2606:4700::1111 2400:3200::1 64:ff9b::808:808 ::ffff:8.8.8.8".split()


@pytest.fixture
def far() -> Iterator[Receiver]:
    with receiver() as state:
        yield state


@pytest.mark.parametrize("text", INNER)
def test_inner_addresses_are_not_public(text: str) -> None:
    assert not is_public(ip_address(text))


@pytest.mark.parametrize("text", PUBLIC)
def test_public_addresses_are(text: str) -> None:
    assert is_public(ip_address(text))


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "https://localhost/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://0177.0.0.1/",
        "https://127.1/",
        "https://0/",
        "https://169.254.169.254/latest/meta-data",
        "http://8.8.8.8/",
        "ftp://8.8.8.8/",
        "file:///etc/passwd",
        "gopher://8.8.8.8/",
        "https:///x",
        "https://user:word@8.8.8.8/",
        "https://8.8.8.8/\r\nX: y",
        "https://8.8.8.8\\@127.0.0.1/",
        "https://8.8.8.8:99999/",
        "https://[fe80::1%25eth0]/",
        "",
    ],
)
def test_unlawful_addresses_are_refused_without_a_connection(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError("a connection was made")

    monkeypatch.setattr("socket.create_connection", never)
    with pytest.raises((Refused, Failed)) as refused:
        Outbound().send("POST", url)
    assert isinstance(refused.value, Refused) or "resolved" in str(refused.value)


def test_a_name_that_changes_its_answer_is_asked_once(far: Receiver) -> None:
    answers = [["93.184.216.34"], ["127.0.0.1"]]
    asked: list[str] = []

    def resolver(host: str, port: int) -> list[str]:
        asked.append(host)
        return answers[min(len(asked), 2) - 1]

    out = Outbound(resolver=resolver)
    target = out.target(f"https://rebind.test:{far.port}/")
    assert (target.address, asked) == ("93.184.216.34", ["rebind.test"])
    with pytest.raises(Refused):
        out.target(f"https://rebind.test:{far.port}/")
    assert far.got == []


def test_the_connection_goes_to_the_judged_address_with_the_hosts_name(far: Receiver) -> None:
    asked: list[str] = []

    def resolver(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["203.0.113.1"]

    out = Outbound(("erp.test",), resolver=resolver)
    answer = out.send("POST", f"http://erp.test:{far.port}/x?y=1", body=b"{}", headers={"X-A": "b"})
    assert (answer.status, answer.body, asked) == (200, b'{"ok": true}', ["erp.test"])
    got = far.got[0]
    assert (got.headers["host"], got.path, got.headers["x-a"]) == (f"erp.test:{far.port}", "/x?y=1", "b")


def test_one_inner_address_among_public_ones_refuses_the_host() -> None:
    with pytest.raises(Refused):
        Outbound(resolver=lambda *_: ["93.184.216.34", "10.0.0.1"]).target("https://mixed.test/")


def test_allowing_one_address_allows_no_other(far: Receiver) -> None:
    assert Outbound(("127.0.0.1",)).send("POST", far.url).status == 200
    assert Outbound(("127.0.0.0/8",)).send("POST", far.url).status == 200
    for allow in (("127.0.0.2",), ("10.0.0.0/8",), ("::1",), ("other.test",)):
        with pytest.raises(Refused):
            Outbound(allow).send("POST", far.url)
    assert len(far.got) == 2


def test_redirects_are_answers_and_are_not_followed(far: Receiver) -> None:
    far.answers = [redirect(f"http://127.0.0.1:{far.port}/elsewhere")]
    assert Outbound(("127.0.0.1",)).send("POST", far.url).status == 302
    assert [one.path for one in far.got] == ["/in"]


@pytest.mark.parametrize("slow", [drip, lambda _: time.sleep(5)], ids=["drip", "silent"])
def test_a_receiver_that_hangs_is_left_in_time(far: Receiver, slow: object) -> None:
    far.answers = [slow]
    began = time.monotonic()
    with pytest.raises(Failed, match="in time"):
        Outbound(("127.0.0.1",)).send("POST", far.url, seconds=0.6)
    assert time.monotonic() - began < 3


def test_a_flood_is_cut(far: Receiver) -> None:
    far.answers = [flood]
    answer = Outbound(("127.0.0.1",)).send("POST", far.url, most=5000)
    assert (len(answer.body), answer.cut) == (5000, True)


def test_what_is_not_there_fails_with_a_sentence() -> None:
    with pytest.raises(Failed, match="refused"):
        Outbound(("127.0.0.1",)).send("POST", "http://127.0.0.1:9/")
    with pytest.raises(Failed, match="resolved"):
        Outbound(resolver=lambda *_: (_ for _ in ()).throw(OSError())).send("POST", "https://nowhere.test/")
    with pytest.raises(Refused, match="too large"):
        Outbound().send("POST", "https://8.8.8.8/", body=b"x" * 5_000_000)
