"""Caps over time, of several kinds at once, and under concurrency with real connections."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.loyalty.earning.domain import FullRefund, LineRefund, ReturnedLine
from services.loyalty.purchases import service as purchases
from services.loyalty.stores.domain import Store
from services.platform.db.engine import Database, open_database
from services.platform.tenancy.domain import Tenant
from tests.support.builders.merchant import NOW, Merchant, lines
from tests.support.builders.spending import spending, spending_document
from tests.support.tenants import DatabaseUrls

FILLINGS = "SELECT measure, period, used FROM cap_fillings ORDER BY period, measure"
WRITERS = 16


@pytest.fixture
def many(database_urls: DatabaseUrls) -> Iterator[Database]:
    opened = open_database(database_urls.app, pool_size=WRITERS)
    yield opened
    opened.close()


def at_once(work: Callable[[int], Any], count: int) -> list[Any]:
    with ThreadPoolExecutor(max_workers=WRITERS) as pool:
        return list(pool.map(work, range(count)))


def test_sixteen_tills_never_overfill_a_members_caps(many: Database, tenant: Tenant) -> None:
    merchant = Merchant(many, tenant.home)
    caps = [{"limit": 100, "per": "week"}, {"limit": 12, "per": "month", "measure": "times"}]
    merchant.program(spending_document(spending(caps=caps)))
    store, member_id = merchant.store(), merchant.member()
    commands = [merchant.purchase_command(store, member_id, 900) for _ in range(32)]

    points = [outcome.points for outcome in at_once(lambda index: merchant.record(commands[index]), len(commands))]

    # Eleven times nine are 99, the twelfth is clipped, and with it the times are used up as well.
    assert sorted(points, reverse=True) == [9] * 11 + [1] + [0] * 20
    assert merchant.balance(member_id).available == 100
    assert {(row["measure"], row["used"]) for row in merchant.rows(FILLINGS)} == {("points", 100), ("times", 12)}


def test_sixteen_members_never_overfill_a_cap_of_everybody(many: Database, tenant: Tenant) -> None:
    merchant = Merchant(many, tenant.home)
    caps = [{"limit": 100, "per": "day", "owner": "everyone"}]
    merchant.program(spending_document(spending(caps=caps)))
    store, members = merchant.store(), [merchant.member() for _ in range(WRITERS)]
    commands = [merchant.purchase_command(store, members[index % WRITERS], 900) for index in range(48)]

    points = [outcome.points for outcome in at_once(lambda index: merchant.record(commands[index]), len(commands))]

    assert sorted(points, reverse=True) == [9] * 11 + [1] + [0] * 36
    assert sum(merchant.balance(member_id).available for member_id in members) == 100
    assert [row["used"] for row in merchant.rows(FILLINGS)] == [100]
    assert merchant.verdict().faults == ()


def test_a_batch_fills_a_cap_of_everybody_in_its_order(merchant: Merchant, store: Store) -> None:
    caps = [{"limit": 20, "per": "lifetime", "owner": "everyone"}]
    merchant.program(spending_document(spending(caps=caps)))
    members = [merchant.member() for _ in range(3)]
    commands = [merchant.purchase_command(store, member_id, 900) for member_id in members]

    outcomes = merchant.do(lambda uow: purchases.record_purchases(uow, commands=commands, is_last=True))

    assert [outcome.points for outcome in outcomes if not isinstance(outcome, Exception)] == [9, 9, 2]
    assert merchant.buy(store, members[0], 900).points == 0


def test_periods_begin_anew_in_the_programs_zone(merchant: Merchant, store: Store) -> None:
    caps = [{"limit": 10, "per": "week"}, {"limit": 15, "per": "month"}]
    merchant.program(spending_document(spending(caps=caps)))
    member_id = merchant.member()
    # NOW is a Monday noon in Shanghai, 2 March; Sunday's last second there is 15:59:59 UTC.
    sunday = datetime(2026, 3, 8, 15, 59, 59, tzinfo=UTC)
    earned = []
    for at in (NOW, sunday, sunday + timedelta(seconds=1), datetime(2026, 3, 31, 16, 0, tzinfo=UTC)):
        merchant.now = at
        earned.append(merchant.buy(store, member_id, 2_000).points)

    assert earned == [10, 0, 5, 10]


def test_a_late_receipt_fills_the_caps_of_its_own_day(merchant: Merchant, store: Store) -> None:
    merchant.program(spending_document(spending(caps=[{"limit": 10, "per": "day"}])))
    member_id = merchant.member()
    merchant.now = NOW + timedelta(days=2)

    assert merchant.buy(store, member_id, 2_000).points == 10
    assert merchant.buy(store, member_id, 2_000, occurred_at=NOW).points == 10
    assert merchant.buy(store, member_id, 2_000, occurred_at=NOW).points == 0


def test_a_unit_is_capped_over_all_rules(merchant: Merchant, store: Store) -> None:
    rules = spending("a"), spending("b", points=2)
    merchant.program(spending_document(*rules, unit_caps=[{"limit": 25, "per": "year"}]))
    member_id = merchant.member()

    assert [merchant.buy(store, member_id, 500).points for _ in range(3)] == [15, 10, 0]


def test_refunds_give_all_kinds_of_caps_back(merchant: Merchant, store: Store) -> None:
    caps = [
        {"limit": 30, "per": "lifetime"},
        {"limit": 10_000, "per": "month", "measure": "money"},
        {"limit": 1, "per": "week", "measure": "times"},
        {"limit": 100, "per": "day", "owner": "everyone"},
    ]
    merchant.program(spending_document(spending(caps=caps)))
    member_id = merchant.member()
    bought = merchant.buy(store, member_id, 600, 400)

    merchant.refund(bought.purchase_id, LineRefund((ReturnedLine(2, lines(1)[0].quantity),)))
    part = {(row["measure"], row["period"]): row["used"] for row in merchant.rows(FILLINGS)}
    merchant.refund(bought.purchase_id, FullRefund())
    rest = {row["used"] for row in merchant.rows(FILLINGS)}

    assert part == {("points", "day"): 6, ("points", "lifetime"): 6, ("money", "month"): 600, ("times", "week"): 1}
    assert rest == {0}
    assert merchant.buy(store, member_id, 500).points == 5
