"""Real connections and threads: nothing lost, nothing doubled, nobody refused for load, no deadlock."""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest

from services.loyalty.earning.domain import AmountRefund
from services.loyalty.members import service as members
from services.loyalty.members.domain import EnrollMember, Identity, IdentityKind
from services.loyalty.members.errors import IdentityTaken
from services.loyalty.purchases import service as purchases
from services.loyalty.purchases.domain import RecordPurchase, RefundPurchase
from services.loyalty.purchases.errors import PurchaseConflict
from services.loyalty.redemptions import service as redemptions
from services.loyalty.redemptions.domain import RedeemReward
from services.loyalty.rewards.errors import RewardOutOfStock
from services.loyalty.stores.domain import Store
from services.platform.errors import DomainError
from tests.support.builders.documents import document, rule
from tests.support.builders.merchant import Merchant
from tests.support.tenants import POOL_SIZE

_ResultT = TypeVar("_ResultT")


def race(calls: Sequence[Callable[[], _ResultT]]) -> list[_ResultT | DomainError]:
    """Run calls at once, no more than there are connections; refusals are results, anything else is raised."""
    start = threading.Barrier(min(len(calls), POOL_SIZE))

    def run(index: int) -> _ResultT | DomainError:
        if index < start.parties:
            start.wait()
        try:
            return calls[index]()
        except DomainError as error:
            return error

    with ThreadPoolExecutor(POOL_SIZE) as pool:
        return list(pool.map(run, range(len(calls))))


def test_fifty_writers_on_one_member(merchant: Merchant, store: Store) -> None:
    merchant.program()
    member_id = merchant.member()
    merchant.adjust(member_id, 1_000)
    coffee = merchant.reward(cost=30)
    buys = [merchant.purchase_command(store, member_id, 100 * amount) for amount in range(1, 26)]
    redeems = [merchant.redeem_command(member_id, coffee) for _ in range(25)]
    calls: list[Callable[[], object]] = []
    for buy, redeem in zip(buys, redeems, strict=True):
        calls += [_recording(merchant, buy), _redeeming(merchant, redeem)]

    results = race(calls)

    assert [result for result in results if isinstance(result, DomainError)] == []
    balance = merchant.balance(member_id)
    assert (balance.available, balance.earned, balance.spent) == (1_000 + 325 - 750, 325, 750)
    assert merchant.rows("SELECT count(*) AS entries, max(seq) AS seq FROM ledger_entries") == [
        {"entries": 51, "seq": 51}
    ]
    assert merchant.verdict().faults == ()


def test_a_cap_of_ten_raced_by_eight_gives_ten(merchant: Merchant, store: Store) -> None:
    merchant.program(document(rules=[rule(cap=10)]))
    member_id = merchant.member()
    commands = [merchant.purchase_command(store, member_id, 1_000) for _ in range(8)]

    results = race([_recording(merchant, command) for command in commands])

    assert Counter(getattr(result, "points", None) for result in results) == {0: 7, 10: 1}
    assert merchant.balance(member_id).available == 10
    assert merchant.rows("SELECT used FROM cap_uses") == [{"used": 10}]


def test_one_key_raced_by_twenty_has_one_effect(merchant: Merchant, store: Store) -> None:
    merchant.program()
    member_id = merchant.member()
    command = merchant.purchase_command(store, member_id, 1_000)

    results = race([_recording(merchant, command)] * 20)

    assert Counter(getattr(result, "replayed", None) for result in results) == {True: 19, False: 1}
    assert len({getattr(result, "purchase_id", None) for result in results}) == 1
    assert merchant.balance(member_id).available == 10
    assert merchant.rows("SELECT count(*) AS facts FROM usage_facts WHERE meter = 'purchases'") == [{"facts": 1}]


@pytest.mark.parametrize("is_guest", [False, True])
def test_one_receipt_raced_under_many_keys_is_one_purchase(merchant: Merchant, store: Store, *, is_guest: bool) -> None:
    merchant.program()
    member = None if is_guest else Identity(IdentityKind.CARD, "4711")
    merchant.member(Identity(IdentityKind.CARD, "4711"))
    commands = [merchant.purchase_command(store, member, 1_000, external_id="one") for _ in range(16)]

    results = race([_recording(merchant, command) for command in commands])

    assert Counter(getattr(result, "replayed", None) for result in results) == {True: 15, False: 1}
    assert merchant.rows("SELECT count(*) AS purchases FROM purchases") == [{"purchases": 1}]
    assert merchant.rows("SELECT count(*) AS keys FROM idempotency_keys WHERE operation = 'recordPurchase'") == [
        {"keys": 16}
    ]
    assert merchant.verdict().faults == ()


def test_one_number_raced_with_other_content_is_a_conflict(merchant: Merchant, store: Store) -> None:
    merchant.program()
    buyers = [merchant.member() for _ in range(8)]
    commands = [merchant.purchase_command(store, buyer, 1_000, external_id="one") for buyer in buyers]

    results = race([_recording(merchant, command) for command in commands])

    assert Counter(type(result) for result in results)[PurchaseConflict] == 7
    assert merchant.rows("SELECT count(*) AS purchases FROM purchases") == [{"purchases": 1}]
    assert merchant.rows("SELECT count(*) AS entries FROM ledger_entries") == [{"entries": 1}]
    assert merchant.rows("SELECT count(*) AS keys FROM idempotency_keys WHERE operation = 'recordPurchase'") == [
        {"keys": 1}
    ]


def test_the_last_one_in_stock_has_one_winner(merchant: Merchant) -> None:
    merchant.program()
    buyers = [merchant.member() for _ in range(8)]
    for buyer in buyers:
        merchant.adjust(buyer, 10)
    last = merchant.reward(cost=10, stock=1)
    commands = [merchant.redeem_command(buyer, last) for buyer in buyers]

    results = race([_redeeming(merchant, command) for command in commands])

    assert Counter(type(result) for result in results)[RewardOutOfStock] == 7
    assert sorted(merchant.balance(buyer).available for buyer in buyers) == [0] + [10] * 7
    assert merchant.rows("SELECT stock FROM rewards") == [{"stock": 0}]
    assert merchant.verdict().faults == ()


def test_refunds_redemptions_and_purchases_over_two_members(merchant: Merchant, store: Store) -> None:
    merchant.program()
    pair = [merchant.member(), merchant.member()]
    coffee = merchant.reward(cost=5, stock=1_000)
    bought = [(member_id, merchant.buy(store, member_id, 2_000)) for member_id in pair * 8]
    calls: list[Callable[[], object]] = []
    for member_id, purchase in bought:
        refund = merchant.refund_command(purchase.purchase_id, AmountRefund(500))
        calls += [
            _refunding(merchant, refund),
            _refunding(merchant, merchant.refund_command(purchase.purchase_id, AmountRefund(500))),
            _redeeming(merchant, merchant.redeem_command(member_id, coffee)),
            _recording(merchant, merchant.purchase_command(store, member_id, 300)),
        ]

    results = race(calls)

    assert [result for result in results if isinstance(result, DomainError)] == []
    for member_id in pair:
        balance = merchant.balance(member_id)
        assert (balance.available, balance.earned, balance.spent, balance.reversed) == (64, 184, 40, 80)
    assert merchant.verdict().faults == ()


def test_one_identity_raced_for_belongs_to_one(merchant: Merchant) -> None:
    commands = [
        EnrollMember(
            identities=tuple(Identity(IdentityKind.CARD, card) for card in cards),
            locale="en",
            idempotency_key=f"raced-{index}",
            request_hash=b"",
        )
        for index, cards in enumerate([("a", "b"), ("b", "a")] * 4)
    ]

    results = race([_enrolling(merchant, command) for command in commands])

    assert Counter(type(result) for result in results)[IdentityTaken] == 7
    assert merchant.rows("SELECT count(*) AS members FROM members") == [{"members": 1}]


def _recording(merchant: Merchant, command: RecordPurchase) -> Callable[[], object]:
    return lambda: merchant.record(command)


def _refunding(merchant: Merchant, command: RefundPurchase) -> Callable[[], object]:
    return lambda: merchant.do(lambda uow: purchases.refund_purchase(uow, command=command))


def _redeeming(merchant: Merchant, command: RedeemReward) -> Callable[[], object]:
    return lambda: merchant.do(lambda uow: redemptions.redeem_reward(uow, command=command))


def _enrolling(merchant: Merchant, command: EnrollMember) -> Callable[[], object]:
    return lambda: merchant.do(lambda uow: members.enroll_member(uow, command=command))
