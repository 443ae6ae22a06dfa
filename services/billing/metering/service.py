"""Rolls usage facts up into daily sums, tenant by tenant.

Two homes, so three steps: read facts and sums from one snapshot of the tenant, store the sums in the platform, mark
the facts in the tenant. A crash between the steps repeats them, and a repeat changes nothing.
"""

from services.billing.metering import repository
from services.platform.actors import SYSTEM
from services.platform.clock import wall_now
from services.platform.db.engine import Database
from services.platform.db.homes import PLATFORM, Home
from services.platform.db.session import read_session, unit_of_work


def roll_up_once(database: Database, home: Home) -> int:
    """Roll up a bounded number of new facts of a tenant; how many there were."""
    assert home.tenant_id is not None
    as_of = wall_now()
    with read_session(database, home, now=as_of) as session:
        facts = repository.unrolled_facts(session)
        totals = repository.sums_of_days(session, facts) if facts else ()
    if not facts:
        return 0
    with unit_of_work(database, PLATFORM, now=as_of, actor=SYSTEM, correlation_id="roll_up_usage") as uow:
        kept = repository.store_totals(uow, tenant_id=home.tenant_id, totals=totals, as_of=as_of)
    # Another run stored sums that may be from before these facts: they wait for the next round.
    if kept < len(totals):
        return 0
    with unit_of_work(database, home, now=as_of, actor=SYSTEM, correlation_id="roll_up_usage") as uow:
        repository.mark_rolled_up(uow, facts, now=as_of)
    return len(facts)
