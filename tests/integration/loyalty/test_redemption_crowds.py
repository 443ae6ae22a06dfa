"""Two hundred clients at once on a stock and on a pool of codes: exactly what there is, and nothing held in the end."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from services.loyalty.budgets import queries as budget_queries
from services.loyalty.rewards.domain import (
    RewardKind,
)
from services.loyalty.rewards.errors import (
    RewardOutOfStock,
)
from services.platform.db.engine import open_database
from services.platform.errors import DomainError
from services.platform.tenancy.domain import Tenant
from tests.support.builders.merchant import Merchant
from tests.support.builders.redeeming import (
    budget,
    cancel,
    confirm,
    hold,
    import_codes,
    offer,
    rich,
    stock_of,
)
from tests.support.tenants import DatabaseUrls

CLIENTS = 200
CONNECTIONS = 40


@pytest.fixture
def crowd(database_urls: DatabaseUrls, tenant: Tenant) -> Iterator[Merchant]:
    """A merchant with connections for a crowd."""
    opened = open_database(database_urls.app, pool_size=CONNECTIONS)
    yield Merchant(opened, tenant.home)
    opened.close()


def all_at_once(calls: list[Callable[[], object]]) -> Counter[type | None]:
    def attempt(call: Callable[[], object]) -> type | None:
        try:
            call()
        except DomainError as error:
            return type(error)
        return None

    with ThreadPoolExecutor(CLIENTS) as pool:
        return Counter(pool.map(attempt, calls))


def test_two_hundred_members_on_a_stock_of_a_hundred(crowd: Merchant) -> None:
    """They redeem or hold, and of those who hold some confirm and some give up, while the budget counts along."""
    crowd.program()
    paying = budget(crowd, units_max=100)
    reward = offer(crowd, stock=100, budget_id=paying.id)
    buyers = [rich(crowd, 10) for _ in range(CLIENTS)]

    def client(number: int) -> object:
        member_id = buyers[number]
        if number % 2:
            return crowd.redeem(member_id, reward)
        held = hold(crowd, member_id, reward)
        return confirm(crowd, held.redemption_id) if number % 4 else cancel(crowd, held.redemption_id)

    first = all_at_once([partial(client, number) for number in range(CLIENTS)])
    # Who came while others held goes again: everybody who could not have one then can have what came back.
    poor = [member_id for member_id in buyers if crowd.balance(member_id).available == 10]
    second = all_at_once([partial(crowd.redeem, member_id, reward) for member_id in poor])

    assert set(first) <= {None, RewardOutOfStock}
    assert set(second) == {None, RewardOutOfStock} or set(second) == {RewardOutOfStock}
    assert stock_of(crowd, reward) == 0
    found = crowd.read(lambda session: budget_queries.budgets_by_ids(session, budget_ids=[paying.id]))[paying.id]
    assert (found.units.held, found.units.spent) == (0, 100)
    assert Counter(crowd.balance(member_id).available for member_id in buyers) == {0: 100, 10: 100}
    assert {crowd.balance(member_id).held for member_id in buyers} == {0}
    assert crowd.rows("SELECT count(*) AS n FROM redemptions WHERE status = 'confirmed'") == [{"n": 100}]
    assert crowd.verdict().faults == ()


def test_two_hundred_members_on_a_hundred_codes(crowd: Merchant) -> None:
    crowd.program()
    reward = offer(crowd, "book", kind=RewardKind.VIRTUAL)
    import_codes(crowd, reward, "\n".join(f"code-{number}" for number in range(100)))
    buyers = [rich(crowd, 10) for _ in range(CLIENTS)]

    def client(number: int) -> object:
        if number % 2:
            return crowd.redeem(buyers[number], reward)
        return confirm(crowd, hold(crowd, buyers[number], reward).redemption_id)

    results = all_at_once([partial(client, number) for number in range(CLIENTS)])

    assert results == {None: 100, RewardOutOfStock: 100}
    given = crowd.rows("SELECT code, redemption_id FROM reward_codes WHERE redemption_id IS NOT NULL")
    assert len({row["redemption_id"] for row in given}) == len(given) == 100
    assert stock_of(crowd, reward) == 0
