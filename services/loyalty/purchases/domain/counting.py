"""What a purchase adds to what tiers look at."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from services.loyalty.earning.domain import Evaluation
from services.loyalty.ledger.domain.clocks import Validity
from services.loyalty.programs.domain import ProgramDocument
from services.loyalty.tiers.domain import CountedPoints, Ladder

_NONE_CAME: Mapping[str, datetime] = MappingProxyType({})


def counted_spend(document: ProgramDocument, *, currency: str, total_minor: int) -> int:
    """What a purchase adds to the money spent that tiers look at; nothing below zero, nothing in another currency."""
    return max(0, total_minor) if currency == document.currency else 0


def counted_points(
    ladder: Ladder,
    evaluation: Evaluation,
    times: Mapping[str, Validity],
    *,
    now: datetime,
    actions: Mapping[str, datetime] = _NONE_CAME,
) -> tuple[CountedPoints, ...]:
    """What an evaluation adds to the points that tiers look at, by unit and by the instant from which it counts.

    Points that wait for an action count when it has come (``actions``: it has), unless pending points count.
    """
    sums: dict[tuple[str, datetime | None], int] = {}
    for accrual in evaluation.accruals:
        if accrual.points == 0:
            continue
        when = times[accrual.rule_id]
        begins = when.activates_at if when.awaits_action is None else actions.get(when.awaits_action)
        if begins is None and not ladder.tiers.counts_pending:
            continue
        key = (accrual.unit, begins if begins is not None and begins > now else None)
        sums[key] = sums.get(key, 0) + accrual.points
    return tuple(CountedPoints(unit, points, counts_at) for (unit, counts_at), points in sums.items())
