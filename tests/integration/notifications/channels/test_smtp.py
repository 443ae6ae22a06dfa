import contextlib
import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from pathlib import Path

import pytest

from services.doubles.mailbox.store import StoredMail
from services.notifications.channels.domain import Accepted, ChannelKind, OutgoingEmail
from services.notifications.channels.email.punctual import Punctual
from services.notifications.channels.email.smtp import SmtpChannel
from services.notifications.channels.errors import PermanentDeliveryFailure, TransientDeliveryFailure
from services.notifications.channels.service import open_providers, send
from services.platform.clock import monotonic
from tests.integration.notifications.channels.scripted import Script, scripted_server
from tests.support.mailbox import Mailbox

CERTIFICATE = Path(__file__).with_name("localhost.pem")
EMAIL = OutgoingEmail(
    message_id_header="<0190a1b2@regulars.example>",
    sender="hello@regulars.example",
    sender_name="晨光咖啡 ☕",
    recipient="ada@members.example",
    subject="积分 +128",
    html="<p>积分</p>",
    text="积分\n.\n..dots",
    locale="zh-CN",
    sent_at=datetime(2017, 6, 3, 6, 5, tzinfo=UTC),
)


@pytest.fixture
def channel(mailbox: Mailbox) -> Iterator[SmtpChannel]:
    with SmtpChannel(mailbox.smtp_url) as opened:
        yield opened


def plain_text(mailbox: Mailbox, mail: StoredMail) -> str:
    part = message_from_bytes(mailbox.content(mail)).get_payload(0)
    assert not isinstance(part, str)
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    return content.decode()


def test_a_mail_arrives_as_it_was_sent(mailbox: Mailbox) -> None:
    providers = open_providers(smtp_url=mailbox.smtp_url)

    accepted = send(ChannelKind.EMAIL, EMAIL, providers=providers)
    providers.close()

    (mail,) = mailbox.messages()
    assert accepted == Accepted(provider_reference="250 2.0.0 OK: kept")
    assert (mail.message_id, mail.recipient, mail.sender) == (
        "<0190a1b2@regulars.example>",
        "ada@members.example",
        "hello@regulars.example",
    )
    assert (mail.subject, mail.from_header) == ("积分 +128", "晨光咖啡 ☕ <hello@regulars.example>")
    assert plain_text(mailbox, mail) == "积分\r\n.\r\n..dots"


def test_an_address_in_chinese_needs_smtputf8(mailbox: Mailbox, channel: SmtpChannel) -> None:
    channel.send(replace(EMAIL, recipient="用户@例子.测试"))

    (mail,) = mailbox.messages()
    assert mail.recipient == "用户@xn--fsqu00a.xn--0zwm56d"
    assert "To: 用户@xn--fsqu00a.xn--0zwm56d\r\n".encode() in mailbox.content(mail)


def test_a_refused_recipient_is_final_and_the_connection_goes_on(mailbox: Mailbox, channel: SmtpChannel) -> None:
    with pytest.raises(PermanentDeliveryFailure) as refusal:
        channel.send(replace(EMAIL, recipient="ada@refused.test"))
    channel.send(EMAIL)

    assert refusal.value.facts() == {"reason": "RECIPIENT_REFUSED", "reply": "550 5.1.1 No such mailbox here"}
    assert [mail.recipient for mail in mailbox.messages()] == ["ada@members.example"]


def test_a_busy_server_takes_the_mail_the_second_time(mailbox: Mailbox, channel: SmtpChannel) -> None:
    busy = replace(EMAIL, recipient="ada@busy.test")

    with pytest.raises(TransientDeliveryFailure) as failure:
        channel.send(busy)
    before_retry = mailbox.messages()
    channel.send(busy)

    assert failure.value.facts() == {"reason": "CONTENT_DEFERRED", "reply": "451 4.3.2 Busy, come again"}
    assert before_retry == ()
    assert mailbox.message_ids() == (EMAIL.message_id_header,)


def test_a_lost_answer_is_a_repeat_under_the_same_id(mailbox: Mailbox, channel: SmtpChannel) -> None:
    cut = replace(EMAIL, recipient="ada@cut.test")

    with pytest.raises(TransientDeliveryFailure) as failure:
        channel.send(cut)
    channel.send(cut)

    assert failure.value.reason == "CONNECTION_LOST"
    assert mailbox.message_ids() == (EMAIL.message_id_header,) * 2
    assert [mail.repeats for mail in mailbox.messages()] == [1, 1]


def test_an_unsafe_mail_never_reaches_the_server(mailbox: Mailbox, channel: SmtpChannel) -> None:
    with pytest.raises(PermanentDeliveryFailure):
        channel.send(replace(EMAIL, subject="a\r\nBcc: everybody@members.example"))

    assert mailbox.messages() == ()


def test_threads_send_side_by_side(mailbox: Mailbox, channel: SmtpChannel) -> None:
    def send_ten(name: str) -> None:
        for number in range(10):
            channel.send(replace(EMAIL, message_id_header=f"<{name}-{number}@regulars.example>"))

    threads = [threading.Thread(target=send_ten, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    expected = {f"<{name}-{number}@regulars.example>" for name in "abcd" for number in range(10)}
    assert len(mailbox.message_ids()) == 40
    assert set(mailbox.message_ids()) == expected


def test_one_connection_serves_many_mails() -> None:
    script = Script()

    with scripted_server(script) as port, SmtpChannel(f"smtp://127.0.0.1:{port}") as channel:
        for _ in range(3):
            channel.send(EMAIL)

    assert (script.connections, script.kept) == (1, 3)
    assert script.greetings == ["regulars.example"]


@pytest.mark.parametrize("goodbye", ["421 4.4.2 Idle for too long", None])
def test_a_dropped_idle_connection_is_replaced(goodbye: str | None) -> None:
    script = Script(mail_replies=["250 OK", goodbye, "250 OK"])

    with scripted_server(script) as port, SmtpChannel(f"smtp://127.0.0.1:{port}") as channel:
        channel.send(EMAIL)
        channel.send(EMAIL)

    assert (script.connections, script.kept) == (2, 2)


@pytest.mark.parametrize(
    ("script", "failure"),
    [
        (Script(mail_replies=["421 4.3.2 Closing"]), TransientDeliveryFailure("SENDER_REFUSED", "421 4.3.2 Closing")),
        (Script(mail_replies=["553 5.7.1 Not you"]), TransientDeliveryFailure("SENDER_REFUSED", "553 5.7.1 Not you")),
        (Script(mail_replies=[None]), TransientDeliveryFailure("CONNECTION_LOST", "SMTPServerDisconnected")),
        (
            Script(rcpt_reply="450 4.2.1 ada@members.example greylisted"),
            TransientDeliveryFailure("RECIPIENT_DEFERRED", "450 4.2.1 … greylisted"),
        ),
        (
            Script(rcpt_reply="550 5.1.1 Unknown"),
            PermanentDeliveryFailure("RECIPIENT_REFUSED", "550 5.1.1 Unknown"),
        ),
        (Script(data_reply="452 4.3.1 Full"), TransientDeliveryFailure("CONTENT_DEFERRED", "452 4.3.1 Full")),
        (Script(data_reply="554 5.7.1 Spam"), PermanentDeliveryFailure("CONTENT_REFUSED", "554 5.7.1 Spam")),
        (Script(data_reply=None), TransientDeliveryFailure("CONNECTION_LOST", "SMTPServerDisconnected")),
    ],
)
def test_what_a_server_says_decides_whether_to_try_again(
    script: Script, failure: TransientDeliveryFailure | PermanentDeliveryFailure
) -> None:
    with (
        scripted_server(script) as port,
        SmtpChannel(f"smtp://127.0.0.1:{port}") as channel,
        pytest.raises(type(failure)) as raised,
    ):
        channel.send(EMAIL)

    assert raised.value.facts() == failure.facts()


def test_smtputf8_not_offered_is_a_refusal() -> None:
    script = Script(offers_utf8=False)

    with scripted_server(script) as port, SmtpChannel(f"smtp://127.0.0.1:{port}") as channel:
        with pytest.raises(PermanentDeliveryFailure) as refusal:
            channel.send(replace(EMAIL, recipient="用户@例子.测试"))
        channel.send(replace(EMAIL, recipient="li@例子.测试"))

    assert refusal.value.reason == "SMTPUTF8_NOT_OFFERED"
    assert script.kept == 1


def test_nobody_listens() -> None:
    with scripted_server(Script()) as port:
        pass

    with SmtpChannel(f"smtp://127.0.0.1:{port}") as channel, pytest.raises(TransientDeliveryFailure) as failure:
        channel.send(EMAIL)

    assert failure.value.facts() == {"reason": "PROVIDER_UNREACHABLE", "reply": "ConnectionRefusedError"}


def test_a_silent_server_is_given_up() -> None:
    script = Script(silent=True)

    with (
        scripted_server(script) as port,
        SmtpChannel(f"smtp://127.0.0.1:{port}", timeout_seconds=1) as channel,
        pytest.raises(TransientDeliveryFailure) as failure,
    ):
        channel.send(EMAIL)

    assert failure.value.facts() == {"reason": "PROVIDER_UNREACHABLE", "reply": "SMTPServerDisconnected"}


def test_a_server_that_is_slow_with_each_answer_is_given_up_as_well() -> None:
    """By then the message's lease is nearly over, and another worker would send it too."""
    script = Script(pause_seconds=1)

    with (
        scripted_server(script) as port,
        SmtpChannel(f"smtp://127.0.0.1:{port}", conversation_seconds=1.5) as channel,
        pytest.raises(TransientDeliveryFailure),
    ):
        channel.send(EMAIL)

    assert script.kept == 0


def test_a_reply_that_goes_on_and_on_is_given_up_as_well() -> None:
    def goes_on(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection, contextlib.suppress(OSError):
            connection.sendall(b"220 here\r\n")
            connection.recv(1_000)
            for _ in range(1_000):
                connection.sendall(b"250-and\r\n")
                time.sleep(0.01)
            connection.sendall(b"250 done\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = threading.Thread(target=goes_on, args=(listening,))
        server.start()
        connection = Punctual("127.0.0.1", listening.getsockname()[1], "x", timeout=20, ends_at=monotonic() + 1)
        with pytest.raises(smtplib.SMTPServerDisconnected, match="timed out"):
            connection.ehlo()
        connection.close()
        server.join()


@pytest.mark.parametrize("scheme", ["smtp+starttls", "smtps"])
def test_encrypted_and_logged_in(scheme: str) -> None:
    script = Script(certificate=CERTIFICATE, encrypted_from_start=scheme == "smtps", password="a b:c")
    trust = ssl.create_default_context(cafile=str(CERTIFICATE))

    with (
        scripted_server(script) as port,
        SmtpChannel(f"{scheme}://merchant:a%20b%3Ac@localhost:{port}", tls=trust) as channel,
    ):
        channel.send(EMAIL)

    assert (script.kept, script.logins) == (1, ["merchant"])


@pytest.mark.parametrize("scheme", ["smtp+starttls", "smtps"])
def test_an_unknown_certificate_is_not_trusted(scheme: str) -> None:
    script = Script(certificate=CERTIFICATE, encrypted_from_start=scheme == "smtps", password="x")

    with (
        scripted_server(script) as port,
        SmtpChannel(f"{scheme}://merchant:x@localhost:{port}") as channel,
        pytest.raises(TransientDeliveryFailure) as failure,
    ):
        channel.send(EMAIL)

    assert failure.value.facts()["reply"] == "SSLCertVerificationError"
    assert (script.kept, script.logins) == (0, [])


def test_a_wrong_password_says_nothing_against_the_mail() -> None:
    script = Script(certificate=CERTIFICATE, encrypted_from_start=True, password="right")
    trust = ssl.create_default_context(cafile=str(CERTIFICATE))

    with (
        scripted_server(script) as port,
        SmtpChannel(f"smtps://merchant:wrong@localhost:{port}", tls=trust) as channel,
        pytest.raises(TransientDeliveryFailure) as failure,
    ):
        channel.send(EMAIL)

    assert failure.value.facts() == {"reason": "PROVIDER_REFUSED_US", "reply": "SMTPAuthenticationError"}
