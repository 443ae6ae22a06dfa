"""What time alone makes due of coupons: holds that time out, and ends that members are told of."""

from datetime import datetime

from services.loyalty.coupons.queries import late_owners, next_late_question
from services.loyalty.coupons.service import give_notices, next_notice_question, release_late
from services.platform.actors import SYSTEM
from services.platform.db.engine import Database
from services.platform.db.homes import Home
from services.platform.db.session import read_session, unit_of_work
from services.platform.errands import Errand, Phase

OWNERS_MAX = 200
NOTICES_MAX = 500


def _release(database: Database, home: Home, now: datetime) -> int:
    with read_session(database, home, now=now) as session:
        owners = late_owners(session, limit=OWNERS_MAX)
    for owner in owners:
        # One owner at a time, for the order of the locks.
        with unit_of_work(database, home, now=now, actor=SYSTEM, correlation_id="release_coupons") as uow:
            release_late(uow, owner=owner)
    return len(owners)


def _notice(database: Database, home: Home, now: datetime) -> int:
    with unit_of_work(database, home, now=now, actor=SYSTEM, correlation_id="notice_coupons") as uow:
        return give_notices(uow, limit=NOTICES_MAX)


ERRANDS: tuple[Errand, ...] = (
    Errand("release_coupons", Phase.EXPIRY, lambda _session: next_late_question(), _release),
    Errand("notice_coupons", Phase.NOTICE, next_notice_question, _notice),
)
