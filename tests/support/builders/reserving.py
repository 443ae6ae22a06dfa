"""Points that partners reserve, by services."""

from datetime import timedelta
from uuid import UUID

from services.loyalty.holds import service as holds
from services.loyalty.holds.domain import CaptureHold, HoldPoints, ReleaseHold
from services.loyalty.ledger.domain.settling import EVERY_STEP
from services.loyalty.ledger.service import settle_holders
from tests.support.builders.merchant import Merchant


def hold(merchant: Merchant, member_id: UUID, points: int) -> UUID:
    """Reserve points for an hour."""
    command = HoldPoints(member_id, points, f"hold-{next(merchant.numbers)}", b"1", minutes=60)
    return merchant.do(lambda uow: holds.hold_points(uow, command=command)).hold_id


def release(merchant: Merchant, hold_id: UUID) -> None:
    command = ReleaseHold(hold_id, f"release-{next(merchant.numbers)}", b"1")
    merchant.do(lambda uow: holds.release_hold(uow, command=command))


def capture(merchant: Merchant, hold_id: UUID, points: int) -> None:
    """Spend points of a hold; the rest is released."""
    command = CaptureHold(hold_id, f"capture-{next(merchant.numbers)}", b"1", points=points)
    merchant.do(lambda uow: holds.capture_hold(uow, command=command))


def time_out(merchant: Merchant, member_id: UUID) -> None:
    """An hour goes by, and the night work comes."""
    merchant.now += timedelta(hours=1)
    merchant.do(lambda uow: settle_holders(uow, holder_ids=(member_id,), steps=EVERY_STEP))


def stands(merchant: Merchant, member_id: UUID) -> tuple[int, int, int]:
    """Available, held, owed."""
    balance = merchant.balance(member_id)
    return balance.available, balance.held, balance.owed
