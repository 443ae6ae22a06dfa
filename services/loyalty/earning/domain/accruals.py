"""What came of an evaluation: accruals rule by rule, and what was considered on the way."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from services.loyalty.earning.domain.caps import CapKey
from services.loyalty.programs.domain.rules import CapMeasure, Overflow, Trigger

TIER = "tier"
"""The source of the multiplier that the member's tier gives."""


class RuleOutcome(StrEnum):
    """What became of a rule that was considered."""

    NOT_TRIGGERED = "not_triggered"
    """It waits for something else."""
    OUTSIDE_WINDOW = "outside_window"
    CONDITION_FAILED = "condition_failed"
    NO_LINE = "no_line"
    """No line of the purchase is in its scope."""
    CURRENCY = "currency"
    """It earns nothing in the purchase's currency."""
    REPLACED = "replaced"
    """A rule of its group that is not stackable took its place."""
    GROUP_LOST = "group_lost"
    """Its group gives the best or the first only."""
    NOTHING = "nothing"
    """It applied and came to no points: below a block, a base of zero or less, a tier that is not named."""
    CAPPED = "capped"
    """A cap took all of its points or a part."""
    MULTIPLIED = "multiplied"
    """Its factor was applied."""
    GAVE = "gave"


@dataclass(frozen=True, slots=True)
class RuleTrace:
    """One rule considered. ``by`` is the rule that took its place, ``caps`` those that took points."""

    rule_id: str
    outcome: RuleOutcome
    by: str | None = None
    caps: tuple[CapKey, ...] = ()


@dataclass(frozen=True, slots=True)
class AppliedMultiplier:
    """``factor`` by the tier (``source`` is `TIER`) or by a rule (its id), for the lines at ``positions``."""

    source: str
    factor: Decimal
    positions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class AppliedCap:
    """A cap that a rule met: what it left before (``room``), what the rule filled of it, and whether it took points."""

    key: CapKey
    limit: int
    room: int
    overflow: Overflow
    filled: int
    has_taken: bool


@dataclass(frozen=True, slots=True)
class RuleAccrual:
    """What one rule gives for one event, with what led there.

    ``positions`` are the lines in scope, ``line_points`` their parts of ``points`` in the same order.
    ``base_minor`` is their base in the event's currency, 0 where there are no lines. ``base_points`` is exact, before
    multipliers; ``exact`` after them. ``points_before_cap`` is the rule's part of the unit's rounded whole.
    """

    rule_id: str
    unit: str
    positions: tuple[int, ...]
    base_minor: int
    base_points: Fraction
    exact: Fraction
    multipliers: tuple[AppliedMultiplier, ...]
    points_before_cap: int
    caps: tuple[AppliedCap, ...]
    points: int
    line_points: tuple[int, ...]

    @property
    def capped_by(self) -> int:
        """The points that caps took."""
        return self.points_before_cap - self.points

    @property
    def cap_room(self) -> int | None:
        """The points that the tightest cap in points left before the event; None without one."""
        return min((cap.room for cap in self.caps if cap.key.measure is CapMeasure.POINTS), default=None)


@dataclass(frozen=True, slots=True)
class LinePoints:
    """The points of the program's own unit that one line earned by all rules together."""

    position: int
    points: int


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What an event earns: an accrual for every rule that applied, also one that gives 0 points.

    ``traces`` name every rule of the document in its order. ``fillings`` are what it counts against caps that outlive
    it; counters to which it adds nothing are missing. ``cap_used`` is what had been used of all that were looked at.
    ``rate`` is what one minor unit of the event's currency was
    taken for in minor units of the program's, None where nothing was converted. ``multiplier`` is the tier's.
    """

    trigger: Trigger
    currency: str | None
    unit: str
    tier_code: str
    multiplier: Decimal
    accruals: tuple[RuleAccrual, ...]
    line_points: tuple[LinePoints, ...]
    traces: tuple[RuleTrace, ...] = ()
    fillings: Mapping[CapKey, int] = field(default_factory=dict)
    cap_used: Mapping[CapKey, int] = field(default_factory=dict)
    rate: Fraction | None = None

    @property
    def points(self) -> int:
        """The sum over all rules of the program's own unit."""
        return self.points_by_unit.get(self.unit, 0)

    @property
    def points_by_unit(self) -> dict[str, int]:
        """The sums by unit; units of which nothing is given are missing."""
        sums: dict[str, int] = {}
        for accrual in self.accruals:
            if accrual.points:
                sums[accrual.unit] = sums.get(accrual.unit, 0) + accrual.points
        return sums
