"""Two hundred clients at once over the API, on a stock and on a budget of a hundred: exactly a hundred get one.

Some only reserve and give up, so that others are refused for the moment; those come again. In the end nobody has been
in the way of anybody: no hold is left, and no two transactions have waited for each other in a circle.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from services.platform.db.engine import Database
from tests.integration.concurrency.test_graphql_races import assert_sound, kinds, race
from tests.support.builders.documents import document
from tests.support.graphql_client import GraphQLClient, fresh_key
from tests.support.story import Merchant, sign_up
from tests.support.tenants import DatabaseUrls

CLIENTS, PIECES = 200, 100
AT_A_TIME = 8
PAGE = """query ($after: String) { members(first: 100, after: $after) {
  edges { node { balances { available held spent } redemptions { edges { node { status } } } } }
  pageInfo { endCursor hasNextPage } } }"""
BUDGET = """query ($id: ID!) { budget(id: $id) {
  inUnits { maximum reserved spent room } inPoints { reserved spent } inMoney { reserved { amount } spent { amount } }
} }"""
QUOTE = """query ($input: QuoteCartInput!) { quoteCart(input: $input) { __typename
  ... on QuoteCartPayload { token total { amount } } ... on Error { code } } }"""

Outcome = dict[str, Any]


def test_two_hundred_clients_on_a_stock_of_a_hundred(
    gateway: GraphQLClient, database: Database, database_urls: DatabaseUrls
) -> None:
    """Redeemed at once, or held and then confirmed or canceled; its budget counts along."""
    owner = sign_up(gateway, "races")
    owner.publish(document())
    budget = _budget(owner, unitsMax=PIECES)
    name = {"en": "Mug", "zh": "马克杯"}
    terms = {"budgetId": budget}
    made = owner.do(
        "createReward", "reward { id }", code="mug", kind="COUPON", name=name, costPoints=4, stock=PIECES, terms=terms
    )
    mug = made["reward"]["id"]
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        members = list(pool.map(lambda _: _rich(owner, 10), range(CLIENTS)))

    def redeem(number: int) -> Outcome:
        return owner.attempt("redeemReward", "points", **_taking(members[number], mug))

    def client(number: int) -> Outcome:
        if number % 4 in {1, 3}:
            return redeem(number)
        held = owner.attempt("holdReward", "redemption { id }", **_taking(members[number], mug))
        if held["__typename"] != "HoldRewardPayload":
            return held
        naming = {"redemptionId": held["redemption"]["id"], "idempotencyKey": fresh_key()}
        if number % 4 == 0:
            return owner.attempt("confirmRedemption", "balance", **naming)
        return owner.attempt("cancelRedemption", "balance", reason="CHANGED_MIND", **naming)

    first = _crowd(client, range(CLIENTS))
    had = {number for number, outcome in first.items() if outcome["__typename"] in HAD}
    second = _crowd(redeem, [number for number in range(CLIENTS) if number not in had])

    refused = {"RewardOutOfStock", "BudgetExhausted"}
    assert set(kinds([*first.values()])) <= {*HAD, "CancelRedemptionPayload", *refused}
    assert set(kinds([*second.values()])) <= {"RedeemRewardPayload", *refused}
    assert len(had) + kinds([*second.values()])["RedeemRewardPayload"] == PIECES
    assert owner.ask("query ($id: ID!) { reward(id: $id) { stock } }", id=mug) == {"stock": 0}
    seen = owner.ask(BUDGET, id=budget)
    assert seen["inUnits"] == {"maximum": PIECES, "reserved": 0, "spent": PIECES, "room": 0}
    assert seen["inPoints"] == {"reserved": 0, "spent": 4 * PIECES}
    found = _members(owner)
    assert Counter((one["available"], one["held"], one["spent"]) for one in found["balances"]) == {
        (6, 0, 4): PIECES,
        (10, 0, 0): CLIENTS - PIECES,
    }
    assert found["statuses"]["CONFIRMED"] == PIECES
    assert set(found["statuses"]) <= {"CONFIRMED", "CANCELED"}
    assert_sound(database, database_urls)


def test_two_hundred_carts_on_a_budget_of_a_hundred(
    gateway: GraphQLClient, database: Database, database_urls: DatabaseUrls
) -> None:
    """Committed at once, or reserved and then committed or canceled; each takes 5.00 by the code that all know."""
    owner = sign_up(gateway, "races")
    store = owner.open_store()
    owner.publish(document())
    budget = _budget(owner, unitsMax=PIECES, moneyMax="500.00", currency="CNY")
    terms = {
        "name": {"en": "5 off", "zh": "减5"},
        "currency": "CNY",
        "benefit": {"kind": "AMOUNT", "amount": "5.00"},
        "budgetId": budget,
    }
    coupons = owner.do(
        "createCouponDefinition", "couponDefinition { id }", code="five", sharedCode="FIVE", usesMax=150, terms=terms
    )
    asked = {
        "storeId": store,
        "currency": "CNY",
        "lines": [{"sku": "tea", "quantity": "1", "amount": "20.00"}],
        "coupons": {"codes": ["five"]},
    }

    def commit(token: str) -> Outcome:
        sale = {"source": "till", "externalId": fresh_key(), "idempotencyKey": fresh_key()}
        return owner.attempt("commitCart", "total { amount }", token=token, **sale)

    def client(number: int) -> Outcome:
        quoted: Outcome = owner.ask(QUOTE, input=asked)
        # A quote holds nothing and promises no budget: who comes too late hears it when it counts.
        assert (quoted["__typename"], quoted.get("total")) == ("QuoteCartPayload", {"amount": "15.00"})
        if number % 4 in {1, 3}:
            return commit(quoted["token"])
        reserved = owner.attempt("reserveCart", "pointsHeld", token=quoted["token"], idempotencyKey=fresh_key())
        if reserved["__typename"] != "ReserveCartPayload":
            return reserved
        if number % 4 == 0:
            return commit(quoted["token"])
        return owner.attempt("cancelCart", "pointsReleased", token=quoted["token"], idempotencyKey=fresh_key())

    first = _crowd(client, range(CLIENTS))
    had = {number for number, outcome in first.items() if outcome["__typename"] == "CommitCartPayload"}
    second = _crowd(lambda _: client(1), [number for number in range(CLIENTS) if number not in had])

    done = [*first.values(), *second.values()]
    sold = [outcome for outcome in done if outcome["__typename"] == "CommitCartPayload"]
    assert set(kinds(done)) <= {"CommitCartPayload", "CancelCartPayload", "BudgetExhausted"}
    assert [outcome["total"] for outcome in sold] == [{"amount": "15.00"}] * PIECES
    seen = owner.ask(BUDGET, id=budget)
    assert seen["inUnits"] == {"maximum": PIECES, "reserved": 0, "spent": PIECES, "room": 0}
    assert seen["inMoney"] == {"reserved": {"amount": "0.00"}, "spent": {"amount": "500.00"}}
    kind = owner.ask(
        "query ($id: ID!) { couponDefinition(id: $id) { usesHeld usesSpent } }", id=coupons["couponDefinition"]["id"]
    )
    assert kind == {"usesHeld": 0, "usesSpent": PIECES}
    assert_sound(database, database_urls)


HAD = {"RedeemRewardPayload", "ConfirmRedemptionPayload"}
"""The member has the reward."""


def _crowd(client: Callable[[int], Outcome], numbers: Sequence[int]) -> dict[int, Outcome]:
    """All at the same moment, each from a thread of its own."""

    def calling(number: int) -> Callable[[], Outcome]:
        return lambda: client(number)

    return dict(zip(numbers, race([calling(number) for number in numbers]), strict=True))


def _budget(owner: Merchant, **maxima: Any) -> str:
    name = {"en": "Spring", "zh": "春季"}
    return str(owner.do("createBudget", "budget { id }", code="spring", name=name, **maxima)["budget"]["id"])


def _rich(owner: Merchant, points: int) -> str:
    member = owner.enroll()
    given = {"member": {"id": member}, "points": points, "reason": "a gift", "idempotencyKey": fresh_key()}
    owner.do("adjustPoints", "balance", **given)
    return member


def _taking(member: str, reward: str) -> dict[str, Any]:
    return {"member": {"id": member}, "rewardId": reward, "idempotencyKey": fresh_key()}


def _members(owner: Merchant) -> dict[str, Any]:
    """The balances of all members, and in how many of their redemptions which status is."""
    balances: list[dict[str, int]] = []
    statuses: Counter[str] = Counter()
    after, is_over = None, False
    while not is_over:
        page = owner.ask(PAGE, after=after)
        for edge in page["edges"]:
            balances += edge["node"]["balances"]
            statuses.update(one["node"]["status"] for one in edge["node"]["redemptions"]["edges"])
        after, is_over = page["pageInfo"]["endCursor"], not page["pageInfo"]["hasNextPage"]
    return {"balances": balances, "statuses": statuses}
