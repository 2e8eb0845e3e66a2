"""SMS and WeCom against servers that answer as the real ones do: signatures, dead tokens, limits, strangers."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from guanxi.runtime.messages.gateways import signature
from guanxi.runtime.messages.http import checked_http
from guanxi.runtime.messages.outgoing import Outgoing
from guanxi.runtime.messages.room import Messaging
from guanxi.runtime.messages.settings import SmsGateway, WeCom
from tests.runtime.messages.conftest import Configure, deliver
from tests.support.mail_servers import http_gateway
from tests.support.published import Project


def rows(house: Project) -> list[tuple[str, str, str]]:
    found = house.db.rows("SELECT state, error, provider_id FROM gx_messages ORDER BY id")
    return [(str(r[0]), str(r[1]), str(r[2])) for r in found]


def local(messaging: Messaging) -> Messaging:
    """Requests may go to the loopback, as `outbound: {allow: [127.0.0.1]}` says."""
    messaging.__dict__["http"] = checked_http(("127.0.0.1",))
    return messaging


class FakeWeCom:
    """Answers like qyapi.weixin.qq.com."""

    def __init__(self) -> None:
        self.tokens = 0
        self.dead: set[str] = set()
        self.codes: list[int] = []
        self.sent: list[dict[str, Any]] = []

    def __call__(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        parts = urlsplit(path)
        query = {key: value[0] for key, value in parse_qs(parts.query).items()}
        return 200, json.dumps(self.answer(parts.path, query, body)).encode()

    def answer(self, path: str, query: dict[str, str], body: bytes) -> dict[str, Any]:
        if path == "/cgi-bin/gettoken":
            if query != {"corpid": "corp", "corpsecret": "hush"}:
                return {"errcode": 40001, "errmsg": "invalid credential"}
            self.tokens += 1
            return {"errcode": 0, "errmsg": "ok", "access_token": f"token-{self.tokens}", "expires_in": 7200}
        if query.get("access_token") in self.dead or not query.get("access_token", "").startswith("token-"):
            return {"errcode": 42001, "errmsg": "access_token expired"}
        if self.codes:
            return {"errcode": self.codes.pop(0), "errmsg": "as told"}
        message = json.loads(body)
        if message["touser"] == "Nobody":
            return {"errcode": 81013, "errmsg": "user & party & tag all invalid"}
        self.sent.append(message)
        return {"errcode": 0, "errmsg": "ok", "invaliduser": "", "msgid": f"m{len(self.sent)}"}


@pytest.fixture
def wecom(configure: Configure) -> Iterator[FakeWeCom]:
    fake = FakeWeCom()
    with http_gateway(fake) as url:
        local(configure(wecom=WeCom("corp", 1000002, "hush", url)))
        yield fake


def test_wecom_keeps_its_token_and_fetches_a_dead_one_anew(house: Project, wecom: FakeWeCom) -> None:
    messaging = house.services.messaging
    for text in ("你好", "again"):
        messaging.outgoing.send(Outgoing("wecom", "LiNa", text))
        deliver(house)
    assert (wecom.tokens, [one["text"]["content"] for one in wecom.sent]) == (1, ["你好", "again"])
    assert wecom.sent[0]["touser"] == "LiNa"
    assert wecom.sent[0]["agentid"] == 1000002
    wecom.dead.add("token-1")
    messaging.outgoing.send(Outgoing("wecom", "LiNa", "third"))
    deliver(house)
    assert wecom.tokens == 2
    house.clock.advance(hours=2)
    messaging.outgoing.send(Outgoing("wecom", "LiNa", "fourth"))
    deliver(house)
    assert wecom.tokens == 3
    assert rows(house) == [("sent", "", f"m{n}") for n in range(1, 5)]


def test_wecom_limits_are_for_now_and_strangers_for_good(house: Project, wecom: FakeWeCom) -> None:
    messaging = house.services.messaging
    wecom.codes = [45009]
    messaging.outgoing.send(Outgoing("wecom", "LiNa", "x"))
    deliver(house)
    assert rows(house) == [("queued", "WeCom answered 45009", "")]
    assert deliver(house) == 0
    house.clock.advance(minutes=2)
    deliver(house)
    assert rows(house) == [("sent", "", "m1")]
    messaging.outgoing.send(Outgoing("wecom", "Nobody", "x"))
    deliver(house)
    assert rows(house)[1] == ("bounced", "WeCom answered 81013", "")
    assert "hush" not in json.dumps(rows(house))
    assert "token-" not in json.dumps(rows(house))


def test_aliyun_signs_as_its_own_example_does() -> None:
    params = {
        "Format": "XML", "Version": "2017-05-25", "SignatureMethod": "HMAC-SHA1", "SignatureVersion": "1.0",
        "SignatureNonce": "45e25e9b-0a6f-4070-8c85-2956eda1b466", "AccessKeyId": "testId", "Action": "SendSms",
        "PhoneNumbers": "15300000001", "RegionId": "cn-hangzhou", "SignName": "阿里云短信测试专用",
        "TemplateCode": "SMS_71390007", "TemplateParam": '{"customer":"test"}', "OutId": "123",
        "Timestamp": "2017-07-12T02:42:19Z",
    }  # fmt: skip
    assert signature(params, "testSecret", "GET") == "zJDF+Lrzhj/ThnlvIToysFRq6t4="  # from Aliyun's documentation


def test_aliyun_codes(house: Project, configure: Configure) -> None:
    codes = ["OK", "isv.BUSINESS_LIMIT_CONTROL", "isv.MOBILE_NUMBER_ILLEGAL", "OK"]
    asked: list[dict[str, str]] = []

    def reply(method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        given = {key: value[0] for key, value in parse_qs(body.decode()).items()}
        right = signature({k: v for k, v in given.items() if k != "Signature"}, "hush", "POST")
        assert given["Signature"] == right
        asked.append(given)
        code = codes[len(asked) - 1]
        return (200 if code == "OK" else 400), json.dumps({"Code": code, "BizId": "b1", "Message": "x"}).encode()

    with http_gateway(reply) as url:
        messaging = local(configure(sms=SmsGateway("aliyun", url, "id", "hush", "关系", "SMS_1")))
        for number in ("13800138000", "13800138001", "13800138002"):
            messaging.outgoing.send(Outgoing("sms", number, "您好"))
            deliver(house)
        house.clock.advance(minutes=2)
        deliver(house)
    assert asked[0]["PhoneNumbers"] == "13800138000"
    assert json.loads(asked[0]["TemplateParam"]) == {"content": "您好"}
    assert [row[0] for row in rows(house)] == ["sent", "sent", "bounced"]
    assert asked[1]["OutId"] == asked[3]["OutId"]
    assert asked[1]["SignatureNonce"] != asked[3]["SignatureNonce"]


def test_a_gateway_that_takes_json(house: Project, configure: Configure) -> None:
    answers = [(500, b"oops"), (200, b'{"data": {"id": "x-9"}}'), (422, b"{}"), (429, b"")]
    asked: list[tuple[dict[str, str], bytes]] = []

    def reply(method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        asked.append((headers, body))
        return answers[len(asked) - 1]

    body = {"phones": ["{to}"], "content": "【关系】{text}", "ref": "{id}"}
    with http_gateway(reply) as url:
        messaging = local(configure(sms=SmsGateway("json", url, secret="hush", body=body, id_path="data.id")))
        messaging.outgoing.send(Outgoing("sms", "13800138000", "hi {to}"))
        deliver(house)
        house.clock.advance(minutes=2)
        deliver(house)
        for _ in range(2):
            messaging.outgoing.send(Outgoing("sms", "13800138000", "hi"))
            deliver(house)
    assert [(row[0], row[2]) for row in rows(house)] == [("sent", "x-9"), ("failed", ""), ("queued", "")]
    sent = json.loads(asked[1][1])
    assert sent["phones"] == ["+8613800138000"]
    assert sent["content"] == "【关系】hi {to}"
    assert asked[0][1] == asked[1][1]
    assert asked[0][0]["X-Signature"] == hmac.new(b"hush", asked[0][1], hashlib.sha256).hexdigest()


def test_a_gateway_where_the_instance_may_not_go(house: Project, configure: Configure) -> None:
    messaging = configure(sms=SmsGateway("json", "http://127.0.0.1:9/"))
    messaging.outgoing.send(Outgoing("sms", "13800138000", "hi"))
    deliver(house)
    assert rows(house)[0][0] == "failed"
