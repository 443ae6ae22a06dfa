"""Of several schedulers one leads; when it goes, the next one does."""

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from services import scheduler
from services.platform.clock import monotonic, wall_now
from services.platform.db.engine import Database, open_database
from services.platform.db.homes import PLATFORM
from services.platform.db.session import read_session
from services.platform.worker.tasks import Task
from tests.support.doorbell import RecordingDoorbell
from tests.support.tenants import DatabaseUrls

TASKS = (
    Task("often", lambda *_, **__: None, every=timedelta(milliseconds=1)),
    Task("rarely", lambda *_, **__: None, every=timedelta(hours=1)),
    Task("when rung", lambda *_, **__: None),
)
PATIENCE_SECONDS = 30


class _Process:
    """A scheduler in a thread, with a name of its own."""

    def __init__(self, urls: DatabaseUrls) -> None:
        self.database = open_database(urls.app, pool_size=1)
        self.doorbell = RecordingDoorbell()
        self.database.doorbell = self.doorbell
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=scheduler.run_scheduler, args=(self.database, TASKS), kwargs={"stop": self._stop}
        )

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()
        self.database.close()

    def rung(self) -> list[str]:
        return [task for task, _ in self.doorbell.rings]


def _wait_for(condition: Callable[[], bool]) -> None:
    deadline = monotonic() + PATIENCE_SECONDS
    pause = threading.Event()
    while not condition():
        assert monotonic() < deadline, "it did not happen"
        pause.wait(0.01)


def _holders(database: Database) -> list[str]:
    with read_session(database, PLATFORM, now=wall_now()) as session:
        return [row["holder"] for row in session.fetch_all("SELECT holder FROM platform.leases")]


def test_it_rings_for_what_is_due(
    database_urls: DatabaseUrls, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler, "BEAT_SECONDS", 0.01)
    process = _Process(database_urls)

    process.start()
    _wait_for(lambda: process.rung().count("often") >= 3)
    process.stop()

    assert process.rung().count("rarely") == 1
    assert "when rung" not in process.rung()
    assert _holders(database) == []


def test_one_leads_and_the_next_takes_over(
    database_urls: DatabaseUrls, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler, "BEAT_SECONDS", 0.01)
    names = iter(("first", "second"))
    monkeypatch.setattr(scheduler, "holder_name", lambda: next(names))
    first, second = _Process(database_urls), _Process(database_urls)

    first.start()
    _wait_for(lambda: first.rung().count("often") >= 3)
    second.start()
    so_far = len(first.rung())
    _wait_for(lambda: len(first.rung()) >= so_far + 5)

    assert second.rung() == []
    assert _holders(database) == ["first"]

    first.stop()
    _wait_for(lambda: len(second.rung()) > 0)
    assert _holders(database) == ["second"]
    second.stop()


def test_there_is_one_door_to_leases() -> None:
    files = [
        path for path in Path(scheduler.__file__).parent.rglob("*.py") if "INTO platform.leases" in path.read_text()
    ]

    assert [path.name for path in files] == ["leases.py"]
