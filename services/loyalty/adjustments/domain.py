"""Points that staff give or take, for a reason."""

from dataclasses import dataclass
from uuid import UUID

from services.loyalty.members.domain import MemberRef
from services.platform.errors import InvalidInput
from services.platform.money import AMOUNT_MAX


@dataclass(frozen=True, slots=True)
class AdjustPoints:
    """Give (above zero) or take (below zero) ``points`` in the unit's smallest part."""

    member: MemberRef
    points: int
    reason: str
    idempotency_key: str
    request_hash: bytes
    store_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class AdjustedPoints:
    """The answer to `AdjustPoints`. ``balance`` is what the member could spend after it."""

    entry_id: UUID
    member_id: UUID
    points: int
    balance: int
    replayed: bool


def check_points(points: int) -> int:
    """An amount that an account can hold.

    Raises:
        InvalidInput: ZERO or OUT_OF_RANGE
    """
    if points == 0:
        raise InvalidInput(field="points", reason="ZERO")
    if abs(points) > AMOUNT_MAX:
        raise InvalidInput(field="points", reason="OUT_OF_RANGE", limit=str(AMOUNT_MAX))
    return points
