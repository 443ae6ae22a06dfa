"""Points live on until a channel has taken the notice of their end; how long, for whom, and what is counted."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from services.loyalty.expiry.service import settle_notice
from services.loyalty.ledger.domain.clocks import Validity
from services.loyalty.ledger.domain.flows import KeptAlive
from services.loyalty.programs.domain import NoSilentLoss
from services.loyalty.reports.domain import LiabilityReport, ReportWish
from services.loyalty.reports.queries import liability_report
from services.loyalty.worker import SANDBOX_ERRANDS
from services.platform.clock import monotonic
from services.platform.errands import run_due
from tests.support.builders.merchant import NOW, Merchant
from tests.support.builders.points import accrue, pass_time, policies, program

DAY = timedelta(days=1)
END = datetime(2026, 4, 30, 16, tzinfo=UTC)
"""The end of 30 April in Shanghai."""
DECISION = END - 4 * DAY
"""Three days before that day begins."""


def kept(merchant: Merchant, mode: NoSilentLoss = NoSilentLoss.ON) -> UUID:
    """A member with 10 points that end on 30 April, in a program that tells of it 10 days before."""
    program(merchant, policies(expiry_notice_days=10, no_silent_expiry=mode))
    member_id = merchant.member()
    accrue(merchant, member_id, 10, validity=Validity(NOW, END))
    return member_id


def settle(merchant: Merchant, outcome: str, *, at: datetime) -> None:
    """Something becomes of every notice of which nothing is known."""
    while merchant.now < at - DAY:
        pass_time(merchant, merchant.now + DAY)
    pass_time(merchant, at)
    for row in merchant.rows("SELECT id FROM expiry_notices WHERE outcome IS NULL"):
        hear(merchant, row["id"], outcome)


def hear(merchant: Merchant, notice_id: UUID, outcome: str) -> None:
    merchant.do(lambda uow: settle_notice(uow, notice_id=notice_id, outcome=outcome))


def ends(merchant: Merchant) -> datetime:
    end: datetime = merchant.rows("SELECT expires_at FROM ledger_lots")[0]["expires_at"]
    return end


def told(merchant: Merchant) -> list[tuple[str, str | None, str | None]]:
    """The days of which members were told, what became of that, and what was decided."""
    rows = merchant.rows("SELECT ends_on::text, outcome, verdict FROM expiry_notices ORDER BY ends_on")
    return [(row["ends_on"], row["outcome"], row["verdict"]) for row in rows]


def letters(merchant: Merchant) -> int:
    return len(merchant.rows("SELECT id FROM outbox WHERE type = 'PointsExpiring'"))


def lapses_at(merchant: Merchant, member_id: UUID, end: datetime) -> bool:
    """Whether the points are there until then and no longer, with no fault in the books."""
    while merchant.now < end - DAY:
        pass_time(merchant, merchant.now + DAY)
    pass_time(merchant, end - DAY / 24)
    before = merchant.balance(member_id).available
    pass_time(merchant, end)
    assert merchant.verdict().faults == ()
    return (before, merchant.balance(member_id).available) == (10, 0)


def test_members_are_told_a_week_earlier_so_that_a_channel_has_time(merchant: Merchant) -> None:
    kept(merchant)

    pass_time(merchant, END - 17 * DAY - DAY / 24)
    assert told(merchant) == []
    pass_time(merchant, END - 17 * DAY)

    assert told(merchant) == [("2026-04-30", None, None)]


def test_points_end_on_their_day_once_their_notice_was_taken_in_time(merchant: Merchant) -> None:
    member_id = kept(merchant)
    settle(merchant, "accepted", at=END - 10 * DAY)

    assert lapses_at(merchant, member_id, END)
    assert told(merchant) == [("2026-04-30", "accepted", "in_time")]


def test_points_live_on_for_as_long_as_their_notice_was_late(merchant: Merchant) -> None:
    member_id = kept(merchant)
    settle(merchant, "accepted", at=END - 9 * DAY - DAY / 24)

    # Ten days after it was taken, to the end of that day: 30 April, 23:00 in Shanghai is ten days after.
    assert lapses_at(merchant, member_id, END + DAY)
    assert told(merchant) == [("2026-04-30", "accepted", "kept"), ("2026-05-01", "accepted", "in_time")]
    assert letters(merchant) == 1


def test_points_live_on_and_are_told_of_anew_while_no_channel_has_taken_a_notice(merchant: Merchant) -> None:
    member_id = kept(merchant)

    pass_time(merchant, END - 17 * DAY)
    pass_time(merchant, DECISION - DAY / 24)
    assert ends(merchant) == END
    pass_time(merchant, DECISION)
    # If a channel takes it tomorrow, ten days are over at the beginning of 8 May.
    assert ends(merchant) == END + 7 * DAY
    assert told(merchant) == [("2026-04-30", None, "kept"), ("2026-05-07", None, None)]
    assert letters(merchant) == 2

    settle(merchant, "accepted", at=DECISION + DAY)
    assert lapses_at(merchant, member_id, END + 7 * DAY)


def test_points_of_a_member_who_cannot_be_reached_end_on_their_day_and_are_counted(merchant: Merchant) -> None:
    member_id = kept(merchant)
    settle(merchant, "unreachable", at=END - 16 * DAY)

    assert lapses_at(merchant, member_id, END)
    assert told(merchant) == [("2026-04-30", "unreachable", "unreachable")]


def test_points_live_on_for_ninety_days_at_most(merchant: Merchant) -> None:
    member_id = kept(merchant)

    assert lapses_at(merchant, member_id, END + 90 * DAY)
    assert told(merchant)[-1][2] == "given_up"


@pytest.mark.parametrize(("mode", "verdict"), [(NoSilentLoss.REPORT, "would_keep"), (NoSilentLoss.OFF, None)])
def test_a_program_may_only_count_or_do_nothing(merchant: Merchant, mode: NoSilentLoss, verdict: str | None) -> None:
    member_id = kept(merchant, mode)

    assert lapses_at(merchant, member_id, END)
    assert told(merchant) == [("2026-04-30", None, verdict)]


def test_the_report_shows_what_lives_on_what_of_it_was_spent_and_what_that_costs(merchant: Merchant) -> None:
    member_id = kept(merchant)
    lost = merchant.member()
    accrue(merchant, lost, 5, validity=Validity(NOW, END + DAY))
    coffee = merchant.reward(cost=4)
    pass_time(merchant, END - 16 * DAY)
    (about,) = merchant.rows(f"SELECT id FROM expiry_notices WHERE member_id = '{lost}'")
    hear(merchant, about["id"], "unreachable")
    pass_time(merchant, DECISION)
    pass_time(merchant, END + 2 * DAY)
    merchant.redeem(member_id, coffee)

    april, may = report(merchant, 4), report(merchant, 5)

    # They would have ended as May begins.
    assert [(unit.kept, unit.kept_minor) for unit in april.units] == [(KeptAlive(), 0)]
    assert april.members_not_reached == 0
    # What is left is 6 of 10, and 4 were spent that would not have been there.
    assert [(unit.kept, unit.kept_minor) for unit in may.units] == [(KeptAlive(standing=6, redeemed=4), 50)]
    assert may.members_not_reached == 1
    assert all(unit.flows.balances for unit in (*april.units, *may.units))


def report(merchant: Merchant, month: int) -> LiabilityReport:
    first, last = date(2026, month, 1), date(2026, month + 1, 1) - DAY
    wish = ReportWish(first, last, value=Decimal("0.05"), redemption_rate=Decimal(1))
    return merchant.read(lambda session: liability_report(session, wish=wish))


def test_in_a_sandbox_every_notice_is_taken_at_once(merchant: Merchant) -> None:
    member_id = kept(merchant)
    for day in range(17, 0, -1):
        run_due(merchant.database, merchant.home, SANDBOX_ERRANDS, now=END - day * DAY, until=monotonic() + 60)

    assert lapses_at(merchant, member_id, END)
    assert told(merchant) == [("2026-04-30", "accepted", "in_time")]


def test_what_a_channel_told_first_stands_and_a_run_that_comes_twice_does_nothing_twice(merchant: Merchant) -> None:
    kept(merchant)
    settle(merchant, "accepted", at=END - 12 * DAY)
    notice_id = merchant.rows("SELECT id FROM expiry_notices")[0]["id"]
    hear(merchant, notice_id, "unreachable")

    pass_time(merchant, DECISION)
    assert pass_time(merchant, DECISION).done == {}
    assert told(merchant) == [("2026-04-30", "accepted", "in_time")]


@pytest.mark.parametrize(("taken", "end"), [(None, END + 10 * DAY), (END - 4 * DAY - DAY / 2, END + 6 * DAY)])
def test_points_that_are_to_end_on_a_day_that_was_decided_do_not_end_untold(
    merchant: Merchant, taken: datetime | None, end: datetime
) -> None:
    member_id = kept(merchant)
    if taken:
        settle(merchant, "accepted", at=taken)
    pass_time(merchant, DECISION)
    assert told(merchant)[0] == ("2026-04-30", "accepted" if taken else None, "kept")

    # Two days later others come that end on that day too.
    pass_time(merchant, DECISION + 2 * DAY)
    accrue(merchant, member_id, 7, validity=Validity(merchant.now, END))
    pass_time(merchant, merchant.now + DAY / 24)
    pass_time(merchant, merchant.now + DAY / 24)

    (late,) = merchant.rows("SELECT expires_at, noticed FROM ledger_lots WHERE amount = 7")
    assert (late["expires_at"], late["noticed"]) == (end, True)
    pass_time(merchant, END)
    assert merchant.balance(member_id).available == 17
    assert merchant.verdict().faults == ()


def test_points_that_come_to_a_day_of_which_the_member_was_told_end_on_it(merchant: Merchant) -> None:
    member_id = kept(merchant)
    settle(merchant, "accepted", at=END - 10 * DAY)
    pass_time(merchant, DECISION + DAY)
    accrue(merchant, member_id, 7, validity=Validity(merchant.now, END))
    pass_time(merchant, DECISION + 2 * DAY)

    pass_time(merchant, END)

    assert merchant.balance(member_id).available == 0
    assert told(merchant) == [("2026-04-30", "accepted", "in_time")]
