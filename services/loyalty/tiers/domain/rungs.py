"""Levels of a ladder: which an amount reaches, which one holds, how far down one may come."""

from services.loyalty.programs.domain.ladder import Access, Downgrade, TierLevel, TierSet


def earned_rungs(tiers: TierSet) -> list[int]:
    """The places of the levels that are reached by what counts, ascending."""
    return [place for place, level in enumerate(tiers.levels) if level.access is Access.EARNED]


def rung_reached(tiers: TierSet, amount: int) -> int:
    """The highest earned level whose threshold is reached, inclusive; the first below zero."""
    rungs = earned_rungs(tiers)
    return max((place for place in rungs if tiers.levels[place].threshold <= amount), default=rungs[0])


def rung_of(tiers: TierSet, code: str | None) -> int | None:
    """The place of a level; None where the ladder has none of this code."""
    return next((place for place, level in enumerate(tiers.levels) if level.code == code), None)


def first_level(tiers: TierSet) -> TierLevel:
    """Where everybody begins."""
    return tiers.levels[earned_rungs(tiers)[0]]


def floor_rung(tiers: TierSet, rung: int) -> int:
    """The lowest level to which one who holds ``rung`` may come down: what is protected and was reached stays."""
    rungs = earned_rungs(tiers)
    return max((place for place in rungs if place <= rung and tiers.levels[place].is_protected), default=rungs[0])


def rung_below(tiers: TierSet, rung: int, amount: int) -> int:
    """Where a review that found ``amount`` lets a member down to from ``rung``.

    To fit is the highest level below that the amount would keep: nobody falls under whom they could have stayed with.
    """
    floor = floor_rung(tiers, rung)
    below = [place for place in earned_rungs(tiers) if floor <= place < rung]
    if not below or tiers.downgrade is Downgrade.NONE:
        return rung
    if tiers.downgrade is Downgrade.ONE:
        return below[-1]
    return max((place for place in below if tiers.levels[place].keeps_at <= amount), default=below[0])
