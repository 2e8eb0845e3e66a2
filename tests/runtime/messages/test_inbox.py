"""Mail in: matched, made into records, kept once; loops, machines and reports of non-delivery; hostile mail."""

from __future__ import annotations

import io
from email.message import EmailMessage
from email.policy import SMTP

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guanxi.common.errors import BadRequest, GuanxiError, TooLarge
from guanxi.runtime.access.actor import SYSTEM
from guanxi.runtime.jobs.kinds import Run
from guanxi.runtime.messages.background import FETCH, MESSAGE_JOBS
from guanxi.runtime.messages.mail_in import from_json, parse
from guanxi.runtime.messages.outgoing import Outgoing
from guanxi.runtime.messages.settings import Imap, Inbound, Smtp
from tests.runtime.messages.conftest import Configure, deliver
from tests.support.mail_servers import imap_mailbox, smtp_relay
from tests.support.published import Project


def mail(
    text: str = "Hello", *, sender: str = "Ann <ann@example.com>", number: int = 1, **headers: str
) -> EmailMessage:
    made = EmailMessage(policy=SMTP)
    made["From"], made["To"], made["Subject"] = sender, "crm@example.com", "A question"
    made["Message-ID"] = f"<m{number}@example.com>"
    for name, value in headers.items():
        del made[name.replace("_", "-")]
        made[name.replace("_", "-")] = value
    made.set_content(text)
    return made


def receive(house: Project, made: EmailMessage) -> tuple[str, tuple[tuple[str, int], ...]]:
    found = house.services.messaging.inbox.receive(made.as_bytes(), "test")
    return found.state, found.records


def contact(house: Project, **values: object) -> int:
    return int(house.records.create(SYSTEM, "contact", {"name": "Ann", "email": "ann@example.com", **values}).id)


def test_matched_by_address_told_to_the_owner_and_kept_once(house: Project, configure: Configure) -> None:
    configure()
    li = house.user("li", ["sales"])
    record = contact(house, email="Ann@Example.com", owner=li.id)
    assert receive(house, mail(sender="Stranger <x@example.org>", number=9)) == ("unmatched", ())
    assert receive(house, mail(sender="Ann <Ann@Example.com>")) == ("matched", (("contact", record),))
    assert receive(house, mail(sender="Ann <Ann@Example.com>"))[0] == "known"
    told = house.services.notifications.list(li.id).data
    assert [(one["text"], one["record"]) for one in told] == [("New message from Ann: A question", record)]
    entry = house.services.messaging.log.of_record(li, "contact", record, 10)[0]
    assert (entry["direction"], entry["from"], entry["text"].strip()) == ("in", "Ann <Ann@Example.com>", "Hello")


def test_a_new_mail_becomes_a_case_and_answers_join_it(house: Project, configure: Configure) -> None:
    with smtp_relay() as relay:
        messaging = configure(
            smtp=Smtp("127.0.0.1", relay.port, "none"), hook_token="x" * 16,
            inbound=Inbound("case", "subject", "body", "mail", values={"channel": "email"}),
        )  # fmt: skip
        record = contact(house)
        state, records = receive(house, mail("Broken " * 40, Subject="It is broken " * 9))
        assert (state, records[1]) == ("created", ("contact", record))
        case = house.records.get(SYSTEM, "case", records[0][1])
        assert (case["channel"], case["mail"], case["contact"]) == ("email", "ann@example.com", record)
        assert len(case["subject"]) == 60
        first = house.db.rows("SELECT id FROM gx_messages WHERE direction = 'in'")[0][0]
        messaging.outgoing.send(
            Outgoing("email", "ann@example.com", "We look", "Re", object="case", record_id=case["id"], answers=first)
        )
        deliver(house)
        sent = relay.mails[0]
    assert (sent["In-Reply-To"], sent["References"]) == ("<m1@example.com>", "<m1@example.com>")
    reply = mail("Thanks", number=2, sender="Other <o@example.org>", In_Reply_To=sent["Message-ID"])
    state, records = receive(house, reply)
    assert (state, dict(records)["case"]) == ("matched", case["id"])
    by_token = mail("More", number=3, sender="Third <t@example.org>", To=sent["Reply-To"])
    assert receive(house, by_token) == (state, records)
    assert "+" in sent["Reply-To"]
    threads = {row[0] for row in house.db.rows("SELECT thread FROM gx_messages")}
    assert threads == {"<m1@example.com>"}
    assert house.count("o_case") == 1
    loop = mail(number=4)
    loop.replace_header("Message-ID", sent["Message-ID"])
    assert receive(house, loop)[0] == "loop"


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-replied"},
        {"Precedence": "bulk"},
        {"X_Auto_Response_Suppress": "All"},
        {"List_Id": "<news.example.com>"},
        {"Return_Path": "<>"},
        {"From": "MAILER-DAEMON@example.com"},
    ],
)
def test_machines_make_nothing(house: Project, configure: Configure, headers: dict[str, str]) -> None:
    configure(inbound=Inbound("case", "subject"))
    assert receive(house, mail(**headers))[0] == "automatic"
    assert house.count("o_case") == 0


def report(original: str, address: str, *, action: str = "failed", status: str = "5.1.1") -> EmailMessage:
    raw = (
        "From: MAILER-DAEMON@mx.example.com\r\nTo: crm@example.com\r\nSubject: Undelivered\r\nMessage-ID: <r1@mx>\r\n"
        'MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.com\r\n\r\n"
        f"Final-Recipient: rfc822; {address}\r\nAction: {action}\r\nStatus: {status}\r\n"
        f"Diagnostic-Code: smtp; 550 no such user\r\n\r\n"
        f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: {original}\r\nSubject: x\r\n\r\n--b--\r\n"
    )
    from email import message_from_bytes, policy

    return message_from_bytes(raw.encode(), policy=policy.default)  # type: ignore[return-value]


def test_a_bounce_counts_only_for_what_we_sent(house: Project, configure: Configure) -> None:
    with smtp_relay() as relay:
        messaging = configure(smtp=Smtp("127.0.0.1", relay.port, "none"))
        messaging.outgoing.send(Outgoing("email", "ann@example.com", "t", "s"))
        deliver(house)
        sent = relay.mails[0]["Message-ID"]
    for forged in (report(sent, "boss@example.com"), report("<guess@example.com>", "ann@example.com")):
        forged.replace_header("Message-ID", f"<{id(forged)}@mx>")
        assert receive(house, forged)[0] == "bounce"
    soft = report(sent, "ann@example.com", action="delayed", status="4.2.2")
    soft.replace_header("Message-ID", "<soft@mx>")
    receive(house, soft)
    assert house.count("gx_suppressions") == 0
    assert receive(house, report(sent, "ANN@example.com"))[0] == "bounce"
    assert house.db.rows("SELECT state FROM gx_messages WHERE direction = 'out'") == [("bounced",)]
    assert messaging.outgoing.send(Outgoing("email", "ann@example.com", "t", "s")).reason == "bouncing"
    assert messaging.consents.lift("email", "Ann@example.com") == 1
    assert messaging.outgoing.send(Outgoing("email", "ann@example.com", "t", "s")).state == "queued"


def test_files_and_foreign_html(house: Project, configure: Configure) -> None:
    messaging = configure()
    li = house.user("li", ["sales"])
    record = contact(house, owner=li.id)
    made = mail("see file")
    made.add_alternative(
        '<p style="x" onclick="evil()">Hi <b>you</b><img src="http://track.example.com/1.gif"><script>evil()</script>'
        '<a href="javascript:evil()">a</a><form action="/x"><input></form></p>',
        subtype="html",
    )
    made.add_attachment(b"%PDF-1.4 x", maintype="application", subtype="pdf", filename="合同.pdf")
    made.add_attachment(b"<script>", maintype="image", subtype="png", filename="../../evil.png")
    receive(house, made)
    entry = messaging.log.of_record(li, "contact", record, 1)[0]
    assert entry["html"].startswith("<p>Hi <b>you</b>")
    assert all(
        word not in entry["html"] for word in ("script", "img", "onclick", "style", "javascript", "form", "input")
    )
    first = entry["attachments"][0]
    assert (first["name"], first["type"]) == ("合同.pdf", "application/pdf")
    assert "/" not in entry["attachments"][1]["name"]
    assert entry["attachments"][1]["type"] != "image/png"
    file = messaging.log.attachment(li, entry["id"], 0)
    assert b"".join(messaging.room.files.read(file)) == b"%PDF-1.4 x"
    clerk = house.user("temp", ["temp"])
    with pytest.raises(GuanxiError):
        messaging.log.attachment(clerk, entry["id"], 0)
    with pytest.raises(GuanxiError):  # not by the files' own door either
        messaging.room.files.readable(file.token, li, house.records)


def test_unmatched_mail_is_given_a_place_or_put_aside(house: Project, configure: Configure) -> None:
    messaging = configure()
    record = contact(house, email="other@example.com")
    receive(house, mail())
    receive(house, mail(number=2))
    one, two = (row[0] for row in house.db.rows("SELECT id FROM gx_messages ORDER BY id"))
    assert messaging.inbox.assign(one, "contact", record)
    assert not messaging.inbox.assign(one, "contact", record)
    assert messaging.inbox.ignore(two)
    assert [row["state"] for row in messaging.log.page(direction="in").data] == ["ignored", "matched"]
    assert len(messaging.log.of_record(SYSTEM, "contact", record, 10)) == 1


def test_a_refused_record_leaves_the_mail_waiting(house: Project, configure: Configure) -> None:
    configure(inbound=Inbound("case", body="body"))  # a subject is required
    assert receive(house, mail()) == ("unmatched", ())
    error = house.db.rows("SELECT error FROM gx_messages")[0][0]
    assert error.startswith("subject:")
    configure(inbound=Inbound("nothing", body="body"))
    assert receive(house, mail(number=2))[0] == "unmatched"
    configure(inbound=Inbound("case", "subject", role="clerk"))  # a role that may not make cases
    assert receive(house, mail(number=3))[0] == "unmatched"
    assert house.count("o_case") == 0
    configure(inbound=Inbound("case", "subject", role="desk"))
    assert receive(house, mail(number=4))[0] == "created"


def test_a_mailbox_is_read_over_imap_once(house: Project, configure: Configure) -> None:
    with imap_mailbox() as box:
        configure(imap=Imap("127.0.0.1", box.port, "none", "crm", "hush"), max_megabytes=1)
        record = contact(house)
        box.mails += [mail(number=n).as_bytes() for n in (1, 2)]
        box.mails.append(mail("x" * 1_100_000, number=3).as_bytes())
        box.mails.append(b"\x00\xff not a mail")
        fetch_job = MESSAGE_JOBS[FETCH].handler
        number = house.services.jobs.enqueue(FETCH, {})
        run = Run(house.services.jobs, house.services.jobs.get(number), "test")
        first = fetch_job(house.services, run)
        assert (first["taken"], first["refused"]) == (3, 1)
        assert box.seen == {1, 2, 3, 4}
        box.mails.append(mail(number=5).as_bytes())
        assert fetch_job(house.services, run) == {"taken": 1, "refused": 0}
        assert not any("BODY[]" in command for command in box.commands)
        found = house.services.messaging.log.of_record(SYSTEM, "contact", record, 10)
        assert len(found) == 3
        configure(imap=Imap("127.0.0.1", box.port, "none", "crm", "wrong"))
        from guanxi.runtime.jobs.outcome import Retry

        with pytest.raises(Retry):
            fetch_job(house.services, run)


def test_limits() -> None:
    with pytest.raises(TooLarge):
        parse(b"x" * 101, 100)
    nested = b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n'
    for number in range(60):
        nested += b'--b\r\nContent-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (number, number)
    parts = b"".join(b"--b\r\nContent-Type: text/plain\r\n\r\nx\r\n" for _ in range(300))
    with pytest.raises(BadRequest):
        parse(b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n' + parts + b"--b--", 10**6)
    parse(nested, 10**6)


def test_json_of_a_provider() -> None:
    raw = from_json(
        {
            "from": "Ann <ann@example.com>\r\nBcc: x@example.com",
            "to": ["crm@example.com", "b@example.com"],
            "subject": "你好",
            "html": "<p>Hi</p>",
            "headers": {"Auto-Submitted": "auto-replied", "From": "evil@example.com"},
            "attachments": [{"name": "a.txt", "type": "text/plain", "content": "aGk="}],
        }
    )
    found = parse(raw, 10**6)
    assert (found.sender, found.subject, found.text, found.nature) == ("ann@example.com", "你好", "Hi", "automatic")
    assert found.recipients == ("crm@example.com", "b@example.com")
    assert found.files[0].content == b"hi"
    for wrong in ({"text": 5}, {"attachments": [{"name": "x"}]}, {"attachments": "x"}, {"from": {"a": 1}}):
        with pytest.raises(BadRequest):
            from_json(wrong)


HEADERS = st.sampled_from(
    [
        "From",
        "To",
        "Subject",
        "Date",
        "Content-Type",
        "Message-ID",
        "References",
        "Content-Disposition",
        "Content-Transfer-Encoding",
    ]
)
VALUES = st.one_of(
    st.binary(max_size=60),
    st.sampled_from(
        [b"multipart/mixed; boundary=b", b"text/html; charset=nope", b"base64", b"=?utf-8?b?//8=?=", b"<a@b>",
         b"attachment; filename*=utf-8''%00%ff", b"message/rfc822",
         b"multipart/report; report-type=delivery-status; boundary=b", b"message/delivery-status",
         b"Fri, 99 Foo 99999 99:99:99 +9999", b'"\xff" <a@b', b"group: a@b, c@d;"]
    ),
)  # fmt: skip


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.tuples(HEADERS, VALUES), max_size=8),
    st.lists(st.one_of(st.binary(max_size=80), st.just(b"\r\n--b\r\n"), st.just(b"\r\n--b--\r\n")), max_size=8),
)
def test_no_mail_breaks_the_reader(headers: list[tuple[str, bytes]], body: list[bytes]) -> None:
    raw = b"".join(name.encode() + b": " + value.replace(b"\n", b" ") + b"\r\n" for name, value in headers)
    try:
        found = parse(raw + b"\r\n" + b"".join(body), 10**6)
    except GuanxiError:
        return
    for text in (found.subject, found.text, found.html, found.sender_name, *(one.name for one in found.files)):
        text.encode("utf-8")
        assert "\x00" not in text
    assert "\n" not in found.subject
    io.BytesIO(b"".join(one.content for one in found.files))
