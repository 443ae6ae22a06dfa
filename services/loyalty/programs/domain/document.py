"""The program document, version 1, as typed values.

Points are whole numbers of the smallest part of the point unit (a unit of scale 2 counts hundredths), money is whole
minor units of the document's currency, and rates are exact decimals.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from services.loyalty.programs.errors import TierNotInProgram

DOCUMENT_VERSION = 1

CategoryPath = tuple[str, ...]
"""A category from the root of the merchant's tree, such as ``("Drinks", "Coffee")``; compared letter by letter."""


class RuleMode(StrEnum):
    """Whether only whole blocks of ``per`` earn (199 at "1 per 100" earns 1), or every part does before rounding."""

    STEP = "step"
    PROPORTIONAL = "proportional"


class CapPeriod(StrEnum):
    """The time in which a cap fills: the calendar day in the program's time zone."""

    DAY = "day"


class TierMetric(StrEnum):
    """What is summed to qualify for a tier: points earned on purchases, or money spent in the program's currency."""

    POINTS_EARNED = "points_earned"
    SPEND = "spend"


class ForeignCurrencyPolicy(StrEnum):
    """A purchase in another currency than the program's: it is recorded and earns nothing, or it is refused."""

    EARN_NOTHING = "earn_nothing"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class LocalizedText:
    """One text in the languages of the product."""

    en: str
    zh: str


@dataclass(frozen=True, slots=True)
class PointUnit:
    """What is earned: its ledger code, its name, and how many digits it shows after the point."""

    code: str
    name: LocalizedText
    scale: int


@dataclass(frozen=True, slots=True)
class Conditions:
    """Which lines a rule counts, and where. Empty means all.

    A line counts when its category path begins with one of ``categories`` and with none of ``excluded_categories``;
    the rule applies in ``stores``, given by their external codes.
    """

    categories: tuple[CategoryPath, ...] = ()
    excluded_categories: tuple[CategoryPath, ...] = ()
    stores: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cap:
    """The most ``points`` one member gets by one rule in one period; what is above is clipped."""

    points: int
    per: CapPeriod


@dataclass(frozen=True, slots=True)
class SpendRule:
    """``points`` for every ``per_minor`` minor units paid for the lines in scope, times the tier's multiplier."""

    id: str
    name: LocalizedText
    points: int
    per_minor: int
    mode: RuleMode
    conditions: Conditions
    cap: Cap | None


@dataclass(frozen=True, slots=True)
class TierLevel:
    """A rung: reached at ``threshold`` (inclusive, points or minor units), it multiplies what every rule gives."""

    code: str
    name: LocalizedText
    threshold: int
    multiplier: Decimal


@dataclass(frozen=True, slots=True)
class TierSet:
    """The ladder: levels by strictly ascending threshold, the first at zero."""

    metric: TierMetric
    levels: tuple[TierLevel, ...]

    def level(self, code: str) -> TierLevel:
        """The level with this code.

        Raises:
            TierNotInProgram: there is none, as in a version from before the level.
        """
        for level in self.levels:
            if level.code == code:
                return level
        raise TierNotInProgram(tier_code=code)


@dataclass(frozen=True, slots=True)
class Policies:
    """The merchant's choices. Purchases older than ``backdating_days`` are refused."""

    backdating_days: int = 30
    foreign_currency: ForeignCurrencyPolicy = ForeignCurrencyPolicy.EARN_NOTHING


@dataclass(frozen=True, slots=True)
class ProgramDocument:
    """One loyalty program as the merchant wrote it. ``timezone`` is an IANA name, ``currency`` an ISO 4217 code."""

    name: LocalizedText
    unit: PointUnit
    timezone: str
    currency: str
    spend_rules: tuple[SpendRule, ...]
    tiers: TierSet
    policies: Policies
