"""From an event and a program document to points: the same code for purchases, check-ins, quotes and refunds.

In this order: which rules apply (`considering`); which of a group count (`combining`); exact base points with the
multipliers of each line (`formulas`); rounded once for each unit, and shared out to the rules by largest remainder;
bonuses added, which nothing multiplies; clipped to what the caps of rules leave, then to what those of units leave,
rule by rule as the document has them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from fractions import Fraction

from services.loyalty.earning.domain.accruals import Evaluation, LinePoints, RuleAccrual
from services.loyalty.earning.domain.capping import Counters
from services.loyalty.earning.domain.caps import CapKey, calendar_day, period_start
from services.loyalty.earning.domain.considering import consider
from services.loyalty.earning.domain.currencies import counting
from services.loyalty.earning.domain.formulas import product
from services.loyalty.earning.domain.happening import EarnEvent
from services.loyalty.earning.domain.judging import judge
from services.loyalty.earning.domain.plans import plan_of
from services.loyalty.earning.domain.reckoning import Reckoner
from services.loyalty.earning.errors import AccrualTooLarge
from services.loyalty.programs.domain.document import ProgramDocument
from services.platform.money import AMOUNT_MAX


def evaluate(
    document: ProgramDocument,
    event: EarnEvent,
    *,
    tier_code: str,
    cap_used: Mapping[CapKey, int],
    rate: Fraction | None = None,
) -> Evaluation:
    """What an event earns under the document for a member of the tier.

    ``cap_used`` says what had been used of the counters before (`caps.kept_keys`); a missing one 0. ``rate`` is the
    one of an earlier evaluation of the same event; without it the document's own of the day.

    Raises:
        CurrencyNotAccepted: by the policy for other currencies.
        TierNotInProgram: the document has no such tier.
        AccrualTooLarge: more points of a unit than ``AMOUNT_MAX``.
    """
    plan = plan_of(document)
    multiplier = document.tiers.level(tier_code).multiplier
    day = calendar_day(document, event.occurred_at)
    counted = None if event.currency is None else counting(document, currency=event.currency, day=day)
    if counted is not None and rate is not None:
        counted = replace(counted, rate=rate)
    considered = consider(plan, event, tier_code=tier_code, counted=counted)
    reckoner = Reckoner(
        document=document,
        event=event,
        tier_code=tier_code,
        multiplier=multiplier,
        tier=plan.tiers[tier_code],
        counted=counted,
        rate=None if counted is None or counted.rate is None else product(counted.rate, 1),
        eligible=considered.eligible,
        counters=Counters(day, cap_used),
    )
    judgment = judge(reckoner, considered)
    evaluation = Evaluation(
        trigger=event.trigger,
        currency=event.currency,
        unit=document.unit.code,
        tier_code=tier_code,
        multiplier=multiplier,
        accruals=tuple(judgment.accruals),
        line_points=_line_points(event, considered.eligible.positions, judgment.accruals, unit=document.unit.code),
        traces=tuple(judgment.traces[rule.id] for rule in document.rules),
        fillings=reckoner.counters.fillings,
        cap_used=_of_the_day(cap_used, day) | reckoner.counters.looked_at,
        rate=None if counted is None else counted.converted,
    )
    if max(evaluation.points_by_unit.values(), default=0) > AMOUNT_MAX:
        raise AccrualTooLarge(maximum=AMOUNT_MAX)
    return evaluation


def _of_the_day(cap_used: Mapping[CapKey, int], day: date) -> dict[CapKey, int]:
    """The counters that an event of the day meets, also those of rules that it does not: amended, it may."""
    return {key: used for key, used in cap_used.items() if used and key.start == period_start(key.period, day)}


def _line_points(
    event: EarnEvent, everywhere: tuple[int, ...], accruals: Iterable[RuleAccrual], *, unit: str
) -> tuple[LinePoints, ...]:
    """What each line earned of the unit by all rules; ``everywhere`` are the positions of those that earn."""
    sums = {line.position: 0 for line in event.lines}
    of_all: list[tuple[int, ...]] = []
    for accrual in accruals:
        if accrual.unit != unit or not accrual.points:
            continue
        if accrual.positions is everywhere:
            of_all.append(accrual.line_points)
            continue
        for position, points in zip(accrual.positions, accrual.line_points, strict=True):
            sums[position] += points
    if of_all:
        for position, points in zip(everywhere, map(sum, zip(*of_all, strict=True)), strict=True):
            sums[position] += points
    return tuple([LinePoints(position, points) for position, points in sums.items()])
