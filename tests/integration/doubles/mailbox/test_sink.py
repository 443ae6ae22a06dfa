import signal
import smtplib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.doubles.mailbox.store import MailStore
from tests.integration.doubles.mailbox.sink import ROOT, STOP_SECONDS, Sink, mail, running_sink

HOSTILE = "<script>alert('x')</script>"


@pytest.fixture(scope="module")
def sink(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sink]:
    with running_sink(tmp_path_factory.mktemp("a folder with spaces")) as running:
        yield running


def test_mail_survives_a_kill_and_a_restart(tmp_path: Path) -> None:
    with running_sink(tmp_path) as first:
        first.receive(mail(1, html="<p>kept</p>"))
        first.process.kill()

    with running_sink(tmp_path) as second:
        (kept,) = second.page.get("/api/messages").json()["messages"]
        body = second.page.get(f"/messages/{kept['id']}/html").text

    assert (kept["message_id"], kept["to"], kept["from"], kept["subject"], kept["repeats"]) == (
        "<1@regulars.example>",
        "ada@members.example",
        "Luna <hello@regulars.example>",
        "Hello",
        0,
    )
    assert body.strip() == "<p>kept</p>"
    assert len(list(tmp_path.rglob("*.eml"))) == 1


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
def test_it_leaves_in_silence_when_asked(tmp_path: Path, signal_number: signal.Signals) -> None:
    with running_sink(tmp_path) as sink, smtplib.SMTP("127.0.0.1", sink.smtp_port, timeout=STOP_SECONDS):
        sink.process.send_signal(signal_number)
        _, errors = sink.process.communicate(timeout=STOP_SECONDS)

    assert (sink.process.returncode, errors) == (0, "")


def test_a_taken_port_is_said(sink: Sink, tmp_path: Path) -> None:
    options = ["--smtp-port", str(sink.smtp_port), "--http-port", "0", "--store", str(tmp_path)]
    command = [sys.executable, "-m", "services.doubles.mailbox", *options]

    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("mailbox: ")
    assert ended.stderr.count("\n") == 1


def test_repeats_are_counted_for_each_address(sink: Sink) -> None:
    for to in ("one@repeat.example", "one@repeat.example", "two@repeat.example"):
        sink.receive(mail(500, to=to))

    found = sink.page.get("/api/messages", params={"message_id": "<500@regulars.example>"}).json()["messages"]
    count = sink.page.get("/api/count", params={"search": "@repeat.example"}).json()

    assert [(message["to"], message["repeats"]) for message in found] == [
        ("two@repeat.example", 0),
        ("one@repeat.example", 1),
        ("one@repeat.example", 1),
    ]
    assert count == {"messages": 3, "distinct_message_ids": 1, "newest": found[0]["id"]}
    assert "sent again ×1" in sink.page.get("/", params={"search": "one@repeat"}).text


def test_what_a_mail_says_is_shown_and_never_run(sink: Sink) -> None:
    sink.receive(mail(600, to="hostile@members.example", subject=HOSTILE, html=f"<b>hi</b>{HOSTILE}"))
    (found,) = sink.page.get("/api/messages", params={"to": "hostile@members.example"}).json()["messages"]

    listed = sink.page.get("/", params={"search": '"><script>'})
    shown = sink.page.get(f"/messages/{found['id']}")
    html = sink.page.get(f"/messages/{found['id']}/html")
    raw = sink.page.get(f"/messages/{found['id']}/raw")

    assert '"><script>' not in listed.text
    assert HOSTILE not in shown.text
    assert "&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt;" in shown.text
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in shown.text
    assert html.headers["content-security-policy"].startswith(
        "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'"
    )
    assert "unsafe-inline" not in shown.headers["content-security-policy"]
    assert raw.headers["content-type"] == "message/rfc822"
    assert raw.headers["content-disposition"] == f'attachment; filename="{found["id"]}.eml"'
    assert b"Message-ID: <600@regulars.example>" in raw.content


def test_the_page_speaks_the_readers_language_and_remembers_a_choice(sink: Sink) -> None:
    chinese = sink.page.get("/", headers={"Accept-Language": "zh-CN,zh;q=0.9"})
    english = sink.page.get("/", headers={"Accept-Language": "fr"})
    chosen = sink.page.get("/", params={"lang": "zh"})
    remembered = sink.page.get("/", headers={"Accept-Language": "en", "Cookie": "lang=zh"})
    sink.page.cookies.clear()

    assert "<h1>收件箱</h1>" in chinese.text
    assert "<h1>Mailbox</h1>" in english.text
    assert "lang=zh; HttpOnly" in chosen.headers["set-cookie"]
    assert '<html lang="zh-CN">' in remembered.text


@pytest.mark.parametrize("path", ["/messages/999999", "/messages/999999/html", "/messages/9" + "9" * 30, "/messages/x"])
def test_what_is_not_there_is_not_found(sink: Sink, path: str) -> None:
    assert sink.page.get(path).status_code == 404


@pytest.mark.parametrize("query", ["before=x", "before=-1", "before=" + "9" * 40, "search=%00%F0%9F%8E%89", "limit=0"])
def test_odd_queries_are_answered(sink: Sink, query: str) -> None:
    assert sink.page.get(f"/?{query}").status_code == 200
    assert sink.page.get(f"/api/messages?{query}").status_code == 200


def test_other_host_names_are_refused(sink: Sink) -> None:
    assert sink.page.get("/api/messages", headers={"Host": "rebound.example"}).status_code == 400


def test_pages_follow_each_other(tmp_path: Path) -> None:
    store = MailStore(tmp_path)
    for number in range(7):
        store.add(mail(number).as_bytes(), sender="a@x.test", recipients=(f"m{number % 2}@x.test",))

    first = store.page(limit=3)
    second = store.page(limit=3, before=first[-1].id)
    to_one = store.page(to="M1@x.test")
    store.close()

    assert [kept.message_id[1] for kept in (*first, *second)] == ["6", "5", "4", "3", "2", "1"]
    assert [kept.message_id[1] for kept in to_one] == ["5", "3", "1"]


def test_the_oldest_are_discarded_beyond_the_limit(tmp_path: Path) -> None:
    store = MailStore(tmp_path, kept_max=5)
    for number in range(1006):
        store.add(b"Message-ID: <%d@x.test>\r\n\r\n" % number, sender="a@x.test", recipients=("m@x.test",))

    kept = store.page()
    store.close()

    assert [mail.message_id for mail in kept] == [f"<{number}@x.test>" for number in range(1005, 1000, -1)]
    assert len(list(tmp_path.rglob("*.eml"))) == 5


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\r\n\r\n",
        b"Subject: =?nonsense?b?////?=\r\nFrom: \xff\xfe\r\nMessage-ID: <\xff>\r\n\r\n\xff",
        b"Content-Type: text/html; charset=nonsense\r\n\r\n\xff<p>",
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n",
        b"Subject: =?utf-8?b?a?=\r\n\r\n",
    ],
)
def test_broken_mail_is_kept_and_shown(sink: Sink, content: bytes) -> None:
    with smtplib.SMTP("127.0.0.1", sink.smtp_port, timeout=STOP_SECONDS) as connection:
        connection.sendmail("a@x.test", ["broken@x.test"], content)

    newest = sink.page.get("/api/messages", params={"to": "broken@x.test", "limit": 1}).json()["messages"][0]

    assert sink.page.get(f"/messages/{newest['id']}").status_code == 200
    assert sink.page.get(f"/messages/{newest['id']}/html").status_code == 200
