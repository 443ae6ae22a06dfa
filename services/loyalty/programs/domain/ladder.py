"""The tier set: how members climb, stay and come down."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from services.loyalty.programs.domain.text import LocalizedText
from services.loyalty.programs.domain.validity import Expiry, Span
from services.loyalty.programs.errors import TierNotInProgram


class TierMetric(StrEnum):
    """What is summed to qualify: points earned of the tier set's unit, money spent in the program's currency, visits.

    A visit is a purchase or a check-in, one per store and calendar day. BALANCE is what can be spent now, which
    redeeming lowers.
    """

    POINTS_EARNED = "points_earned"
    SPEND = "spend"
    VISITS = "visits"
    BALANCE = "balance"


class QualificationPeriod(StrEnum):
    """Over what time the metric is summed.

    LIFETIME has no end; CALENDAR is one or more years from 1 January; ROLLING looks back from any instant;
    ANNIVERSARY is a span from the day on which the tier was reached (of the first tier: from enrolment).
    """

    LIFETIME = "lifetime"
    CALENDAR = "calendar"
    ROLLING = "rolling"
    ANNIVERSARY = "anniversary"


class Upgrade(StrEnum):
    """When a threshold that is reached lifts a member."""

    AT_ONCE = "at_once"
    PERIOD_START = "period_start"
    NONE = "none"


class Downgrade(StrEnum):
    """How far a review lets a member down."""

    NONE = "none"
    ONE = "one"
    TO_FIT = "to_fit"


class Crossing(StrEnum):
    """At which tier the purchase that crosses a threshold earns."""

    OLD = "old"
    NEW = "new"


class Access(StrEnum):
    """How a tier is reached. Those of INVITATION and PAID are given by staff until a date, never by the metric."""

    EARNED = "earned"
    INVITATION = "invitation"
    PAID = "paid"


@dataclass(frozen=True, slots=True)
class TierLevel:
    """A rung: reached at ``threshold`` (inclusive), kept at ``retention`` (None: the same) when it is reviewed.

    ``multiplier`` multiplies base points. ``is_protected``: whoever has reached it is never let down.
    ``expiry`` replaces that of the units for points earned at this tier.
    """

    code: str
    name: LocalizedText
    threshold: int
    multiplier: Decimal
    retention: int | None = None
    access: Access = Access.EARNED
    is_protected: bool = False
    benefits: tuple[LocalizedText, ...] = ()
    expiry: Expiry | None = None

    @property
    def keeps_at(self) -> int:
        """What a review asks for."""
        return self.threshold if self.retention is None else self.retention


@dataclass(frozen=True, slots=True)
class TierSet:
    """The ladder: levels by strictly ascending threshold among those that are earned, the first at zero.

    ``unit`` is what POINTS_EARNED and BALANCE look at (None: the program's first unit). ``span`` is the length of a
    CALENDAR (in months, a multiple of 12), ROLLING or ANNIVERSARY period. ``resets`` says whether the metric starts
    from zero after a review. ``counts_pending``: whether points count before they can be spent. ``grace_days`` pass
    between a review that finds too little and the downgrade, which a member who makes up for it in time is spared.
    """

    metric: TierMetric
    levels: tuple[TierLevel, ...]
    unit: str | None = None
    period: QualificationPeriod = QualificationPeriod.LIFETIME
    span: Span | None = None
    resets: bool = False
    counts_pending: bool = False
    upgrade: Upgrade = Upgrade.AT_ONCE
    downgrade: Downgrade = Downgrade.ONE
    grace_days: int = 0
    crossing: Crossing = Crossing.OLD

    def level(self, code: str) -> TierLevel:
        """The level with this code.

        Raises:
            TierNotInProgram: there is none, as in a version from before the level.
        """
        for level in self.levels:
            if level.code == code:
                return level
        raise TierNotInProgram(tier_code=code)
