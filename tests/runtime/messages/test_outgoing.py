"""Mail out, over a real relay: what it looks like, what goes wrong, and that it leaves with the transaction."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest

from guanxi.runtime.access.actor import SYSTEM
from guanxi.runtime.messages.outgoing import Outgoing
from guanxi.runtime.messages.settings import Smtp
from guanxi.runtime.records.work import Work
from tests.runtime.messages.conftest import Configure, deliver
from tests.support.mail_servers import smtp_relay
from tests.support.published import Project


def states(house: Project) -> list[tuple[str, str]]:
    return [(r[0], r[1]) for r in house.db.rows("SELECT state, error FROM gx_messages ORDER BY id")]


def contact(house: Project, **values: object) -> int:
    return int(house.records.create(SYSTEM, "contact", {"name": "Ann", "email": "ann@example.com", **values}).id)


def test_a_template_leaves_as_text_and_html_with_its_file(house: Project, configure: Configure) -> None:
    store = house.services.records.room.files
    file = store.put(io.BytesIO(b"%PDF-1.4 offer"), "报价.pdf", by_id=None, said="application/pdf", most=10_000)
    number = contact(house, name='<i>"Ann" & Co</i>', budget="12500.5", language="en", offer=file.card)
    with smtp_relay() as relay:
        messaging = configure(smtp=Smtp("127.0.0.1", relay.port, "none"))
        work = Work(messaging.room, SYSTEM)
        row = work.row("contact", number)
        made = messaging.templates.render(messaging.templates.get("offer"), work, "contact", row)
        posted = messaging.outgoing.send(
            Outgoing(
                "email", "ann@example.com", made.text, made.subject, made.html, object="contact", record_id=number,
                uses={"text": made.uses}, attachments=made.attachments,
            )
        )  # fmt: skip
        assert (posted.state, relay.mails) == ("queued", [])
        assert deliver(house) == 1
        assert deliver(house) == 0
        mail = relay.mails[0]
    assert states(house) == [("sent", "")]
    assert mail["Subject"] == 'Offer for <i>"Ann" & Co</i>'
    assert mail["From"] == "CRM <crm@example.com>"
    assert relay.envelopes == [("crm@example.com", ["ann@example.com"])]
    assert mail["Message-ID"].endswith("@example.com>")
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["List-Unsubscribe"] is None
    assert mail.get_body(("plain",)).get_content().strip() == 'Dear <i>"Ann" & Co</i>, up to 12,500.5.'
    html = mail.get_body(("html",)).get_content()
    assert "&lt;i&gt;" in html
    assert all(word not in html for word in ("<i>", "onclick", "script"))
    attachment = next(mail.iter_attachments())
    assert (attachment.get_filename(), attachment.get_content()) == ("报价.pdf", b"%PDF-1.4 offer")


def test_nothing_that_people_type_becomes_a_header(house: Project, configure: Configure) -> None:
    with smtp_relay() as relay:
        messaging = configure(smtp=Smtp("127.0.0.1", relay.port, "none"))
        evil = "x\r\nBcc: all@example.com\nX-Evil: 1\u2028y"
        messaging.outgoing.send(Outgoing("email", "ann@example.com", "text", evil))
        refused = messaging.outgoing.send(Outgoing("email", "a@example.com\r\nBcc: b@example.com", "text", "s"))
        deliver(house)
        assert refused.reason == "no_address"
        assert len(relay.mails) == 1
        assert relay.mails[0]["Bcc"] is None
        assert relay.mails[0]["X-Evil"] is None
        assert relay.mails[0]["Subject"] == "x Bcc: all@example.com X-Evil: 1 y"


def test_what_goes_wrong_for_good_and_for_now(house: Project, configure: Configure) -> None:
    with smtp_relay() as relay:
        messaging = configure(smtp=Smtp("127.0.0.1", relay.port, "none"))
        relay.refuse = {"gone@example.com": "550 5.1.1 no such user", "full@example.com": "452 4.2.2 mailbox full"}
        for address in ("gone@example.com", "full@example.com"):
            messaging.outgoing.send(Outgoing("email", address, "text", "s"))
        deliver(house)
        assert states(house) == [("bounced", "550 5.1.1 no such user"), ("queued", "452 4.2.2 mailbox full")]
        assert messaging.outgoing.send(Outgoing("email", "Gone@Example.com", "again", "s")).reason == "bouncing"
        relay.refuse = {}
        house.clock.advance(hours=1)
        deliver(house)
        assert [mail["To"] for mail in relay.mails] == ["full@example.com"]
    messaging.outgoing.send(Outgoing("email", "later@example.com", "text", "s"))
    deliver(house)  # the relay is gone
    assert states(house)[-1] == ("queued", "the relay cannot be reached: ConnectionRefusedError")


def test_tries_end_and_an_operator_may_try_again_or_drop(house: Project, configure: Configure) -> None:
    with smtp_relay() as relay:
        messaging = configure(smtp=Smtp("127.0.0.1", relay.port, "none"))
        relay.data = "451 4.3.0 busy"
        number = messaging.outgoing.send(Outgoing("email", "ann@example.com", "text", "s")).id
        for _ in range(12):
            deliver(house)
            house.clock.advance(hours=12)
        assert states(house) == [("failed", "451 4.3.0 busy")]
        relay.data = ""
        assert messaging.delivery.retry(number)
        assert not messaging.delivery.retry(number)
        deliver(house)
        assert states(house) == [("sent", "")]
        second = messaging.outgoing.send(Outgoing("email", "ann@example.com", "text", "s")).id
        assert messaging.delivery.drop(second)
        deliver(house)
        assert (states(house)[-1][0], len(relay.mails)) == ("dropped", 1)


def test_without_a_relay_mail_is_kept_and_nothing_leaves(house: Project, configure: Configure) -> None:
    messaging = configure()
    messaging.outgoing.send(Outgoing("email", "ann@example.com", "text", "s"))
    messaging.outgoing.send(Outgoing("sms", "138 0013 8000", "text"))
    messaging.outgoing.send(Outgoing("wecom", "LiNa", "text"))
    deliver(house)
    assert states(house) == [("local", ""), ("local", ""), ("local", "")]
    assert house.db.rows("SELECT address FROM gx_messages WHERE channel = 'sms'") == [("+8613800138000",)]


def test_a_refused_transaction_sends_nothing(house: Project, configure: Configure) -> None:
    messaging = configure()
    with pytest.raises(RuntimeError), house.db.write():
        messaging.outgoing.send(Outgoing("email", "ann@example.com", "text", "s"))
        raise RuntimeError
    assert deliver(house) == 0
    assert states(house) == []


def test_the_copy_on_the_record_is_gated(house: Project, configure: Configure) -> None:
    messaging = configure()
    li, clerk, temp = house.user("li", ["sales"]), house.user("clerk", ["clerk"]), house.user("temp", ["temp"])
    number = contact(house, owner=li.id, budget="7")
    work = Work(messaging.room, SYSTEM)
    made = messaging.templates.render(messaging.templates.get("offer"), work, "contact", work.row("contact", number))
    messaging.outgoing.send(
        Outgoing(
            "email", "ann@example.com", made.text, made.subject, object="contact", record_id=number,
            uses={"text": made.uses, "to": [("contact", "email")]},
        )
    )  # fmt: skip
    mine = messaging.log.of_record(li, "contact", number, 10)[0]
    assert (mine["text"], mine["to"], mine["withheld"]) == ("Dear Ann, up to 7.", "ann@example.com", False)
    theirs = messaging.log.of_record(clerk, "contact", number, 10)[0]
    assert (theirs["text"], theirs["subject"], theirs["to"], theirs["withheld"]) == (None, None, "***", True)
    from guanxi.common.errors import NotFound

    with pytest.raises(NotFound):
        messaging.log.readable(temp, mine["id"])


def test_notices_leave_by_preference_after_quiet_hours(house: Project, configure: Configure) -> None:
    messaging = configure()
    li = house.user("li", ["sales"], email="li@example.com", phone="13900139000", time_zone="Asia/Shanghai")
    messaging.preferences.save(
        li.id,
        {
            "kinds": {"task": {"email": "now", "sms": "now", "wecom": "now"}},
            "quiet": {"from": "15:00", "to": "17:30"},
            "wecom": "LiNa",
        },
    )  # the clock stands at 16:00 in Shanghai
    messaging.notifications.send([li.id], "task", {"en": "Call Ann", "zh": "致电"}, link="/o/task/1/")
    assert deliver(house) == 0
    house.clock.advance(hours=2)
    assert deliver(house) == 3
    found = house.db.rows("SELECT channel, address, subject, text FROM gx_messages ORDER BY channel")
    assert [(r[0], r[1]) for r in found] == [("email", "li@example.com"), ("sms", "+8613900139000"), ("wecom", "LiNa")]
    assert found[0][2:] == ("[Guanxi] Call Ann", "Call Ann\n\nhttps://crm.example.com/o/task/1/")


def test_digests_gather_and_ask_for_rights_again(house: Project, configure: Configure) -> None:
    messaging = configure()
    li = house.user("li", ["sales"], email="li@example.com")
    mine, lost = contact(house, owner=li.id), contact(house, owner=li.id, name="Lost")
    messaging.preferences.save(li.id, {"kinds": {"task": {"email": "hourly", "screen": "off"}}})
    for one in (mine, mine, lost):
        messaging.notifications.send([li.id], "task", f"about {one}", object="contact", record_id=one)
    house.records.update(SYSTEM, "contact", lost, {"owner": None})
    assert messaging.digests.send_due() == 0
    house.clock.advance(**{"seconds": timedelta(hours=1).total_seconds()})
    assert messaging.digests.send_due() == 1
    assert messaging.digests.send_due() == 0
    subject, text = house.db.rows("SELECT subject, text FROM gx_messages")[0]
    assert subject == "[Guanxi] 1 notifications"
    assert f"about {mine} (×2)" in text
    assert "Lost" not in text
    assert f"about {lost}" not in text
