"""The sink as a process of its own, as ``./dev run`` starts it."""

import re
import smtplib
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[4]
STOP_SECONDS = 10


@dataclass(frozen=True)
class Sink:
    """A running sink: its process, where it takes mail, and a client of its page."""

    process: subprocess.Popen[str]
    smtp_port: int
    page: httpx.Client

    def receive(self, message: EmailMessage) -> None:
        """Send it a mail."""
        with smtplib.SMTP("127.0.0.1", self.smtp_port, timeout=STOP_SECONDS) as connection:
            connection.send_message(message)


@contextmanager
def running_sink(folder: Path) -> Iterator[Sink]:
    """A sink that keeps its mail in ``folder``; ended when the block ends, if it still runs."""
    command = [sys.executable, "-W", "error", "-m", "services.doubles.mailbox"]
    options = ["--smtp-port", "0", "--http-port", "0", "--store", str(folder)]
    pipe = subprocess.PIPE
    with subprocess.Popen([*command, *options], cwd=ROOT, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            assert process.stdout is not None
            ready = re.fullmatch(
                r"mailbox ready: smtp://127\.0\.0\.1:(\d+) (http://127\.0\.0\.1:\d+)\n", process.stdout.readline()
            )
            assert ready
            with httpx.Client(base_url=ready[2], trust_env=False) as page:
                yield Sink(process, int(ready[1]), page)
        finally:
            process.kill()


def mail(number: int = 1, *, to: str = "ada@members.example", subject: str = "Hello", html: str = "") -> EmailMessage:
    """A mail with a plain part, and an HTML part if one is given."""
    message = EmailMessage()
    message["From"] = "Luna <hello@regulars.example>"
    message["To"] = to
    message["Subject"] = subject
    message["Message-ID"] = f"<{number}@regulars.example>"
    message.set_content("plain words")
    if html:
        message.add_alternative(html, subtype="html")
    return message
