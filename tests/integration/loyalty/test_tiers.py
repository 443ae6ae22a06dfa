"""Tiers through the years: reached, reviewed, kept, lost, given; whether a job ran or not, and under races."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.loyalty.actions import service as actions
from services.loyalty.actions.domain import ReportAction
from services.loyalty.earning.domain import AmountRefund
from services.loyalty.members.domain import Identity, IdentityKind
from services.loyalty.members.errors import MemberNotFound
from services.loyalty.programs.errors import TierNotInProgram
from services.loyalty.purchases import service as purchases
from services.loyalty.stores.domain import Store
from services.loyalty.tiers import queries, service
from services.loyalty.tiers.domain import ChangeKind, MemberStanding, ReleaseMemberTier, SetMemberTier, TierChangeRecord
from services.loyalty.tiers.errors import TierNotGiven
from services.loyalty.tiers.tasks import ERRANDS, run_due
from services.platform.actors import Actor, ActorKind
from services.platform.errors import InvalidInput
from services.platform.ids import new_id
from tests.integration.loyalty.test_concurrency import race
from tests.support.builders.deeds import next_due
from tests.support.builders.merchant import NOW, Merchant

YEAR = {"count": 12, "unit": "month"}
MEMBER_TIERS = """
SELECT tier_code, points_earned, spend_minor, visits, since, grace_until, next_at FROM member_tiers"""


def program(**tiers: Any) -> dict[str, Any]:
    """One point per 1.00; base, silver at 100, gold at 300 points of a calendar year."""
    levels = [("base", 0), ("silver", 100), ("gold", 300)]
    return {
        "version": 2,
        "name": {"en": "Regulars", "zh": "常客"},
        "timezone": "Asia/Shanghai",
        "currency": "CNY",
        "units": [{"code": "points", "name": {"en": "Points", "zh": "积分"}, "scale": 0}],
        "rules": [
            {
                "id": "every-purchase",
                "name": {"en": "Every purchase", "zh": "消费"},
                "trigger": "purchase",
                "formula": {"spend": {"points": 1, "per": {"CNY": 100}, "mode": "step"}},
            }
        ],
        "tiers": {
            "metric": "points_earned",
            "period": "calendar",
            "span": YEAR,
            "resets": True,
            "levels": [
                {"code": code, "name": {"en": code.title(), "zh": code}, "threshold": threshold, "multiplier": "1"}
                for code, threshold in levels
            ],
            **tiers,
        },
    }


def utc(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


def at(merchant: Merchant, *date: int) -> None:
    merchant.now = utc(*date)


def standing(merchant: Merchant, member_id: UUID) -> MemberStanding:
    def read(session: Any) -> MemberStanding:
        question = queries.standings_question(session, member_ids=(member_id,))
        return question.answer(session.fetch_pipeline(question.statements))[member_id]

    return merchant.read(read)


def tier(merchant: Merchant, member_id: UUID) -> str:
    return standing(merchant, member_id).level.code


def review(merchant: Merchant) -> int:
    return merchant.do(run_due)


def history(merchant: Merchant, member_id: UUID) -> list[TierChangeRecord]:
    return list(merchant.read(lambda session: queries.history_page(session, member_id=member_id, limit=50)))


def told(merchant: Merchant, member_id: UUID) -> list[tuple[str, str, ChangeKind]]:
    return [(each.from_code, each.to_code, each.kind) for each in reversed(history(merchant, member_id))]


def as_of(merchant: Merchant, member_id: UUID, *date: int) -> str | None:
    return merchant.read(lambda session: queries.tier_as_of(session, member_id=member_id, at=utc(*date)))


def letters(merchant: Merchant) -> list[tuple[str, str]]:
    rows = merchant.rows("SELECT type, payload FROM outbox WHERE type LIKE 'Tier%%' ORDER BY id")
    return [(row["type"], row["payload"].get("reason", "")) for row in rows]


def test_a_calendar_year_is_reviewed_on_its_first_of_january(merchant: Merchant, store: Store) -> None:
    merchant.program(program(downgrade="one"))
    member_id = merchant.member()
    merchant.buy(store, member_id, 30_000)
    at(merchant, 2026, 12, 31, 15, 59)

    assert (review(merchant), tier(merchant, member_id)) == (0, "gold")
    at(merchant, 2026, 12, 31, 16)
    # Of 2027 nothing is there: but this midnight looks at 2026.
    assert (review(merchant), review(merchant), tier(merchant, member_id)) == (1, 0, "gold")
    at(merchant, 2027, 12, 31, 16)

    assert tier(merchant, member_id) == "silver"
    assert (review(merchant), review(merchant)) == (1, 0)
    assert merchant.rows(MEMBER_TIERS) == [
        {
            "tier_code": "silver",
            "points_earned": 300,
            "spend_minor": 30_000,
            "visits": 1,
            "since": merchant.now,
            "grace_until": None,
            "next_at": utc(2028, 12, 31, 16),
        }
    ]
    assert told(merchant, member_id) == [
        ("base", "gold", ChangeKind.REACHED),
        ("gold", "silver", ChangeKind.REVIEW),
    ]
    assert letters(merchant) == [("TierChanged", "reached"), ("TierChanged", "review"), ("TierLost", "review")]
    assert as_of(merchant, member_id, 2026, 3, 2, 3) == "base"
    assert as_of(merchant, member_id, 2026, 3, 2, 4) == "gold"
    assert as_of(merchant, member_id, 2027, 12, 31, 15) == "gold"
    assert as_of(merchant, member_id, 2027, 12, 31, 16) == "silver"


def test_years_without_a_job_end_as_with_one(merchant: Merchant, store: Store) -> None:
    merchant.program(program(downgrade="one", graceDays=30))
    looked_after = merchant.member()
    merchant.buy(store, looked_after, 30_000)
    for day in range(31, 1_100, 31):
        merchant.now = NOW + timedelta(days=day)
        review(merchant)
    merchant.now = NOW
    left_alone = merchant.member()
    merchant.buy(store, left_alone, 30_000)
    merchant.now = NOW + timedelta(days=1_100)

    assert [tier(merchant, member_id) for member_id in (looked_after, left_alone)] == ["base", "base"]
    review(merchant)

    first, second = merchant.rows(MEMBER_TIERS)
    assert first == second
    assert told(merchant, looked_after) == told(merchant, left_alone)
    assert [each.at for each in history(merchant, looked_after)] == [each.at for each in history(merchant, left_alone)]


def test_grace_is_told_made_up_for_or_ends(merchant: Merchant, store: Store) -> None:
    merchant.program(program(downgrade="to_fit", graceDays=30))
    thrifty, lazy = merchant.member(), merchant.member()
    for member_id in (thrifty, lazy):
        merchant.buy(store, member_id, 30_000)
    at(merchant, 2027, 5, 1)
    for member_id in (thrifty, lazy):
        merchant.buy(store, member_id, 29_000)
    at(merchant, 2027, 12, 31, 17)

    assert (review(merchant), review(merchant)) == (2, 0)
    shown = standing(merchant, lazy).review
    assert shown is not None
    assert (shown.grace_until, shown.missing, shown.projected.code) == (
        utc(2028, 1, 30, 16),
        10,
        "silver",
    )
    merchant.buy(store, thrifty, 1_000)
    at(merchant, 2028, 1, 30, 15)
    assert tier(merchant, lazy) == "gold"
    at(merchant, 2028, 1, 30, 16)

    assert (tier(merchant, thrifty), tier(merchant, lazy)) == ("gold", "silver")
    # Who has made up for it is looked at too, and keeps the tier.
    assert (review(merchant), review(merchant)) == (2, 0)
    assert told(merchant, thrifty)[1:] == []
    assert told(merchant, lazy)[1:] == [("gold", "silver", ChangeKind.GRACE_ENDED)]
    assert letters(merchant)[2:] == [
        ("TierGraceBegun", ""),
        ("TierGraceBegun", ""),
        ("TierChanged", "grace_ended"),
        ("TierLost", "grace_ended"),
    ]


def test_a_tier_that_one_purchase_gained_goes_with_it(merchant: Merchant, store: Store) -> None:
    merchant.program(program(downgrade="none"))
    member_id = merchant.member()
    merchant.buy(store, member_id, 9_000)
    before = merchant.rows(MEMBER_TIERS)
    merchant.now += timedelta(days=1)
    bought = merchant.buy(store, member_id, 25_000)
    merchant.now += timedelta(days=1)

    part = merchant.refund(bought.purchase_id, AmountRefund(5_000))
    assert (part.from_tier, part.to_tier) == ("gold", "silver")
    merchant.refund(bought.purchase_id)

    assert merchant.rows(MEMBER_TIERS) == before
    assert told(merchant, member_id) == [
        ("base", "gold", ChangeKind.REACHED),
        ("gold", "silver", ChangeKind.REFUND),
        ("silver", "base", ChangeKind.REFUND),
    ]
    amounts = merchant.rows("SELECT points, spend_minor, store_id IS NOT NULL AS visit FROM tier_amounts ORDER BY day")
    assert amounts == [
        {"points": 90, "spend_minor": 9_000, "visit": True},
        {"points": 0, "spend_minor": 0, "visit": False},
    ]


def test_what_was_spent_of_a_tier_by_balance_takes_nothing_with_a_refund(merchant: Merchant, store: Store) -> None:
    merchant.program(program() | {"tiers": _lifetime() | {"metric": "balance"}})
    member_id = merchant.member()
    bought = merchant.buy(store, member_id, 31_000)
    merchant.redeem(member_id, merchant.reward(cost=290))
    merchant.now += timedelta(days=1)

    # With 300 points gold was reached, and silver with 299: ten are left of either.
    assert merchant.refund(bought.purchase_id, AmountRefund(1_000)).to_tier is None
    assert merchant.refund(bought.purchase_id, AmountRefund(100)).to_tier == "silver"
    assert merchant.rows("SELECT tier_code, reached_with FROM member_tiers") == [
        {"tier_code": "silver", "reached_with": 299}
    ]
    assert merchant.refund(bought.purchase_id).to_tier == "base"


def test_a_purchase_of_last_year_that_comes_late_counts_there(merchant: Merchant, store: Store) -> None:
    merchant.program(program(downgrade="one"))
    member_id = merchant.member()
    merchant.buy(store, member_id, 30_000)
    at(merchant, 2027, 6, 1)
    merchant.buy(store, member_id, 29_000)
    at(merchant, 2028, 1, 2)
    review(merchant)
    assert tier(merchant, member_id) == "silver"

    late = merchant.buy(store, member_id, 1_000, occurred_at=utc(2027, 12, 31, 15))

    assert (late.from_tier, late.to_tier) == ("silver", "gold")
    assert standing(merchant, member_id).since == NOW
    assert told(merchant, member_id)[-1] == ("silver", "gold", ChangeKind.LATE)
    # It counts once: in the year where it belongs, and in the sums.
    assert standing(merchant, member_id).points_earned == 300 + 290 + 10


def test_visits_are_one_a_store_and_day(merchant: Merchant, store: Store) -> None:
    base, silver, _gold = program()["tiers"]["levels"]
    merchant.program(program(metric="visits", levels=[base, {**silver, "threshold": 3}]))
    other, member_id = merchant.store("other"), merchant.member()
    first = merchant.buy(store, member_id, 100)
    merchant.buy(store, member_id, 100)
    merchant.buy(other, member_id, 100)
    assert standing(merchant, member_id).progress.missing == 1
    merchant.refund(first.purchase_id)
    assert standing(merchant, member_id).progress.missing == 1
    # Midnight in Shanghai.
    at(merchant, 2026, 3, 2, 16)
    merchant.buy(store, member_id, 100)

    assert tier(merchant, member_id) == "silver"
    assert merchant.rows("SELECT visits FROM member_tiers") == [{"visits": 3}]


def test_a_given_tier_lies_over_the_earned_one(merchant: Merchant, store: Store) -> None:
    merchant.program(program(downgrade="one"))
    merchant.actor = Actor(ActorKind.STAFF, new_id())
    member_id = merchant.member(Identity(IdentityKind.CARD, "vip"))
    until = NOW + timedelta(days=10)
    command = SetMemberTier(Identity(IdentityKind.CARD, "vip"), "gold", "Founder", until)

    assert merchant.do(lambda uow: service.set_member_tier(uow, command=command)) == member_id
    assert tier(merchant, member_id) == "gold"
    bought = merchant.buy(store, member_id, 10_000)
    assert (bought.from_tier, tier(merchant, member_id)) == (None, "gold")
    merchant.now = until

    assert tier(merchant, member_id) == "silver"
    assert (review(merchant), review(merchant)) == (1, 0)
    (ended, given) = history(merchant, member_id)
    assert (given.from_code, given.to_code, given.kind, given.reason, given.until) == (
        "base",
        "gold",
        ChangeKind.GIVEN,
        "Founder",
        until,
    )
    assert given.actor == merchant.actor
    assert (ended.from_code, ended.to_code, ended.kind, ended.reason) == ("gold", "silver", ChangeKind.ENDED, None)


def test_a_given_tier_is_released(merchant: Merchant, store: Store) -> None:
    merchant.program(program())
    member_id = merchant.member()
    give = SetMemberTier(member_id, "gold", "By mistake")
    release = ReleaseMemberTier(member_id, "Put right")
    merchant.do(lambda uow: service.set_member_tier(uow, command=give))
    assert tier(merchant, member_id) == "gold"

    merchant.do(lambda uow: service.release_member_tier(uow, command=release))

    assert tier(merchant, member_id) == "base"
    with pytest.raises(TierNotGiven):
        merchant.do(lambda uow: service.release_member_tier(uow, command=release))
    assert told(merchant, member_id) == [("base", "gold", ChangeKind.GIVEN), ("gold", "base", ChangeKind.RELEASED)]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"tier_code": "platinum"}, TierNotInProgram),
        ({"until": NOW}, InvalidInput),
        ({"reason": " "}, InvalidInput),
        ({"member": Identity(IdentityKind.CARD, "nobody")}, MemberNotFound),
        ({"member": UUID(int=7)}, MemberNotFound),
    ],
)
def test_what_cannot_be_given_is_refused(merchant: Merchant, changes: dict[str, Any], error: type[Exception]) -> None:
    merchant.program(program())
    command = replace(SetMemberTier(merchant.member(), "gold", "Because"), **changes)

    with pytest.raises(error):
        merchant.do(lambda uow: service.set_member_tier(uow, command=command))
    assert merchant.rows("SELECT * FROM tier_changes") == []


def test_two_purchases_that_cross_at_once_change_the_tier_once(merchant: Merchant, store: Store) -> None:
    merchant.program(program())
    member_id = merchant.member()
    merchant.buy(store, member_id, 5_000)
    commands = [merchant.purchase_command(store, member_id, 6_000) for _ in range(8)]

    results = race([_recording(merchant, command) for command in commands])

    changes = [(getattr(result, "from_tier", "?"), getattr(result, "to_tier", "?")) for result in results]
    crossed = [change for change in changes if change != (None, None)]
    assert sorted(crossed) == [("base", "silver"), ("silver", "gold")]
    assert merchant.rows("SELECT tier_code, points_earned FROM member_tiers") == [
        {"tier_code": "gold", "points_earned": 530}
    ]
    assert merchant.rows("SELECT sum(points)::bigint AS points, count(*) AS rows FROM tier_amounts") == [
        {"points": 530, "rows": 9}
    ]
    assert [change[:2] for change in told(merchant, member_id)] == [("base", "silver"), ("silver", "gold")]


def test_a_review_that_races_a_purchase_decides_once(merchant: Merchant, store: Store) -> None:
    merchant.program(program(downgrade="one"))
    members = [merchant.member() for _ in range(4)]
    for member_id in members:
        merchant.buy(store, member_id, 30_000)
    at(merchant, 2027, 12, 31, 16)
    commands = [merchant.purchase_command(store, member_id, 15_000) for member_id in members for _ in range(2)]
    reviews: list[Callable[[], Any]] = [lambda: review(merchant) for _ in range(3)]

    race([*reviews, *(_recording(merchant, command) for command in commands)])
    review(merchant)

    for member_id in members:
        # 300 of a calendar year that has just begun: lost for the old one, reached in the new one.
        assert told(merchant, member_id) == [
            ("base", "gold", ChangeKind.REACHED),
            ("gold", "silver", ChangeKind.REVIEW),
            ("silver", "gold", ChangeKind.REACHED),
        ]


def test_rows_from_before_go_on_counting(merchant: Merchant, store: Store) -> None:
    merchant.program(program() | {"tiers": _lifetime()})
    member_id = merchant.member()
    with merchant.uow() as uow:
        uow.execute(
            b"INSERT INTO member_tiers (member_id, tier_code, points_earned, spend_minor, since)"
            b" VALUES (%(id)s, 'silver', 295, 29500, %(now)s)",
            {"id": member_id, "now": NOW - timedelta(days=700)},
        )

    assert tier(merchant, member_id) == "silver"
    bought = merchant.buy(store, member_id, 500)
    assert (bought.from_tier, bought.to_tier) == ("silver", "gold")
    merchant.refund(bought.purchase_id)

    assert merchant.rows("SELECT tier_code, points_earned, spend_minor FROM member_tiers") == [
        {"tier_code": "silver", "points_earned": 295, "spend_minor": 29_500}
    ]


def test_rules_that_begin_today_are_asked_from_today_on(merchant: Merchant, store: Store) -> None:
    merchant.program(program() | {"tiers": _lifetime()})
    member_id = merchant.member()
    merchant.buy(store, member_id, 30_000)
    assert next_due(merchant, ERRANDS[0]) is None
    at(merchant, 2028, 6, 1)
    merchant.program(program(downgrade="one"))

    # It waits to be looked at by the new rules, and nothing is taken by them yet.
    assert next_due(merchant, ERRANDS[0]) == merchant.now
    assert (review(merchant), review(merchant), tier(merchant, member_id)) == (1, 0, "gold")
    at(merchant, 2028, 12, 31, 16)
    assert tier(merchant, member_id) == "silver"
    assert next_due(merchant, ERRANDS[0]) == merchant.now


def test_points_that_wait_count_when_they_can_be_spent(merchant: Merchant, store: Store) -> None:
    unit = {"code": "points", "name": {"en": "Points", "zh": "积分"}, "scale": 0}
    days = {"after": {"count": 14, "unit": "day"}}
    merchant.program(program() | {"units": [{**unit, "activation": days}]})
    member_id = merchant.member()
    bought = merchant.buy(store, member_id, 30_000)
    assert (bought.to_tier, tier(merchant, member_id)) == (None, "base")
    merchant.now = NOW + timedelta(days=14)

    assert tier(merchant, member_id) == "gold"
    assert next_due(merchant, ERRANDS[0]) == merchant.now
    assert review(merchant) == 1
    assert [(each.to_code, each.at) for each in history(merchant, member_id)] == [("gold", merchant.now)]
    assert merchant.refund(bought.purchase_id).to_tier == "base"


def test_points_that_await_an_action_count_when_it_comes(merchant: Merchant, store: Store) -> None:
    unit = {"code": "points", "name": {"en": "Points", "zh": "积分"}, "scale": 0}
    shipped = {"action": "order_shipped", "withinDays": 30}
    merchant.program(program() | {"units": [{**unit, "activation": shipped}]})
    member_id = merchant.member()
    bought = merchant.buy(store, member_id, 30_000)
    merchant.now += timedelta(days=3)
    assert tier(merchant, member_id) == "base"
    command = ReportAction("order_shipped", "key", b"hash", purchase=bought.purchase_id)

    merchant.do(lambda uow: actions.report_action(uow, command=command))

    assert tier(merchant, member_id) == "gold"
    assert standing(merchant, member_id).since == merchant.now
    merchant.refund(bought.purchase_id)
    assert tier(merchant, member_id) == "base"


def test_the_errand_does_what_is_due_in_batches(merchant: Merchant, store: Store) -> None:
    merchant.program(program(downgrade="one"))
    for _ in range(5):
        merchant.buy(store, merchant.member(), 30_000)
    at(merchant, 2027, 12, 31, 16)

    done = [merchant.do(lambda uow: run_due(uow, limit=2)) for _ in range(4)]

    assert done == [2, 2, 1, 0]
    errand = ERRANDS[0]
    assert next_due(merchant, errand) == utc(2028, 12, 31, 16)
    assert errand.run(merchant.database, merchant.home, merchant.now) == 0


def _lifetime() -> dict[str, Any]:
    tiers = program()["tiers"]
    return {"metric": "points_earned", "levels": tiers["levels"]}


def _recording(merchant: Merchant, command: Any) -> Callable[[], Any]:
    return lambda: merchant.do(lambda uow: purchases.record_purchase(uow, command=command, is_last=True))
