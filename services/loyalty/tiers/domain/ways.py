"""The cheapest way to a missing amount: by the best rule that the program offers to everybody today."""

from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from services.loyalty.programs.domain import ProgramDocument
from services.loyalty.programs.domain.ladder import TierLevel, TierMetric
from services.loyalty.programs.domain.rules import EarnRule, RuleMode, SpendFormula, Trigger, Window
from services.loyalty.programs.domain.validity import Activation
from services.loyalty.tiers.domain.measuring import Ladder


@dataclass(frozen=True, slots=True)
class Way:
    """What has to come: ``amount`` in the metric, by ``visits`` visits or by spending ``spend_minor`` in one purchase.

    ``rule_id`` is the rule by which that money earns the points, at the multiplier of the present tier; both are None
    where no rule without conditions and limits earns them. Other rules, bonuses and campaigns may make it cheaper.
    """

    amount: int
    currency: str
    spend_minor: int | None = None
    visits: int | None = None
    rule_id: str | None = None


def cheapest_way(
    document: ProgramDocument, ladder: Ladder, level: TierLevel, missing: int, *, at: datetime
) -> Way | None:
    """The cheapest way to ``missing`` more, for a member of a level; None when nothing is missing."""
    if missing <= 0:
        return None
    metric, currency = ladder.tiers.metric, document.currency
    if metric is TierMetric.SPEND:
        return Way(missing, currency, spend_minor=missing)
    if metric is TierMetric.VISITS:
        return Way(missing, currency, visits=missing)
    ways = [
        Way(missing, currency, spend_minor=spend, rule_id=rule.id)
        for rule in document.rules
        if _is_for_everybody(document, ladder, rule, at)
        and (spend := _spend(document, rule, level, missing)) is not None
    ]
    return min(ways, key=lambda way: way.spend_minor or 0, default=Way(missing, currency))


def _is_for_everybody(document: ProgramDocument, ladder: Ladder, rule: EarnRule, at: datetime) -> bool:
    window, day = rule.window, ladder.day(at)
    is_open = (
        (window.from_date is None or window.from_date <= day)
        and (window.until_date is None or day <= window.until_date)
        and Window(window.from_date, window.until_date) == window
    )
    unit = next((unit for unit in document.units if unit.code == ladder.unit), document.unit)
    is_spendable = ladder.tiers.counts_pending or (rule.activation or unit.activation) == Activation()
    return (
        rule.trigger is Trigger.PURCHASE
        and rule.when is None
        and rule.lines is None
        and (rule.unit or document.unit.code) == ladder.unit
        and not rule.caps
        and not unit.caps
        and is_open
        and is_spendable
    )


def _spend(document: ProgramDocument, rule: EarnRule, level: TierLevel, missing: int) -> int | None:
    formula = rule.formula
    if not isinstance(formula, SpendFormula) or formula.points <= 0:
        return None
    per = next((each.minor for each in formula.per if each.currency == document.currency), None)
    if per is None:
        return None
    multiplier = Fraction(level.multiplier) if rule.tier_multiplied else Fraction(1)
    if multiplier <= 0:
        return None
    blocks = Fraction(missing) / (formula.points * multiplier)
    if formula.mode is RuleMode.STEP:
        return -(-blocks.numerator // blocks.denominator) * per
    spend = blocks * per
    return -(-spend.numerator // spend.denominator)
