"""What time alone makes due of carts: those that were reserved and never became purchases."""

from datetime import datetime

from services.loyalty.checkout.queries import first_late_question, late_carts
from services.loyalty.checkout.service import release_late
from services.platform.actors import SYSTEM
from services.platform.db.engine import Database
from services.platform.db.homes import Home
from services.platform.db.session import read_session, unit_of_work
from services.platform.errands import Errand, Phase

NAME = "release_carts"
BATCH = 100


def _release(database: Database, home: Home, now: datetime) -> int:
    with read_session(database, home, now=now) as session:
        late = late_carts(session, limit=BATCH)
    released = 0
    for cart_id, member_id in late:
        with unit_of_work(database, home, now=now, actor=SYSTEM, correlation_id=NAME) as uow:
            released += release_late(uow, cart_id=cart_id, member_id=member_id)
    return released


ERRANDS = (Errand(NAME, Phase.EXPIRY, next_due=lambda _session: first_late_question(), run=_release),)
