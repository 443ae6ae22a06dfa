"""Earn rules, declared."""

from collections.abc import Iterator, Sequence

from services.loyalty.programs.domain import bounds
from services.loyalty.programs.domain.codec import (
    Boolean,
    Choice,
    Codec,
    Currency,
    Date,
    Integer,
    Kind,
    ListOf,
    MapOf,
    Member,
    Named,
    Record,
    Tagged,
    TimeOfDay,
    Wrapped,
)
from services.loyalty.programs.domain.codec.base import Definitions, Difference, Schema, Steps
from services.loyalty.programs.domain.declaration.basics import ACTIVATION, EXPIRY, FACTOR, IDENTIFIER, LOCALIZED, SLUG
from services.loyalty.programs.domain.declaration.conditions import CONDITION
from services.loyalty.programs.domain.reading import Reader, pointer
from services.loyalty.programs.domain.rules import (
    Cap,
    CapMeasure,
    CapOwner,
    CapPeriod,
    CurrencyAmount,
    EarnRule,
    FixedFormula,
    Formula,
    MultiplierFormula,
    Overflow,
    PerItemFormula,
    RuleMode,
    SpendFormula,
    TierTableFormula,
    Trigger,
    Window,
)
from services.loyalty.programs.errors import ProblemCode

_POINTS = Integer(1, bounds.RULE_POINTS_MAX)
_DAYS_IN_WEEK = 7


class _Amounts(Codec[tuple[CurrencyAmount, ...]]):
    """``{"CNY": 100}``: minor units by currency."""

    _map = MapOf(Currency(), Integer(1, bounds.MONEY_MAX), maximum=bounds.CURRENCIES_MAX)

    def read(self, reader: Reader, value: object, path: str) -> tuple[CurrencyAmount, ...]:
        return tuple(CurrencyAmount(currency, minor) for currency, minor in self._map.read(reader, value, path))

    def write(self, value: tuple[CurrencyAmount, ...]) -> dict[str, int]:
        return {amount.currency: amount.minor for amount in value}

    def parts(
        self, before: tuple[CurrencyAmount, ...], after: tuple[CurrencyAmount, ...], steps: Steps
    ) -> Iterator[Difference]:
        old, new = (tuple((amount.currency, amount.minor) for amount in amounts) for amounts in (before, after))
        return self._map.parts(old, new, steps)

    def schema(self, definitions: Definitions, /) -> Schema:
        return self._map.schema(definitions)


_SPEND = Record(
    SpendFormula,
    (
        Member("points", _POINTS, "Points for each `per`."),
        Member("per", _Amounts(), "Minor units that give `points`, by currency."),
        Member("mode", Choice(RuleMode), "step: whole blocks of `per` only; proportional: every part of one."),
    ),
)

FORMULA: Codec[Formula] = Tagged(
    (
        Kind("spend", SpendFormula, _SPEND, "Points for what was paid."),
        Kind("perItem", PerItemFormula, Wrapped(PerItemFormula, _POINTS), "Points for every unit of the lines."),
        Kind("fixed", FixedFormula, Wrapped(FixedFormula, _POINTS), "Points once, which nothing multiplies."),
        Kind(
            "tierTable",
            TierTableFormula,
            Wrapped(TierTableFormula, MapOf(SLUG, _POINTS, maximum=bounds.LEVELS_MAX)),
            "Points once, by the code of the member's tier.",
        ),
        Kind("multiply", MultiplierFormula, Wrapped(MultiplierFormula, FACTOR), "Multiplies the base points."),
    )
)

_WEEKDAY = Integer(1, _DAYS_IN_WEEK)


def _check_window(reader: Reader, window: Window, path: str) -> None:
    if window.from_date is not None and window.until_date is not None and window.until_date < window.from_date:
        earlier = window.from_date.isoformat()
        reader.note(pointer(path, ("until",)), ProblemCode.NOT_AFTER, {"earlier": earlier})
    if window.from_time is not None and window.from_time == window.until_time:
        earlier = window.from_time.isoformat(timespec="minutes")
        reader.note(pointer(path, ("untilTime",)), ProblemCode.NOT_AFTER, {"earlier": earlier})


class _Weekdays(ListOf[int]):
    """Days of the week in their order, whatever the order in which they were written."""

    def __init__(self) -> None:
        super().__init__(_WEEKDAY, maximum=_DAYS_IN_WEEK, unique=int)

    def read(self, reader: Reader, value: object, path: str) -> tuple[int, ...]:
        return tuple(sorted(super().read(reader, value, path)))

    def parts(self, before: tuple[int, ...], after: tuple[int, ...], steps: Steps) -> Iterator[Difference]:
        yield Difference(steps, list(before), list(after))


WINDOW: Codec[Window] = Record(
    Window,
    (
        Member("from_date", Date(), "The first day, in the program's zone.", name="from"),
        Member("until_date", Date(), "The last day, included.", name="until"),
        Member("weekdays", _Weekdays(), "1 Monday to 7 Sunday; none means all."),
        Member("from_time", TimeOfDay(), "The hour from which it applies."),
        Member("until_time", TimeOfDay(), "The hour until which it applies; before `fromTime`: past midnight."),
    ),
    check=_check_window,
)


def _check_cap(reader: Reader, cap: Cap, path: str) -> None:
    if cap.measure is CapMeasure.TIMES and cap.per is CapPeriod.EVENT:
        reader.note(pointer(path, ("per",)), ProblemCode.NOT_APPLICABLE, {"needs": "measure: points, money"})


_CAP: Codec[Cap] = Named(
    "cap",
    Record(
        Cap,
        (
            Member("limit", Integer(1, bounds.POINTS_MAX), "The most in one period."),
            Member("per", Choice(CapPeriod), "The period, by the calendar of the program's zone; weeks by ISO 8601."),
            Member("measure", Choice(CapMeasure), "What is counted: points, minor units of the base, or events."),
            Member("owner", Choice(CapOwner), "Whether each member has one, or all together."),
            Member("overflow", Choice(Overflow), "What is above is clipped, or the rule gives nothing."),
        ),
        check=_check_cap,
    ),
)
CAPS: Codec[tuple[Cap, ...]] = ListOf(
    _CAP, maximum=bounds.CAPS_MAX, unique=lambda cap: (cap.per, cap.measure, cap.owner)
)


def _check_rule(reader: Reader, rule: EarnRule, path: str) -> None:
    if rule.trigger is not Trigger.PURCHASE:
        _check_without_lines(reader, rule, path)
    if rule.trigger is Trigger.CUSTOM_EVENT and rule.event is None:
        reader.note(pointer(path, ("event",)), ProblemCode.MISSING)
    if rule.trigger is not Trigger.CUSTOM_EVENT and rule.event is not None:
        _needs(reader, path, ("event",), "trigger: custom_event")
    if isinstance(rule.formula, MultiplierFormula):
        for name in ("activation", "expiry"):
            if getattr(rule, name) is not None:
                _needs(reader, path, (name,), "formula: spend, perItem, fixed, tierTable")


def _check_without_lines(reader: Reader, rule: EarnRule, path: str) -> None:
    if not isinstance(rule.formula, FixedFormula | TierTableFormula):
        _needs(reader, path, ("formula",), "trigger: purchase")
    if rule.lines is not None:
        _needs(reader, path, ("lines",), "trigger: purchase")
    for index, cap in enumerate(rule.caps):
        if cap.measure is CapMeasure.MONEY:
            _needs(reader, path, ("caps", index, "measure"), "trigger: purchase")


def _needs(reader: Reader, path: str, steps: Sequence[str | int], what: str) -> None:
    reader.note(pointer(path, steps), ProblemCode.NOT_APPLICABLE, {"needs": what})


RULE: Codec[EarnRule] = Record(
    EarnRule,
    (
        Member("id", SLUG, "Unique among the rules; entries name it for ever."),
        Member("name", LOCALIZED, "What members read beside their points."),
        Member("trigger", Choice(Trigger), "What sets it off."),
        Member("event", IDENTIFIER, "The code of the custom event that sets it off."),
        Member("formula", FORMULA, "What it gives."),
        Member("when", CONDITION, "Asked of the event and its member."),
        Member("lines", CONDITION, "Asked of each line of a purchase: those it holds for are in scope."),
        Member("unit", IDENTIFIER, "The point unit that it gives; the program's first without it."),
        Member("window", WINDOW, "When it applies, in the program's zone."),
        Member("group", SLUG, "Rules of one group are put together as `groups` says; without a word there, summed."),
        Member("priority", Integer(-bounds.PRIORITY_MAX, bounds.PRIORITY_MAX), "The highest comes first."),
        Member("stackable", Boolean(), "false: by the highest priority of its group, it replaces the others."),
        Member("tier_multiplied", Boolean(), "Whether the tier's multiplier applies to its base points."),
        Member("caps", CAPS, "The most that it gives."),
        Member("activation", ACTIVATION, "When its points can be spent; the unit's own without it."),
        Member("expiry", EXPIRY, "When its points end; the unit's own without it."),
    ),
    check=_check_rule,
)
