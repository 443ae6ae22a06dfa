"""Points lots: points born together, and the orders in which they are drawn and given back."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID

from services.loyalty.ledger.domain.accounts import LOT_PURPOSES, Purpose
from services.loyalty.ledger.domain.clocks import LotClock, Validity
from services.loyalty.ledger.errors import InsufficientPoints, NothingToGiveBack
from services.platform.money import AMOUNT_MAX

_NEVER = datetime.max.replace(tzinfo=UTC)


class LotState(StrEnum):
    """In which account of the holder a lot's remainder stands: ``pending`` or ``available``."""

    PENDING = "pending"
    ACTIVE = "active"


@dataclass(frozen=True, slots=True)
class LotOrigin:
    """Why a lot exists: the event (``kind`` such as ``purchase``, and its id), the rule, and the store that pays."""

    kind: str
    id: UUID | None
    rule_id: str | None = None
    funder_store_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Lot:
    """``remaining`` of ``amount`` points, spendable while ``activates_at <= t < expires_at`` (None: no end).

    ``held`` more are reserved by holds, of which ``wanted`` are taken back as soon as they are released. From
    ``loses_at`` on, with the two instants, it is its `Validity`: of a lot that awaits an action ``activates_at`` is
    the deadline.

    Raises:
        ValueError: amounts or instants that no lot can have.
    """

    id: UUID
    holder_id: UUID
    unit: str
    amount: int
    remaining: int
    activates_at: datetime
    expires_at: datetime | None
    state: LotState
    origin: LotOrigin
    held: int = 0
    loses_at: datetime | None = None
    awaits_action: str | None = None
    clock: LotClock | None = None
    wanted: int = 0
    deferred_from: datetime | None = None
    """Where it would have ended, of a lot that lives on because its holder was not told in time."""

    def __post_init__(self) -> None:
        is_possible = 0 < self.amount <= AMOUNT_MAX and 0 <= self.remaining <= self.amount - self.held <= self.amount
        if not is_possible:
            message = f"a lot cannot hold {self.remaining} and {self.held} reserved of {self.amount}"
            raise ValueError(message)
        if self.expires_at is not None and self.expires_at <= self.activates_at:
            message = "a lot cannot expire before it can be spent"
            raise ValueError(message)

    @property
    def purpose(self) -> Purpose:
        """The holder's account in which the remainder stands."""
        return Purpose.PENDING if self.state is LotState.PENDING else Purpose.AVAILABLE

    @property
    def validity(self) -> Validity:
        """When it begins and ends."""
        return Validity(self.activates_at, self.expires_at, self.loses_at, self.awaits_action, self.clock)

    def lasting(self, validity: Validity) -> "Lot":
        """The lot with another validity."""
        return dataclasses.replace(
            self,
            activates_at=validity.activates_at,
            expires_at=validity.expires_at,
            loses_at=validity.loses_at,
            awaits_action=validity.awaits_action,
            clock=validity.clock,
        )

    def spendable(self, now: datetime) -> bool:
        """Whether the remainder can be spent at ``now``, whatever a job has done."""
        return self.activates_at <= now and not self.expired(now)

    def expired(self, now: datetime) -> bool:
        """Whether ``now`` is at or after the end of the lot."""
        return self.expires_at is not None and self.expires_at <= now


@dataclass(frozen=True, slots=True)
class LotMovement:
    """``delta`` (not zero) added to a lot's remainder in the holder's account ``purpose``; ``position`` counts from 1.

    A lot is born with a movement of its whole amount, so that the movements of a lot sum to its remainder, and the
    movements of an account sum to its balance.
    """

    position: int
    lot_id: UUID
    purpose: Purpose
    delta: int

    def __post_init__(self) -> None:
        if self.delta == 0 or self.purpose not in LOT_PURPOSES:
            message = f"a lot cannot move by {self.delta} in {self.purpose}"
            raise ValueError(message)


@dataclass(frozen=True, slots=True)
class DueLots:
    """What must happen to a holder's lots at an instant: activation first, then expiry.

    ``activate`` are pending lots as they are; ``expire`` are lots as they are after the activation; ``cancel`` are
    pending lots whose action has not come in time; ``standing`` are all lots with a remainder afterwards.
    """

    activate: tuple[Lot, ...]
    expire: tuple[Lot, ...]
    standing: tuple[Lot, ...]
    cancel: tuple[Lot, ...] = ()


@dataclass(frozen=True, slots=True)
class ClawbackAllocation:
    """How a claw-back is met, in points that sum to what was asked.

    ``movements`` take ``taken``; ``lapsed`` had expired already, without effect; ``owed`` is not there and will be
    paid back; ``shortfall`` is not there and is let go.
    """

    movements: tuple[LotMovement, ...]
    taken: int
    lapsed: int
    shortfall: int
    owed: int = 0


def new_lot(
    *,
    lot_id: UUID,
    holder_id: UUID,
    unit: str,
    amount: int,
    origin: LotOrigin,
    now: datetime,
    activates_at: datetime | None = None,
    expires_at: datetime | None = None,
    validity: Validity | None = None,
) -> Lot:
    """A lot as it is born at ``now``, pending when it activates after ``now`` or awaits an action.

    Its times are those of ``validity``, else the two instants. The clock of a late event's lot starts when the event
    happened, so that it may begin in the past.
    """
    times = validity or Validity(now if activates_at is None else activates_at, expires_at)
    waits = times.awaits_action is not None or times.activates_at > now
    state = LotState.PENDING if waits else LotState.ACTIVE
    lot = Lot(lot_id, holder_id, unit, amount, amount, times.activates_at, times.expires_at, state, origin)
    return lot.lasting(times)


def spending_order(lots: Iterable[Lot]) -> tuple[Lot, ...]:
    """Lots as they are drawn: soonest expiry first, then the oldest by activation, then by id (ids grow in time)."""
    return tuple(sorted(lots, key=lambda lot: (lot.expires_at or _NEVER, lot.activates_at, lot.id)))


def due_lots(lots: Iterable[Lot], now: datetime) -> DueLots:
    """Which lots must be activated and which expired at ``now``, before anything else may draw from them."""
    living = [lot for lot in lots if lot.remaining > 0]
    ripe = tuple(lot for lot in living if lot.state is LotState.PENDING and lot.activates_at <= now)
    activate = tuple(lot for lot in ripe if lot.awaits_action is None)
    cancel = tuple(lot for lot in ripe if lot.awaits_action is not None)
    due = {lot.id for lot in activate}
    settled = [dataclasses.replace(lot, state=LotState.ACTIVE) if lot.id in due else lot for lot in living]
    expire = tuple(lot for lot in settled if lot.state is LotState.ACTIVE and lot.expired(now))
    gone = {lot.id for lot in (*expire, *cancel)}
    return DueLots(activate, expire, tuple(lot for lot in settled if lot.id not in gone), cancel)


def allocate_lots(lots: Sequence[Lot], amount: int, now: datetime) -> tuple[LotMovement, ...]:
    """Draw ``amount`` points (above zero) from a holder's lots of one unit: soonest expiry first, ties oldest first.

    Raises:
        InsufficientPoints: less is spendable at ``now``.
        ValueError: a lot is due at ``now``: activate and expire what ``due_lots`` names first, or the accounts would
            disagree with the lots.
    """
    due = due_lots(lots, now)
    if due.activate or due.expire or due.cancel:
        message = "due lots must be settled before points are drawn"
        raise ValueError(message)
    active = spending_order(lot for lot in lots if lot.state is LotState.ACTIVE)
    available = sum(lot.remaining for lot in active)
    if amount > available:
        raise InsufficientPoints(needed=amount, available=available)
    return draw_from(active, amount)


def allocate_clawback(
    own_lots: Sequence[Lot],
    other_lots: Sequence[Lot],
    amount: int,
    *,
    own_lapsed: int = 0,
    owing_room: int = 0,
    returned: Mapping[UUID, int] | None = None,
) -> ClawbackAllocation:
    """Take ``amount`` points back for a purchase.

    The order: points of this purchase that have expired (``own_lapsed``, those no earlier claw-back has counted; they
    have no effect), its pending lots, its active lots, what the same refund has ``returned`` to other lots by id (so
    that a lot may be drawn twice), then the holder's other active lots, soonest expiry first. Pending lots of other
    events are left: they may yet be canceled for a reason of their own. Of what is missing ``owing_room`` at most is
    owed, the rest is the shortfall. Lots must be settled (see ``due_lots``).
    """
    lapsed = min(amount, own_lapsed)
    pending = [lot for lot in own_lots if lot.state is LotState.PENDING]
    active = [lot for lot in own_lots if lot.state is LotState.ACTIVE]
    others = [lot for lot in other_lots if lot.state is LotState.ACTIVE]
    first, rest = _parted(others, returned) if returned else ([], others)
    queue = (*spending_order(pending), *spending_order(active), *spending_order(first), *spending_order(rest))
    taken = min(amount - lapsed, sum(lot.remaining for lot in queue))
    missing = amount - lapsed - taken
    owed = min(missing, max(0, owing_room))
    return ClawbackAllocation(draw_from(queue, taken), taken, lapsed, missing - owed, owed)


def _parted(lots: Iterable[Lot], returned: Mapping[UUID, int]) -> tuple[list[Lot], list[Lot]]:
    """Lots with only what has just been returned to them, and the same with the rest."""
    first: list[Lot] = []
    rest: list[Lot] = []
    for lot in lots:
        part = min(lot.remaining, returned.get(lot.id, 0))
        first.append(dataclasses.replace(lot, remaining=part))
        rest.append(dataclasses.replace(lot, remaining=lot.remaining - part))
    return first, rest


def give_back(drawn: Sequence[LotMovement], *, amount: int, given_before: int = 0) -> tuple[LotMovement, ...]:
    """Give ``amount`` points back to the lots that ``drawn`` took them from, in reverse order of drawing.

    ``given_before`` of the same drawing has come back already: the parts of any split sum to the whole, lot by lot.
    The points come back into the account they were drawn from; a lot that was pending then and has been activated
    since needs its movement's purpose replaced by the lot's present one.

    Raises:
        NothingToGiveBack: more than was drawn and is not back yet.
    """
    total = -sum(movement.delta for movement in drawn)
    if amount > total - given_before:
        raise NothingToGiveBack(asked=amount, drawn=total - given_before)
    movements: list[LotMovement] = []
    skip, left = given_before, amount
    for movement in reversed(drawn):
        skipped = min(skip, -movement.delta)
        part = min(left, -movement.delta - skipped)
        skip, left = skip - skipped, left - part
        if part:
            movements.append(LotMovement(len(movements) + 1, movement.lot_id, movement.purpose, part))
    return tuple(movements)


def apply_movements(lots: Iterable[Lot], movements: Iterable[LotMovement]) -> tuple[Lot, ...]:
    """The lots with the movements done; a lot whose points left the pending account for the available one is active.

    Raises:
        ValueError: a remainder would leave 0..amount.
    """
    change: dict[UUID, int] = {}
    held: dict[UUID, int] = {}
    activated: set[UUID] = set()
    for movement in movements:
        changed = held if movement.purpose is Purpose.HELD else change
        changed[movement.lot_id] = changed.get(movement.lot_id, 0) + movement.delta
        if movement.purpose is Purpose.AVAILABLE and movement.delta > 0:
            activated.add(movement.lot_id)
    return tuple(
        dataclasses.replace(
            lot,
            remaining=lot.remaining + change.get(lot.id, 0),
            held=lot.held + held.get(lot.id, 0),
            wanted=min(lot.wanted, lot.held + held.get(lot.id, 0)),
            state=LotState.ACTIVE if lot.id in activated else lot.state,
        )
        for lot in lots
    )


def draw_from(queue: Iterable[Lot], amount: int) -> tuple[LotMovement, ...]:
    """Take ``amount`` points, or what there is, from lots in this order."""
    movements: list[LotMovement] = []
    left = amount
    for lot in queue:
        part = min(left, lot.remaining)
        if part > 0:
            movements.append(LotMovement(len(movements) + 1, lot.id, lot.purpose, -part))
            left -= part
    return tuple(movements)
