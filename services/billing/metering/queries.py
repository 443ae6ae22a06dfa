"""What a tenant has used."""

from datetime import date
from uuid import UUID

from services.billing.metering import repository
from services.billing.metering.domain import MeterUsage
from services.platform.db.session import ReadSession


def usage_by_meter(session: ReadSession, *, since: date, until: date) -> tuple[MeterUsage, ...]:
    """A tenant's usage, exact to the fact, over the UTC days ``since <= day < until``; read in the tenant's home."""
    rows = session.fetch_all(repository.COUNTED, {"since": since, "until": until})
    return tuple(MeterUsage(row["meter"], row["quantity"], row["facts"]) for row in rows)


def rolled_up_usage(session: ReadSession, *, tenant_id: UUID, since: date, until: date) -> dict[str, int]:
    """A tenant's usage by meter as rolled up so far; read in the platform's home."""
    rows = session.fetch_all(repository.ROLLED_UP, {"tenant_id": tenant_id, "since": since, "until": until})
    return {row["meter"]: row["quantity"] for row in rows}
