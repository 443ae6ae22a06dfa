"""Redemptions as values."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from services.loyalty.members.domain import MemberRef


class RedemptionStatus(StrEnum):
    """Where a redemption is in its life."""

    CONFIRMED = "confirmed"


@dataclass(frozen=True, slots=True)
class Redemption:
    """A member had a reward for ``points``. ``reward_version_id`` tells what it was called and cost."""

    id: UUID
    member_id: UUID
    reward_id: UUID
    reward_version_id: UUID
    store_id: UUID | None
    points: int
    status: RedemptionStatus
    entry_id: UUID
    occurred_at: datetime
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class RedeemReward:
    """A member takes a reward for its present price; ``expected_points``, when given, must be that price."""

    member: MemberRef
    reward_id: UUID
    idempotency_key: str
    request_hash: bytes
    store_id: UUID | None = None
    expected_points: int | None = None


@dataclass(frozen=True, slots=True)
class RedeemedReward:
    """The answer to `RedeemReward`. ``balance`` is what the member could spend after it."""

    redemption_id: UUID
    member_id: UUID
    points: int
    balance: int
    replayed: bool
