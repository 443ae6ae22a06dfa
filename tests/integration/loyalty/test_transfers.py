"""Points from member to member: within limits, exact to the lot, once for a key."""

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.loyalty.ledger import queries as ledger
from services.loyalty.ledger.domain.holdings import Balance
from services.loyalty.ledger.errors import InsufficientPoints
from services.loyalty.members import service as members
from services.loyalty.members.errors import MemberInactive
from services.loyalty.programs.domain import Expiry, ProgramDocument, Rolling, Span, TimeUnit, TransferPolicy
from services.loyalty.transfers.errors import (
    TransferError,
    TransferLimitReached,
    TransferOutOfRange,
    TransfersNotAllowed,
    TransferToSelf,
)
from tests.integration.loyalty.conftest import Dump
from tests.support.builders.merchant import NOW, Merchant
from tests.support.builders.points import accrue, ending, policies, program, transfer


def allowed(**limits: Any) -> Callable[[ProgramDocument], ProgramDocument]:
    return policies(transfers=TransferPolicy(is_allowed=True, **limits))


def test_given_points_keep_their_end(merchant: Merchant) -> None:
    program(merchant, allowed())
    sender, recipient = merchant.member(), merchant.member()
    accrue(merchant, sender, 20, validity=ending(merchant, days=9))
    accrue(merchant, sender, 50)

    given = transfer(merchant, sender, recipient, 30, message="For you")

    assert (given.points, given.balance) == (30, 40)
    assert merchant.balance(sender) == Balance(sender, "points", available=40, earned=70, transferred=-30)
    assert merchant.balance(recipient) == Balance(recipient, "points", available=30, transferred=30)
    lots = merchant.read(lambda session: ledger.lots(session, holder_id=recipient, limit=10))
    assert sorted((lot.amount, lot.expires_at) for lot in lots if lot.expires_at) == [(20, NOW + timedelta(days=9))]
    assert [lot.amount for lot in lots if lot.expires_at is None] == [10]
    assert merchant.verdict().faults == ()


def test_given_points_begin_anew_where_the_program_says_so(merchant: Merchant) -> None:
    def change(plain: ProgramDocument) -> ProgramDocument:
        yearly = Expiry(rolling=Rolling(Span(12, TimeUnit.MONTH)))
        unit = dataclasses.replace(plain.unit, expiry=yearly)
        return dataclasses.replace(allowed(keeps_expiry=False)(plain), units=(unit,))

    program(merchant, change)
    sender, recipient = merchant.member(), merchant.member()
    accrue(merchant, sender, 20, validity=ending(merchant, days=9))

    transfer(merchant, sender, recipient, 20)

    lots = merchant.read(lambda session: ledger.lots(session, holder_id=recipient, limit=10))
    assert [lot.expires_at for lot in lots] == [datetime(2027, 3, 2, 4, tzinfo=UTC)]


def test_the_same_key_gives_once(merchant: Merchant) -> None:
    program(merchant, allowed())
    sender, recipient = merchant.member(), merchant.member()
    accrue(merchant, sender, 50)
    again = {"idempotency_key": "gift", "request_hash": b"the same"}

    first = transfer(merchant, sender, recipient, 30, **again)

    assert transfer(merchant, sender, recipient, 30, **again) == dataclasses.replace(first, replayed=True)
    assert (merchant.balance(sender).available, merchant.balance(recipient).available) == (20, 30)


def test_a_day_is_that_of_the_program(merchant: Merchant) -> None:
    program(merchant, allowed(points_per_day_max=30))
    sender, recipient = merchant.member(), merchant.member()
    accrue(merchant, sender, 100)
    # The last minute of 2 March in Shanghai.
    merchant.now = datetime(2026, 3, 2, 15, 59, tzinfo=UTC)
    transfer(merchant, sender, recipient, 20)

    with pytest.raises(TransferLimitReached) as refused:
        transfer(merchant, sender, recipient, 11)
    assert refused.value.facts() == {"day_maximum": 30, "given_today": 20}
    transfer(merchant, sender, recipient, 10)
    merchant.now += timedelta(minutes=1)
    transfer(merchant, sender, recipient, 30)

    assert merchant.balance(recipient).available == 60


@pytest.mark.parametrize(
    ("points", "limits", "error"),
    [
        (10, {"is_allowed": False}, TransfersNotAllowed),
        (9, {"is_allowed": True, "points_min": 10}, TransferOutOfRange),
        (11, {"is_allowed": True, "points_max": 10}, TransferOutOfRange),
    ],
)
def test_limits(
    merchant: Merchant, dump: Dump, points: int, limits: dict[str, Any], error: type[TransferError]
) -> None:
    program(merchant, policies(transfers=TransferPolicy(**limits)))
    sender, recipient = merchant.member(), merchant.member()
    accrue(merchant, sender, 50)
    before = dump()

    with pytest.raises(error):
        transfer(merchant, sender, recipient, points)

    assert dump() == before


def test_who_cannot_give_or_get(merchant: Merchant, dump: Dump) -> None:
    program(merchant, allowed())
    sender, recipient = merchant.member(), merchant.member()
    accrue(merchant, sender, 50)
    merchant.do(lambda uow: members.deactivate_member(uow, member_id=recipient))
    before = dump()

    with pytest.raises(TransferToSelf):
        transfer(merchant, sender, sender, 1)
    with pytest.raises(MemberInactive) as refused:
        transfer(merchant, sender, recipient, 1)
    assert refused.value.member_id == recipient
    with pytest.raises(MemberInactive):
        transfer(merchant, recipient, sender, 1)
    assert dump() == before


def test_no_more_is_given_than_is_there(merchant: Merchant) -> None:
    program(merchant, allowed())
    sender, recipient = merchant.member(), merchant.member()
    accrue(merchant, sender, 5)

    with pytest.raises(InsufficientPoints):
        transfer(merchant, sender, recipient, 6)
