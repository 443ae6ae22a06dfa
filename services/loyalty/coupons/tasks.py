"""What time alone makes due of coupons: holds that time out, and ends that members are told of."""

from datetime import datetime

from services.loyalty.coupons.queries import late_owners, next_late_question
from services.loyalty.coupons.service import give_notices, next_notice_question, release_late
from services.platform.actors import SYSTEM
from services.platform.db.engine import Database
from services.platform.db.homes import Home
from services.platform.db.session import unit_of_work
from services.platform.errands import Errand, OneByOne, Phase

RELEASE = "release_coupons"
OWNERS_MAX = 200
NOTICES_MAX = 500


def _notice(database: Database, home: Home, now: datetime) -> int:
    with unit_of_work(database, home, now=now, actor=SYSTEM, correlation_id="notice_coupons") as uow:
        return give_notices(uow, limit=NOTICES_MAX)


ERRANDS: tuple[Errand, ...] = (
    # One owner at a time, for the order of the locks.
    Errand(
        RELEASE,
        Phase.EXPIRY,
        lambda _session: next_late_question(),
        OneByOne(RELEASE, late_owners, lambda uow, owner: release_late(uow, owner=owner), OWNERS_MAX),
    ),
    Errand("notice_coupons", Phase.NOTICE, next_notice_question, _notice),
)
