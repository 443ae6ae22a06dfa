"""What time alone, or a friend's purchase, makes due for members."""

from datetime import datetime
from functools import partial

from services.loyalty.activities.service import judge_referral, keep_occasions
from services.loyalty.members.domain import OccasionKind
from services.loyalty.members.queries import first_occasion_question
from services.loyalty.referrals.queries import first_unjudged_question, unjudged_referrals
from services.platform.actors import SYSTEM
from services.platform.db.engine import Database
from services.platform.db.homes import Home
from services.platform.db.questions import Question
from services.platform.db.session import ReadSession, unit_of_work
from services.platform.errands import Errand, OneByOne, Phase

MEMBERS_MAX = 200
"""Members whose day is kept in one transaction."""

REFERRALS = "referrals"
REFERRALS_MAX = 50


def _first(kind: OccasionKind, _session: ReadSession) -> Question[datetime | None]:
    return first_occasion_question(kind=kind)


def _keep(kind: OccasionKind, database: Database, home: Home, now: datetime) -> int:
    with unit_of_work(database, home, now=now, actor=SYSTEM, correlation_id=f"{kind.value}s") as uow:
        return keep_occasions(uow, kind=kind, limit=MEMBERS_MAX)


ERRANDS: tuple[Errand, ...] = (
    *(
        Errand(name, Phase.TRIGGER, next_due=partial(_first, kind), run=partial(_keep, kind))
        for name, kind in (("birthdays", OccasionKind.BIRTHDAY), ("anniversaries", OccasionKind.ANNIVERSARY))
    ),
    Errand(
        REFERRALS,
        Phase.TRIGGER,
        next_due=lambda _session: first_unjudged_question(),
        # One referrer at a time, who is locked alone.
        run=OneByOne(
            REFERRALS, unjudged_referrals, lambda uow, referral: judge_referral(uow, referral=referral), REFERRALS_MAX
        ),
    ),
)
