"""Points that staff give or take, for a reason; many of them only with a second person."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from services.loyalty.adjustments.errors import AdjustmentRequestClosed, SecondPersonNeeded
from services.loyalty.members.domain import MemberRef
from services.platform.actors import Actor, ActorKind
from services.platform.errors import InvalidInput
from services.platform.money import AMOUNT_MAX

REQUEST_LIFE = timedelta(days=14)
"""How long a second person has to decide."""


class RequestStatus(StrEnum):
    """Where a request is in its life."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"


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
class ApproveAdjustment:
    """Let a request through, as a second person."""

    request_id: UUID
    idempotency_key: str
    request_hash: bytes


@dataclass(frozen=True, slots=True)
class RejectAdjustment:
    """Turn a request down, for a reason. Whoever made it may take it back so."""

    request_id: UUID
    reason: str


@dataclass(frozen=True, slots=True)
class AdjustedPoints:
    """Points have moved. ``balance`` is what the member could spend after it; ``request_id`` what was approved."""

    entry_id: UUID
    member_id: UUID
    points: int
    balance: int
    replayed: bool
    request_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class AskedAdjustment:
    """Nothing has moved: a request waits for a second person. ``balance`` is what the member can spend."""

    request_id: UUID
    member_id: UUID
    points: int
    balance: int
    replayed: bool


@dataclass(frozen=True, slots=True)
class AdjustmentRequest:
    """An adjustment that needed a second person, and what came of it. ``points`` are of ``unit``'s smallest part.

    ``maker_id`` is the person who made the API key that asked, where one did.
    """

    id: UUID
    member_id: UUID
    store_id: UUID | None
    unit: str
    points: int
    reason: str
    requested_by: Actor
    maker_id: UUID | None
    requested_at: datetime
    expires_at: datetime
    status: RequestStatus
    decided_by: Actor | None
    decided_at: datetime | None
    decision_reason: str | None
    entry_id: UUID | None

    def at(self, now: datetime) -> RequestStatus:
        """Its status at an instant: one that nobody decided in time has expired, though no row says so."""
        is_late = self.status is RequestStatus.PENDING and now >= self.expires_at
        return RequestStatus.EXPIRED if is_late else self.status


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


def needs_approval(points: int, *, limit: int | None) -> bool:
    """Whether an adjustment waits for a second person: above the limit, given or taken; None: none does."""
    return limit is not None and abs(points) > limit


def check_open(request: AdjustmentRequest, *, now: datetime) -> None:
    """Refuse to decide what is decided.

    Raises:
        AdjustmentRequestClosed
    """
    status = request.at(now)
    if status is not RequestStatus.PENDING:
        raise AdjustmentRequestClosed(adjustment_request_id=request.id, status=status)


def check_second_person(request: AdjustmentRequest, approver: Actor) -> None:
    """Refuse whoever asked, also behind an API key of theirs, and whoever is no person.

    Raises:
        SecondPersonNeeded
    """
    is_person = approver.kind is ActorKind.STAFF
    if not is_person or approver.id in (request.requested_by.id, request.maker_id):
        raise SecondPersonNeeded(adjustment_request_id=request.id)
