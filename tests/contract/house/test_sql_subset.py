"""Every tenant's schema and every statement of the product stay in the subset of SQL that all engines share."""

import re

import pytest

from infra.migrations.rows import PlatformRow, TenantRow
from services.platform.tenancy.migrations import render_tenant_ddl
from tests.contract.house.sql_subset import TENANT_TABLES_MAX, code_complaints, statements, tenant_complaints
from tests.contract.house.tidy import OTHER_ENGINES, Source
from tests.contract.house.tree import sources

PLATFORM_TABLES = frozenset(table.name for table in PlatformRow.metadata.tables.values())
TENANT_TABLES = frozenset(table.name for table in TenantRow.metadata.tables.values())
SHARED = PLATFORM_TABLES - TENANT_TABLES | {"alembic_version"}
EVERYWHERE = PLATFORM_TABLES & TENANT_TABLES
COMPARES_CLOCKS = re.compile(r"services/platform/surroundings/database\.py:\d+: time is bound")
"""The self-test reads the database's clock to hold it against this machine's."""

# (a piece of the complaint, DDL of a tenant that must draw it and no other)
PLANTED_DDL = (
    ("made by the application", "ALTER TABLE members ADD COLUMN n bigint GENERATED ALWAYS AS IDENTITY"),
    ("made by the application", "CREATE TABLE a (id bigserial, CONSTRAINT a_pkey PRIMARY KEY (id))"),
    ("made by the application", "CREATE SEQUENCE purchase_numbers"),
    ("no enum", "CREATE TYPE status AS ENUM ('active')"),
    ("no enum", "CREATE DOMAIN points AS bigint"),
    ("without a name: primary key", "CREATE TABLE a (id uuid, PRIMARY KEY (id))"),
    ("without a name: id uuid primary key", "CREATE TABLE a (id uuid PRIMARY KEY)"),
    ("without a name: check", "CREATE TABLE a (id uuid, CONSTRAINT a_pkey PRIMARY KEY (id), CHECK (id <> ''))"),
    ("without a name", "ALTER TABLE a ADD COLUMN b_id uuid REFERENCES b (id)"),
    ("without a name", "ALTER TABLE a ADD UNIQUE (b)"),
    ("without a primary key", "CREATE TABLE a (id uuid)"),
    (
        "DEFERRABLE",
        "ALTER TABLE a ADD CONSTRAINT a_b_fkey FOREIGN KEY (b) REFERENCES b (id) DEFERRABLE INITIALLY DEFERRED",
    ),
    ("may only refuse", "CREATE TRIGGER a_audit AFTER INSERT ON a FOR EACH ROW EXECUTE FUNCTION audit()"),
    (
        "may only refuse",
        "CREATE CONSTRAINT TRIGGER a_sum AFTER INSERT ON a FOR EACH ROW EXECUTE FUNCTION platform.refuse_change()",
    ),
    ("leaves the schema", "ALTER TABLE a ADD CONSTRAINT a_t_fkey FOREIGN KEY (t) REFERENCES platform.tenants (id)"),
    ("without a schema", "CREATE TABLE platform.a (id uuid, CONSTRAINT a_pkey PRIMARY KEY (id))"),
    ("logic is in Python", "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$"),
    ("logic is in Python", "CREATE RULE r AS ON DELETE TO a DO INSTEAD NOTHING"),
    ("materialized", "CREATE MATERIALIZED VIEW v AS SELECT id FROM a"),
    ("inheritance", "CREATE TABLE b (CONSTRAINT b_pkey PRIMARY KEY (id)) INHERITS (a)"),
    ("coordinator", "ALTER TABLE a RENAME CONSTRAINT b TO c"),
    ("more than 50", f"CREATE INDEX {'i' * 51} ON a (b)"),
    ("more than 50", f"CREATE TABLE a (id uuid, {'c' * 51} text, CONSTRAINT a_pkey PRIMARY KEY (id))"),
    ("newer than 16", "ALTER TABLE a ADD COLUMN b bigint GENERATED ALWAYS AS (c + 1) VIRTUAL"),
    ("newer than 16", "ALTER TABLE a ALTER COLUMN id SET DEFAULT uuidv7()"),
    ("time is bound", "ALTER TABLE a ALTER COLUMN created_at SET DEFAULT now()"),
)

# (a piece of the complaint, statement in a service's code that must draw it and no other)
PLANTED_SQL = (
    ("MERGE", "MERGE INTO a USING b ON a.id = b.id WHEN MATCHED THEN DELETE"),
    ("LISTEN or NOTIFY", "NOTIFY outbox"),
    ("LISTEN or NOTIFY", "SELECT pg_notify('outbox', '')"),
    ("advisory", "SELECT pg_advisory_lock(1)"),
    ("advisory", "SELECT pg_try_advisory_lock(1)"),
    ("current_schema", "SELECT current_schema() FROM members"),
    ("CURRENT OF", "DELETE FROM members WHERE CURRENT OF c"),
    ("VALUES", "INSERT INTO members (id) VALUES ((SELECT id FROM purchases))"),
    ("deferred", "SET LOCAL x TO y; SET CONSTRAINTS ALL IMMEDIATE"),
    ("tenant's schema", "SELECT id FROM t_0123456789ab.members"),
    ("time is bound", "UPDATE members SET updated_at = now() WHERE id = %s"),
    ("time is bound", "SELECT id FROM outbox WHERE created_at < current_timestamp"),
    ("random()", "UPDATE members SET n = random() WHERE id = %s"),
    ("gen_random_uuid()", "UPDATE members SET id = gen_random_uuid()"),
    ("jsonb_build_object()", "UPDATE members SET a = a || jsonb_build_object('k', b) WHERE id = %s"),
    ("DO UPDATE", "INSERT INTO members (id) VALUES (%s) ON CONFLICT (id) DO UPDATE SET a = jsonb_build_array(1)"),
    ("RETURNING", "DELETE FROM members WHERE id = %s RETURNING jsonb_build_object('id', id)"),
    ("RETURNING", "DELETE FROM members WHERE id = %s RETURNING tableoid::regclass"),
    ("newer than 16", "INSERT INTO members (id) VALUES (uuidv7())"),
    ("newer than 16", "UPDATE members SET a = 1 RETURNING old.a"),
    ("always written platform.tenants", "SELECT id FROM tenants WHERE slug = %s"),
    ("always written platform.users", "SELECT 1 FROM members JOIN users ON true"),
    ("no table of the platform", "SELECT id FROM platform.members"),
)

INNOCENT = (
    "SELECT id FROM platform.tenants WHERE slug = %s -- MERGE INTO",
    "SELECT id FROM outbox WHERE dispatched_at IS NULL ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED",
    "INSERT INTO members (id, a) VALUES (%s, 'now()') ON CONFLICT (id) DO UPDATE SET a = EXCLUDED.a, b = members.b + 1",
    "INSERT INTO a (n) VALUES (%s) ON CONFLICT (n) DO UPDATE SET n = greatest(a.n, EXCLUDED.n) RETURNING n",
    "UPDATE members SET a = a + 1, b = %(now)s WHERE random() < %s RETURNING id, a AS total",
    "WITH due AS (DELETE FROM members WHERE id = %s RETURNING id) SELECT count(*) FROM due",
    "SELECT pg_advisory_xact_lock(1)",
)


def in_code(sql: str) -> list[str]:
    source = Source("services/loyalty/members/repository.py", f"QUERY = {sql!r}")
    return code_complaints(source, shared=SHARED, everywhere=EVERYWHERE)


def test_a_tenants_schema_stays_in_the_subset() -> None:
    assert tenant_complaints(render_tenant_ddl()) == []


def test_the_products_statements_stay_in_the_subset() -> None:
    code = [source for source in sources() if source.path.endswith(".py") and source.within("services/")]
    ours = [source for source in code if not source.within(*OTHER_ENGINES)]

    found = [code_complaints(source, shared=SHARED, everywhere=EVERYWHERE) for source in ours]

    assert [complaint for complaints in found for complaint in complaints if not COMPARES_CLOCKS.match(complaint)] == []


def test_the_schema_is_read_whole() -> None:
    made = {statement for statement in statements(render_tenant_ddl()) if statement.startswith("create table")}

    assert len(made) == len(TENANT_TABLES) + 1  # and the table of the migration's revision


@pytest.mark.parametrize(("complaint", "ddl"), PLANTED_DDL)
def test_a_planted_table_is_refused(complaint: str, ddl: str) -> None:
    found = tenant_complaints(ddl)

    assert len(found) == 1
    assert complaint in found[0]


def test_the_tables_of_a_tenant_are_counted() -> None:
    tables = [
        f"CREATE TABLE t{n} (id uuid, CONSTRAINT t{n}_pkey PRIMARY KEY (id));" for n in range(TENANT_TABLES_MAX + 1)
    ]

    assert tenant_complaints("".join(tables[1:])) == []
    assert tenant_complaints("".join(tables)) == ["81 tables; a tenant has at most 80 (catalogue caches)"]


@pytest.mark.parametrize(("complaint", "sql"), PLANTED_SQL)
def test_a_planted_statement_is_refused(complaint: str, sql: str) -> None:
    found = in_code(sql)

    assert len(found) == 1
    assert complaint in found[0]


@pytest.mark.parametrize("sql", INNOCENT)
def test_the_subset_itself_passes(sql: str) -> None:
    assert in_code(sql) == []


def test_constants_woven_into_a_statement_are_read() -> None:
    text = 'CLOCK = "now()"\nDUE = f"SELECT id FROM outbox WHERE created_at < {CLOCK}"'

    found = code_complaints(Source("services/x.py", text), shared=SHARED, everywhere=EVERYWHERE)

    assert found == ["services/x.py:2: time is bound, not read from the database (nodes differ)"]


@pytest.mark.parametrize(
    ("complaint", "text"),
    [
        ("func.now", "from sqlalchemy import func\nrow = select(func.now())"),
        ("func.pg_advisory_lock", "import sqlalchemy as sa\nrow = sa.select(sa.func.pg_advisory_lock(1))"),
        ("sqlalchemy.Identity", "from sqlalchemy import Identity"),
        ("sqlalchemy.ENUM", "from sqlalchemy.dialects.postgresql import ENUM, JSONB"),
    ],
)
def test_a_planted_expression_is_refused(complaint: str, text: str) -> None:
    found = code_complaints(Source("services/x.py", text), shared=SHARED, everywhere=EVERYWHERE)

    assert len(found) == 1
    assert complaint in found[0]
