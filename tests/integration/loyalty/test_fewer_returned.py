"""Fewer goods come back than a case asks for: only what was found is taken back, to the point."""

from decimal import Decimal
from typing import Any

import pytest

from services.loyalty.after_sales.domain import CaseKind, CaseStatus, Replacement
from services.loyalty.earning.domain import ReturnedLine
from services.loyalty.earning.errors import RefundLineUnknown, RefundQuantityExceedsLine
from services.loyalty.purchases.domain import BoughtLine
from services.loyalty.stores.domain import Store
from services.platform.errors import InvalidInput
from tests.integration.loyalty.conftest import Dump
from tests.support.builders.aftercare import complete, move, open_case, stored, wanted
from tests.support.builders.merchant import Merchant, lines

SOLD = (BoughtLine("shirt", Decimal(3), 6_000), BoughtLine("hat", Decimal(1), 4_000))
REFUNDS = "SELECT refunded_minor, points_taken_back FROM refunds"


def found(*quantities: tuple[int, str]) -> tuple[ReturnedLine, ...]:
    return tuple(ReturnedLine(position, Decimal(quantity)) for position, quantity in quantities)


def approved(merchant: Merchant, store: Store, kind: CaseKind = CaseKind.RETURN) -> tuple[Any, Any]:
    """A member has three shirts and a hat, 100 points, and wants to bring two shirts and the hat back."""
    merchant.program()
    member_id = merchant.member()
    bought = merchant.record(merchant.purchase_command(store, member_id, lines=SOLD))
    case_id = open_case(merchant, kind, bought.purchase_id, lines=wanted((1, "2"), (2, "1")))
    move(merchant, case_id, CaseStatus.APPROVED)
    return member_id, case_id


@pytest.mark.parametrize(
    ("returned", "refunded", "points"),
    [
        (None, 8_000, 80),
        (found((1, "2"), (2, "1")), 8_000, 80),
        (found((1, "1"), (2, "1")), 6_000, 60),
        (found((1, "1")), 2_000, 20),
        (found((1, "0.5")), 1_000, 10),
        (found((2, "1")), 4_000, 40),
    ],
)
def test_only_what_was_found_comes_back(
    merchant: Merchant, store: Store, returned: tuple[ReturnedLine, ...] | None, refunded: int, points: int
) -> None:
    member_id, case_id = approved(merchant, store)

    complete(merchant, case_id, returned=returned)

    case = stored(merchant, case_id)
    assert case.effect is not None
    assert (case.status, case.effect.points_taken_back, case.effect.balance) == (
        CaseStatus.COMPLETED,
        points,
        100 - points,
    )
    assert merchant.rows(REFUNDS) == [{"refunded_minor": refunded, "points_taken_back": points}]
    assert merchant.balance(member_id).available == 100 - points
    # What was wanted stays as it was told.
    assert [(line.position, line.quantity) for line in case.lines] == [(1, Decimal(2)), (2, Decimal(1))]
    assert merchant.verdict().faults == ()


def test_what_was_not_found_can_be_brought_later(merchant: Merchant, store: Store) -> None:
    member_id, case_id = approved(merchant, store)
    complete(merchant, case_id, returned=found((1, "1")))
    purchase_id = stored(merchant, case_id).purchase_id
    later = open_case(merchant, CaseKind.RETURN, purchase_id, lines=wanted((1, "1"), (2, "1")))
    move(merchant, later, CaseStatus.APPROVED)

    complete(merchant, later)

    assert merchant.balance(member_id).available == 20
    assert [row["refunded_minor"] for row in merchant.rows(f"{REFUNDS} ORDER BY id")] == [2_000, 6_000]


def test_only_what_was_found_is_exchanged(merchant: Merchant, store: Store) -> None:
    member_id, case_id = approved(merchant, store, CaseKind.EXCHANGE)
    sale = Replacement("till", "new-1", store.id, lines(3_000))

    complete(merchant, case_id, returned=found((2, "1")), replacement=sale)

    effect = stored(merchant, case_id).effect
    assert effect is not None
    assert (effect.points_taken_back, effect.points_earned, effect.balance) == (40, 30, 90)
    assert merchant.balance(member_id).available == 90


@pytest.mark.parametrize(
    ("returned", "error"),
    [
        ((), InvalidInput),
        (found((1, "0")), InvalidInput),
        (found((1, "-1")), InvalidInput),
        (found((1, "1"), (1, "1")), InvalidInput),
        (found((1, "3")), RefundQuantityExceedsLine),
        (found((3, "1")), RefundLineUnknown),
    ],
)
def test_what_cannot_have_been_found_is_refused(
    merchant: Merchant, store: Store, dump: Dump, returned: tuple[ReturnedLine, ...], error: type[Exception]
) -> None:
    _, case_id = approved(merchant, store)
    before = dump()

    with pytest.raises(error):
        complete(merchant, case_id, returned=returned)

    assert dump() == before


def test_of_a_repair_nothing_is_returned(merchant: Merchant, store: Store) -> None:
    _, case_id = approved(merchant, store, CaseKind.REPAIR)

    with pytest.raises(InvalidInput) as refused:
        complete(merchant, case_id, returned=found((1, "1")))

    assert (refused.value.field, refused.value.reason) == ("returned", "NOT_ALLOWED")
