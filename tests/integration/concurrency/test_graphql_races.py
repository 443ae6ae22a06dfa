"""Many callers at once, through the gateway: nothing lost, nothing doubled, nobody refused for load, no deadlock."""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import Any, TypeVar

import psycopg
import pytest

from services.loyalty.ledger.queries import verify
from services.platform.clock import wall_now
from services.platform.db.engine import Database
from services.platform.db.homes import PLATFORM
from services.platform.db.session import read_session
from services.platform.tenancy.registry import tenant_by_slug
from tests.support.builders.documents import document, rule
from tests.support.graphql_client import GraphQLClient, fresh_key
from tests.support.story import Merchant, receipt, sign_up
from tests.support.tenants import DatabaseUrls

T = TypeVar("T")

LEDGER = """
query ($by: MemberReferenceInput!) { member(by: $by) {
  balances { available earned spent adjusted }
  ledger(first: 100) { edges { node { kind sequence points hash previousHash } } }
} }"""
# Backends tell what they counted when they end, at the latest.
CONNECTED = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'regulars_app'"
DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
LOCK = "UPDATE platform.tenants SET name = name WHERE slug = %s"
END_SECONDS_MAX = 10
KEYED = ("enrollMember", "recordPurchase", "refundPurchase", "redeemReward", "adjustPoints")


@dataclass(frozen=True, slots=True)
class Shop:
    """A merchant with a store and a member."""

    owner: Merchant
    store: str
    member: str

    def buy(self, amount: str, **given: Any) -> dict[str, Any]:
        return self.owner.attempt(
            "recordPurchase", "points balance replayed", **receipt(self.store, amount, member=self.member, **given)
        )

    def redeem(self, reward: str, *, member: str | None = None, **given: Any) -> dict[str, Any]:
        values = {"member": {"id": member or self.member}, "rewardId": reward, "idempotencyKey": fresh_key(), **given}
        return self.owner.attempt("redeemReward", "points balance replayed redemption { id }", **values)

    def give(self, points: int, *, member: str | None = None) -> None:
        self.owner.do(
            "adjustPoints",
            "balance",
            member={"id": member or self.member},
            points=points,
            reason="a gift",
            idempotencyKey=fresh_key(),
        )

    def reward(self, *, cost: int, stock: int | None = None) -> str:
        name = {"en": "Coffee", "zh": "咖啡"}
        made = self.owner.do(
            "createReward", "reward { id }", code=fresh_key(), kind="COUPON", name=name, costPoints=cost, stock=stock
        )
        return str(made["reward"]["id"])

    def available(self, member: str | None = None) -> int:
        found = self.owner.ask(LEDGER, by={"id": member or self.member})
        return int(found["balances"][0]["available"]) if found["balances"] else 0


@pytest.fixture
def shop(gateway: GraphQLClient) -> Shop:
    owner = sign_up(gateway, "races")
    store = owner.open_store()
    owner.publish(document())
    return Shop(owner, store, owner.enroll())


def race(calls: Sequence[Callable[[], T]]) -> list[T]:
    """Make all calls at the same moment, each from a thread of its own."""
    start = threading.Barrier(len(calls))

    def run(call: Callable[[], T]) -> T:
        start.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def kinds(outcomes: Sequence[dict[str, Any]]) -> Counter[str]:
    return Counter(outcome["__typename"] for outcome in outcomes)


def assert_sound(database: Database, urls: DatabaseUrls, slug: str = "races") -> None:
    """The whole ledger verifies, and no two transactions ever waited for each other in a circle."""
    with read_session(database, PLATFORM, now=wall_now()) as session:
        tenant = tenant_by_slug(session, slug)
    assert tenant is not None
    with read_session(database, tenant.home, now=wall_now()) as session:
        verdict = verify(session, progress=lambda *_: None)
    assert verdict.faults == ()
    database.pool.close()
    pause = threading.Event()
    with closing(psycopg.connect(urls.owner, autocommit=True)) as connection:
        for _ in range(END_SECONDS_MAX * 20):
            if connection.execute(CONNECTED).fetchone() == (0,):
                break
            pause.wait(0.05)
        assert connection.execute(DEADLOCKS).fetchone() == (0,)


def test_the_check_sees_a_deadlock(shop: Shop, database: Database, database_urls: DatabaseUrls) -> None:
    meeting = threading.Barrier(2)

    def lock(*slugs: str) -> None:
        with psycopg.connect(database_urls.owner) as connection:
            connection.execute(LOCK, [slugs[0]])
            meeting.wait()
            connection.execute(LOCK, [slugs[1]])

    with ThreadPoolExecutor(2) as pool:
        ends = [pool.submit(lock, "cafe", "bakery"), pool.submit(lock, "bakery", "cafe")]
    assert {type(end.exception()) for end in ends} == {type(None), psycopg.errors.DeadlockDetected}

    with pytest.raises(AssertionError):
        assert_sound(database, database_urls)


def test_fifty_purchases_and_redemptions_on_one_member(
    shop: Shop, database: Database, database_urls: DatabaseUrls
) -> None:
    shop.give(1_000)
    coffee = shop.reward(cost=30)

    def buyer(amount: int) -> Callable[[], dict[str, Any]]:
        return lambda: shop.buy(f"{amount}.00")

    outcomes = race([call for n in range(1, 26) for call in (buyer(n), lambda: shop.redeem(coffee))])

    assert kinds(outcomes) == {"RecordPurchasePayload": 25, "RedeemRewardPayload": 25}
    assert not any(outcome["replayed"] for outcome in outcomes)
    earned, spent = sum(range(1, 26)), 25 * 30
    member = shop.owner.ask(LEDGER, by={"id": shop.member})
    assert member["balances"] == [
        {"available": 1_000 + earned - spent, "earned": earned, "spent": spent, "adjusted": 1_000}
    ]
    entries = [edge["node"] for edge in member["ledger"]["edges"]]
    assert [entry["sequence"] for entry in entries] == list(range(51, 0, -1))
    assert [entry["previousHash"] for entry in entries[:-1]] == [entry["hash"] for entry in entries[1:]]
    # Each answer tells the balance after its own entry, so that together they tell the whole history.
    balance, history = 0, []
    for entry in reversed(entries):
        balance += entry["points"]
        history.append(balance)
    assert Counter(outcome["balance"] for outcome in outcomes) == Counter(history[1:])
    assert_sound(database, database_urls)


def test_eight_callers_race_for_a_cap_of_ten(shop: Shop, database: Database, database_urls: DatabaseUrls) -> None:
    shop.owner.publish(document(rules=[rule(cap=10)]))

    outcomes = race([lambda: shop.buy("3.00") for _ in range(8)])

    assert kinds(outcomes) == {"RecordPurchasePayload": 8}
    assert sorted(outcome["points"] for outcome in outcomes) == [0, 0, 0, 0, 1, 3, 3, 3]
    assert shop.available() == 10
    assert_sound(database, database_urls)


@pytest.mark.parametrize(
    "mutation", ["enrollMember", "recordPurchase", "refundPurchase", "redeemReward", "adjustPoints"]
)
def test_the_same_key_twenty_times(shop: Shop, database: Database, database_urls: DatabaseUrls, mutation: str) -> None:
    fields, given, other = _request(shop, mutation)
    before = shop.available()

    outcomes = race([lambda: shop.owner.do(mutation, fields, **given) for _ in range(20)])
    conflicts = race([lambda: shop.owner.refused(mutation, **{**given, **other}) for _ in range(20)])

    assert Counter(outcome.pop("replayed") for outcome in outcomes) == {False: 1, True: 19}
    assert all(outcome == outcomes[0] for outcome in outcomes)
    assert conflicts == ["IDEMPOTENCY_CONFLICT"] * 20
    effect = {"recordPurchase": 7, "refundPurchase": -5, "redeemReward": -4, "adjustPoints": 9}.get(mutation, 0)
    assert shop.available() == before + effect
    assert_sound(database, database_urls)


def _request(shop: Shop, mutation: str) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """The fields to compare, an input, and what makes it another input."""
    key = {"idempotencyKey": fresh_key()}
    member = {"member": {"id": shop.member}}
    match mutation:
        case "enrollMember":
            given = {"identities": [{"kind": "CARD", "value": fresh_key()}], "locale": "en"}
            return "replayed member { id identities { value } }", {**given, **key}, {"locale": "zh-CN"}
        case "recordPurchase":
            fields = "replayed points balance purchase { id points recordedAt }"
            return fields, receipt(shop.store, "7.00", member=shop.member), {"channel": "online"}
        case "refundPurchase":
            bought = shop.owner.do(
                "recordPurchase", "purchase { id }", **receipt(shop.store, "10.00", member=shop.member)
            )
            given = {"purchase": bought["purchase"], "source": "till", "externalId": fresh_key()}
            fields = "replayed points balance shortfall refund { id amount { amount } }"
            return fields, {**given, "refund": {"amount": "5.00"}, **key}, {"refund": {"amount": "4.00"}}
        case "redeemReward":
            shop.give(50)
            fields = "replayed points balance redemption { id occurredAt }"
            return fields, {"rewardId": shop.reward(cost=4), **member, **key}, {"expectedPoints": 4}
        case _:
            fields = "replayed points balance entry { id hash }"
            return fields, {"points": 9, "reason": "thanks", **member, **key}, {"points": 8}


def test_the_last_reward_has_one_winner(shop: Shop, database: Database, database_urls: DatabaseUrls) -> None:
    rivals = [shop.owner.enroll() for _ in range(12)]
    for rival in rivals:
        shop.give(10, member=rival)
    last = shop.reward(cost=4, stock=1)

    def taker(member: str) -> Callable[[], dict[str, Any]]:
        return lambda: shop.redeem(last, member=member)

    outcomes = race([taker(rival) for rival in rivals])

    assert kinds(outcomes) == {"RedeemRewardPayload": 1, "RewardOutOfStock": 11}
    assert shop.owner.ask("query ($id: ID!) { reward(id: $id) { stock } }", id=last) == {"stock": 0}
    assert sorted(shop.available(rival) for rival in rivals) == [6] + [10] * 11
    assert_sound(database, database_urls)


def test_points_are_spent_once(shop: Shop, database: Database, database_urls: DatabaseUrls) -> None:
    shop.give(10)
    coffee = shop.reward(cost=3)

    outcomes = race([lambda: shop.redeem(coffee) for _ in range(20)])

    assert kinds(outcomes) == {"RedeemRewardPayload": 3, "InsufficientPoints": 17}
    assert shop.available() == 1
    assert_sound(database, database_urls)
