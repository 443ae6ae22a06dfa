"""The stage: durable servers as the product runs them, one gateway process, one merchant with members who have points.

No worker runs: letters stay in the outbox, so that only the path of a request is measured.
"""

import os
import secrets
import shutil
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from uuid import UUID

import psycopg
from psycopg import sql

from services.loyalty.members import service as members
from services.loyalty.members.domain import EnrollMember, Identity, IdentityKind
from services.loyalty.programs.queries import version_in_force
from services.loyalty.purchases import service as purchases
from services.loyalty.stores.domain import Store
from services.loyalty.stores.queries import store_by_id
from services.platform.clock import monotonic, wall_now
from services.platform.db.engine import open_database
from services.platform.db.homes import PLATFORM, Home
from services.platform.db.session import read_session
from services.platform.embedded.postgres import EmbeddedPostgres
from services.platform.embedded.valkey import EmbeddedValkey
from services.platform.idempotency.service import request_hash
from services.platform.supervision.children import Child, ChildSpec
from services.platform.tenancy.domain import Tenant
from services.platform.tenancy.migrations import migrate_shared
from services.platform.tenancy.registry import tenant_by_slug
from tests.faults.merchant import Merchant as Opened
from tests.faults.merchant import key_of, open_merchant
from tests.faults.wire import free_port
from tests.support.builders.merchant import Merchant

ROOT = Path(__file__).parents[2]
POOL_SIZE = 8
GATEWAY_PROCESSES = 2
READY_SECONDS_MAX = 120.0
POLL_SECONDS = 0.05
MEMBERS_PER_TRANSACTION = 50
PAID_MINOR = 234
"""A receipt so small that no daily cap and no tier is reached however long the bench runs."""

NUMBERED = """
CREATE TABLE {schema}.bench_members (number bigint PRIMARY KEY, id uuid NOT NULL);
INSERT INTO {schema}.bench_members SELECT row_number() OVER (ORDER BY id), id FROM {schema}.members;
GRANT SELECT ON {schema}.bench_members TO regulars_app"""


class GatewayFailed(Exception):
    """The gateway did not come up; the text is the end of its log."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What contenders work on. ``merchant`` works in this process, ``till`` is the same merchant seen over HTTP."""

    postgres: EmbeddedPostgres
    gateway: Child
    gateway_port: int
    till: Opened
    merchant: Merchant
    tenant: Tenant
    store: Store
    version_id: UUID
    member_ids: tuple[UUID, ...]

    def gateway_cpu_seconds(self) -> float | None:
        """Processor time that the gateway's processes have used; None where the kernel does not tell."""
        assert self.gateway.pid is not None, "it runs as long as the stage stands"
        try:
            return sum(_cpu_seconds(pid) for pid in (self.gateway.pid, *_children(self.gateway.pid)))
        except OSError:
            return None


def _children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def running_stage(*, members: int) -> Iterator[Stage]:
    """A stage whose state is thrown away at the end.

    Raises:
        GatewayFailed
    """
    with ExitStack() as stack:
        home = _temporary_home(stack)
        postgres = stack.enter_context(EmbeddedPostgres(home))
        valkey = stack.enter_context(EmbeddedValkey(home))
        stack.callback(_let_go, postgres.superuser_url)
        migrate_shared(postgres.owner_url)
        port = free_port()
        gateway = _gateway(home, postgres, valkey, port)
        stack.callback(gateway.stop, grace=0)
        gateway.start()
        _wait_for(gateway, port)
        till = open_merchant(port, members=1)
        database = open_database(postgres.app_url, pool_size=POOL_SIZE)
        stack.callback(database.close)
        with read_session(database, PLATFORM, now=wall_now()) as session:
            tenant = tenant_by_slug(session, till.slug)
        assert tenant is not None, "it has just been opened"
        merchant = Merchant(database, tenant.home, now=wall_now())
        store = merchant.read(lambda session: store_by_id(session, store_id=key_of(till.store_id)))
        version = merchant.read(lambda session: version_in_force(session, at=session.now))
        assert store is not None, "it has just been opened"
        assert version is not None, "it has just been published"
        member_ids = _enroll(merchant, store, count=members)
        _number_members(postgres.superuser_url, tenant.home)
        yield Stage(postgres, gateway, port, till, merchant, tenant, store, version.id, member_ids)


def _gateway(home: Path, postgres: EmbeddedPostgres, valkey: EmbeddedValkey, port: int) -> Child:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("REGULARS_")},
        "REGULARS_HOME": str(home),
        "REGULARS_ENVIRONMENT": "production",
        "REGULARS_SECRET": secrets.token_urlsafe(48),
        "REGULARS_DATABASE_URL": postgres.app_url,
        "REGULARS_DIRECT_DATABASE_URL": postgres.owner_url,
        "REGULARS_BROKER_URL": valkey.url,
        "REGULARS_SMTP_URL": "smtp://127.0.0.1:9",  # nobody sends: there is no worker
        "REGULARS_BASE_URL": f"http://127.0.0.1:{port}",
        "REGULARS_DATABASE_POOL_SIZE": "6",  # two processes keep two processors busy with less
        "REGULARS_DATABASE_PREPARED": "yes",  # no pooler stands between
        # Everything is measured and told as ever, and no caller of the bench asks for too much.
        "REGULARS_RATE_CAPACITY": str(10**9),
        "REGULARS_RATE_PER_SECOND": str(10**9),
    }
    command = (
        sys.executable,
        "-m",
        "services.cli",
        "gateway",
        "--port",
        str(port),
        "--processes",
        str(GATEWAY_PROCESSES),
    )
    return Child(ChildSpec("gateway", command, environment, ROOT), logs=home / "logs")


def _wait_for(gateway: Child, port: int) -> None:
    deadline = monotonic() + READY_SECONDS_MAX
    while not _answers(port):
        if gateway.exit_code() is not None or monotonic() > deadline:
            raise GatewayFailed(gateway.log_tail())
        time.sleep(POLL_SECONDS)


def _answers(port: int) -> bool:
    with (
        suppress(urllib.error.URLError, OSError),
        urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=10) as answer,
    ):
        return bool(answer.status == HTTPStatus.OK)
    return False


def _enroll(merchant: Merchant, store: Store, *, count: int) -> tuple[UUID, ...]:
    """Members who have bought once, so that each has a balance, a tier and a cap in use; many to a transaction."""
    found: list[UUID] = []
    for start in range(0, count, MEMBERS_PER_TRANSACTION):
        with merchant.uow() as uow:
            for number in range(start, min(start + MEMBERS_PER_TRANSACTION, count)):
                joining = EnrollMember(
                    identities=(Identity(IdentityKind.CARD, f"bench-{number}"),),
                    locale="en",
                    name=f"Member {number}",
                    idempotency_key=f"bench-{number}",
                    request_hash=request_hash({"number": number}),
                )
                member_id = members.enroll_member(uow, command=joining).member_id
                purchases.record_purchase(uow, command=merchant.purchase_command(store, member_id, PAID_MINOR))
                found.append(member_id)
    return tuple(found)


def _number_members(superuser_url: str, home: Home) -> None:
    """Number the members, so that pgbench can choose one; with statistics, plans are those of a live tenant."""
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        connection.execute(sql.SQL(NUMBERED).format(schema=sql.Identifier(home.schema)))
        connection.execute("VACUUM ANALYZE")


def _let_go(superuser_url: str) -> None:
    """The state is thrown away, so that the server need not bring it to the disk before it stops."""
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")


def _temporary_home(stack: ExitStack) -> Path:
    home = Path(tempfile.mkdtemp(prefix="regulars-bench-"))
    stack.callback(shutil.rmtree, home, ignore_errors=True)
    home.chmod(0o711)  # as root, PostgreSQL's account walks through it
    (home / "home" / "logs").mkdir(parents=True)
    return home / "home"
