"""Budgets: never above what they hold, never below it when enough is asked, and nothing held for ever."""

import random
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from psycopg.errors import CheckViolation

from services.loyalty.budgets import queries, service, tasks
from services.loyalty.budgets.domain import Budget, BudgetContent, CreateBudget, Demand, UpdateBudget
from services.loyalty.budgets.errors import (
    BudgetChanged,
    BudgetClosed,
    BudgetCodeTaken,
    BudgetExhausted,
    BudgetNotFound,
)
from services.loyalty.ledger.domain import Reference
from services.platform.db.engine import Database, open_database
from services.platform.db.session import Statement, UnitOfWork
from services.platform.errands import run_due
from services.platform.errors import DomainError, InvalidInput
from services.platform.ids import new_id
from services.platform.tenancy.domain import Tenant
from tests.integration.loyalty.conftest import Dump
from tests.integration.loyalty.test_refusals import refused
from tests.support.builders.merchant import NOW, Merchant
from tests.support.tenants import DatabaseUrls

CLIENTS = 200
CONNECTIONS = 40
UNTIL = NOW + timedelta(minutes=15)


def owner() -> Reference:
    return Reference("cart", new_id())


def make(merchant: Merchant, code: str = "spring", **content: Any) -> Budget:
    command = CreateBudget(code, BudgetContent("Spring", "春天", **content))
    return merchant.do(lambda uow: service.create_budget(uow, command=command))


def run(
    merchant: Merchant, statements: Callable[[UnitOfWork], list[Statement]], holding: Collection[Demand] = ()
) -> None:
    """Run statements in a unit of work of their own, as the rooms above do.

    Raises:
        BudgetExhausted, BudgetClosed
    """
    with merchant.uow() as uow:
        try:
            uow.fetch_pipeline(statements(uow), is_last=True)
        except CheckViolation as error:
            refusal = service.refusal_of(error, holding=holding)
            assert refusal is not None
            raise refusal from error


def hold(merchant: Merchant, who: Reference, *demands: Demand) -> None:
    run(merchant, lambda uow: service.hold_statements(uow, demands=demands, owner=who, until=UNTIL), demands)


def spend(merchant: Merchant, who: Reference, *demands: Demand) -> None:
    run(merchant, lambda uow: service.spend_statements(uow, demands=demands, owner=who))


def capture(merchant: Merchant, who: Reference, *amounts: Demand) -> None:
    run(merchant, lambda uow: service.capture_statements(uow, owner=who, amounts=amounts or None))


def release(merchant: Merchant, who: Reference) -> None:
    run(merchant, lambda uow: service.release_statements(uow, owner=who))


def give_back(merchant: Merchant, who: Reference, *demands: Demand) -> None:
    run(merchant, lambda uow: service.give_back_statements(uow, owner=who, demands=demands or None))


def counters(merchant: Merchant, budget: Budget) -> list[tuple[int, int]]:
    """Held and spent of points, units and money; they are the sums of what the owners hold and have spent."""
    found = merchant.read(lambda session: queries.budgets_by_ids(session, budget_ids=[budget.id]))[budget.id]
    counted = [(amount.held, amount.spent) for amount in found.amounts().values()]
    (sums,) = merchant.rows(
        "SELECT coalesce(sum(points_held), 0) AS ph, coalesce(sum(points_spent), 0) AS ps,"
        " coalesce(sum(units_held), 0) AS uh, coalesce(sum(units_spent), 0) AS us,"
        " coalesce(sum(money_held), 0) AS mh, coalesce(sum(money_spent), 0) AS ms"
        " FROM budget_uses WHERE budget_id = %(id)s",
        {"id": budget.id},
    )
    assert counted == [(sums["ph"], sums["ps"]), (sums["uh"], sums["us"]), (sums["mh"], sums["ms"])]
    return counted


@pytest.fixture
def crowd(database_urls: DatabaseUrls, tenant: Tenant) -> Iterator[Merchant]:
    """A merchant with connections for a crowd."""
    opened: Database = open_database(database_urls.app, pool_size=CONNECTIONS)
    yield Merchant(opened, tenant.home)
    opened.close()


def all_at_once(calls: list[Callable[[], None]]) -> Counter[type | None]:
    def attempt(call: Callable[[], None]) -> type | None:
        try:
            call()
        except DomainError as error:
            return type(error)
        return None

    with ThreadPoolExecutor(CLIENTS) as pool:
        return Counter(pool.map(attempt, calls))


def test_two_hundred_clients_on_a_hundred_get_exactly_a_hundred(crowd: Merchant) -> None:
    budget = make(crowd, units_max=100)

    results = all_at_once([lambda: spend(crowd, owner(), Demand(budget.id, units=1)) for _ in range(CLIENTS)])

    assert results == {None: 100, BudgetExhausted: 100}
    assert counters(crowd, budget)[1] == (0, 100)


def test_two_hundred_clients_who_hold_and_change_their_minds_over_two_budgets(crowd: Merchant) -> None:
    """Each takes of both budgets, named in either order; a third gives up. In the end all is spent, nothing is held."""
    first, second = make(crowd, "a", points_max=1_000), make(crowd, "b", units_max=100)

    def client(number: int) -> None:
        who, shuffler = owner(), random.Random(number)
        demands = [Demand(first.id, points=10), Demand(second.id, units=1)]
        shuffler.shuffle(demands)
        for attempt in range(300):
            try:
                hold(crowd, who, *demands)
                break
            except BudgetExhausted as refusal:
                # A refusal while somebody holds is not for ever.
                if not refusal.has_holds or attempt == 299:
                    raise
        if number % 3 == 0:
            release(crowd, who)
        else:
            capture(crowd, who)

    results = all_at_once([partial(client, number) for number in range(CLIENTS)])

    # 133 of 200 want to keep what they get; a hundred can. Who gave up took nothing from anybody.
    assert set(results) == {None, BudgetExhausted}
    assert counters(crowd, first)[0] == (0, 1_000)
    assert counters(crowd, second)[1] == (0, 100)


def test_holds_are_captured_released_and_given_back(merchant: Merchant) -> None:
    budget = make(merchant, points_max=100, units_max=10, money_max=5_000, currency="CNY")
    one, two = owner(), owner()

    hold(merchant, one, Demand(budget.id, 30, 2, 1_000, "CNY"))
    hold(merchant, one, Demand(budget.id, 10))
    hold(merchant, two, Demand(budget.id, 60, 8, 4_000, "CNY"))
    assert counters(merchant, budget) == [(100, 0), (10, 0), (5_000, 0)]

    capture(merchant, one, Demand(budget.id, 25, 1, 999, "CNY"))
    assert counters(merchant, budget) == [(60, 25), (8, 1), (4_000, 999)]

    release(merchant, two)
    release(merchant, two)
    assert counters(merchant, budget) == [(0, 25), (0, 1), (0, 999)]

    give_back(merchant, one, Demand(budget.id, 5))
    assert counters(merchant, budget) == [(0, 20), (0, 1), (0, 999)]
    give_back(merchant, one)
    give_back(merchant, one)
    assert counters(merchant, budget) == [(0, 0), (0, 0), (0, 0)]


def test_a_budget_that_is_full_says_what_is_full_and_whether_it_may_come_back(merchant: Merchant, dump: Dump) -> None:
    budget = make(merchant, points_max=10, units_max=1)
    holder = owner()
    hold(merchant, holder, Demand(budget.id, points=10))
    more = Demand(budget.id, points=1)
    exhausted = {"budget_id": budget.id, "measure": "points"}

    refused(lambda: spend(merchant, owner(), more), dump, BudgetExhausted, **exhausted, has_holds=True)
    capture(merchant, holder)
    refused(lambda: hold(merchant, owner(), more), dump, BudgetExhausted, **exhausted, has_holds=False)
    two = Demand(budget.id, units=2)
    exhausted = {"budget_id": budget.id, "measure": "units", "has_holds": False}
    refused(lambda: spend(merchant, owner(), two), dump, BudgetExhausted, **exhausted)


def test_a_hold_that_timed_out_is_free_at_once(merchant: Merchant) -> None:
    budget = make(merchant, units_max=3)
    late, later = owner(), owner()
    hold(merchant, late, Demand(budget.id, units=3))

    merchant.now = UNTIL - timedelta(microseconds=1)
    with pytest.raises(BudgetExhausted):
        spend(merchant, later, Demand(budget.id, units=1))
    merchant.now = UNTIL
    spend(merchant, later, Demand(budget.id, units=1))

    assert counters(merchant, budget)[1] == (0, 1)
    # The same for who only holds.
    until = UNTIL + timedelta(minutes=1)
    two = [Demand(budget.id, units=2)]
    run(merchant, lambda uow: service.hold_statements(uow, demands=two, owner=owner(), until=until))
    merchant.now = until
    run(merchant, lambda uow: service.hold_statements(uow, demands=two, owner=later, until=until + timedelta(hours=1)))
    assert counters(merchant, budget)[1] == (2, 1)
    release(merchant, later)
    # Whoever comes too late takes anew what there is.
    capture(merchant, late, Demand(budget.id, units=2))
    assert counters(merchant, budget)[1] == (0, 3)


def test_the_errand_gives_back_what_timed_out(merchant: Merchant) -> None:
    budget = make(merchant, units_max=3)
    hold(merchant, owner(), Demand(budget.id, units=2))

    def errands() -> dict[str, int]:
        ran = run_due(merchant.database, merchant.home, tasks.ERRANDS, now=merchant.now, until=10.0**12)
        assert ran.is_finished
        return dict(ran.done)

    assert errands() == {}
    assert counters(merchant, budget)[1] == (2, 0)
    merchant.now = UNTIL
    assert errands() == {"release_budgets": 1}
    assert counters(merchant, budget)[1] == (0, 0)
    assert errands() == {}


def test_somebody_is_told_once_each_time_that_spending_rises(merchant: Merchant) -> None:
    budget = make(merchant, points_max=100, alert_percent=80)
    who = owner()

    def letters() -> int:
        run_due(merchant.database, merchant.home, tasks.ERRANDS, now=merchant.now, until=10.0**12)
        (row,) = merchant.rows("SELECT count(*) AS told FROM outbox WHERE type = 'BudgetAlerted'")
        told: int = row["told"]
        return told

    spend(merchant, who, Demand(budget.id, points=79))
    hold(merchant, owner(), Demand(budget.id, points=21))
    assert letters() == 0
    merchant.now = UNTIL
    spend(merchant, who, Demand(budget.id, points=1))
    spend(merchant, who, Demand(budget.id, points=1))
    assert (letters(), letters()) == (1, 1)
    give_back(merchant, who, Demand(budget.id, points=2))
    spend(merchant, owner(), Demand(budget.id, points=5))
    assert letters() == 2
    found = merchant.read(lambda session: queries.budgets_by_ids(session, budget_ids=[budget.id]))[budget.id]
    assert found.alerted_at == UNTIL


def test_a_budget_that_is_not_open_gives_nothing(merchant: Merchant, dump: Dump) -> None:
    window: dict[str, Any] = {"begins_at": NOW + timedelta(days=1), "ends_at": NOW + timedelta(days=2)}
    budget = make(merchant, money_max=100, currency="CNY", **window)
    demand, who = Demand(budget.id, money_minor=1, currency="CNY"), owner()

    refused(lambda: spend(merchant, who, demand), dump, BudgetClosed, budget_id=budget.id)
    merchant.now = NOW + timedelta(days=1)
    refused(lambda: spend(merchant, who, Demand(budget.id, money_minor=1, currency="USD")), dump, BudgetClosed)
    until = merchant.now + timedelta(days=3)
    run(merchant, lambda uow: service.hold_statements(uow, demands=[demand], owner=who, until=until))
    merchant.now = NOW + timedelta(days=2)
    refused(lambda: hold(merchant, owner(), demand), dump, BudgetClosed, budget_id=budget.id)
    # What was held in time is honored.
    capture(merchant, who)
    assert counters(merchant, budget)[2] == (0, 1)


def test_a_budget_is_changed_by_one_at_a_time_and_not_below_what_is_gone(merchant: Merchant, dump: Dump) -> None:
    budget = make(merchant, points_max=100, alert_percent=90)
    spend(merchant, owner(), Demand(budget.id, points=50))

    def update(version: int, budget_id: UUID = budget.id, **content: Any) -> Callable[[], Budget]:
        command = UpdateBudget(budget_id, version, BudgetContent("Spring", "春天", **content))
        return lambda: merchant.do(lambda uow: service.update_budget(uow, command=command))

    refused(update(1, points_max=49), dump, InvalidInput, field="pointsMax", limit="50")
    refused(update(7, points_max=50), dump, BudgetChanged, given=7, actual=1)
    refused(update(1, new_id(), points_max=50), dump, BudgetNotFound)
    refused(lambda: make(merchant, points_max=1), dump, BudgetCodeTaken, budget_code="spring")
    changed = update(1, points_max=55, alert_percent=90)()

    assert (changed.version, changed.points.maximum, changed.points.spent, changed.points.room) == (2, 55, 50, 5)
    assert merchant.rows("SELECT alert_due_at FROM budgets") == [{"alert_due_at": NOW}]
    gone = UpdateBudget(budget.id, 2, changed.content, is_archived=True)
    merchant.do(lambda uow: service.update_budget(uow, command=gone))
    refused(lambda: spend(merchant, owner(), Demand(budget.id, points=1)), dump, BudgetClosed, budget_id=budget.id)


def test_the_hour_of_exhaustion_is_foretold_by_the_last_day(merchant: Merchant) -> None:
    budget = make(merchant, points_max=1_000, units_max=10_000)
    merchant.now = NOW + timedelta(days=3)
    spend(merchant, owner(), Demand(budget.id, points=240, units=10))
    found = merchant.read(lambda session: queries.budgets_by_ids(session, budget_ids=[budget.id]))[budget.id]

    (told,) = merchant.read(lambda session: queries.forecasts(session, budgets=[found])).values()

    # 240 in 24 hours: the other 760 last 76 hours.
    assert told is not None
    assert (told.measure.value, told.at) == ("points", merchant.now + timedelta(hours=76))
    merchant.now += timedelta(days=2)
    assert merchant.read(lambda session: queries.forecasts(session, budgets=[found])) == {budget.id: None}
