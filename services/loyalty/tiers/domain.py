"""Which tier a qualifying amount reaches, and how far the next one is.

A threshold is inclusive. The purchase that crosses it counts, and itself earns at the tier held before it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_FLOOR, Decimal
from enum import StrEnum
from uuid import UUID

from services.loyalty.programs.domain import TierLevel, TierMetric, TierSet
from services.loyalty.tiers.errors import QualifyingSumTooLarge
from services.platform.money import AMOUNT_MAX

_FRACTION_STEP = Decimal("0.0001")


class TierMove(StrEnum):
    """The direction of a change of tier."""

    UPGRADE = "upgrade"
    DOWNGRADE = "downgrade"


@dataclass(frozen=True, slots=True)
class TierChange:
    """A member leaves one tier for another."""

    move: TierMove
    from_code: str
    to_code: str


@dataclass(frozen=True, slots=True)
class TierProgress:
    """Where a qualifying amount stands between two thresholds, in points or minor units by the tier set's metric.

    ``gained`` of ``span`` are there since the current threshold and ``missing`` are left; all zero at the highest
    tier, where ``next_level`` is None and ``fraction`` is 1. ``fraction`` is gained / span rounded down to four
    digits, so that it reads 1 only when nothing is missing.
    """

    qualifying: int
    current: TierLevel
    next_level: TierLevel | None
    gained: int
    span: int
    missing: int
    fraction: Decimal


def qualifying_amount(metric: TierMetric, *, points: int, spend_minor: int) -> int:
    """What one purchase contributes by its standing points and money; a total below zero contributes nothing.

    ``spend_minor`` is in the program's currency: give 0 for a purchase in another.
    """
    return max(0, points if metric is TierMetric.POINTS_EARNED else spend_minor)


def tier_for(levels: Sequence[TierLevel], qualifying: int) -> TierLevel:
    """The highest level whose threshold is reached; the first for an amount below zero."""
    return levels[_rung(levels, qualifying)]


def tier_change(levels: Sequence[TierLevel], *, before: int, after: int) -> TierChange | None:
    """The change of tier when the qualifying amount goes from ``before`` to ``after``; None when it stays."""
    old, new = _rung(levels, before), _rung(levels, after)
    if old == new:
        return None
    move = TierMove.UPGRADE if new > old else TierMove.DOWNGRADE
    return TierChange(move, levels[old].code, levels[new].code)


def progress(levels: Sequence[TierLevel], qualifying: int) -> TierProgress:
    """The way from the current level to the next. An amount below zero stands at the first level with 0 gained."""
    rung = _rung(levels, qualifying)
    current = levels[rung]
    if rung + 1 == len(levels):
        return TierProgress(qualifying, current, None, 0, 0, 0, Decimal(1))
    following = levels[rung + 1]
    span = following.threshold - current.threshold
    gained = max(0, qualifying - current.threshold)
    fraction = (Decimal(gained) / Decimal(span)).quantize(_FRACTION_STEP, rounding=ROUND_FLOOR)
    return TierProgress(qualifying, current, following, gained, span, following.threshold - qualifying, fraction)


@dataclass(frozen=True, slots=True)
class TierRecord:
    """What is kept of a member: the tier held since when, and the sums that count, whatever the metric.

    ``tier_code`` is None until a purchase has counted. ``spend_minor`` is in the program's currency.
    """

    tier_code: str | None = None
    points_earned: int = 0
    spend_minor: int = 0
    since: datetime | None = None

    def qualifying(self, metric: TierMetric) -> int:
        """The sum that the metric looks at."""
        return self.points_earned if metric is TierMetric.POINTS_EARNED else self.spend_minor


@dataclass(frozen=True, slots=True)
class MemberStanding:
    """Where a member stands now. ``level`` is the tier held, which a change of thresholds alone never takes away."""

    member_id: UUID
    level: TierLevel
    since: datetime | None
    points_earned: int
    spend_minor: int
    progress: TierProgress


@dataclass(frozen=True, slots=True)
class Requalification:
    """The record after something counted, and the change of tier, if any."""

    record: TierRecord
    change: TierChange | None


def level_held(tiers: TierSet, record: TierRecord) -> TierLevel:
    """The level of a record; where these tiers do not know its code, the one that its sums reach."""
    return tiers.levels[_rung_held(tiers, record)]


def requalify(tiers: TierSet, record: TierRecord, *, points: int, spend_minor: int, now: datetime) -> Requalification:
    """Add what counts (below zero for a refund) and move the member to where it belongs.

    Up at once when a threshold is reached; down only by a refund that falls below the threshold of a tier held by
    those very sums. A tier that older thresholds had given stays.

    Raises:
        QualifyingSumTooLarge
    """
    levels, metric = tiers.levels, tiers.metric
    held = _rung_held(tiers, record)
    before = _rung(levels, record.qualifying(metric))
    sums = TierRecord(record.tier_code, record.points_earned + points, record.spend_minor + spend_minor, record.since)
    if max(sums.points_earned, sums.spend_minor) > AMOUNT_MAX:
        raise QualifyingSumTooLarge
    after = _rung(levels, sums.qualifying(metric))
    is_lost = after < before and held <= before
    rung = after if after > held or is_lost else held
    if rung == held and record.tier_code == levels[held].code:
        return Requalification(sums, None)
    moved = TierRecord(levels[rung].code, sums.points_earned, sums.spend_minor, now)
    if rung == held:
        return Requalification(moved, None)
    move = TierMove.UPGRADE if rung > held else TierMove.DOWNGRADE
    return Requalification(moved, TierChange(move, levels[held].code, levels[rung].code))


def _rung_held(tiers: TierSet, record: TierRecord) -> int:
    for index, level in enumerate(tiers.levels):
        if level.code == record.tier_code:
            return index
    return _rung(tiers.levels, record.qualifying(tiers.metric))


def _rung(levels: Sequence[TierLevel], qualifying: int) -> int:
    reached = [index for index, level in enumerate(levels) if level.threshold <= qualifying]
    return reached[-1] if reached else 0
