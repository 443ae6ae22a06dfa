"""Members are told of coupons that end: once for a member and a day, some days before, as of points."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from psycopg.rows import DictRow

from services.contracts.events.loyalty import CouponsExpiring
from services.loyalty.coupons import queries, repository
from services.loyalty.coupons.domain import by_member_and_day, last_day
from services.loyalty.ledger.domain.clocks import end_of
from services.loyalty.members import queries as members
from services.loyalty.members.domain import MemberStatus
from services.loyalty.programs.queries import in_force, version_in_force, versions_read
from services.loyalty.stores import queries as stores
from services.platform.db.questions import Question
from services.platform.db.session import ReadSession, Statement, UnitOfWork
from services.platform.outbox import service as outbox


def next_notice_question(session: ReadSession) -> Question[datetime | None]:
    """When the next member is to be told of a coupon; None where nobody is, or the program says never."""
    read, ends = versions_read(session, instants=(session.now,)), queries.next_unnoticed_question(session)

    def answer(rows: Sequence[list[DictRow]]) -> datetime | None:
        version_rows, *end_rows = rows
        version = in_force(read.versions(version_rows), at=session.now)
        days = version.document.policies.expiry_notice_days if version else 0
        ends_at = ends.answer(end_rows)
        return ends_at - timedelta(days=days) if days and ends_at is not None else None

    return Question([read.statement, *ends.statements], answer)


def give_notices(uow: UnitOfWork, *, limit: int) -> int:
    """Tell members of coupons whose end has come near, some of them; how many coupons that was about.

    Whoever is told of a day hears no more of it. Coupons that somebody is at work with wait for the next round.
    """
    version = version_in_force(uow, at=uow.now)
    days = version.document.policies.expiry_notice_days if version else 0
    if version is None or not days:
        return 0
    timezone = version.document.timezone
    zone = ZoneInfo(timezone)
    # A day is told of as a whole.
    until = end_of(uow.now + timedelta(days=days), "day", zone)
    reading = {"until": until, "now": uow.now, "limit": limit}
    ending = repository.ending_of(uow.fetch_all(repository.UNNOTICED, reading))
    if not ending:
        return 0
    member_ids = sorted({coupon.member_id for coupon in ending})
    told_rows, status_rows, merchant_rows = uow.fetch_pipeline(
        [
            Statement(repository.NOTICED, {"ids": member_ids, "now": uow.now}),
            members.statuses_statement(member_ids=member_ids),
            stores.merchant_statement(uow),
        ]
    )
    told = {(row["member_id"], last_day(row["expires_at"], zone)) for row in told_rows}
    statuses = members.statuses_of(status_rows)
    letters = [
        CouponsExpiring(
            member_id=member_id,
            merchant_name=stores.merchant_name_of(merchant_rows),
            coupons=len(together),
            coupon_name_en=together[0].content.name_en,
            coupon_name_zh=together[0].content.name_zh,
            ends_on=day,
            timezone=timezone,
        )
        for (member_id, day), together in by_member_and_day(ending, zone).items()
        if (member_id, day) not in told and statuses.get(member_id) is MemberStatus.ACTIVE
    ]
    marking = Statement(repository.MARK_NOTICED, {"ids": [coupon.id for coupon in ending], "now": uow.now})
    sending = [outbox.publish_all_statement([(uow, letter) for letter in letters])] if letters else []
    uow.fetch_pipeline([marking, *sending])
    return len(ending)
