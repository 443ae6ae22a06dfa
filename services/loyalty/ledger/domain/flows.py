"""What became of points that were born together, in a period: the rows of the books' reports."""

from dataclasses import dataclass, fields
from datetime import date
from enum import StrEnum
from uuid import UUID


class Timeline(StrEnum):
    """By which of its two instants an entry counts."""

    RECORDED = "recorded"
    EFFECTIVE = "effective"


class LotOriginClass(StrEnum):
    """Points born of sales defer revenue; all others accrue cost."""

    SALES = "sales"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class PointsAsOf:
    """What a holder had of a unit at an instant."""

    unit: str
    pending: int
    available: int
    held: int
    owed: int


@dataclass(frozen=True, slots=True)
class Flows:
    """Points of lots over a period, in the unit's smallest part.

    Law: opening + issued - redeemed - expired - reversed + adjusted + transferred - repaid = closing. ``redeemed``,
    ``expired`` and ``reversed`` fall when points come back to their lots. ``repaid`` went against what their holders
    owed. ``transferred`` is what came from other members less what went to them.
    """

    opening: int = 0
    issued: int = 0
    redeemed: int = 0
    expired: int = 0
    reversed: int = 0
    adjusted: int = 0
    transferred: int = 0
    repaid: int = 0
    closing: int = 0

    def plus(self, other: "Flows") -> "Flows":
        """Both together."""
        return Flows(**{each.name: getattr(self, each.name) + getattr(other, each.name) for each in fields(Flows)})

    @property
    def balances(self) -> bool:
        """Whether the law holds."""
        gained = self.issued + self.adjusted + self.transferred
        lost = self.redeemed + self.expired + self.reversed + self.repaid
        return self.opening + gained - lost == self.closing


@dataclass(frozen=True, slots=True)
class CohortFlows:
    """The flows of the lots that were recorded in one month (``cohort``, its first day), of one origin and funder."""

    unit: str
    cohort: date
    origin: LotOriginClass
    funder_store_id: UUID | None
    flows: Flows


@dataclass(frozen=True, slots=True)
class KeptAlive:
    """Points that would have ended, had their holders been told in time: what is left, and what was redeemed."""

    standing: int = 0
    redeemed: int = 0


@dataclass(frozen=True, slots=True)
class CohortMonth:
    """What had come of a cohort's points in one month: net gained (issued less reversed and so on) and redeemed."""

    unit: str
    cohort: date
    month: date
    gained: int
    redeemed: int
    expired: int
