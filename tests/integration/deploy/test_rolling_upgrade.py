"""A rollout without a pause: tenants that are behind are brought up to date while they sell; newer ones are served."""

import io
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from alembic import command
from psycopg.rows import dict_row

from services.gateway.execution.upgrades import LANES
from services.loyalty.ledger.queries import verify
from services.platform.clock import wall_now
from services.platform.db.engine import Database, open_database
from services.platform.db.homes import PLATFORM, Home
from services.platform.db.session import read_session
from services.platform.tenancy import first_touch, migrations
from services.platform.tenancy.domain import Tenant
from services.platform.tenancy.errors import TenantUpgrading
from services.platform.tenancy.registry import TenantRegistry, tenant_by_slug
from services.platform.worker.tasks import WorkContext
from tests.support.graphql_client import GraphQLClient, fresh_key, running_gateway
from tests.support.story import Merchant, quick_services, receipt, sign_up
from tests.support.tenants import POOL_SIZE, DatabaseUrls

TILLS = 3
PROCESSES = 2
WAITING = 3
RELEASE_BEFORE = "0002"
"""What tenants are at when this release comes."""
WITH_SHARES = "0009"
"""What a tenant may be at that has shared links."""
LEASE = "SELECT id FROM platform.tenants WHERE id = %s FOR UPDATE"
"""What two who migrate one tenant take turns at."""
STORES = "{ stores(first: 50) { edges { node { id } } } }"
NEWER = "9999"
EXPANSION = '''
"""What a newer release may do to a schema in use: it adds."""

from alembic import op

revision = "{newer}"
down_revision = "{head}"
branch_labels = None
depends_on = None

TABLES = {tables}


def upgrade() -> None:
    for table in TABLES:
        op.execute(f"ALTER TABLE {{table}} ADD COLUMN newer_note text")
        op.execute(f"ALTER TABLE {{table}} ADD COLUMN newer_count bigint NOT NULL DEFAULT 0")
    op.execute("CREATE TABLE newer_things (id uuid CONSTRAINT newer_things_pkey PRIMARY KEY)")
'''


def test_a_tenant_of_the_release_before_is_brought_up_to_date_by_whoever_meets_it_first(
    gateway: GraphQLClient, database: Database, database_urls: DatabaseUrls, tmp_path: Path
) -> None:
    merchant = sign_up(gateway, "rollout")
    _a_day_of(merchant)
    known = merchant.open_store(code="busy"), merchant.enroll()
    home = _home(database, merchant)
    _put_back(database_urls, home)

    with _new_processes(database_urls, tmp_path) as processes, _selling(merchant, known, through=processes) as sold:
        pass
    _a_day_of(merchant)

    assert sold.failures == []
    assert sold.purchases >= TILLS * PROCESSES
    assert _revision(database_urls, home) == migrations.head_revision()
    assert _health(gateway) == ("ready", "ready")
    _books_agree(database, home)


def test_the_command_migrates_tenants_while_they_sell(
    gateway: GraphQLClient, database: Database, database_urls: DatabaseUrls, tmp_path: Path
) -> None:
    merchant = sign_up(gateway, "rollout")
    _a_day_of(merchant)
    known = merchant.open_store(code="busy"), merchant.enroll()
    home = _home(database, merchant)
    _put_back(database_urls, home)

    with _new_processes(database_urls, tmp_path) as processes, _selling(merchant, known, through=processes) as sold:
        failed = migrations.migrate_tenants(database_urls.owner, progress=lambda *_: None)

    assert (failed, sold.failures) == ((), [])
    assert _revision(database_urls, home) == migrations.head_revision()
    _books_agree(database, home)


def test_who_waits_for_a_tenant_keeps_no_other_waiting(
    gateway: GraphQLClient, database_urls: DatabaseUrls, database: Database, tmp_path: Path
) -> None:
    behind, other = sign_up(gateway, "behind"), sign_up(gateway, "other")
    _a_day_of(behind)
    _a_day_of(other)
    home = _home(database, behind)
    _put_back(database_urls, home)
    answers: list[object] = []

    with _new_processes(database_urls, tmp_path) as (process, _other_process):
        with psycopg.connect(database_urls.owner) as somebody:
            somebody.execute(LEASE, [home.tenant_id])
            waiting = [
                threading.Thread(target=lambda: answers.append(_at(process, behind).ask(STORES)))
                for _ in range(WAITING)
            ]
            for thread in waiting:
                thread.start()
            _a_day_of(_at(process, other))
            assert (answers, _revision(database_urls, home)) == ([], RELEASE_BEFORE)
            somebody.rollback()
        for thread in waiting:
            thread.join(30)

    assert len(answers) == WAITING
    assert _revision(database_urls, home) == migrations.head_revision()


def test_who_has_waited_in_vain_is_told_to_come_again(
    gateway: GraphQLClient,
    database_urls: DatabaseUrls,
    database: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    merchant = sign_up(gateway, "behind")
    _a_day_of(merchant)
    home = _home(database, merchant)
    _put_back(database_urls, home)
    monkeypatch.setattr(first_touch, "LOCK_SECONDS", 0.1)
    monkeypatch.setattr(first_touch, "WAIT_SECONDS_MAX", 0.0)

    with _new_processes(database_urls, tmp_path) as (process, _other_process):
        with psycopg.connect(database_urls.owner) as somebody:
            somebody.execute(LEASE, [home.tenant_id])
            refused = _at(process, merchant).send(STORES)
            somebody.rollback()
        again = _at(process, merchant).ask(STORES)

    assert (refused.status, refused.headers["retry-after"]) == (503, "2")
    assert refused.error == {
        "code": "TENANT_UPGRADING",
        "slug": "behind",
        "retryable": True,
        "retryAfterSeconds": 2,
    }
    assert len(again["edges"]) == 1


def test_locked_tenants_leave_the_lanes_to_others(
    gateway: GraphQLClient, database: Database, database_urls: DatabaseUrls, tmp_path: Path
) -> None:
    locked = [sign_up(gateway, f"locked-{number}") for number in range(2 * LANES)]
    free = sign_up(gateway, "free")
    _a_day_of(free)
    homes = [_home(database, merchant) for merchant in (*locked, free)]
    for home in homes:
        _put_back(database_urls, home)
    answers: list[object] = []

    with _new_processes(database_urls, tmp_path) as (process, _other_process):
        with psycopg.connect(database_urls.owner) as somebody:
            for home in homes[:-1]:
                somebody.execute(LEASE, [home.tenant_id])
            waiting = [
                threading.Thread(target=lambda merchant=each: answers.append(_at(process, merchant).ask(STORES)))
                for each in locked
            ]
            for thread in waiting:
                thread.start()
            _wait_for_locks(database_urls, LANES)
            _a_day_of(_at(process, free))
            assert answers == []
            somebody.rollback()
        for thread in waiting:
            thread.join(30)

    assert len(answers) == len(locked)
    assert {_revision(database_urls, home) for home in homes} == {migrations.head_revision()}


def test_a_worker_leaves_a_locked_tenant_alone_for_a_while(
    gateway: GraphQLClient,
    database: Database,
    database_urls: DatabaseUrls,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    home = _home(database, sign_up(gateway, "behind"))
    _put_back(database_urls, home)
    services = quick_services(database, database_urls, tmp_path)
    services.buckets.close()
    services.cost_meter.close()
    context = WorkContext(services.settings, database, TenantRegistry(database), {})
    tried: list[bool] = []

    def counted(direct_url: str, tenant: Tenant) -> bool:
        tried.append(try_once(direct_url, tenant))
        return tried[-1]

    try_once = first_touch.try_once
    monkeypatch.setattr(first_touch, "try_once", counted)
    monkeypatch.setattr(first_touch, "LOCK_SECONDS", 0.1)
    with psycopg.connect(database_urls.owner) as somebody:
        somebody.execute(LEASE, [home.tenant_id])
        for _ring in range(20):
            with pytest.raises(TenantUpgrading):
                context.tenant(str(home.tenant_id))
        somebody.rollback()
    assert tried == [False]
    monkeypatch.setattr(context.first_touches, "_rests", {})

    assert context.tenant(str(home.tenant_id)).schema_revision == migrations.head_revision()
    assert tried == [False, True]


def test_a_link_and_a_promotion_meet_tenants_that_are_behind(
    gateway: GraphQLClient, database: Database, database_urls: DatabaseUrls, tmp_path: Path
) -> None:
    merchant = sign_up(gateway, "behind")
    merchant.start_program()
    member = merchant.enroll()
    made = merchant.do("createShare", "link", member={"id": member}, url="https://shop.example/", channel="x")
    merchant.do("createSandbox", "sandbox { slug }", slug="behind-try", idempotencyKey=fresh_key())
    with read_session(database, PLATFORM, now=wall_now()) as session:
        sandbox = tenant_by_slug(session, "behind-try")
    assert sandbox is not None
    homes = [_home(database, merchant), sandbox.home]
    for home in homes:
        _put_back(database_urls, home, revision=WITH_SHARES)

    with _new_processes(database_urls, tmp_path) as (process, other):
        path = urlsplit(made["link"]).path
        followed = process.as_(None).send("GET", path, headers={"User-Agent": "Mozilla/5.0"})
        found = [_revision(database_urls, home) for home in homes]
        revision = merchant.ask("{ program { draft { revision } } }")["draft"]["revision"]
        promoted = _at(other, merchant).do(
            "promoteProgram", "replaces { number }", sandboxSlug="behind-try", revision=revision
        )

    assert (followed.status, found) == (302, [migrations.head_revision(), WITH_SHARES])
    assert promoted["replaces"] == {"number": 1}
    assert {_revision(database_urls, home) for home in homes} == {migrations.head_revision()}


@pytest.fixture
def newer_release(tmp_path: Path, database_urls: DatabaseUrls, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The tenants' schemas as a newer release's migration leaves them, while this one's processes run."""
    with monkeypatch.context() as patch:
        _add_revision(tmp_path / "migrations", database_urls)
        patch.setattr(migrations, "MIGRATIONS", tmp_path / "migrations")
        migrations.render_tenant_ddl.cache_clear()
        assert migrations.head_revision() == NEWER
        assert migrations.migrate_tenants(database_urls.owner, progress=lambda *_: None) == ()
    migrations.render_tenant_ddl.cache_clear()
    yield
    migrations.render_tenant_ddl.cache_clear()


def test_tenants_of_a_newer_release_are_served_and_left_as_they_are(
    gateway: GraphQLClient,
    database: Database,
    database_urls: DatabaseUrls,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    merchant = sign_up(gateway, "ahead")
    home = _home(database, merchant)
    _a_day_of(merchant)
    request.getfixturevalue("newer_release")

    _a_day_of(merchant)
    migrations.migrate_shared(database_urls.owner)
    failed = migrations.migrate_tenants(database_urls.owner, progress=lambda *_: None)
    late = sign_up(gateway, "late")
    _a_day_of(late)

    assert failed == ()
    assert _revision(database_urls, home) == NEWER
    assert _revision(database_urls, _home(database, late)) == migrations.head_revision()
    assert _health(gateway) == ("ready", "ready")
    for one in (home, _home(database, late)):
        _books_agree(database, one)


def _home(database: Database, merchant: Merchant) -> Home:
    with read_session(database, PLATFORM, now=wall_now()) as session:
        tenant = tenant_by_slug(session, merchant.slug)
    assert tenant is not None
    return tenant.home


def _wait_for_locks(urls: DatabaseUrls, count: int) -> None:
    """Wait until so many connections wait for somebody's lock."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with psycopg.connect(urls.owner, autocommit=True) as owner:
        while owner.execute(query).fetchone() != (count,):
            threading.Event().wait(0.01)


def _put_back(urls: DatabaseUrls, home: Home, *, revision: str = RELEASE_BEFORE) -> None:
    """Take a tenant's schema back to what a release before made of it, with all that was in it then."""
    output = io.StringIO()
    config = migrations._config("tenant")  # noqa: SLF001  the product never goes back
    config.output_buffer = output
    command.downgrade(config, f"{migrations.head_revision()}:{revision}", sql=True)
    with psycopg.connect(urls.owner) as owner:
        owner.execute(f"SET LOCAL search_path TO {home.schema}".encode())
        owner.execute(output.getvalue().encode())
        owner.execute("UPDATE platform.tenants SET schema_revision = %s WHERE id = %s", [revision, home.tenant_id])


@contextmanager
def _new_processes(urls: DatabaseUrls, home: Path) -> Iterator[tuple[GraphQLClient, ...]]:
    """Processes of this release that have met nobody yet."""
    with ExitStack() as stack:
        clients = []
        for _ in range(PROCESSES):
            database = open_database(urls.app, pool_size=POOL_SIZE)
            stack.callback(database.close)
            clients.append(stack.enter_context(running_gateway(quick_services(database, urls, home))))
        yield tuple(clients)


def _at(process: GraphQLClient, merchant: Merchant) -> Merchant:
    """The merchant's owner, as a client of another process."""
    return replace(merchant, client=process.as_(merchant.client.token))


def _a_day_of(merchant: Merchant) -> None:
    """Something of everything that merchants do."""
    stores = merchant.ask("{ stores(first: 50) { edges { node { id } } } }")["edges"]
    store = merchant.open_store(code=f"store-{len(stores)}")
    if not stores:
        merchant.start_program()
    member = merchant.enroll()
    bought = merchant.do("recordPurchase", "purchase { id } points", **receipt(store, "900.00", member=member))
    merchant.do("recordPurchase", "points", **receipt(store, "100.00", member=member))
    merchant.do(
        "refundPurchase",
        "points balance",
        purchase={"id": bought["purchase"]["id"]},
        source="till",
        externalId=fresh_key(),
        refund={"amount": "100.00"},
        idempotencyKey=fresh_key(),
    )
    (coffee,) = [
        edge["node"]
        for edge in merchant.ask("{ rewards { edges { node { id code } } } }")["edges"]
        if edge["node"]["code"] == "free-coffee"
    ]
    redeemed = merchant.do(
        "redeemReward",
        "points balance",
        member={"id": member},
        rewardId=coffee["id"],
        expectedPoints=150,
        storeId=store,
        idempotencyKey=fresh_key(),
    )
    assert (redeemed["points"], redeemed["balance"]) == (150, 750)
    seen = merchant.ask(
        "query ($by: MemberReferenceInput!) { member(by: $by) {"
        " balances { available } ledger(first: 9) { edges { node { kind } } } } }",
        by={"id": member},
    )
    assert seen["balances"] == [{"available": 750}]
    assert len(seen["ledger"]["edges"]) == 4


@dataclass(slots=True)
class _Sold:
    """What the tills saw."""

    purchases: int = 0
    failures: list[BaseException] = field(default_factory=list)


@contextmanager
def _selling(merchant: Merchant, known: tuple[str, str], *, through: Sequence[GraphQLClient]) -> Iterator[_Sold]:
    """Tills at each process that begin together and sell until the block ends, each at least once."""
    store, member = known
    tills = [_at(process, merchant) for process in through for _ in range(TILLS)]
    stop, sold, together = threading.Event(), _Sold(), threading.Barrier(len(tills) + 1)

    def sell(till: Merchant) -> None:
        together.wait(30)
        while True:
            try:
                bought = till.do("recordPurchase", "points", **receipt(store, "10.00", member=member))
                assert bought["points"] == 10
            except BaseException as error:
                sold.failures.append(error)
                raise
            sold.purchases += 1
            if stop.is_set():
                return

    threads = [threading.Thread(target=sell, args=(till,)) for till in tills]
    for thread in threads:
        thread.start()
    together.wait(30)
    try:
        yield sold
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _revision(urls: DatabaseUrls, home: Home) -> str:
    with psycopg.connect(urls.owner, row_factory=dict_row) as owner:
        row = owner.execute("SELECT schema_revision FROM platform.tenants WHERE id = %s", [home.tenant_id]).fetchone()
    assert row is not None
    return str(row["schema_revision"])


def _health(gateway: GraphQLClient) -> tuple[str, str]:
    content = gateway.send("GET", "/health/ready").content
    return content["status"], content["schema"]


def _books_agree(database: Database, home: Home) -> None:
    with read_session(database, home, now=wall_now()) as session:
        verdict = verify(session, progress=lambda *_: None)
    assert verdict.faults == ()
    assert verdict.entries > 0


def _add_revision(copy: Path, urls: DatabaseUrls) -> None:
    for line in ("shared", "tenant"):
        (copy / line / "versions").mkdir(parents=True)
        (copy / line / "env.py").write_text((migrations.MIGRATIONS / line / "env.py").read_text())
        for file in (migrations.MIGRATIONS / line / "versions").glob("*.py"):
            (copy / line / "versions" / file.name).write_text(file.read_text())
    with psycopg.connect(urls.owner) as owner:
        rows = owner.execute(
            "SELECT DISTINCT tablename FROM pg_tables WHERE schemaname LIKE 't\\_%' AND tablename <> 'alembic_version'"
        ).fetchall()
    text = EXPANSION.format(newer=NEWER, head=migrations.head_revision(), tables=[table for (table,) in rows])
    (copy / "tenant" / "versions" / "9999_newer.py").write_text(text)
