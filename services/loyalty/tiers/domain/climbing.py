"""Which tier a qualifying amount reaches, and how far the next one is.

A threshold is inclusive. The purchase that crosses it counts, and itself earns at the tier held before it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal

from services.loyalty.programs.domain import TierLevel

_FRACTION_STEP = Decimal("0.0001")


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


def tier_for(levels: Sequence[TierLevel], qualifying: int) -> TierLevel:
    """The highest level whose threshold is reached; the first for an amount below zero."""
    return levels[_rung(levels, qualifying)]


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


def _rung(levels: Sequence[TierLevel], qualifying: int) -> int:
    reached = [index for index, level in enumerate(levels) if level.threshold <= qualifying]
    return reached[-1] if reached else 0
