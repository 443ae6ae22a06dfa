"""The worker inside the test process: it answers rings one at a time, in the order in which they came.

Fixtures: ``settings``, ``worker`` (deterministic) and ``broker_url`` (a Valkey database that no other test touches).
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis

from services.billing import worker as billing
from services.loyalty import worker as loyalty
from services.notifications import worker as notifications
from services.notifications.channels.service import open_providers
from services.platform.clock import wall_now
from services.platform.config import Settings
from services.platform.db.engine import Database
from services.platform.db.homes import PLATFORM
from services.platform.db.session import read_session
from services.platform.outbox.queries import depths
from services.platform.tenancy.errors import TenancyError
from services.platform.tenancy.registry import TenantRegistry
from services.platform.worker import letters, rounds
from services.platform.worker.tasks import Task, WorkContext
from tests.support.doorbell import RecordingDoorbell
from tests.support.graphql_client import SECRET
from tests.support.mailbox import Mailbox
from tests.support.tenants import POOL_SIZE, DatabaseUrls

RINGS_MAX = 10_000
"""Of one call: a ring that rings for itself is a fault, not a reason to hang."""
VALKEY_DATABASES = 16
UNSENT = "SELECT count(*) AS unsent FROM messages WHERE state <> 'sent'"


@dataclass(frozen=True, slots=True)
class TestWorker:
    """The product's own tasks over the test's database; only the broker is missing."""

    __test__ = False  # pytest: no test, in spite of the name

    context: WorkContext
    doorbell: RecordingDoorbell
    tasks: Mapping[str, Task]

    def work_until_idle(self) -> int:
        """Answer every ring and nudge, and those that come of it; how many there were."""
        answered = 0
        while self.doorbell.nudges or self.doorbell.rings:
            assert answered < RINGS_MAX, "the rings do not come to an end"
            if self.doorbell.nudges:
                home = self.doorbell.nudges.pop(0)
                self.run("dispatch_outbox", tenant_id=str(home.tenant_id) if home.tenant_id else None)
            else:
                name, keywords = self.doorbell.rings.popleft()
                self.run(name, **keywords)
            answered += 1
        return answered

    def run(self, name: str, **keywords: str | int | None) -> None:
        """Answer one ring as the worker process does, but let unforeseen errors rise."""
        try:
            self.tasks[name].run(self.context, **keywords)
        except TenancyError:
            return

    def sweep(self) -> None:
        """What the scheduler rings for, each once, and what comes of it."""
        for task in self.tasks.values():
            if task.every is not None:
                self.run(task.name)
        self.work_until_idle()

    def waiting(self) -> dict[str, int]:
        """Letters and messages of all tenants that are not done, by schema; those of the platform too."""
        homes = self.context.active_homes()
        with read_session(self.context.database, PLATFORM, now=wall_now()) as session:
            found = {
                depth.home.schema: depth.undispatched + depth.pending + depth.parked
                for depth in depths(session, (PLATFORM, *homes))
            }
        for home in homes:
            with read_session(self.context.database, home, now=wall_now()) as session:
                row = session.fetch_one(UNSENT)
            assert row is not None
            if row["unsent"]:
                found[home.schema] = found.get(home.schema, 0) + int(row["unsent"])
        return found


@pytest.fixture
def settings(database_urls: DatabaseUrls, mailbox: Mailbox, broker_url: str, tmp_path: Path) -> Settings:
    """The settings of a process that works on the test's servers."""
    return Settings(
        environment="development",
        home=tmp_path / "home",
        database_url=database_urls.app,
        direct_database_url=database_urls.owner,
        broker_url=broker_url,
        valkey_url=broker_url,
        smtp_url=mailbox.smtp_url,
        mail_sender="hello@regulars.test",
        secret=SECRET,
        base_url="http://regulars.test",
        database_pool_size=POOL_SIZE,
        worker_threads=2,
    )


@pytest.fixture
def broker_url(valkey_url: str, worker_number: int) -> str:
    """An empty database of the run's Valkey: workers of one run would answer each other's rings."""
    # Database 0 is left to whoever names none.
    url = f"{valkey_url}?db={1 + worker_number % (VALKEY_DATABASES - 1)}"
    with closing(redis.Redis.from_url(url)) as client:
        client.flushdb()
    return url


@pytest.fixture(scope="session")
def worker_number() -> int:
    """Which of the parallel test processes this is."""
    return int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))


@pytest.fixture
def worker(database: Database, settings: Settings) -> Iterator[TestWorker]:
    """A worker that answers when it is told to, on the test's ``database``, which rings for it."""
    doorbell = RecordingDoorbell()
    database.doorbell = doorbell
    with working(database, settings) as (context, tasks):
        yield TestWorker(context, doorbell, {task.name: task for task in tasks})


@contextmanager
def working(database: Database, settings: Settings) -> Iterator[tuple[WorkContext, tuple[Task, ...]]]:
    """What the worker process is composed of, as `services.cli.processes` does it."""
    with closing(open_providers(smtp_url=settings.smtp_url)) as providers:
        context = WorkContext(
            settings=settings,
            database=database,
            registry=TenantRegistry(database),
            handlers={"loyalty": loyalty.HEARD, "notifications": notifications.heard(settings)},
        )
        yield (
            context,
            (
                *letters.TASKS,
                *rounds.errand_tasks(loyalty.ERRANDS),
                *loyalty.TASKS,
                *notifications.tasks(providers),
                *billing.TASKS,
            ),
        )
