"""What falls due in the chain while its year is replayed: reviews of tiers, points that end, notices of that."""

from datetime import datetime
from typing import Final

from services.demo.replay import Night
from services.loyalty.worker import ERRANDS
from services.platform.clock import monotonic
from services.platform.db.engine import Database
from services.platform.errands import run_due
from services.platform.tenancy.domain import Tenant

SECONDS_MAX: Final = 600.0
"""Of one night; what is left is done in the next one."""


def nights(database: Database, tenant: Tenant) -> Night:
    """Does what is due at a midnight, as the scheduler does it for a live tenant."""

    def night(midnight: datetime) -> None:
        run_due(database, tenant.home, ERRANDS, now=midnight, until=monotonic() + SECONDS_MAX)

    return night
