"""What time alone makes due: refunds whose purchase came at the very moment at which they were told of."""

from datetime import datetime

from services.loyalty.purchases.queries import first_refund_in_vain
from services.loyalty.purchases.service import apply_next_waiting
from services.platform.actors import SYSTEM
from services.platform.db.engine import Database
from services.platform.db.homes import Home
from services.platform.db.session import ReadSession, unit_of_work
from services.platform.errands import Errand, Phase

NAME = "apply_waiting_refunds"
BATCH = 50


def next_due(session: ReadSession) -> datetime | None:
    """When the first refund was told of that waits although its purchase is here; normally there is none."""
    return first_refund_in_vain(session)


def run(database: Database, home: Home, now: datetime) -> int:
    """Apply some of them, each in a transaction of its own; how many were settled."""
    for settled in range(BATCH):
        with unit_of_work(database, home, now=now, actor=SYSTEM, correlation_id=NAME) as uow:
            if not apply_next_waiting(uow):
                return settled
    return BATCH


ERRANDS = (Errand(NAME, Phase.TRIGGER, next_due=next_due, run=run),)
