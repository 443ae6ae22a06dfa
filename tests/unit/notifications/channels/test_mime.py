from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.header import decode_header, make_header
from email.utils import parseaddr
from typing import Any

import pytest

from services.notifications.channels.domain import OutgoingEmail
from services.notifications.channels.email.mime import Mailbox, mime_bytes, parse_mailbox
from services.notifications.channels.email.smtp_url import Encryption, SmtpServer, parse_smtp_url
from services.notifications.channels.errors import PermanentDeliveryFailure
from services.platform.errors import InvalidInput

UNSUBSCRIBE = f"<https://regulars.example/unsubscribe/{'u' * 120}>"
EMAIL = OutgoingEmail(
    message_id_header="<0190a1b2@regulars.example>",
    sender="hello@regulars.example",
    sender_name="Luna",
    recipient="ada@members.example",
    subject="Your receipt",
    html="<p>积分 🎉</p>",
    text="积分 🎉\nsecond line",
    locale="zh-CN",
    sent_at=datetime(2017, 6, 3, 6, 5, tzinfo=UTC),
    headers=(("List-Unsubscribe", UNSUBSCRIBE),),
)


def written(email: OutgoingEmail) -> bytes:
    return mime_bytes(email, sender=parse_mailbox(email.sender), recipient=parse_mailbox(email.recipient))


def decoded(header: str) -> str:
    return str(make_header(decode_header(header)))


def test_the_whole_message() -> None:
    message = message_from_bytes(written(EMAIL))

    plain, html = message.get_payload(0), message.get_payload(1)
    assert dict(message.items()) | {"Content-Type": ""} == {
        "From": '"Luna" <hello@regulars.example>',
        "To": "ada@members.example",
        "Subject": "Your receipt",
        "Date": "Sat, 03 Jun 2017 06:05:00 +0000",
        "Message-ID": "<0190a1b2@regulars.example>",
        "Auto-Submitted": "auto-generated",
        "Content-Language": "zh-CN",
        "List-Unsubscribe": UNSUBSCRIBE,
        "MIME-Version": "1.0",
        "Content-Type": "",
    }
    assert message.get_content_type() == "multipart/alternative"
    assert not isinstance(plain, str)
    assert not isinstance(html, str)
    assert (plain.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    assert plain.get_payload(decode=True) == "积分 🎉\r\nsecond line".encode()
    assert html.get_payload(decode=True) == "<p>积分 🎉</p>".encode()
    assert message.defects == []


def test_every_attempt_writes_the_same_bytes_in_ascii_and_crlf() -> None:
    content = written(EMAIL)

    assert written(EMAIL) == content
    assert content.isascii()
    assert content.count(b"\r\n") == content.count(b"\n") == content.count(b"\r")


@pytest.mark.parametrize(
    "words",
    [
        "晨光咖啡 ☕",
        'Café "Luna", (Main); <x@y.z> \\ 100%',
        "a  b   两个  空格 🎉🎉",
        "=?utf-8?b?5pmo?=",
        "积分" * 60,
        "👩‍👩‍👧‍👦 family " * 8,
        "plain ASCII that goes on and on " * 6 + "end",
    ],
)
def test_names_and_subjects_arrive_as_they_were(words: str) -> None:
    message = message_from_bytes(written(replace(EMAIL, sender_name=words, subject=words)))

    name, address = parseaddr(message["From"].replace("\r\n", ""))
    assert decoded(message["Subject"]) == words
    assert decoded(name) == words
    assert address == "hello@regulars.example"


@pytest.mark.parametrize("broken", ["a\r\nBcc: x@y.z", "a\nb", "a\rb", "a\x00b", "a\x0bb", "a\u2028b", "a\ud83db"])
@pytest.mark.parametrize("field", ["subject", "sender_name", "locale", "message_id_header"])
def test_a_header_can_not_be_forged(field: str, broken: str) -> None:
    change: dict[str, Any] = {field: broken}

    with pytest.raises(PermanentDeliveryFailure) as refusal:
        written(replace(EMAIL, **change))

    assert refusal.value.reason == "HEADER_UNSAFE"


@pytest.mark.parametrize(
    "header",
    [
        ("List-Unsubscribe", "<x>\r\nBcc: x@y.z"),
        ("X-A\r\nBcc", "x@y.z"),
        ("X-A:", "x"),
        ("Bcc", "x@y.z"),
        ("message-id", "<other@x.test>"),
    ],
)
def test_additional_headers_can_not_forge_either(header: tuple[str, str]) -> None:
    with pytest.raises(PermanentDeliveryFailure) as refusal:
        written(replace(EMAIL, headers=(header,)))

    assert refusal.value.reason == "HEADER_UNSAFE"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"subject": "x" * 901}, "HEADER_TOO_LONG"),
        ({"text": "half \ud83d"}, "TEXT_NOT_UNICODE"),
        ({"html": "half \ud83d"}, "TEXT_NOT_UNICODE"),
    ],
)
def test_what_can_not_be_written_is_refused(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(PermanentDeliveryFailure) as refusal:
        written(replace(EMAIL, **change))

    assert refusal.value.reason == reason


@pytest.mark.parametrize(
    ("address", "mailbox"),
    [
        ("li.lei+tag@Members.example", Mailbox("li.lei+tag", "Members.example")),
        ("li@例子.测试", Mailbox("li", "xn--fsqu00a.xn--0zwm56d")),
        ("用户@例子.测试", Mailbox("用户", "xn--fsqu00a.xn--0zwm56d")),
        ("root@localhost", Mailbox("root", "localhost")),
    ],
)
def test_addresses(address: str, mailbox: Mailbox) -> None:
    assert parse_mailbox(address) == mailbox
    assert mailbox.needs_utf8() == (not mailbox.local.isascii())


@pytest.mark.parametrize(
    "address",
    [
        *("", "ada", "@x.test", "ada@", "a b@x.test", "a@b@x.test", "<a@x.test>", "a,b@x.test", '"a b"@x.test'),
        *("a@x.test\r\nRCPT TO:<b@x.test>", "a\u2028@x.test", "a@x..test", ".a@x.test", "a..b@x.test", "a@x.te st"),
        *("l" * 65 + "@x.test", "a@" + "x" * 64 + ".test", "a@" + "x." * 130 + "test"),
    ],
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(PermanentDeliveryFailure) as refusal:
        parse_mailbox(address)

    assert refusal.value.reason == "ADDRESS_INVALID"


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail.example", SmtpServer(Encryption.NONE, "mail.example", 25)),
        ("smtp://127.0.0.1:2525/", SmtpServer(Encryption.NONE, "127.0.0.1", 2525)),
        ("smtps://u%40x:p%3Aw@mail.example", SmtpServer(Encryption.TLS, "mail.example", 465, "u@x", "p:w")),
        ("smtp+starttls://u:secret@[::1]", SmtpServer(Encryption.STARTTLS, "::1", 587, "u", "secret")),
    ],
)
def test_server_urls(url: str, server: SmtpServer) -> None:
    assert parse_smtp_url(url) == server
    assert server.password == "" or server.password not in repr(server)


@pytest.mark.parametrize(
    "url", ["", "mail.example", "http://mail.example", "smtp://", "smtp://x:99999", "smtp://x:y", "smtp://x/path?a=b"]
)
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        parse_smtp_url(url)

    assert refusal.value.reason == "NOT_AN_SMTP_URL"
