"""Clipping what rules give to what their caps leave, and counting what was given."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

from services.loyalty.earning.domain.accruals import AppliedCap
from services.loyalty.earning.domain.caps import CapKey, CapSubject, key_of
from services.loyalty.earning.domain.formulas import Number
from services.loyalty.programs.domain.rules import Cap, CapMeasure, CapPeriod, Overflow
from services.platform.money import divide_half_up


@dataclass(frozen=True, slots=True)
class Met:
    """A cap that an event meets, and what it left before."""

    cap: Cap
    key: CapKey
    room: int


@dataclass(frozen=True, slots=True)
class Caps:
    """All caps of one rule or one unit that an event meets."""

    met: tuple[Met, ...] = ()

    @property
    def is_full(self) -> bool:
        """Whether one of them leaves nothing."""
        return any(each.room == 0 for each in self.met)

    def share_of_money(self, base: Number) -> Number:
        """Which part of a base, in minor units of the program's currency, may count."""
        share: Number = 1
        for each in self.met:
            if each.cap.measure is CapMeasure.MONEY and base > each.room:
                share = min(share, Fraction(each.room) / base if each.cap.overflow is Overflow.CLIP else 0)
        return share

    def clipped(self, points: int) -> int:
        """What is left of points. One whose times are used up, or that rejects, leaves none."""
        left = points
        for each in self.met:
            if each.cap.measure is CapMeasure.TIMES and each.room == 0:
                return 0
            if each.cap.measure is CapMeasure.POINTS and points > each.room:
                left = min(left, each.room if each.cap.overflow is Overflow.CLIP else 0)
        return left


@dataclass(frozen=True, slots=True)
class Given:
    """What a rule or a unit gives for an event: points, and the base that they are for, in the program's currency."""

    points: int
    money: Number = 0

    def measured(self, measure: CapMeasure) -> int:
        """What a cap counts of it; nothing where no points are given. Parts of a minor unit half-up."""
        if self.points == 0:
            return 0
        match measure:
            case CapMeasure.POINTS:
                return self.points
            case CapMeasure.MONEY:
                return max(0, divide_half_up(self.money.numerator, self.money.denominator))
            case CapMeasure.TIMES:
                return 1


@dataclass(slots=True)
class Counters:
    """The counters of a day: what had been used of them, which were looked at, and what the event fills."""

    day: date
    used: Mapping[CapKey, int]
    fillings: dict[CapKey, int] = field(default_factory=dict)
    looked_at: dict[CapKey, int] = field(default_factory=dict)

    def caps(self, subject: CapSubject, code: str, caps: Iterable[Cap]) -> Caps:
        """The caps of a rule or a unit as the event meets them."""
        met: list[Met] = []
        for cap in caps:
            key = key_of(cap, subject, code, self.day)
            if cap.per is CapPeriod.EVENT:
                # All its room each time.
                met.append(Met(cap, key, cap.limit))
            else:
                used = self.looked_at[key] = self.used.get(key, 0)
                met.append(Met(cap, key, max(0, cap.limit - used)))
        return Caps(tuple(met))

    def fill(self, caps: Caps, given: Given) -> None:
        """Count what was given; two caps on one counter count it once."""
        for each in caps.met:
            amount = given.measured(each.cap.measure)
            if amount and each.cap.per is not CapPeriod.EVENT:
                self.fillings[each.key] = amount


def applied_caps(caps: Caps, given: Given, *, wanted: Given) -> tuple[AppliedCap, ...]:
    """What the explanation says of caps; ``wanted`` is what they were met with."""
    applied = [
        AppliedCap(
            key=each.key,
            limit=each.cap.limit,
            room=each.room,
            overflow=each.cap.overflow,
            filled=given.measured(each.cap.measure),
            has_taken=wanted.points > given.points and wanted.measured(each.cap.measure) > each.room,
        )
        for each in caps.met
    ]
    return tuple(applied)
