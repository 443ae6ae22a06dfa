"""Lots, headers and movements with readable ids."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from services.loyalty.ledger.domain import EntryHeader, Lot, LotMovement, LotOrigin, LotState, Purpose, Reference
from services.platform.actors import SYSTEM

HOLDER = UUID(int=0xA)
NOW = datetime(2017, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def lot(
    number: int,
    remaining: int,
    *,
    expires: int | None = None,
    activates: int = -10,
    state: LotState = LotState.ACTIVE,
    amount: int | None = None,
    unit: str = "points",
) -> Lot:
    """A lot whose activation and expiry are given in days from ``NOW``."""
    return Lot(
        id=UUID(int=number),
        holder_id=HOLDER,
        unit=unit,
        amount=amount or max(1, remaining),
        remaining=remaining,
        activates_at=NOW + activates * DAY,
        expires_at=None if expires is None else NOW + expires * DAY,
        state=state,
        origin=LotOrigin("purchase", UUID(int=0xB), "base"),
    )


def header(number: int = 1, *, reason: str | None = None) -> EntryHeader:
    return EntryHeader(
        id=UUID(int=1000 + number),
        holder_id=HOLDER,
        store_id=UUID(int=0xC),
        program_version_id=UUID(int=0xD),
        actor=SYSTEM,
        reference=Reference("purchase", UUID(int=0xB)),
        reason=reason,
        occurred_at=NOW,
        recorded_at=NOW + timedelta(seconds=number),
    )


def taken(*parts: tuple[int, int]) -> tuple[LotMovement, ...]:
    """Movements out of the available account: (lot number, points)."""
    return tuple(
        LotMovement(position, UUID(int=number), Purpose.AVAILABLE, -points)
        for position, (number, points) in enumerate(parts, start=1)
    )


def parts(movements: tuple[LotMovement, ...]) -> list[tuple[int, int]]:
    return [(movement.lot_id.int, movement.delta) for movement in movements]
