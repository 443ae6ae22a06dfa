"""A rollout without a pause: tenants are served at the revision before, while they are migrated, and at a newer one."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg.rows import dict_row

from services.loyalty.ledger.queries import verify
from services.platform.clock import wall_now
from services.platform.db.engine import Database
from services.platform.db.homes import PLATFORM, Home
from services.platform.db.session import read_session
from services.platform.tenancy import migrations
from services.platform.tenancy.registry import tenant_by_slug
from tests.support.graphql_client import GraphQLClient, fresh_key
from tests.support.story import Merchant, receipt, sign_up
from tests.support.tenants import DatabaseUrls

TILLS = 3
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


def test_tenants_at_the_revision_before_are_served_and_migrated_while_they_sell(
    gateway: GraphQLClient, database: Database, database_urls: DatabaseUrls
) -> None:
    merchant = sign_up(gateway, "rollout")
    home = _home(database, merchant)
    _put_back(database_urls, home, migrations.oldest_revision())

    _a_day_of(merchant)
    with _selling(merchant):
        failed = migrations.migrate_tenants(database_urls.owner, progress=lambda *_: None)
    _a_day_of(merchant)

    assert failed == ()
    assert _revision(database_urls, home) == migrations.head_revision()
    assert _health(gateway) == ("ready", "ready")
    _books_agree(database, home)


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


def _put_back(urls: DatabaseUrls, home: Home, revision: str) -> None:
    """Make a new tenant's empty schema at an older revision, as it was before the rollout."""
    with psycopg.connect(urls.owner) as owner:
        owner.execute(f"DROP SCHEMA {home.schema} CASCADE".encode())
        migrations.make_schema(owner, home, revision=revision)
        owner.execute("UPDATE platform.tenants SET schema_revision = %s WHERE id = %s", [revision, home.tenant_id])


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


@contextmanager
def _selling(merchant: Merchant) -> Iterator[None]:
    """Tills that sell until the block ends, and at least some purchases each; not one may fail."""
    stop, failures = threading.Event(), list[BaseException]()
    store = merchant.open_store(code="busy")
    members = [merchant.enroll() for _ in range(TILLS)]
    busy = threading.Barrier(TILLS + 1)

    def sell(member: str) -> None:
        try:
            merchant.do("recordPurchase", "points", **receipt(store, "10.00", member=member))
            busy.wait(30)
            while not stop.is_set():
                merchant.do("recordPurchase", "points", **receipt(store, "10.00", member=member))
        except BaseException as error:
            failures.append(error)
            busy.abort()
            raise

    tills = [threading.Thread(target=sell, args=(member,)) for member in members]
    for till in tills:
        till.start()
    busy.wait(30)
    try:
        yield
    finally:
        stop.set()
        for till in tills:
            till.join()
    assert failures == []


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
