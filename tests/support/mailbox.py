"""A mail sink inside the test process. Fixture ``mailbox``."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from services.doubles.mailbox.smtp import listening_port, start_smtp
from services.doubles.mailbox.store import PAGE_MAX, MailStore, StoredMail
from services.platform.clock import monotonic

_START_SECONDS = 10


class Mailbox:
    """What arrived at ``smtp_url``. The planted faults of ``services.doubles.mailbox`` work here too."""

    def __init__(self, store: MailStore, port: int) -> None:
        self.store = store
        self.smtp_url = f"smtp://127.0.0.1:{port}"

    def messages(self, to: str | None = None) -> tuple[StoredMail, ...]:
        """All mails, or those to one address, oldest first."""
        found: list[StoredMail] = []
        while page := self.store.page(to=to or "", before=found[-1].id if found else None, limit=PAGE_MAX):
            found += page
        return tuple(reversed(found))

    def message_ids(self) -> tuple[str, ...]:
        """The Message-IDs in the order of arrival, repeats included."""
        return tuple(mail.message_id for mail in self.messages())

    def content(self, mail: StoredMail) -> bytes:
        """A mail as it arrived."""
        return self.store.content(mail)

    def wait_for(self, count: int, *, to: str | None = None, timeout_seconds: int = 30) -> tuple[StoredMail, ...]:
        """The mails as soon as there are ``count``; ``TimeoutError`` when they don't come."""
        deadline = monotonic() + timeout_seconds
        pause = threading.Event()
        while len(found := self.messages(to)) < count:
            if monotonic() > deadline:
                raise TimeoutError(f"{len(found)} of {count} mails arrived")
            pause.wait(0.02)
        return found


@contextmanager
def serving(start: Callable[[], Awaitable[asyncio.Server]]) -> Iterator[int]:
    """Run a server on an event loop of its own thread; gives the port it listens on."""
    started = threading.Event()
    running: dict[str, asyncio.AbstractEventLoop | asyncio.Event | int] = {}

    async def run() -> None:
        stop = asyncio.Event()
        server = await start()
        running.update(loop=asyncio.get_running_loop(), stop=stop, port=listening_port(server))
        started.set()
        await stop.wait()
        server.close()

    thread = threading.Thread(target=lambda: asyncio.run(run()), name="smtp-server")
    thread.start()
    if not started.wait(_START_SECONDS):
        raise TimeoutError("the server did not start")
    loop, stop, port = running["loop"], running["stop"], running["port"]
    assert isinstance(loop, asyncio.AbstractEventLoop)
    assert isinstance(stop, asyncio.Event)
    assert isinstance(port, int)
    try:
        yield port
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()


@pytest.fixture
def mailbox(tmp_path: Path) -> Iterator[Mailbox]:
    store = MailStore(tmp_path / "mailbox")
    try:
        with serving(lambda: start_smtp(store, host="127.0.0.1", port=0)) as port:
            yield Mailbox(store, port)
    finally:
        store.close()
