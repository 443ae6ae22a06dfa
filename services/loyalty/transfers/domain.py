"""Points that one member gives to another."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from services.loyalty.ledger.domain import Lot, LotMovement, LotOrigin, new_lot
from services.loyalty.ledger.domain.clocks import Validity, beginning_of
from services.loyalty.members.domain import MemberRef
from services.loyalty.programs.domain import TransferPolicy
from services.loyalty.transfers.errors import TransferLimitReached, TransferOutOfRange, TransfersNotAllowed

ORIGIN = "transfer"


@dataclass(frozen=True, slots=True)
class Transfer:
    """``points`` of a unit went from ``sender_id`` to ``recipient_id``, each side with an entry of its own."""

    id: UUID
    sender_id: UUID
    recipient_id: UUID
    unit: str
    points: int
    message: str | None
    sent_entry_id: UUID
    received_entry_id: UUID
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class TransferPoints:
    """Give ``points`` of a unit (None: the program's own) to another member, with a word if one likes."""

    sender: MemberRef
    recipient: MemberRef
    points: int
    idempotency_key: str
    request_hash: bytes
    unit: str | None = None
    message: str | None = None
    store_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class TransferredPoints:
    """The answer to `TransferPoints`. ``balance`` is what the sender could spend after it."""

    transfer_id: UUID
    sender_id: UUID
    recipient_id: UUID
    points: int
    balance: int
    replayed: bool


def check_transfer(policy: TransferPolicy, *, points: int, given_today: int) -> None:
    """Whether the program lets a member give so much, having given ``given_today`` already.

    Raises:
        TransfersNotAllowed, TransferOutOfRange, TransferLimitReached
    """
    if not policy.is_allowed:
        raise TransfersNotAllowed
    if points < policy.points_min or (policy.points_max is not None and points > policy.points_max):
        raise TransferOutOfRange(minimum=policy.points_min, maximum=policy.points_max)
    limit = policy.points_per_day_max
    if limit is not None and given_today + points > limit:
        raise TransferLimitReached(day_maximum=limit, given_today=given_today)


def day_of(at: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The calendar day that holds an instant: from when, and until when."""
    day = at.astimezone(zone).date()
    return beginning_of(day, zone), beginning_of(day + timedelta(days=1), zone)


def received_lots(
    movements: Sequence[LotMovement],
    *,
    drawn_from: Mapping[UUID, Lot],
    recipient_id: UUID,
    transfer_id: UUID,
    now: datetime,
    renewed: Validity | None,
    new_id: Callable[[], UUID],
) -> tuple[Lot, ...]:
    """A lot for each that was drawn, so that each keeps who pays for it; with its own end, unless it is ``renewed``."""
    return tuple(
        new_lot(
            lot_id=new_id(),
            holder_id=recipient_id,
            unit=lot.unit,
            amount=-movement.delta,
            origin=LotOrigin(ORIGIN, transfer_id, funder_store_id=lot.origin.funder_store_id),
            now=now,
            # What the recipient does from now on moves the end from where it is now.
            validity=renewed or lot.validity.rebased(None),
        )
        for movement, lot in ((movement, drawn_from[movement.lot_id]) for movement in movements)
    )
