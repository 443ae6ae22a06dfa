"""In which currency a rule counts, and at which rate it takes another."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from services.loyalty.earning.domain.formulas import Number
from services.loyalty.earning.errors import CurrencyNotAccepted
from services.loyalty.programs.domain.document import ProgramDocument
from services.loyalty.programs.domain.policies import ForeignCurrencyPolicy
from services.loyalty.programs.domain.rules import EarnRule, SpendFormula
from services.platform.money import exponent


@dataclass(frozen=True, slots=True)
class Counting:
    """How the currency of an event is taken.

    ``rate`` is what one minor unit of it is in minor units of the program's currency: 1 for that currency itself,
    None where it is not converted.
    """

    currency: str
    own: str
    rate: Fraction | None

    @property
    def converted(self) -> Fraction | None:
        """The rate of another currency than the program's, where there is one."""
        return None if self.currency == self.own else self.rate


def counting(document: ProgramDocument, *, currency: str, day: date) -> Counting:
    """How an event's currency is taken on a day of the program's zone.

    Raises:
        CurrencyNotAccepted: the policy refuses it, and no rule names it.
    """
    own = document.currency
    if currency == own:
        return Counting(currency, own, Fraction(1))
    policy = document.policies.foreign_currency
    if policy is ForeignCurrencyPolicy.REFUSE and not is_named(document, currency):
        raise CurrencyNotAccepted(accepted=own, given=currency)
    rate = rate_on(document, currency=currency, day=day) if policy is ForeignCurrencyPolicy.CONVERT else None
    return Counting(currency, own, rate)


def rate_on(document: ProgramDocument, *, currency: str, day: date) -> Fraction | None:
    """The latest rate from a day or before it, between minor units: yen have none, dinars three digits of them."""
    dated = [rate for rate in document.rates if rate.currency == currency and rate.from_date <= day]
    if not dated:
        return None
    latest = max(dated, key=lambda rate: rate.from_date)
    digits = exponent(document.currency) - exponent(currency)
    return Fraction(latest.rate) * Fraction(10) ** digits


def is_named(document: ProgramDocument, currency: str) -> bool:
    """Whether a rule says what it gives in a currency."""
    return any(currency in amounts_of(rule) for rule in document.rules)


def block(blocks: Mapping[str, int], counted: Counting) -> tuple[int, Number] | None:
    """The block of a spend rule in minor units, and the rate by which amounts are taken; None: it earns nothing."""
    if counted.currency in blocks:
        return blocks[counted.currency], 1
    if counted.converted is not None and counted.own in blocks:
        return blocks[counted.own], counted.converted
    return None


def amounts_of(rule: EarnRule) -> dict[str, int]:
    """The blocks of a spend rule by currency; another rule has none."""
    formula = rule.formula
    return {each.currency: each.minor for each in formula.per} if isinstance(formula, SpendFormula) else {}
