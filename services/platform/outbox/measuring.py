"""The letters of all tenants as a few numbers, for the metrics."""

from psycopg import sql

from services.platform.clock import wall_now
from services.platform.db.engine import Database
from services.platform.db.fanout import ask_tenants
from services.platform.db.homes import PLATFORM
from services.platform.db.session import read_session
from services.platform.telemetry import metrics
from services.platform.tenancy.domain import TenantStatus
from services.platform.tenancy.registry import tenants

# Each count has an index of its own, so that done letters, which are most, are not looked at.
COUNTS = sql.SQL(
    "SELECT * FROM (SELECT count(*) AS undispatched, min(created_at) AS oldest"
    " FROM {schema}.outbox WHERE dispatched_at IS NULL) AS out,"
    " (SELECT count(*) AS pending FROM {schema}.inbox WHERE state = 'pending') AS waiting,"
    " (SELECT count(*) AS parked FROM {schema}.inbox WHERE state = 'parked') AS given_up"
    " WHERE undispatched + pending + parked > 0"
)


def measure_letters(database: Database) -> None:
    """Count what waits and what is parked, over all active tenants and the platform, for the gauges of this process.

    Raises:
        psycopg.Error
    """
    now = wall_now()
    with read_session(database, PLATFORM, now=now) as session:
        homes = tuple(tenant.home for tenant in tenants(session, status=TenantStatus.ACTIVE))
        found = [row for _home, row in ask_tenants(session, (PLATFORM, *homes), COUNTS, {})]
    oldest = min((row["oldest"] for row in found if row["oldest"] is not None), default=now)
    metrics.letters_measured(
        undispatched=sum(row["undispatched"] for row in found),
        oldest_seconds=(now - oldest).total_seconds(),
        pending=sum(row["pending"] for row in found),
        parked=sum(row["parked"] for row in found),
        now=now.timestamp(),
    )
