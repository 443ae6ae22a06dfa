import itertools
from collections.abc import Callable
from dataclasses import replace as changed
from datetime import UTC, datetime, timedelta

import pytest

from services.demo.chain import Chain
from services.demo.dataset import BasketPosition, DatasetFiles, baskets
from services.demo.errors import DatabaseLost
from services.demo.households import enrollment
from services.demo.nights import nights
from services.demo.reconciliation import Comparison, Reconciliation, Subject, reconcile
from services.demo.replay import Night, Replayed, purchase_of, replay
from services.loyalty.ledger import queries as ledger
from services.loyalty.members import queries as members
from services.loyalty.members import service as enrolling
from services.loyalty.members.domain import Identity, IdentityKind
from services.loyalty.purchases import queries as purchases
from services.loyalty.purchases import service as purchasing
from services.platform.db.engine import Database
from services.platform.db.session import read_session, unit_of_work
from tests.support.tenants import DatabaseUrls

AFTERWARDS = datetime(2017, 2, 1, tzinfo=UTC)


class Bench:
    """A chain and its data, and what one does with them."""

    def __init__(self, database: Database, chain: Chain, files: DatasetFiles) -> None:
        self.database, self.chain, self.files = database, chain, files
        self.told: list[tuple[int, int]] = []

    def replay(
        self,
        *,
        stop_after: int | None = None,
        from_start: bool = False,
        is_stopped: Callable[[], bool] | None = None,
        night: Night | None = None,
    ) -> Replayed:
        asked = itertools.count()
        return replay(
            self.database,
            self.chain,
            files=self.files,
            until=None,
            from_start=from_start,
            progress=lambda done, total: self.told.append((done, total)),
            is_stopped=is_stopped or (lambda: next(asked) == stop_after),
            night=night,
        )

    def books(self, *, is_whole_year: bool = False, at: datetime = AFTERWARDS) -> Reconciliation:
        with read_session(self.database, self.chain.tenant.home, now=at) as session:
            return reconcile(
                session, files=self.files, is_whole_year=is_whole_year, progress=lambda _done, _total: None
            )


@pytest.fixture
def bench(database: Database, chain: Chain, files: DatasetFiles) -> Bench:
    return Bench(database, chain, files)


def test_a_replay_records_every_basket_at_its_own_time(bench: Bench) -> None:
    done = bench.replay()

    last = list(baskets(bench.files))[-1]
    assert done == Replayed(
        recorded=4, repeated=0, enrolled=3, redeemed=1, last=BasketPosition(last.occurred_at, "1005"), is_complete=True
    )
    assert bench.told == [(1, 4), (2, 4), (3, 4), (4, 4)]
    with read_session(bench.database, bench.chain.tenant.home, now=last.occurred_at) as session:
        found = purchases.recent_purchases(session, limit=10)
        member = members.member_by_identity(session, identity=Identity(IdentityKind.CARD, "50"))
        assert member is not None
        (balance,) = ledger.balances(session, holder_ids=[member.id])[member.id]
    assert [(p.external_id, p.total_minor, p.points, p.occurred_at) for p in found] == [
        (basket.basket_id, basket.net_minor, points, basket.occurred_at)
        for basket, points in zip(reversed(list(baskets(bench.files))), (0, 15, 12, 120), strict=True)
    ]
    assert (balance.earned, balance.spent, balance.available) == (120, 100, 20)


def test_nights_pass_between_the_days(bench: Bench) -> None:
    nights: list[datetime] = []

    bench.replay(night=nights.append)

    first = datetime(2017, 1, 1, 5, tzinfo=UTC)  # the shops' midnight
    # Two baskets were paid at midnight sharp, after the night.
    assert nights == [first, first + timedelta(days=1), first + timedelta(days=2)]


def test_the_books_agree_with_the_data_and_with_each_other(bench: Bench) -> None:
    bench.replay()

    books = bench.books()

    assert books.comparisons == (
        Comparison(Subject.PURCHASES, 4, 4),
        Comparison(Subject.SALES, 15_664, 15_664),
        Comparison(Subject.DIFFERENT_BASKETS, 0, 0),
        Comparison(Subject.HOUSEHOLDS, 3, 3),
        Comparison(Subject.POINTS_EARNED, 147, 147),
        Comparison(Subject.POINTS_SPENT, 100, 100),
        Comparison(Subject.LEDGER_FAULTS, 0, 0),
        Comparison(Subject.LIABILITY, 47, 47),
        Comparison(Subject.LIABILITY_FAULTS, 0, 0),
        Comparison(Subject.METERED_PURCHASES, 4, 4),
        Comparison(Subject.METERED_REDEMPTIONS, 1, 1),
    )
    assert books.agrees


def test_points_end_in_their_night_and_the_liability_report_adds_up(bench: Bench) -> None:
    night = nights(bench.database, bench.chain.tenant)
    ended = datetime(2017, 10, 1, 4, tzinfo=UTC)  # the midnight after September, where the shops are
    bench.replay(night=night)

    night(ended - timedelta(microseconds=1))
    before = {each.subject: each for each in bench.books(at=ended).comparisons}
    night(ended)
    after = {each.subject: each for each in bench.books(at=ended).comparisons}

    assert before[Subject.LIABILITY] == Comparison(Subject.LIABILITY, 47, 47)
    assert after[Subject.LIABILITY] == Comparison(Subject.LIABILITY, 0, 0)
    for subject in (Subject.LIABILITY_FAULTS, Subject.LEDGER_FAULTS):
        assert after[subject] == Comparison(subject, 0, 0)


def test_a_part_is_compared_with_its_part_of_the_data_and_a_year_with_the_years_numbers(bench: Bench) -> None:
    bench.replay(stop_after=2)

    part, year = bench.books(), bench.books(is_whole_year=True)

    assert part.agrees
    assert part.comparisons[0] == Comparison(Subject.PURCHASES, 2, 2)
    assert year.comparisons[:2] == (
        Comparison(Subject.YEAR_BASKETS, 155_848, 2),
        Comparison(Subject.YEAR_SALES, 459_603_958, 14_550),
    )
    assert not year.agrees


def test_a_second_replay_changes_nothing(bench: Bench) -> None:
    first = bench.replay()
    before = bench.books()

    second = bench.replay(from_start=True)

    assert second == Replayed(repeated=4, last=first.last, is_complete=True)
    assert bench.books() == before


def test_a_stopped_replay_goes_on_where_it_was(bench: Bench) -> None:
    stopped = bench.replay(stop_after=2)
    rest = bench.replay()

    assert (stopped.recorded, stopped.is_complete) == (2, False)
    assert (rest.recorded, rest.repeated, rest.enrolled, rest.is_complete) == (2, 1, 1, True)
    assert bench.books().agrees


def test_a_kill_between_a_purchase_and_its_reward_loses_no_reward(bench: Bench) -> None:
    basket = next(iter(baskets(bench.files)))
    store_id = bench.chain.store_ids[basket.store_code]
    with unit_of_work(
        bench.database, bench.chain.tenant.home, now=basket.occurred_at, actor=bench.chain.till, correlation_id="t"
    ) as uow:
        joined = enrolling.enroll_member(uow, command=enrollment(basket, store_id=store_id))
        command = purchase_of(basket, store_id=store_id, member_id=joined.member_id)
        purchasing.record_purchase(uow, command=command)

    done = bench.replay()

    assert (done.recorded, done.repeated, done.enrolled, done.redeemed) == (3, 1, 2, 1)
    assert bench.books().agrees


@pytest.mark.parametrize(("source", "differences"), [("journey", 1), ("somebody", 0)])
def test_a_purchase_that_is_not_in_the_data_counts_against_it_when_it_pretends_to_be(
    bench: Bench, source: str, differences: int
) -> None:
    bench.replay()
    basket = next(iter(baskets(bench.files)))
    with unit_of_work(
        bench.database, bench.chain.tenant.home, now=basket.occurred_at, actor=bench.chain.till, correlation_id="t"
    ) as uow:
        member = members.member_by_identity(uow, identity=Identity(IdentityKind.CARD, "50"))
        assert member is not None
        command = purchase_of(basket, store_id=bench.chain.store_ids["31"], member_id=member.id)
        purchasing.record_purchase(
            uow, command=changed(command, source=source, external_id="999", idempotency_key="somebody's own")
        )

    books = bench.books()

    found = {comparison.subject: comparison for comparison in books.comparisons}
    assert found[Subject.DIFFERENT_BASKETS] == Comparison(Subject.DIFFERENT_BASKETS, 0, differences)
    assert found[Subject.METERED_PURCHASES] == Comparison(Subject.METERED_PURCHASES, 5, 5)
    assert books.agrees is (differences == 0)


def test_a_server_that_goes_away_ends_the_replay_with_what_was_done(bench: Bench, database_urls: DatabaseUrls) -> None:
    asked = itertools.count()

    def goes_away() -> bool:
        if next(asked) == 2:
            database_urls.server.drop_database(database_urls.name)
        return False

    with pytest.raises(DatabaseLost) as lost:
        bench.replay(is_stopped=goes_away)

    assert lost.value.recorded == 2
