"""What each rule that applies is worth for one event, before caps clip points."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

from services.loyalty.earning.domain.capping import Caps, Counters
from services.loyalty.earning.domain.caps import CapSubject
from services.loyalty.earning.domain.combining import LineFactors, factors_of
from services.loyalty.earning.domain.considering import Applied
from services.loyalty.earning.domain.currencies import Counting, block
from services.loyalty.earning.domain.formulas import (
    Exact,
    Number,
    Price,
    common_denominator,
    even,
    over,
    per_item,
    product,
    spend,
    stacked,
)
from services.loyalty.earning.domain.happening import EarnEvent
from services.loyalty.earning.domain.lines import PurchaseLine
from services.loyalty.earning.domain.scopes import Scope
from services.loyalty.programs.domain.document import ProgramDocument
from services.loyalty.programs.domain.rules import (
    Combination,
    FixedFormula,
    PerItemFormula,
    Rounding,
    SpendFormula,
    TierTableFormula,
)
from services.platform.money import allocate

ONE = Fraction(1)
NO_CAPS = Caps()


@dataclass(slots=True)
class Worth:
    """What a rule gives by itself. ``bonus`` is that of a formula that nothing multiplies, else None.

    ``caps`` are its own. ``money`` is the base that counts, in minor units of the program's currency, as far as caps
    in money let it.
    """

    applied: Applied
    caps: Caps
    exact: Exact
    bonus: int | None
    base_minor: int
    money: Number
    wanted_money: Number

    @property
    def value(self) -> Number:
        """Exact points, for the best of a group."""
        return self.exact.total if self.bonus is None else self.bonus


@dataclass(slots=True)
class Factors:
    """By what base points are multiplied for rules that the tier multiplies, and for those that it does not."""

    multipliers: Sequence[Applied]
    eligible: Scope
    tier: Fraction
    combination: Combination
    _found: dict[bool, Fraction | LineFactors] = field(default_factory=dict)

    def of(self, each: Applied) -> Fraction | LineFactors:
        """One for all lines, or one for each."""
        with_tier = each.plan.rule.tier_multiplied
        if not self.multipliers:
            return self.tier if with_tier else ONE
        if with_tier not in self._found:
            self._found[with_tier] = factors_of(
                self.multipliers,
                positions=self.eligible.positions,
                tier=self.tier if with_tier else None,
                combination=self.combination,
            )
        return self._found[with_tier]


@dataclass(slots=True)
class Reckoner:
    """One event under one document, with the counters that it fills.

    ``multiplier`` and ``tier`` are the tier's; ``rate`` is that of ``counted``, None where nothing is converted.
    """

    document: ProgramDocument
    event: EarnEvent
    tier_code: str
    multiplier: Decimal
    tier: Fraction
    counted: Counting | None
    rate: Number | None
    eligible: Scope
    counters: Counters
    _rule_caps: dict[str, Caps] = field(default_factory=dict)
    _unit_caps: dict[str, Caps] = field(default_factory=dict)
    _parts: dict[tuple[int, Scope], tuple[int, ...]] = field(default_factory=dict)

    def caps_of(self, each: Applied) -> Caps:
        """The caps of a rule."""
        caps = each.plan.rule.caps
        if not caps:
            return NO_CAPS
        if each.rule_id not in self._rule_caps:
            self._rule_caps[each.rule_id] = self.counters.caps(CapSubject.RULE, each.rule_id, caps)
        return self._rule_caps[each.rule_id]

    def caps_of_unit(self, code: str) -> Caps:
        """The caps of a unit."""
        if code not in self._unit_caps:
            unit = next(unit for unit in self.document.units if unit.code == code)
            self._unit_caps[code] = self.counters.caps(CapSubject.UNIT, code, unit.caps)
        return self._unit_caps[code]

    def factors(self, multipliers: Sequence[Applied]) -> Factors:
        """By what the base points of each line are multiplied with these multipliers."""
        return Factors(multipliers, self.eligible, self.tier, self.document.policies.multipliers)

    def money_of(self, scope: Scope) -> Number:
        """The base of a scope in minor units of the program's currency; 0 where it is not known in that."""
        return 0 if self.rate is None else product(scope.whole_minor, self.rate)

    def worth(self, each: Applied, factors: Factors) -> Worth:
        """What a rule gives by itself, each line by its factor."""
        scope = each.scope
        wanted = self.money_of(scope)
        caps, of_unit = self.caps_of(each), self.caps_of_unit(each.plan.unit)
        share: Number = 1
        if wanted > 0 and (caps.met or of_unit.met):
            share = min(caps.share_of_money(wanted), of_unit.share_of_money(self.money_of(self.eligible)))
        bonus: int | None = None
        exact = Exact(0, 0, scope.weights)
        match each.plan.rule.formula:
            case SpendFormula() as formula:
                found = None if self.counted is None else block(each.plan.blocks, self.counted)
                if found is not None and share > 0:
                    per, rate = found
                    price = spend(formula.points, per, formula.mode, product(rate, share))
                    exact = _priced(each, scope.amounts, price, factors)
            case PerItemFormula(points) if share > 0:
                exact = _priced(each, [_items(line) for line in scope.lines], per_item(points), factors)
            case FixedFormula(points):
                bonus = points if share > 0 else 0
            case TierTableFormula(table):
                bonus = dict(table).get(self.tier_code, 0) if share > 0 else 0
        return Worth(each, caps, exact, bonus, scope.base_minor, product(wanted, share), wanted)

    def parts(self, worth: Worth, points: int) -> tuple[int, ...]:
        """Points of a rule by line; what is given alike for the same lines is shared out once."""
        scope, weights = worth.applied.scope, worth.exact.weights
        if not scope.lines:
            return ()
        if len(weights) == 1 or points == 0:
            return (points,) * len(weights)
        if weights is not scope.weights:
            return allocate(points, weights)
        parts = self._parts.get((points, scope))
        if parts is None:
            parts = self._parts[points, scope] = allocate(points, weights)
        return parts


def rounded(numerator: int, denominator: int, rounding: Rounding) -> int:
    """Exact points, not below zero, as whole ones."""
    match rounding:
        case Rounding.FLOOR:
            return numerator // denominator
        case Rounding.CEIL:
            return -(-numerator // denominator)
        case Rounding.HALF_UP:
            return (2 * numerator + denominator) // (2 * denominator)


def split(worths: Sequence[Worth], rounding: Rounding) -> dict[str, int]:
    """The whole points of one unit by rule: rounded once, shared by largest remainder, ties to the earlier rule."""
    totals = [worth.exact.total for worth in worths]
    denominator = common_denominator(totals)
    numerators = over(totals, denominator)
    whole = rounded(sum(numerators), denominator, rounding)
    parts = allocate(whole, numerators) if whole else (0,) * len(totals)
    return {worth.applied.rule_id: part for worth, part in zip(worths, parts, strict=True)}


def lessened(points: Mapping[str, int], taken: int) -> dict[str, int]:
    """The same less ``taken`` in all, from each in proportion to what it has."""
    parts = allocate(taken, list(points.values())) if points else ()
    return {rule_id: have - part for (rule_id, have), part in zip(points.items(), parts, strict=True)}


def _priced(each: Applied, amounts: Sequence[int], price: Price, factors: Factors) -> Exact:
    """The rule's price for parts of its scope; ``amounts`` are those of the lines, and of shipping at the end."""
    scope, found = each.scope, factors.of(each)
    if isinstance(found, Fraction):
        if amounts is scope.amounts:
            return even(scope.whole_minor, scope.weights, found, price)
        return even(sum(amounts), tuple([max(0, amount) for amount in amounts]), found, price)
    ranks = [found.ranks[position] for position in (*scope.positions, None)[: len(amounts)]]
    exact = stacked(amounts, ranks, found.factors, price)
    return Exact(exact.base, exact.total, exact.weights[: len(scope.lines)])


def _items(line: PurchaseLine) -> int:
    """Whole units of a line, below zero of one that takes back."""
    return int(line.quantity)
