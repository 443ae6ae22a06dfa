"""What time alone makes due: refunds whose purchase came at the very moment at which they were told of, or never."""

from datetime import datetime

from services.loyalty.purchases.queries import first_look_question
from services.loyalty.purchases.service import apply_next_waiting
from services.platform.actors import SYSTEM
from services.platform.db.engine import Database
from services.platform.db.homes import Home
from services.platform.db.session import unit_of_work
from services.platform.errands import Errand, Phase

NAME = "apply_waiting_refunds"
BATCH = 50


def run(database: Database, home: Home, now: datetime) -> int:
    """Look at some of them, each in a transaction of its own; how many were looked at."""
    for looked_at in range(BATCH):
        with unit_of_work(database, home, now=now, actor=SYSTEM, correlation_id=NAME) as uow:
            if not apply_next_waiting(uow):
                return looked_at
    return BATCH


ERRANDS = (Errand(NAME, Phase.TRIGGER, next_due=lambda _session: first_look_question(), run=run),)
