"""F14: all tenants are migrated while tills work; the migration is killed half-way and run again."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import psycopg
from psycopg import sql

from services.platform.actors import SYSTEM
from services.platform.clock import monotonic, wall_now
from services.platform.db.engine import open_database
from services.platform.db.homes import PLATFORM, tenant_home
from services.platform.db.session import unit_of_work
from services.platform.ids import new_id
from services.platform.tenancy.domain import NewTenant, TenantMode
from services.platform.tenancy.migrations import provision_schema
from services.platform.tenancy.registry import insert_organization, insert_tenant
from tests.faults.experiments import Bench, Experiment, Mutation
from tests.faults.load import read_logs
from tests.faults.merchant import Merchant
from tests.faults.migrating import REVISION, write_line
from tests.faults.stack import ROOT, Stack
from tests.faults.verdict import Evidence, Verdict, judge

SECONDS_MAX = 60.0
"""For an additive change of a thousand tenants."""

BEHIND = "SELECT count(*) FROM platform.tenants WHERE schema_revision <> %s"
# All that makes a schema, without its name: columns, constraints, indexes, settings of tables, rights.
CATALOGS = """
WITH named AS (SELECT oid, nspname FROM pg_namespace WHERE nspname LIKE 't\\_%'), facts AS (
    SELECT nspname, concat_ws(' ', relname, attname, format_type(atttypid, atttypmod), attnotnull,
        pg_get_expr(adbin, adrelid)) AS fact
    FROM named JOIN pg_class ON relnamespace = named.oid JOIN pg_attribute ON attrelid = pg_class.oid
    LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE relkind IN ('r', 'p') AND attnum > 0 AND NOT attisdropped
    UNION ALL
    SELECT nspname, concat_ws(' ', conrelid::regclass, conname, pg_get_constraintdef(pg_constraint.oid))
    FROM named JOIN pg_constraint ON connamespace = named.oid
    UNION ALL
    SELECT nspname, pg_get_indexdef(pg_class.oid) FROM named JOIN pg_class ON relnamespace = named.oid
    WHERE relkind = 'i'
    UNION ALL
    SELECT nspname, concat_ws(' ', relname, reloptions, relacl) FROM named JOIN pg_class ON relnamespace = named.oid
    WHERE relkind IN ('r', 'p'))
SELECT nspname, md5(string_agg(stripped, E'\\n' ORDER BY stripped)), count(*)
FROM (SELECT nspname, replace(fact, nspname || '.', '') AS stripped FROM facts) AS each GROUP BY nspname"""


def migrate_under_load(bench: Bench, *, way: str = "migrate") -> Verdict:
    """F14: half of the tenants are there before the merchant with the tills, half come after it."""
    scale, stack = bench.scale, bench.stack
    with TemporaryDirectory(prefix="regulars-line-") as folder, _tenants(stack, scale.tenants) as tenants:
        write_line(Path(folder) / "migrations")
        runner = _Runner(stack, Path(folder) / "migrations")
        tenants.make(scale.tenants // 2)
        merchant, letters, logs = bench.begin(members=scale.members)
        tenants.make(scale.tenants - scale.tenants // 2)
        with bench.load(merchant, stack.gateway_port, logs) as load:
            load.pulse.wait_for(scale.requests_per_kill)
            began = monotonic()
            killed_at = runner.run(way, is_killed=True)
            runner.run("migrate")
            seconds = monotonic() - began
            load.pulse.wait_for(load.pulse.count + scale.requests_per_kill)
        letters.wait_until_sent()
        fresh = tenants.register()
        runner.provision(fresh)
        evidence = Evidence("F14", injected=1, logs=logs, acknowledged_min=2 * scale.requests_per_kill)
        verdict = judge(stack, merchant, letters, evidence)
        verdict.recovery_seconds = seconds
        _check(verdict, stack, merchant, fresh, killed_at, tenants.ids)
    verdict.note += f", {sum(told.unanswered for told in read_logs(logs).values())} told to try again"
    verdict.complaints += runner.complaints
    if seconds > SECONDS_MAX and not scale.is_hurried:
        verdict.complaints.append(f"both runs took {seconds:.0f} s")
    return verdict


def _check(
    verdict: Verdict, stack: Stack, merchant: Merchant, fresh: UUID, killed_at: int, tenants: Sequence[UUID]
) -> None:
    with psycopg.connect(stack.postgres.superuser_url, autocommit=True) as connection:
        behind = connection.execute(BEHIND, [REVISION]).fetchone()
        catalogs = {row[0]: row[1:] for row in connection.execute(CATALOGS)}
    wanted = catalogs[tenant_home(fresh).schema]
    schemas = [merchant.schema, *(tenant_home(tenant).schema for tenant in tenants)]
    verdict.note = f"{len(schemas)} tenants, killed at {killed_at}, {wanted[1]} facts of each compared"
    if behind != (0,):
        verdict.complaints.append(f"{behind} tenants are behind")
    different = [schema for schema in schemas if catalogs[schema] != wanted]
    verdict.lost += len(different)
    verdict.complain("catalogs unlike a fresh one", different)
    if not 0 < killed_at < len(schemas):
        verdict.complaints.append(f"killed at {killed_at}, which is not half-way")


class _Runner:
    """Runs the migration in processes of its own."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        self._command = (sys.executable, "-m", "tests.faults.migrating", str(folder), stack.postgres.owner_url)
        self.complaints: list[str] = []

    def run(self, way: str, *, is_killed: bool = False) -> int:
        """How many tenants were done at the end, or when half were and it was killed."""
        done = 0
        with subprocess.Popen((*self._command, way), cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for line in process.stdout:
                if line.startswith("failed"):
                    self.complaints.append(line.strip())
                    continue
                done, total = map(int, line.split())
                if is_killed and 2 * done >= total:
                    process.kill()
                    break
        if not is_killed and process.returncode:
            self.complaints.append(f"the migration ended with {process.returncode}")
        return done

    def provision(self, tenant_id: UUID) -> None:
        """A tenant made at the new revision."""
        subprocess.run((*self._command, "provision", str(tenant_id)), cwd=ROOT, check=True)


class _Tenants:
    """Tenants that nobody works for: a schema each, and a row in the registry."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._organization = new_id()
        self.ids: list[UUID] = []

    def register(self) -> UUID:
        """One more in the registry, without a schema."""
        tenant_id, now = new_id(), wall_now()
        with (
            closing(open_database(self._stack.postgres.app_url, pool_size=1)) as database,
            unit_of_work(database, PLATFORM, now=now, actor=SYSTEM, correlation_id="faults") as uow,
        ):
            if not self.ids:
                insert_organization(uow, organization_id=self._organization, name="Fault campaign")
            insert_tenant(
                uow,
                NewTenant(
                    id=tenant_id,
                    organization_id=self._organization,
                    slug=f"f{tenant_id.hex[-12:]}",
                    name="A tenant of the fault campaign",
                    mode=TenantMode.LIVE,
                    clock_offset=timedelta(),
                    locale="en",
                    created_at=now,
                ),
            )
        self.ids.append(tenant_id)
        return tenant_id

    def make(self, count: int) -> None:
        """So many more, with schemas at the product's newest revision."""
        for _ in range(count):
            provision_schema(self._stack.postgres.owner_url, tenant_home(self.register()))


@contextmanager
def _tenants(stack: Stack, count: int) -> Iterator[_Tenants]:
    """Tenants that are gone afterwards, so that sweeps of later experiments have not ``count`` schemas more to ask."""
    tenants = _Tenants(stack)
    try:
        yield tenants
    finally:
        with psycopg.connect(stack.postgres.superuser_url, autocommit=True) as connection:
            connection.execute("DELETE FROM platform.tenants WHERE id = ANY(%s)", [tenants.ids])
            for tenant_id in tenants.ids:
                schema = sql.Identifier(tenant_home(tenant_id).schema)
                connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(schema))


def _record_first(bench: Bench) -> Verdict:
    return migrate_under_load(bench, way="migrate-recording-first")


EXPERIMENTS = (
    Experiment(
        "F14",
        "A migration of all tenants is killed",
        migrate_under_load,
        (Mutation("recorded before it is done", lambda verdict: verdict.lost > 0, run=_record_first, is_slow=True),),
    ),
)
