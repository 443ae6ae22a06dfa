"""Reports agree with the ledger: every cohort adds up, periods join, and sums are those of the members' counters."""

import csv
import io
import itertools
import random
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from services.loyalty.earning.domain import AmountRefund
from services.loyalty.ledger import queries as ledger
from services.loyalty.ledger.domain.clocks import Validity
from services.loyalty.ledger.domain.flows import Flows, LotOriginClass, PointsAsOf, Timeline
from services.loyalty.programs.domain import OwingPolicy, TransferPolicy
from services.loyalty.programs.errors import ProgramNotPublished
from services.loyalty.reports.domain import LiabilityReport, ReportWish, liability, sheet
from services.loyalty.reports.queries import liability_report
from services.loyalty.stores.domain import Store
from services.platform.db.session import UnitOfWork
from services.platform.errors import DomainError, InvalidInput
from tests.support.builders.merchant import NOW, Merchant
from tests.support.builders.points import accrue, capture, hold, pass_time, policies, program, release, transfer

DAY = timedelta(days=1)
MARCH, APRIL, MAY = date(2026, 3, 1), date(2026, 4, 1), date(2026, 5, 1)
COUNTERS = "SELECT * FROM ledger_balances ORDER BY holder_id"


def _report(merchant: Merchant, from_date: date, to_date: date, **more: Any) -> LiabilityReport:
    wish = ReportWish(from_date, to_date, **more)
    return merchant.read(lambda session: liability_report(session, wish=wish))


def _at(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


def test_a_worked_example(merchant: Merchant, store: Store) -> None:
    program(merchant, policies(transfers=TransferPolicy(is_allowed=True)))
    ann, bob = merchant.member(), merchant.member()
    coffee = merchant.reward(cost=30)
    # 2 March: 100 of a sale, which 40 of come back of; 50 more that end on 20 April.
    bought = merchant.buy(store, ann, 10_000)
    merchant.refund(bought.purchase_id, AmountRefund(4_000))
    accrue(merchant, ann, 50, validity=Validity(NOW, _at(2026, 4, 20)))
    # 31 March, 23:30 in Shanghai: 7 more by hand. Half an hour later it is April there.
    merchant.now = _at(2026, 3, 31, 15, 30)
    merchant.adjust(ann, 7)
    merchant.now = _at(2026, 3, 31, 16)
    merchant.adjust(bob, 20)
    # April: 30 of those that end first are spent, 10 given to Bob; what is left of them ends, with either.
    merchant.now = _at(2026, 4, 10)
    merchant.redeem(ann, coffee)
    transfer(merchant, ann, bob, 10)
    pass_time(merchant, _at(2026, 4, 21))
    merchant.now = _at(2026, 5, 5)
    merchant.adjust(bob, -4)

    march, april, may = (
        _report(merchant, MARCH, date(2026, 3, 31)),
        _report(merchant, APRIL, date(2026, 4, 30), value=Decimal("0.05"), redemption_rate=Decimal("0.5")),
        _report(merchant, MAY, date(2026, 5, 31)),
    )

    assert [(cohort.cohort, cohort.flows) for cohort in march.cohorts] == [
        (MARCH, Flows(issued=150, reversed=40, adjusted=7, closing=117))
    ]
    assert [(cohort.cohort, cohort.flows) for cohort in april.cohorts] == [
        (MARCH, Flows(opening=117, redeemed=30, transferred=-10, expired=10, closing=67)),
        (APRIL, Flows(adjusted=20, transferred=10, expired=10, closing=20)),
    ]
    assert [(cohort.cohort, cohort.flows) for cohort in may.cohorts] == [
        (MARCH, Flows(opening=67, closing=67)),
        (APRIL, Flows(opening=20, adjusted=-4, closing=16)),
    ]
    # Half of the 107 that March gained (117 less 10 given away) are to be redeemed: 53.5, less 30. Of April 15.
    assert [(cohort.estimate.to_redeem, cohort.liability_minor) for cohort in april.cohorts] == [(24, 120), (15, 75)]
    (unit,) = april.units
    assert (unit.flows.closing, unit.flows.transferred, unit.liability_minor) == (87, 0, 195)
    assert unit.redemption_rate == Decimal("0.5")
    sales = _report(merchant, APRIL, date(2026, 4, 30), origin=LotOriginClass.SALES)
    assert [cohort.flows.closing for cohort in sales.cohorts] == [60]
    assert _report(merchant, APRIL, APRIL, unit="stars").cohorts == ()


def test_stores_are_told_apart_when_asked(merchant: Merchant, store: Store) -> None:
    program(merchant)
    member_id = merchant.member()
    other = merchant.store("=2+3")
    merchant.buy(store, member_id, 1_000)
    merchant.buy(other, member_id, 2_500)
    accrue(merchant, member_id, 3)

    report = _report(merchant, MARCH, MARCH + 5 * DAY, by_store=True)

    assert {(part.funder_store_id, part.flows.issued) for part in report.stores} == {
        (None, 3),
        (store.id, 10),
        (other.id, 25),
    }
    assert [cohort.flows.issued for cohort in report.cohorts] == [38]
    rows = list(csv.DictReader(io.StringIO(sheet(report, store_codes={store.id: store.code, other.id: other.code}))))
    assert {(row["store"], row["issued"]) for row in rows} == {("", "3"), ("main", "10"), ("'=2+3", "25")}


def test_what_cannot_be_reported_is_refused(merchant: Merchant, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ProgramNotPublished):
        _report(merchant, MARCH, MARCH)
    program(merchant)
    accrue(merchant, merchant.member(), 3)
    with pytest.raises(InvalidInput):
        _report(merchant, APRIL, MARCH)
    monkeypatch.setattr("services.loyalty.reports.queries.ROWS_MAX", 0)
    with pytest.raises(InvalidInput) as refused:
        _report(merchant, MARCH, MARCH + 5 * DAY)
    assert refused.value.reason == "TOO_MANY_ROWS"


@pytest.mark.parametrize("seed", range(6))
def test_sums_are_those_of_the_ledger(merchant: Merchant, store: Store, seed: int) -> None:
    chance = random.Random(seed)
    program(
        merchant,
        policies(transfers=TransferPolicy(is_allowed=True), owing=OwingPolicy.ALLOW, owed_points_max=1_000),
    )
    history = _live(merchant, store, chance, steps=60)

    cuts = [MARCH, *sorted({date(2026, 3, 1) + timedelta(days=chance.randrange(1, 200)) for _ in range(3)})]
    last = merchant.now.date() + DAY
    periods = [(start, end - DAY) for start, end in zip(cuts, [*cuts[1:], max(last, cuts[-1] + DAY)], strict=True)]
    reports = [_report(merchant, *period) for period in periods if period[0] <= merchant.now.date()]
    whole = _report(merchant, MARCH, last)

    for report in (*reports, whole):
        assert all(cohort.flows.balances for cohort in report.cohorts)
        assert all(min(cohort.flows.opening, cohort.flows.closing) >= 0 for cohort in report.cohorts)
    for before, after in itertools.pairwise(reports):
        closing = {cohort.cohort: cohort.flows.closing for cohort in before.cohorts if cohort.flows.closing}
        opening = {cohort.cohort: cohort.flows.opening for cohort in after.cohorts if cohort.flows.opening}
        assert closing == opening
    (unit,) = whole.units
    totals = merchant.read(ledger.totals)["points"]
    flows = unit.flows
    assert (flows.opening, flows.transferred) == (0, 0)
    assert flows.closing == totals["pending"] + totals["available"] + totals["held"]
    assert (flows.issued, flows.redeemed, flows.expired, flows.adjusted) == (
        totals["earned"],
        totals["spent"],
        totals["expired"],
        totals["adjusted"],
    )
    # What a refund took that was not there is owed, and what pays it back comes out of lots.
    assert flows.reversed + totals["owed"] + flows.repaid == totals["reversed"]
    assert merchant.verdict().faults == ()
    _points_in_time_agree(merchant, history)


Seen = list[tuple[datetime, UUID, object]]


def _live(merchant: Merchant, store: Store, chance: random.Random, *, steps: int) -> Seen:
    """A few months of everything that moves points; what members had at some instants."""
    members = [merchant.member() for _ in range(3)]
    gift = merchant.reward(cost=15)
    holds, bought, seen = list[UUID](), list[UUID](), Seen()

    def give(who: UUID, points: int) -> None:
        begin = merchant.now + timedelta(days=chance.randrange(0, 20))
        accrue(merchant, who, points, validity=Validity(begin, begin + chance.randrange(1, 60) * DAY))

    def buy(who: UUID, points: int) -> None:
        bought.append(merchant.buy(store, who, points * 100).purchase_id)

    def bring_back(_who: UUID, _points: int) -> None:
        if bought:
            merchant.refund(bought.pop(chance.randrange(len(bought))))

    def reserve(who: UUID, points: int) -> None:
        holds.append(hold(merchant, who, points, minutes=10_000).hold_id)

    def end_hold(_who: UUID, _points: int) -> None:
        if holds:
            chance.choice((capture, release))(merchant, holds.pop(chance.randrange(len(holds))))

    moves: list[Callable[[UUID, int], object]] = [
        *(give, give, buy, buy, bring_back, reserve, end_hold),
        lambda who, _: merchant.redeem(who, gift),
        lambda who, points: merchant.adjust(who, chance.choice((points, -points))),
        lambda who, points: transfer(merchant, who, chance.choice(members), points),
        lambda _who, _points: pass_time(merchant, merchant.now),
    ]
    for _ in range(steps):
        merchant.now += timedelta(hours=chance.randrange(1, 90))
        who = chance.choice(members)
        with suppress(DomainError):
            chance.choice(moves)(who, chance.randrange(1, 40))
        shown = merchant.balance(who)
        seen.append((merchant.now, who, (shown.pending, shown.available, shown.held, shown.owed)))
    pass_time(merchant, merchant.now)
    return seen


def _points_in_time_agree(merchant: Merchant, history: Seen) -> None:
    """As things had happened by an instant, members had what they were shown at it."""
    for at, member_id, shown in history:
        found = _as_of(merchant, member_id, at, Timeline.EFFECTIVE)
        had = next(((each.pending, each.available, each.held, each.owed) for each in found), (0, 0, 0, 0))
        assert had == shown


def _as_of(merchant: Merchant, member_id: UUID, at: datetime, by: Timeline) -> tuple[PointsAsOf, ...]:
    return merchant.read(lambda session: ledger.points_as_of(session, holder_id=member_id, at=at, by=by))


def test_an_instant_is_told_as_the_books_said_and_as_things_were(merchant: Merchant, store: Store) -> None:
    program(merchant)
    member_id = merchant.member()
    accrue(merchant, member_id, 10, validity=Validity(NOW + DAY, NOW + 3 * DAY))
    merchant.now = NOW + 5 * DAY
    # Five days later the till tells of a sale of the second day.
    merchant.buy(store, member_id, 2_000, occurred_at=NOW + 2 * DAY)

    def seen(at: datetime) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        recorded, effective = (_as_of(merchant, member_id, at, by) for by in Timeline)
        return [(each.pending, each.available) for each in recorded], [
            (each.pending, each.available) for each in effective
        ]

    second = timedelta(seconds=1)
    assert seen(NOW - second) == ([], [])
    assert seen(NOW) == ([(10, 0)], [(10, 0)])
    assert seen(NOW + DAY - second) == ([(10, 0)], [(10, 0)])
    # Inclusive: at its instant a thing has happened.
    assert seen(NOW + DAY) == ([(10, 0)], [(0, 10)])
    assert seen(NOW + 2 * DAY) == ([(10, 0)], [(0, 30)])
    assert seen(NOW + 3 * DAY) == ([(10, 0)], [(0, 20)])
    assert seen(NOW + 5 * DAY) == ([(0, 20)], [(0, 20)])


def test_what_was_due_and_is_not_posted_yet_has_happened(merchant: Merchant) -> None:
    program(merchant)
    member_id = merchant.member()
    accrue(merchant, member_id, 10, validity=Validity(NOW + DAY, NOW + 3 * DAY))
    merchant.now = NOW + 9 * DAY

    def available(at: datetime) -> list[int]:
        return [each.available for each in _as_of(merchant, member_id, at, Timeline.EFFECTIVE)]

    assert (available(NOW), available(NOW + DAY), available(NOW + 3 * DAY)) == ([0], [10], [0])


def test_a_period_is_found_by_the_summary_of_the_table(merchant: Merchant) -> None:
    program(merchant)
    accrue(merchant, merchant.member(), 10)

    def plan(uow: UnitOfWork) -> str:
        uow.execute("SET LOCAL enable_seqscan TO off")
        rows = uow.fetch_all(
            "EXPLAIN SELECT id FROM ledger_entries WHERE recorded_at >= %(since)s", {"since": merchant.now}
        )
        return "\n".join(row["QUERY PLAN"] for row in rows)

    assert "ledger_entries_recorded_at_idx" in merchant.do(plan)
    assert liability.WINDOW_MONTHS == 60
