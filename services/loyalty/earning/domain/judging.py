"""From rules that apply to points that are given: groups, multipliers, rounding, bonuses, caps; and why not."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from services.loyalty.earning.domain.accruals import (
    TIER,
    AppliedCap,
    AppliedMultiplier,
    RuleAccrual,
    RuleOutcome,
    RuleTrace,
)
from services.loyalty.earning.domain.capping import Caps, Given, applied_caps
from services.loyalty.earning.domain.caps import CapKey
from services.loyalty.earning.domain.combining import outdone, replaced
from services.loyalty.earning.domain.considering import Applied, Considered
from services.loyalty.earning.domain.formulas import Number, product
from services.loyalty.earning.domain.reckoning import Reckoner, Worth, lessened, split
from services.loyalty.earning.domain.scopes import Scope
from services.loyalty.programs.domain.rules import MultiplierFormula, Overflow

_NOTHING = Fraction(0)


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What one unit's rules come to with some multipliers: the rules that count, and their points before caps."""

    worths: tuple[Worth, ...]
    lost: dict[str, str]
    points: dict[str, int]

    @property
    def total(self) -> int:
        """The base points of all rules."""
        return sum(self.points.values())


@dataclass(slots=True)
class Judgment:
    """The accruals in the order of the document, and what became of each rule by id."""

    accruals: list[RuleAccrual] = field(default_factory=list)
    traces: dict[str, RuleTrace] = field(default_factory=dict)

    def tell(self, rule_id: str, outcome: RuleOutcome, *, by: str | None = None, caps: Iterable[CapKey] = ()) -> None:
        """Say what became of a rule."""
        told = tuple(caps)
        self.traces[rule_id] = RuleTrace(rule_id, outcome, by, told) if by or told else _plain(rule_id, outcome)


def judge(reckoner: Reckoner, considered: Considered) -> Judgment:
    """What the rules that apply give, unit by unit; the reckoner's counters are filled."""
    judgment = Judgment()
    for rule_id, outcome in considered.others.items():
        judgment.tell(rule_id, outcome)
    open_rules = _step_aside(reckoner, considered.applied, judgment)
    losers = replaced(open_rules)
    for rule_id, by in losers.items():
        judgment.tell(rule_id, RuleOutcome.REPLACED, by=by)
    standing = [each for each in open_rules if each.rule_id not in losers]
    units = dict.fromkeys(each.plan.unit for each in standing)
    for unit in units:
        _judge_unit(reckoner, unit, [each for each in standing if each.plan.unit == unit], judgment)
    if len(units) > 1:
        places = {rule.id: place for place, rule in enumerate(reckoner.document.rules)}
        judgment.accruals.sort(key=lambda accrual: places[accrual.rule_id])
    return judgment


@lru_cache(maxsize=4_096)
def _plain(rule_id: str, outcome: RuleOutcome) -> RuleTrace:
    """Of a rule of which there is no more to say: the same one each time."""
    return RuleTrace(rule_id, outcome)


def _step_aside(reckoner: Reckoner, applied: Sequence[Applied], judgment: Judgment) -> list[Applied]:
    """A rule whose cap is used up takes no part in its group, nor does a multiplier; one that is alone shows so."""
    full = [each for each in applied if each.plan.rule.caps and reckoner.caps_of(each).is_full]
    if not full:
        return list(applied)
    members, used_up = (Counter(each.plan.group for each in some) for some in (applied, full))
    aside: set[str] = set()
    for each in full:
        if used_up[each.plan.group] < members[each.plan.group] or is_multiplier(each):
            aside.add(each.rule_id)
            keys = [met.key for met in reckoner.caps_of(each).met if met.room == 0]
            judgment.tell(each.rule_id, RuleOutcome.CAPPED, caps=keys)
    return [each for each in applied if each.rule_id not in aside]


def is_multiplier(each: Applied) -> bool:
    """Whether the rule gives a factor instead of points."""
    return each.plan.factor is not None


def _judge_unit(reckoner: Reckoner, unit: str, standing: Sequence[Applied], judgment: Judgment) -> None:
    multipliers = [each for each in standing if is_multiplier(each)]
    givers = [each for each in standing if not is_multiplier(each)]
    outcome = _outcome(reckoner, givers, multipliers)
    points = outcome.points
    for each in list(multipliers):
        caps = reckoner.caps_of(each)
        if not caps.met:
            judgment.tell(each.rule_id, RuleOutcome.MULTIPLIED)
            continue
        without = _outcome(reckoner, givers, [other for other in multipliers if other is not each])
        extra = max(0, outcome.total - without.total)
        allowed = _allowed_extra(reckoner, each, caps, extra)
        if allowed == 0 and extra > 0 and _rejects(caps):
            multipliers.remove(each)
            outcome, points = without, without.points
        elif allowed < extra:
            points = lessened(points, min(extra - allowed, sum(points.values())))
        reckoner.counters.fill(caps, Given(allowed, reckoner.money_of(each.scope)))
        outcome_told = RuleOutcome.CAPPED if allowed < extra else RuleOutcome.MULTIPLIED
        judgment.tell(each.rule_id, outcome_told, caps=[met.key for met in caps.met] if allowed < extra else ())
    for rule_id, by in outcome.lost.items():
        judgment.tell(rule_id, RuleOutcome.GROUP_LOST, by=by)
    wanted = [points.get(worth.applied.rule_id, 0) if worth.bonus is None else worth.bonus for worth in outcome.worths]
    given = _clipped(outcome.worths, wanted, reckoner.caps_of_unit(unit))
    multiplied = _Multiplied(reckoner, multipliers)
    for worth, asked, left in zip(outcome.worths, wanted, given, strict=True):
        accrual = _accrual(reckoner, worth, multiplied, wanted=asked, points=left)
        judgment.accruals.append(accrual)
        _tell(judgment, accrual, worth)
    unit_caps = reckoner.caps_of_unit(unit)
    if unit_caps.met:
        money = reckoner.money_of(reckoner.eligible)
        counted = product(money, unit_caps.share_of_money(money))
        reckoner.counters.fill(unit_caps, Given(sum(given), counted))


def _outcome(reckoner: Reckoner, givers: Sequence[Applied], multipliers: Sequence[Applied]) -> _Outcome:
    factors = reckoner.factors(multipliers)
    worths = [reckoner.worth(each, factors) for each in givers]
    lost = outdone(givers, {worth.applied.rule_id: worth.value for worth in worths if worth.applied.plan.rule.group})
    counting = tuple(worth for worth in worths if worth.applied.rule_id not in lost)
    base = [worth for worth in counting if worth.bonus is None]
    return _Outcome(counting, lost, split(base, reckoner.document.policies.rounding))


def _allowed_extra(reckoner: Reckoner, each: Applied, caps: Caps, extra: int) -> int:
    base = reckoner.money_of(each.scope)
    # Of a base above a cap in money the extra points for the rest are not given; parts of a point fall away.
    share = caps.share_of_money(base)
    return caps.clipped(extra * share.numerator // share.denominator)


def _rejects(caps: Caps) -> bool:
    return any(met.cap.overflow is Overflow.REJECT for met in caps.met)


def _clipped(worths: Sequence[Worth], wanted: Sequence[int], unit_caps: Caps) -> list[int]:
    """What the caps of the rules leave, then what those of the unit leave, rule by rule."""
    given = [worth.caps.clipped(points) for worth, points in zip(worths, wanted, strict=True)]
    left = unit_caps.clipped(sum(given))
    for place, points in enumerate(given):
        given[place] = min(points, left)
        left -= given[place]
    return given


@dataclass(slots=True)
class _Multiplied:
    """What is told of the multipliers of one unit's rules; rules of one scope are told the same."""

    reckoner: Reckoner
    multipliers: Sequence[Applied]
    _told: dict[tuple[Scope, bool], tuple[AppliedMultiplier, ...]] = field(default_factory=dict)

    def of(self, worth: Worth) -> tuple[AppliedMultiplier, ...]:
        """Those that multiplied a rule; a bonus none."""
        if worth.bonus is not None:
            return ()
        scope, with_tier = worth.applied.scope, worth.applied.plan.rule.tier_multiplied
        told = self._told.get((scope, with_tier))
        if told is None:
            told = self._told[scope, with_tier] = tuple(self._multipliers(scope, with_tier=with_tier))
        return told

    def _multipliers(self, scope: Scope, *, with_tier: bool) -> Iterator[AppliedMultiplier]:
        if with_tier:
            yield AppliedMultiplier(TIER, self.reckoner.multiplier, scope.positions)
        for each in self.multipliers:
            common = scope.positions
            if not each.counts_shipping:
                inside = set(each.scope.positions)
                common = tuple(position for position in common if position in inside)
            if common:
                yield AppliedMultiplier(each.rule_id, _factor(each), common)


def _accrual(reckoner: Reckoner, worth: Worth, multiplied: _Multiplied, *, wanted: int, points: int) -> RuleAccrual:
    """What a rule gives, counted against its caps."""
    each = worth.applied
    caps, unit_caps = worth.caps, reckoner.caps_of_unit(each.plan.unit)
    applied: tuple[AppliedCap, ...] = ()
    if caps.met or unit_caps.met:
        given, asked = Given(points, worth.money), Given(wanted, worth.wanted_money)
        reckoner.counters.fill(caps, given)
        applied = applied_caps(caps, given, wanted=asked) + applied_caps(unit_caps, given, wanted=asked)
    return RuleAccrual(
        rule_id=each.rule_id,
        unit=each.plan.unit,
        positions=each.scope.positions,
        base_minor=worth.base_minor,
        base_points=_fraction(worth.exact.base),
        exact=_fraction(worth.exact.total),
        multipliers=multiplied.of(worth),
        points_before_cap=wanted,
        caps=applied,
        points=points,
        line_points=reckoner.parts(worth, points),
    )


def _tell(judgment: Judgment, accrual: RuleAccrual, worth: Worth) -> None:
    if accrual.capped_by or worth.money != worth.wanted_money:
        judgment.tell(accrual.rule_id, RuleOutcome.CAPPED, caps=[cap.key for cap in accrual.caps if cap.has_taken])
    else:
        judgment.tell(accrual.rule_id, RuleOutcome.GAVE if accrual.points else RuleOutcome.NOTHING)


def _factor(each: Applied) -> Decimal:
    formula = each.plan.rule.formula
    assert isinstance(formula, MultiplierFormula)
    return formula.factor


def _fraction(number: Number) -> Fraction:
    return number if isinstance(number, Fraction) else Fraction(number) if number else _NOTHING
