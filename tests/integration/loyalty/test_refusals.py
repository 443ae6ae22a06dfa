"""Every refusal names its facts and changes nothing."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from services.loyalty.earning.domain import AmountRefund, FullRefund, LineRefund, ReturnedLine
from services.loyalty.earning.errors import (
    CurrencyNotAccepted,
    DiscountExceedsOrder,
    NothingLeftToRefund,
    RefundExceedsPurchase,
    RefundLineUnknown,
    RefundQuantityExceedsLine,
)
from services.loyalty.ledger.errors import BalanceTooLarge, InsufficientPoints
from services.loyalty.members import service as members
from services.loyalty.members.domain import Identity, IdentityKind
from services.loyalty.members.errors import IdentityInvalid, MemberInactive, MemberNotFound
from services.loyalty.programs.errors import ProgramNotPublished
from services.loyalty.purchases.domain import BoughtLine, PurchaseRef
from services.loyalty.purchases.errors import (
    OccurredInFuture,
    OccurredTooLongAgo,
    PurchaseConflict,
    PurchaseNotFound,
    RefundByAnotherMember,
    RefundConflict,
)
from services.loyalty.redemptions.errors import RewardPriceChanged
from services.loyalty.rewards import service as rewards
from services.loyalty.rewards.errors import RewardArchived, RewardNotFound, RewardOutOfStock
from services.loyalty.stores import service as stores
from services.loyalty.stores.domain import Store
from services.loyalty.stores.errors import StoreClosed, StoreCurrencyMismatch, StoreNotFound
from services.loyalty.tiers.errors import QualifyingSumTooLarge
from services.platform.errors import DomainError, InvalidInput
from services.platform.idempotency.errors import IdempotencyConflict, IdempotencyKeyInvalid
from services.platform.ids import new_id
from services.platform.money import AMOUNT_MAX
from tests.integration.loyalty.conftest import Dump
from tests.support.builders.documents import document, rule
from tests.support.builders.merchant import NOW, Merchant, lines

FIVE_MINUTES = timedelta(minutes=5)


def refused(work: Callable[[], Any], dump: Dump, error: type[DomainError], **facts: Any) -> None:
    """``work`` raises ``error`` with these facts among others, and leaves every table as it was."""
    before = dump()

    with pytest.raises(error) as caught:
        work()

    assert {name: value for name, value in caught.value.facts().items() if name in facts} == facts
    assert dump() == before


def line(**changes: Any) -> tuple[BoughtLine, ...]:
    values: dict[str, Any] = {"sku": "tea", "quantity": Decimal(1), "amount_minor": 100}
    return (BoughtLine(**(values | changes)),)


@pytest.mark.parametrize(
    ("changes", "field", "reason"),
    [
        ({"lines": ()}, "lines", "COUNT_OUT_OF_RANGE"),
        ({"lines": lines(*[1] * 501)}, "lines", "COUNT_OUT_OF_RANGE"),
        ({"lines": line(sku="  ")}, "lines.0.sku", "BLANK"),
        ({"lines": line(sku="a\x00b")}, "lines.0.sku", "FORBIDDEN_CHARACTER"),
        ({"lines": line(name="x" * 201)}, "lines.0.name", "TOO_LONG"),
        ({"lines": line(category=("a",) * 9)}, "lines.0.category", "COUNT_OUT_OF_RANGE"),
        ({"lines": line(quantity=Decimal("1.00001"))}, "lines.0.quantity", "TOO_MANY_DECIMALS"),
        ({"lines": line(quantity=Decimal(1_000_000_001))}, "lines.0.quantity", "QUANTITY_TOO_LARGE"),
        ({"lines": line(quantity=Decimal("NaN"))}, "lines.0.quantity", "QUANTITY_TOO_LARGE"),
        ({"lines": line(amount_minor=AMOUNT_MAX + 1)}, "lines.0.amount", "AMOUNT_TOO_LARGE"),
        ({"lines": lines(AMOUNT_MAX, 1)}, "lines", "AMOUNT_TOO_LARGE"),
        ({"lines": line(discount_minor=101)}, "lines.0.discount", "OUT_OF_RANGE"),
        ({"lines": line(amount_minor=-100, discount_minor=1)}, "lines.0.discount", "OUT_OF_RANGE"),
        ({"discount_minor": -1}, "discount", "NEGATIVE"),
        ({"external_id": "a\nb"}, "externalId", "FORBIDDEN_CHARACTER"),
        ({"source": ""}, "source", "BLANK"),
        ({"currency": "XYZ"}, "currency", "UNKNOWN_CURRENCY"),
    ],
)
def test_receipts_that_nobody_can_have(
    merchant: Merchant, store: Store, dump: Dump, changes: dict[str, Any], field: str, reason: str
) -> None:
    merchant.program()
    member_id = merchant.member()

    refused(lambda: merchant.buy(store, member_id, 100, **changes), dump, InvalidInput, field=field, reason=reason)


def test_purchases_that_cannot_have_happened(merchant: Merchant, store: Store, dump: Dump) -> None:
    merchant.program(document(backdating_days=7, foreign_currency="refuse"))
    member_id = merchant.member()
    unknown = new_id()
    euro = merchant.store("berlin", currency="EUR", timezone="Europe/Berlin")
    closed = merchant.store("closed")
    merchant.do(lambda uow: stores.close_store(uow, store_id=closed.id))

    def buy(at: Store = store, by: Any = member_id, **changes: Any) -> Callable[[], Any]:
        return lambda: merchant.buy(at, by, 100, **changes)

    late, early = NOW - timedelta(days=7, microseconds=1), NOW + FIVE_MINUTES + timedelta(microseconds=1)
    refused(buy(occurred_at=early), dump, OccurredInFuture, latest=NOW + FIVE_MINUTES)
    refused(buy(occurred_at=late), dump, OccurredTooLongAgo, earliest=NOW - timedelta(days=7))
    refused(buy(store_id=unknown), dump, StoreNotFound, store_id=unknown)
    refused(buy(at=closed), dump, StoreClosed, store_id=closed.id)
    refused(buy(currency="USD"), dump, StoreCurrencyMismatch, expected="CNY", given="USD")
    refused(buy(at=euro), dump, CurrencyNotAccepted, accepted="CNY", given="EUR")
    refused(buy(by=unknown), dump, MemberNotFound, member_id=unknown)
    refused(buy(by=Identity(IdentityKind.EMAIL, "no@body.org")), dump, MemberNotFound)
    refused(buy(by=Identity(IdentityKind.PHONE, "123")), dump, IdentityInvalid, kind="phone")
    refused(buy(discount_minor=101), dump, DiscountExceedsOrder, available_minor=100)
    refused(buy(idempotency_key=""), dump, IdempotencyKeyInvalid)


def test_what_is_already_known_under_a_key_or_a_number(merchant: Merchant, store: Store, dump: Dump) -> None:
    merchant.program()
    member_id = merchant.member()
    command = merchant.purchase_command(store, member_id, 100)
    recorded = merchant.record(command)

    same_key = {"idempotency_key": command.idempotency_key, "request_hash": bytes(32)}
    same_number = {"external_id": command.external_id}
    refused(
        lambda: merchant.buy(store, member_id, 100, **same_key), dump, IdempotencyConflict, key=command.idempotency_key
    )
    refused(
        lambda: merchant.buy(store, member_id, 200, **same_number),
        dump,
        PurchaseConflict,
        external_id=command.external_id,
        purchase_id=recorded.purchase_id,
    )
    refused(lambda: merchant.buy(store, None, 100, **same_number), dump, PurchaseConflict)


def test_amounts_that_no_account_can_hold(merchant: Merchant, store: Store, dump: Dump) -> None:
    merchant.program(document(rules=[rule(per=1)], metric="spend"))
    member_id, spender = merchant.member(), merchant.member()
    merchant.buy(store, member_id, AMOUNT_MAX)
    merchant.program(document(rules=[rule(per=AMOUNT_MAX)], metric="spend"))
    merchant.buy(store, spender, AMOUNT_MAX)

    refused(lambda: merchant.adjust(member_id, 1), dump, BalanceTooLarge, maximum=AMOUNT_MAX)
    refused(lambda: merchant.buy(store, spender, 1), dump, QualifyingSumTooLarge)


def test_refunds_of_what_was_not_bought(merchant: Merchant, store: Store, dump: Dump) -> None:
    merchant.program()
    member_id, stranger = merchant.member(), merchant.member()
    bought = merchant.buy(store, member_id, 1_000, 500)
    guest = merchant.buy(store, None, 1_000)
    unknown = new_id()

    def refund(request: Any, purchase: Any = bought.purchase_id, **changes: Any) -> Callable[[], Any]:
        return lambda: merchant.refund(purchase, request, **changes)

    two = LineRefund((ReturnedLine(1, Decimal(2)),))
    refused(refund(FullRefund(), unknown), dump, PurchaseNotFound, purchase_id=unknown)
    refused(refund(FullRefund(), PurchaseRef("till", "none")), dump, PurchaseNotFound, external_id="none")
    refused(refund(AmountRefund(1_501)), dump, RefundExceedsPurchase, refundable_minor=1_500, requested_minor=1_501)
    refused(refund(AmountRefund(0)), dump, InvalidInput, field="amount")
    refused(refund(two), dump, RefundQuantityExceedsLine, position=1, returnable=Decimal(1))
    refused(refund(LineRefund((ReturnedLine(3, Decimal(1)),))), dump, RefundLineUnknown, position=3)
    refused(refund(FullRefund(), member=stranger), dump, RefundByAnotherMember, purchase_id=bought.purchase_id)
    refused(refund(FullRefund(), guest.purchase_id, member=stranger), dump, RefundByAnotherMember)
    refused(refund(FullRefund(), occurred_at=NOW + timedelta(hours=1)), dump, OccurredInFuture)
    refused(refund(FullRefund(), occurred_at=NOW - timedelta(hours=1)), dump, OccurredTooLongAgo)
    done = merchant.refund(bought.purchase_id, external_id="refund-a")
    refused(refund(FullRefund()), dump, NothingLeftToRefund)
    refused(
        refund(AmountRefund(1), external_id="refund-a"),
        dump,
        RefundConflict,
        external_id="refund-a",
        refund_id=done.refund_id,
    )


def test_rewards_that_cannot_be_had(merchant: Merchant, store: Store, dump: Dump) -> None:
    member_id, poor, idle = merchant.member(), merchant.member(), merchant.member()
    coffee, gone, old = merchant.reward(), merchant.reward("gone", stock=0), merchant.reward("old")
    merchant.do(lambda uow: rewards.archive_reward(uow, reward_id=old.id))
    refused(lambda: merchant.redeem(member_id, coffee), dump, ProgramNotPublished)
    merchant.program()
    merchant.buy(store, member_id, 1_000)
    merchant.adjust(idle, 100)
    merchant.do(lambda uow: members.deactivate_member(uow, member_id=idle))

    refused(lambda: merchant.redeem(poor, coffee), dump, InsufficientPoints, needed=10, available=0)
    refused(lambda: merchant.redeem(idle, coffee), dump, MemberInactive, member_id=idle)
    refused(lambda: merchant.redeem(new_id(), coffee), dump, MemberNotFound)
    refused(lambda: merchant.redeem(member_id, gone), dump, RewardOutOfStock, reward_id=gone.id)
    refused(lambda: merchant.redeem(member_id, old), dump, RewardArchived, reward_id=old.id)
    refused(lambda: merchant.redeem(member_id, coffee, reward_id=new_id()), dump, RewardNotFound)
    refused(
        lambda: merchant.redeem(member_id, coffee, expected_points=9), dump, RewardPriceChanged, expected=9, actual=10
    )
    refused(lambda: merchant.redeem(member_id, coffee, store_id=new_id()), dump, StoreNotFound)
    merchant.do(lambda uow: stores.close_store(uow, store_id=store.id))
    refused(lambda: merchant.redeem(member_id, coffee, store_id=store.id), dump, StoreClosed, store_id=store.id)


def test_adjustments_without_points_or_reason(merchant: Merchant, dump: Dump) -> None:
    member_id = merchant.member()
    refused(lambda: merchant.adjust(member_id, 5), dump, ProgramNotPublished)
    merchant.program()

    refused(lambda: merchant.adjust(member_id, 0), dump, InvalidInput, field="points", reason="ZERO")
    refused(lambda: merchant.adjust(member_id, AMOUNT_MAX + 1), dump, InvalidInput, reason="OUT_OF_RANGE")
    refused(lambda: merchant.adjust(member_id, 5, reason=" "), dump, InvalidInput, field="reason", reason="BLANK")
    refused(lambda: merchant.adjust(member_id, -1), dump, InsufficientPoints, needed=1, available=0)
    refused(lambda: merchant.adjust(new_id(), 5), dump, MemberNotFound)
