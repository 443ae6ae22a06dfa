"""What time alone makes due: redemptions that were held and never confirmed."""

from datetime import datetime

from services.loyalty.redemptions.queries import first_late_question, late_redemptions
from services.loyalty.redemptions.service import time_out
from services.platform.actors import SYSTEM
from services.platform.db.engine import Database
from services.platform.db.homes import Home
from services.platform.db.session import read_session, unit_of_work
from services.platform.errands import Errand, Phase

NAME = "time_out_redemptions"
BATCH = 50


def _run(database: Database, home: Home, now: datetime) -> int:
    with read_session(database, home, now=now) as session:
        late = late_redemptions(session, limit=BATCH)
    for redemption in late:
        # One member at a time, who is locked alone.
        with unit_of_work(database, home, now=now, actor=SYSTEM, correlation_id=NAME) as uow:
            time_out(uow, redemption=redemption)
    return len(late)


ERRANDS = (Errand(NAME, Phase.EXPIRY, next_due=lambda _session: first_late_question(), run=_run),)
