"""Earn rules: what happens, under which conditions, gives how many points of which unit."""

from dataclasses import dataclass, field
from datetime import date, time
from decimal import Decimal
from enum import StrEnum

from services.loyalty.programs.domain.conditions import Condition
from services.loyalty.programs.domain.text import LocalizedText
from services.loyalty.programs.domain.validity import Activation, Expiry


class Trigger(StrEnum):
    """What sets a rule off."""

    PURCHASE = "purchase"
    SIGN_UP = "sign_up"
    CHECK_IN = "check_in"
    REVIEW = "review"
    SURVEY = "survey"
    SHARE = "share"
    REFERRAL_REGISTERED = "referral_registered"
    """Somebody joined by the member's code; the friend has a rule of their own by SIGN_UP and ``event.referred``."""
    REFERRAL_PURCHASED = "referral_purchased"
    BIRTHDAY = "birthday"
    ANNIVERSARY = "anniversary"
    PROFILE_COMPLETED = "profile_completed"
    MENTION = "mention"
    CUSTOM_EVENT = "custom_event"


class RuleMode(StrEnum):
    """Whether only whole blocks of ``per`` earn (199 at "1 per 100" earns 1), or every part does before rounding."""

    STEP = "step"
    PROPORTIONAL = "proportional"


class Rounding(StrEnum):
    """How exact points become whole ones, once, after the multipliers."""

    FLOOR = "floor"
    CEIL = "ceil"
    HALF_UP = "half_up"


class Combination(StrEnum):
    """How several that apply are put together. FIRST is the first by priority, then by place in the document."""

    SUM = "sum"
    BEST = "best"
    FIRST = "first"
    PRODUCT = "product"
    """Of multipliers only."""


@dataclass(frozen=True, slots=True)
class CurrencyAmount:
    """``minor`` minor units of a currency."""

    currency: str
    minor: int


@dataclass(frozen=True, slots=True)
class SpendFormula:
    """``points`` for every ``per`` of what was paid; a currency that is not named is converted or earns nothing."""

    points: int
    per: tuple[CurrencyAmount, ...]
    mode: RuleMode = RuleMode.STEP


@dataclass(frozen=True, slots=True)
class PerItemFormula:
    """``points`` for every whole unit of the lines in scope."""

    points: int


@dataclass(frozen=True, slots=True)
class FixedFormula:
    """``points`` once for the event; a bonus, which no multiplier changes."""

    points: int


@dataclass(frozen=True, slots=True)
class TierTableFormula:
    """A bonus by the tier held, by its code; a tier that is not named gets none."""

    points: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class MultiplierFormula:
    """Multiplies the base points of the lines in scope (spend and per-item rules) by ``factor``."""

    factor: Decimal


Formula = SpendFormula | PerItemFormula | FixedFormula | TierTableFormula | MultiplierFormula


class CapPeriod(StrEnum):
    """The time in which a cap fills: calendar periods of the program's zone, weeks by ISO 8601."""

    EVENT = "event"
    """One purchase, one check-in."""
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"
    LIFETIME = "lifetime"


class CapMeasure(StrEnum):
    """What a cap counts: points, minor units of the rule's base in the program's currency, or times."""

    POINTS = "points"
    MONEY = "money"
    TIMES = "times"


class CapOwner(StrEnum):
    """Whose cap it is: each member's own, or one for everybody together."""

    MEMBER = "member"
    EVERYONE = "everyone"


class Overflow(StrEnum):
    """What becomes of what is above a cap: it is clipped, or the rule gives nothing at all."""

    CLIP = "clip"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Cap:
    """At most ``limit`` of ``measure`` in one period. TIMES counts events for which the rule gave points."""

    limit: int
    per: CapPeriod
    measure: CapMeasure = CapMeasure.POINTS
    owner: CapOwner = CapOwner.MEMBER
    overflow: Overflow = Overflow.CLIP


@dataclass(frozen=True, slots=True)
class Window:
    """When a rule applies, in the program's zone: days (both included), weekdays (1 Monday to 7), hours of the day.

    Hours are half-open; where ``from_time`` is after ``until_time`` they go past midnight and belong to the day on
    which they begin.
    """

    from_date: date | None = None
    until_date: date | None = None
    weekdays: tuple[int, ...] = ()
    from_time: time | None = None
    until_time: time | None = None


@dataclass(frozen=True, slots=True)
class EarnRule:
    """One rule. ``when`` is asked of the event, ``lines`` of each line of a purchase: those it holds for are in scope.

    Rules of one ``group`` are combined as the document says; a rule that is not ``stackable`` and has the highest
    priority among those of its group that apply replaces the others. ``unit``, ``activation`` and ``expiry`` are the
    document's own where they are None. ``event`` is the code of the custom event.
    """

    id: str
    name: LocalizedText
    trigger: Trigger
    formula: Formula
    when: Condition | None = None
    lines: Condition | None = None
    event: str | None = None
    unit: str | None = None
    window: Window = field(default_factory=Window)
    group: str | None = None
    priority: int = 0
    stackable: bool = True
    tier_multiplied: bool = True
    """Whether the multiplier of the member's tier applies (to spend and per-item formulas)."""
    caps: tuple[Cap, ...] = ()
    activation: Activation | None = None
    expiry: Expiry | None = None
