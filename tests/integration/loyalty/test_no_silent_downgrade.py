"""A review takes no tier before a channel has taken its notice; how long, for whom, and what is counted."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.contracts.events.base import Envelope
from services.contracts.events.notifications import NoticeSettled
from services.loyalty.reports.domain import ReportWish
from services.loyalty.reports.queries import liability_report
from services.loyalty.stores.domain import Store
from services.loyalty.tiers.domain import ChangeKind, TierSpared
from services.loyalty.tiers.tasks import ERRANDS, SANDBOX_ERRANDS
from services.loyalty.worker import HEARD
from services.platform.clock import monotonic
from services.platform.errands import Errand, next_due, run_due
from services.platform.ids import new_id
from tests.integration.loyalty.test_concurrency import race
from tests.integration.loyalty.test_tiers import history, letters, program, standing, tier, utc
from tests.integration.loyalty.test_tiers import told as changes
from tests.support.builders.merchant import Merchant

DAY = timedelta(days=1)
REVIEW = utc(2027, 12, 31, 16)
"""New Year's Day of 2028 in Shanghai, which looks at 2027."""
TELLING = REVIEW - 17 * DAY
"""Ten days, and seven that a channel has to take the notice."""


def gold(merchant: Merchant, store: Store, mode: str | None = None, **tiers: Any) -> UUID:
    """A member who has had gold since March 2026, in a program that tells of a downgrade ten days before."""
    policies = {"downgradeNoticeDays": 10} | ({"noSilentDowngrade": mode} if mode else {})
    merchant.program(program(**{"downgrade": "one"} | tiers) | {"policies": policies})
    member_id = merchant.member()
    merchant.buy(store, member_id, 30_000)
    return member_id


def wait(merchant: Merchant, until: datetime, errands: tuple[Errand, ...] = ERRANDS) -> None:
    """Let time pass, with what is due done at the instants at which it is."""
    while (due := next_due(merchant.database, merchant.home, errands, now=merchant.now)) and due <= until:
        merchant.now = max(merchant.now, due)
        ran = run_due(merchant.database, merchant.home, errands, now=merchant.now, until=monotonic() + 60)
        assert ran.is_finished
    merchant.now = until


def hear(merchant: Merchant, outcome: str, *, at: datetime) -> None:
    """Something becomes of every notice of which nothing is known."""
    wait(merchant, at)
    for row in merchant.rows("SELECT id, member_id FROM tier_notices WHERE outcome IS NULL"):
        settle(merchant, row["id"], row["member_id"], outcome)


def settle(merchant: Merchant, notice_id: UUID, member_id: UUID, outcome: str) -> None:
    event = NoticeSettled(notice_id, member_id, outcome, "email")
    envelope = Envelope(new_id(), event, new_id(), "test", merchant.now)
    merchant.do(lambda uow: HEARD[NoticeSettled](uow, envelope))


def loses_at(merchant: Merchant, member_id: UUID, end: datetime) -> bool:
    """Whether gold is there until then and no longer, whether or not a job runs."""
    wait(merchant, end - DAY / 24)
    before = tier(merchant, member_id)
    merchant.now = end
    without_job = tier(merchant, member_id)
    wait(merchant, end)
    return (before, without_job, tier(merchant, member_id)) == ("gold", "silver", "silver")


def notices(merchant: Merchant) -> list[tuple[Any, ...]]:
    columns = ("loses_at", "told_of", "outcome", "kept_until", "verdict")
    rows = merchant.rows("SELECT * FROM tier_notices ORDER BY member_id, loses_at")
    return [tuple(row[column] for column in columns) for row in rows]


def told(merchant: Merchant) -> list[dict[str, Any]]:
    """What members were written before a downgrade."""
    rows = merchant.rows("SELECT payload FROM outbox WHERE type = 'TierEnding' ORDER BY id")
    return [row["payload"] for row in rows]


def test_a_member_is_told_before_the_review_what_keeps_the_tier(merchant: Merchant, store: Store) -> None:
    member_id = gold(merchant, store)
    # Silver at 2028's review is another matter; 2027 asks for 300 points, of which 20 are there.
    wait(merchant, utc(2027, 5, 1))
    merchant.buy(store, member_id, 2_000)

    wait(merchant, TELLING - DAY / 24)
    assert told(merchant) == []
    wait(merchant, TELLING)

    (letter,) = told(merchant)
    assert {key: letter[key] for key in ("tier", "tier_name_en", "tier_name_zh", "points", "visits")} == {
        "tier": "gold",
        "tier_name_en": "Gold",
        "tier_name_zh": "gold",
        "points": 280,
        "visits": None,
    }
    assert (letter["spend_minor"], letter["currency"], letter["unit_name_zh"]) == (28_000, "CNY", "积分")
    assert datetime.fromisoformat(letter["ends_at"]) == REVIEW
    assert notices(merchant) == [(REVIEW, REVIEW, None, None, None)]


def test_the_tier_goes_with_the_review_once_the_notice_was_taken_in_time(merchant: Merchant, store: Store) -> None:
    member_id = gold(merchant, store)
    hear(merchant, "accepted", at=REVIEW - 10 * DAY)

    assert loses_at(merchant, member_id, REVIEW)
    assert notices(merchant) == [(REVIEW, REVIEW, "accepted", None, "in_time")]
    assert [each.kind for each in history(merchant, member_id)] == [ChangeKind.REVIEW, ChangeKind.REACHED]


def test_the_tier_is_kept_for_as_long_as_its_notice_was_late(merchant: Merchant, store: Store) -> None:
    member_id = gold(merchant, store)
    hear(merchant, "accepted", at=REVIEW - 10 * DAY + DAY / 24)

    # Ten days after it was taken, to the end of that day.
    assert loses_at(merchant, member_id, REVIEW + DAY)
    assert notices(merchant) == [(REVIEW, REVIEW, "accepted", REVIEW + DAY, "kept")]
    assert len(told(merchant)) == 1


def test_the_tier_is_kept_and_told_of_anew_while_no_notice_was_taken(merchant: Merchant, store: Store) -> None:
    member_id = gold(merchant, store)

    wait(merchant, REVIEW)
    # If a channel takes it tomorrow, ten days are over at the beginning of 12 January.
    assert notices(merchant) == [(REVIEW, REVIEW + 11 * DAY, None, REVIEW + 11 * DAY, "kept")]
    assert [datetime.fromisoformat(letter["ends_at"]) for letter in told(merchant)] == [REVIEW, REVIEW + 11 * DAY]
    # Both are letters of one notice, whichever is taken.
    assert len({letter["notice_id"] for letter in told(merchant)}) == 1
    shown = standing(merchant, member_id).review
    assert shown is not None
    assert (shown.grace_until, shown.projected.code, shown.missing) == (REVIEW + 11 * DAY, "silver", 300)

    hear(merchant, "accepted", at=REVIEW + DAY)
    assert loses_at(merchant, member_id, REVIEW + 11 * DAY)
    assert changes(merchant, member_id)[1:] == [("gold", "silver", ChangeKind.GRACE_ENDED)]


def test_the_tier_of_a_member_who_cannot_be_reached_goes_on_the_day_and_is_counted(
    merchant: Merchant, store: Store
) -> None:
    member_id = gold(merchant, store)
    hear(merchant, "unreachable", at=REVIEW - 16 * DAY)

    assert loses_at(merchant, member_id, REVIEW)
    assert notices(merchant) == [(REVIEW, REVIEW, "unreachable", None, "unreachable")]
    assert spared(merchant) == (TierSpared("gold", 0, 1),)


def test_nobody_writes_to_a_member_who_has_left(merchant: Merchant, store: Store) -> None:
    member_id = gold(merchant, store)
    with merchant.uow() as uow:
        uow.execute(b"UPDATE members SET status = 'inactive' WHERE id = %(id)s", {"id": member_id})

    assert loses_at(merchant, member_id, REVIEW)
    assert told(merchant) == []
    assert notices(merchant) == [(REVIEW, REVIEW, "unreachable", None, "unreachable")]


def test_the_tier_is_kept_for_ninety_days_at_most(merchant: Merchant, store: Store) -> None:
    member_id = gold(merchant, store)

    assert loses_at(merchant, member_id, REVIEW + 90 * DAY)
    assert notices(merchant)[0][2:] == (None, REVIEW + 90 * DAY, "given_up")
    assert spared(merchant) == (TierSpared("gold", 1, 1),)


@pytest.mark.parametrize(("mode", "verdict"), [("report", "would_keep"), ("off", None)])
def test_a_program_may_only_count_or_do_nothing(
    merchant: Merchant, store: Store, mode: str, verdict: str | None
) -> None:
    member_id = gold(merchant, store, mode)

    assert loses_at(merchant, member_id, REVIEW)
    assert notices(merchant) == [(REVIEW, REVIEW, None, None, verdict)]
    assert spared(merchant) == ((TierSpared("gold", 0, 1),) if verdict else ())


@pytest.mark.parametrize("outcome", ["accepted", None])
def test_who_qualifies_again_loses_nothing_and_hears_no_more_of_it(
    merchant: Merchant, store: Store, outcome: str | None
) -> None:
    member_id = gold(merchant, store)
    if outcome:
        hear(merchant, outcome, at=REVIEW - 12 * DAY)
    wait(merchant, REVIEW - 5 * DAY)
    bought = merchant.buy(store, member_id, 30_000)
    # Returned and bought again before the review: it is the same review of which the member knows.
    merchant.refund(bought.purchase_id)
    wait(merchant, REVIEW - 3 * DAY)
    merchant.buy(store, member_id, 30_000)

    wait(merchant, REVIEW + 100 * DAY)
    assert tier(merchant, member_id) == "gold"
    assert changes(merchant, member_id) == [("base", "gold", ChangeKind.REACHED)]
    assert len(told(merchant)) == 1
    assert notices(merchant) == [(REVIEW, REVIEW, outcome, None, None)]


def test_a_tier_that_is_kept_is_kept_for_good_by_what_was_missing(merchant: Merchant, store: Store) -> None:
    member_id = gold(merchant, store)
    wait(merchant, REVIEW + 5 * DAY)
    merchant.buy(store, member_id, 30_000)

    wait(merchant, REVIEW + 200 * DAY)
    assert changes(merchant, member_id) == [("base", "gold", ChangeKind.REACHED)]
    assert standing(merchant, member_id).since == history(merchant, member_id)[0].at
    assert spared(merchant) == (TierSpared("gold", 1, 0),)


def test_a_time_of_grace_ends_no_earlier_than_the_notice_allows(merchant: Merchant, store: Store) -> None:
    member_id = gold(merchant, store, graceDays=5)
    wait(merchant, TELLING)
    assert datetime.fromisoformat(told(merchant)[0]["ends_at"]) == REVIEW + 5 * DAY
    hear(merchant, "accepted", at=REVIEW - 4 * DAY)

    # The review begins five days of grace; the notice was taken ten days before the sixth.
    assert loses_at(merchant, member_id, REVIEW + 6 * DAY)
    assert notices(merchant) == [(REVIEW + 5 * DAY, REVIEW + 5 * DAY, "accepted", REVIEW + 6 * DAY, "kept")]
    assert [kind for kind, _ in letters(merchant)].count("TierGraceBegun") == 1


def test_who_would_lose_the_tier_by_a_late_refund_is_told_and_keeps_it_meanwhile(
    merchant: Merchant, store: Store
) -> None:
    member_id = gold(merchant, store)
    wait(merchant, utc(2027, 5, 1))
    bought = merchant.buy(store, member_id, 30_000)
    wait(merchant, REVIEW - 2 * DAY)
    assert told(merchant) == []
    merchant.refund(bought.purchase_id)
    hear(merchant, "accepted", at=REVIEW - DAY)

    assert loses_at(merchant, member_id, REVIEW + 9 * DAY)
    assert len(told(merchant)) == 1


def test_a_tier_that_only_a_returned_purchase_gained_goes_at_once(merchant: Merchant, store: Store) -> None:
    merchant.program(program(downgrade="one") | {"policies": {"downgradeNoticeDays": 10}})
    member_id = merchant.member()
    bought = merchant.buy(store, member_id, 30_000)
    # The tier is kept by now, since nobody took the notice.
    wait(merchant, REVIEW + 3 * DAY)
    assert tier(merchant, member_id) == "gold"

    assert merchant.refund(bought.purchase_id).to_tier == "base"
    assert tier(merchant, member_id) == "base"
    wait(merchant, REVIEW + 100 * DAY)
    assert len(told(merchant)) == 2


def test_a_tier_that_is_kept_stays_when_something_else_is_returned(merchant: Merchant, store: Store) -> None:
    member_id = gold(merchant, store)
    wait(merchant, utc(2027, 5, 1))
    small = merchant.buy(store, member_id, 1_000)
    wait(merchant, REVIEW + 3 * DAY)

    assert merchant.refund(small.purchase_id).to_tier is None
    hear(merchant, "accepted", at=REVIEW + 3 * DAY)
    # It was kept for eleven days; a notice that is taken on the fourth is ten days old after thirteen.
    assert loses_at(merchant, member_id, REVIEW + 13 * DAY)


def test_without_notice_days_nobody_is_told_and_nothing_is_kept(merchant: Merchant, store: Store) -> None:
    merchant.program(program(downgrade="one"))
    member_id = merchant.member()
    merchant.buy(store, member_id, 30_000)

    assert loses_at(merchant, member_id, REVIEW)
    assert (notices(merchant), told(merchant), spared(merchant)) == ([], [], ())


def test_members_are_told_from_the_day_on_which_the_program_says_so(merchant: Merchant, store: Store) -> None:
    merchant.program(program(downgrade="one"))
    member_id = merchant.member()
    merchant.buy(store, member_id, 30_000)
    wait(merchant, REVIEW - 5 * DAY)
    merchant.program(program(downgrade="one") | {"policies": {"downgradeNoticeDays": 10}})

    hear(merchant, "accepted", at=REVIEW - 4 * DAY)
    assert loses_at(merchant, member_id, REVIEW + 6 * DAY)
    merchant.program(program(downgrade="one"))
    wait(merchant, REVIEW + 400 * DAY)
    assert len(told(merchant)) == 1


def test_in_a_sandbox_every_notice_is_taken_at_once(merchant: Merchant, store: Store) -> None:
    member_id = gold(merchant, store)
    wait(merchant, REVIEW, (*ERRANDS, *SANDBOX_ERRANDS))

    assert tier(merchant, member_id) == "silver"
    assert notices(merchant) == [(REVIEW, REVIEW, "accepted", None, "in_time")]


def test_what_a_channel_said_first_stands_and_what_runs_twice_does_nothing_twice(
    merchant: Merchant, store: Store
) -> None:
    gold(merchant, store)
    hear(merchant, "accepted", at=TELLING + DAY)
    (row,) = merchant.rows("SELECT id, member_id FROM tier_notices")
    settle(merchant, row["id"], row["member_id"], "unreachable")

    ran = run_due(merchant.database, merchant.home, ERRANDS, now=merchant.now, until=monotonic() + 60)

    assert (ran.done, len(told(merchant))) == ({}, 1)
    assert notices(merchant) == [(REVIEW, REVIEW, "accepted", None, None)]


def test_members_are_told_page_by_page_and_once_though_workers_race(merchant: Merchant, store: Store) -> None:
    gold(merchant, store)
    for _ in range(6):
        merchant.buy(store, merchant.member(), 30_000)
    merchant.now = REVIEW - 10 * DAY
    wait(merchant, merchant.now, ERRANDS[:1])
    errand = ERRANDS[1]

    race([lambda: errand.run(merchant.database, merchant.home, merchant.now) for _ in range(4)])

    assert len({letter["member_id"] for letter in told(merchant)}) == len(told(merchant)) == 7
    assert errand.run(merchant.database, merchant.home, merchant.now) == 0


def spared(merchant: Merchant) -> tuple[TierSpared, ...]:
    """What the report of January 2028 says."""
    wish = ReportWish(utc(2028, 1, 1).date(), utc(2028, 1, 31).date())
    return merchant.read(lambda session: liability_report(session, wish=wish)).tiers_spared
