"""Program documents of every shape that a merchant may publish: each generated one passes every check.

`documents()` is for whoever evaluates programs; narrow it by its keywords.
"""

from dataclasses import replace
from datetime import date, time
from decimal import Decimal
from functools import cache
from typing import Any

from hypothesis import strategies as st

from services.loyalty.programs.domain import (
    AboveLimit,
    Access,
    Activation,
    AllOf,
    AnyOf,
    BasePolicy,
    Boundary,
    Cap,
    CapMeasure,
    CapOwner,
    CapPeriod,
    Combination,
    Comparison,
    Condition,
    CouponOrder,
    Crossing,
    CurrencyAmount,
    CustomEvent,
    CustomField,
    Downgrade,
    EarlyRefundPolicy,
    EarnRule,
    ExchangeRate,
    Exclusions,
    Expiry,
    Expression,
    FieldOwner,
    FieldType,
    FixedFormula,
    ForeignCurrencyPolicy,
    Formula,
    LeapBirthday,
    LocalizedText,
    MonthDay,
    MultiplierFormula,
    NoSilentLoss,
    Not,
    Operator,
    Overflow,
    OwingPolicy,
    PartialLoss,
    PayWithPoints,
    PerItemFormula,
    PointUnit,
    Policies,
    ProgramDocument,
    QualificationPeriod,
    RefundPolicy,
    Rolling,
    Rounding,
    RuleGroup,
    RuleMode,
    Sliding,
    Span,
    SpendFormula,
    Start,
    TaxPolicy,
    TierLevel,
    TierMetric,
    TierSet,
    TierTableFormula,
    TimeUnit,
    TransferPolicy,
    Trigger,
    Upgrade,
    Window,
)

PLAIN_NAMES = st.just(LocalizedText("Name", "名称"))
CATEGORIES = ("food", "fresh", "fish", "drinks")
STORES = ("S1", "S2", "S3")
UNITS = ("points", "miles", "stars")
GROUPS = ("first-group", "second-group")
OTHER_TRIGGERS = tuple(trigger for trigger in Trigger if trigger not in {Trigger.PURCHASE, Trigger.CUSTOM_EVENT})
FACTORS = st.integers(1, 1_000_000).map(lambda parts: Decimal(parts).scaleb(-4))
DATES = st.dates(date(2016, 1, 1), date(2018, 12, 31))
EVENTS = (
    CustomEvent(
        "workout",
        LocalizedText("Workout", "锻炼"),
        {
            "type": "object",
            "properties": {"minutes": {"type": "integer", "minimum": 1}, "place": {"type": "string", "maxLength": 40}},
            "required": ["minutes"],
            "additionalProperties": False,
        },
    ),
)
FIELDS = (
    CustomField("shirt", FieldOwner.MEMBER, FieldType.TEXT, LocalizedText("Shirt size", "衣服尺码")),
    CustomField("covers", FieldOwner.PURCHASE, FieldType.NUMBER, LocalizedText("Covers", "用餐人数")),
)


def texts(maximum: int) -> st.SearchStrategy[str]:
    letters = st.characters(exclude_categories=("Cc", "Cs"))
    return st.text(letters, min_size=1, max_size=maximum).filter(lambda text: bool(text.strip()))


ANY_NAMES = st.builds(LocalizedText, en=texts(80), zh=texts(80))


@cache
def spans(days_min: int = 1, days_max: int = 400) -> st.SearchStrategy[Span]:
    months = st.integers(max(1, days_min // 28), max(1, days_max // 28)).map(lambda count: Span(count, TimeUnit.MONTH))
    return months | st.integers(days_min, days_max).map(lambda count: Span(count, TimeUnit.DAY))


@cache
def activities() -> st.SearchStrategy[tuple[str, ...]]:
    return st.sampled_from([("purchase",), ("purchase", "redemption"), ("check_in", "purchase")])


@cache
def activations() -> st.SearchStrategy[Activation]:
    """Those that come before any generated expiry ends."""
    return st.one_of(
        st.just(Activation()),
        spans(1, 20).map(lambda span: Activation(after=Span(min(span.count, 20), TimeUnit.DAY))),
        st.builds(Activation, action=st.just("order_shipped"), within_days=st.none() | st.integers(1, 60)),
    )


@cache
def expiries() -> st.SearchStrategy[Expiry]:
    boundary = st.sampled_from(Boundary)
    rolling = st.builds(Rolling, span=spans(40), start=st.sampled_from(Start), until_end_of=boundary)
    sliding = st.builds(Sliding, span=spans(40), activities=activities(), until_end_of=boundary)
    partial = st.builds(PartialLoss, percent=st.integers(1, 100), after=spans(40), activities=activities())
    days = st.builds(MonthDay, month=st.integers(1, 12), day=st.integers(1, 28))
    yearly = st.builds(
        Expiry,
        yearly=st.lists(days, min_size=1, max_size=3, unique=True).map(tuple),
        yearly_days_min=st.integers(0, 120),
    )
    return st.one_of(
        st.just(Expiry()),
        rolling.map(lambda found: Expiry(rolling=found)),
        yearly,
        st.just(Expiry(anniversary=True)),
        st.builds(Expiry, rolling=st.none() | rolling, sliding=sliding),
        st.builds(Expiry, on=st.dates(date(2019, 1, 1), date(2021, 1, 1)), partial=st.none() | partial),
    )


@cache
def caps(*, measures: tuple[CapMeasure, ...] = tuple(CapMeasure)) -> st.SearchStrategy[tuple[Cap, ...]]:
    cap = st.builds(
        Cap,
        limit=st.integers(1, 2_000),
        per=st.sampled_from(CapPeriod),
        measure=st.sampled_from(measures),
        owner=st.sampled_from(CapOwner),
        overflow=st.sampled_from(Overflow),
    ).filter(lambda cap: cap.measure is not CapMeasure.TIMES or cap.per is not CapPeriod.EVENT)
    return st.lists(cap, max_size=2, unique_by=lambda cap: (cap.per, cap.measure, cap.owner)).map(tuple)


@cache
def _paths() -> st.SearchStrategy[tuple[tuple[str, ...], ...]]:
    path = st.lists(st.sampled_from(CATEGORIES), min_size=1, max_size=3).map(tuple)
    return st.lists(path, min_size=1, max_size=2, unique=True).map(tuple)


@cache
def _comparisons_of_events(trigger: Trigger) -> list[st.SearchStrategy[Condition]]:
    of_all: list[st.SearchStrategy[Condition]] = [
        st.builds(Comparison, st.just("time.hour"), st.just(Operator.AT_LEAST), st.integers(1, 23)),
        st.builds(Comparison, st.just("member.tags"), st.just(Operator.CONTAINS), st.sampled_from(["vip", "staff"])),
        st.builds(Comparison, st.just("member.fields.shirt"), st.just(Operator.EQUAL), st.sampled_from(["S", "L"])),
        st.sampled_from([("basic",), ("basic", "gold")]).map(
            lambda codes: Comparison("member.tier", Operator.ONE_OF, codes)
        ),
    ]
    if trigger is Trigger.PURCHASE:
        return [
            *of_all,
            st.builds(Comparison, st.just("order.total"), st.just(Operator.AT_LEAST), st.integers(1, 20_000)),
            st.builds(Comparison, st.just("order.fields.covers"), st.just(Operator.MORE), st.integers(1, 9)),
            st.lists(st.sampled_from(STORES), min_size=1, max_size=3, unique=True).map(
                lambda codes: Comparison("store.code", Operator.ONE_OF, tuple(codes))
            ),
            st.integers(1, 20_000).map(lambda minor: Expression(f"order_total >= {minor}")),
        ]
    if trigger is Trigger.CUSTOM_EVENT:
        return [
            *of_all,
            st.builds(Comparison, st.just("event.data.minutes"), st.just(Operator.MORE), st.integers(1, 90)),
        ]
    return of_all


@cache
def event_conditions(trigger: Trigger = Trigger.PURCHASE) -> st.SearchStrategy[Condition]:
    """Conditions asked of an event; no two parts of one contradict each other, as each is of another field."""
    plain = _comparisons_of_events(trigger)
    either = st.lists(st.one_of(plain), min_size=1, max_size=3).map(lambda parts: AnyOf(tuple(parts)))
    both = st.tuples(plain[0], st.one_of(plain[1:]) | either.map(Not)).map(AllOf)
    return st.one_of(*plain, either, both, st.one_of(plain[1:]).map(Not))


@cache
def line_conditions() -> st.SearchStrategy[Condition]:
    under = st.builds(Comparison, st.just("line.category"), st.just(Operator.UNDER), _paths())
    dear = st.builds(Comparison, st.just("line.amount"), st.just(Operator.AT_LEAST), st.integers(1, 5_000))
    return st.one_of(under, under.map(Not), dear, st.tuples(under, dear).map(AllOf), st.tuples(under, dear).map(AnyOf))


@cache
def windows() -> st.SearchStrategy[Window]:
    days = st.lists(st.integers(1, 7), max_size=4, unique=True).map(lambda found: tuple(sorted(found)))
    hours = st.sampled_from([(None, None), (time(9), time(17)), (time(22), time(2)), (time(12, 30), None)])

    def made(dates: list[date], weekdays: tuple[int, ...], between: tuple[Any, Any]) -> Window:
        first, last = (min(dates), max(dates)) if dates else (None, None)
        return Window(first, last, weekdays, *between)

    return st.builds(made, st.lists(DATES, max_size=2), days, hours)


@cache
def formulas(trigger: Trigger, tier_codes: tuple[str, ...]) -> st.SearchStrategy[Formula]:
    points = st.integers(1, 1_000)
    codes = st.lists(st.sampled_from(tier_codes), min_size=1, unique=True)
    table = codes.flatmap(lambda found: st.tuples(*(st.tuples(st.just(code), points) for code in sorted(found)))).map(
        TierTableFormula
    )
    bonuses: list[st.SearchStrategy[Formula]] = [st.builds(FixedFormula, points), table]
    if trigger is not Trigger.PURCHASE:
        return st.one_of(bonuses)
    per = st.dictionaries(st.sampled_from(["CNY", "USD"]), st.integers(1, 10_000), min_size=1).map(
        lambda amounts: tuple(CurrencyAmount(currency, amounts[currency]) for currency in sorted(amounts))
    )
    return st.one_of(
        st.builds(SpendFormula, points, per, st.sampled_from(RuleMode)),
        st.builds(PerItemFormula, points),
        st.builds(MultiplierFormula, FACTORS),
        *bonuses,
    )


@st.composite
def rules(
    draw: st.DrawFn, number: int, tiers: TierSet, units: tuple[str, ...], names: st.SearchStrategy[LocalizedText]
) -> EarnRule:
    trigger = draw(st.sampled_from((Trigger.PURCHASE, Trigger.PURCHASE, Trigger.CUSTOM_EVENT, *OTHER_TRIGGERS)))
    is_purchase = trigger is Trigger.PURCHASE
    formula = draw(formulas(trigger, tuple(level.code for level in tiers.levels)))
    has_points = not isinstance(formula, MultiplierFormula)
    measures = tuple(CapMeasure) if is_purchase else (CapMeasure.POINTS, CapMeasure.TIMES)
    return EarnRule(
        id=f"rule-{number}",
        name=draw(names),
        trigger=trigger,
        formula=formula,
        when=draw(st.none() | event_conditions(trigger)),
        lines=draw(st.none() | line_conditions()) if is_purchase else None,
        event="workout" if trigger is Trigger.CUSTOM_EVENT else None,
        unit=draw(st.none() | st.sampled_from(units)),
        window=draw(st.just(Window()) | windows()),
        group=draw(st.none() | st.sampled_from(GROUPS)),
        priority=draw(st.integers(-3, 3)),
        stackable=draw(st.booleans()),
        tier_multiplied=draw(st.booleans()),
        caps=draw(caps(measures=measures)),
        activation=draw(st.none() | activations().filter(lambda found: found != Activation())) if has_points else None,
        expiry=draw(st.none() | expiries()) if has_points else None,
    )


@st.composite
def tier_sets(draw: st.DrawFn, names: st.SearchStrategy[LocalizedText] = PLAIN_NAMES) -> TierSet:
    """One to four levels of which the first two are ``basic`` and ``gold``."""
    thresholds = [0, *sorted(draw(st.sets(st.integers(1, 10**6), min_size=1, max_size=3)))]
    levels = [
        TierLevel(
            code=code,
            name=draw(names),
            threshold=threshold,
            multiplier=draw(FACTORS),
            retention=draw(st.none() | st.integers(0, threshold)),
            access=draw(st.sampled_from(Access)) if number > 1 else Access.EARNED,
            is_protected=draw(st.booleans()),
            benefits=draw(st.lists(names, max_size=2).map(tuple)),
            expiry=draw(st.none() | expiries()),
        )
        for number, (code, threshold) in enumerate(zip(("basic", "gold", "black", "onyx"), thresholds, strict=False))
    ]
    metric = draw(st.sampled_from(TierMetric))
    period = draw(st.sampled_from(QualificationPeriod))
    is_timed = period is not QualificationPeriod.LIFETIME
    has_starts = period in {QualificationPeriod.CALENDAR, QualificationPeriod.ANNIVERSARY}
    years = st.integers(1, 3).map(lambda count: Span(12 * count, TimeUnit.MONTH))
    span = (years if period is QualificationPeriod.CALENDAR else spans(30)) if is_timed else st.none()
    looks_at_points = metric in {TierMetric.POINTS_EARNED, TierMetric.BALANCE}
    return TierSet(
        metric=metric,
        levels=tuple(levels),
        unit=draw(st.sampled_from([None, UNITS[0]])) if looks_at_points else None,
        period=period,
        span=draw(span),
        resets=is_timed and draw(st.booleans()),
        counts_pending=draw(st.booleans()),
        upgrade=draw(st.sampled_from([up for up in Upgrade if has_starts or up is not Upgrade.PERIOD_START])),
        downgrade=draw(st.sampled_from(Downgrade)),
        grace_days=draw(st.integers(0, 90)),
        crossing=draw(st.sampled_from(Crossing)),
    )


def _transfers(fewest: int, *, is_allowed: bool, most: int | None, daily: int | None, keeps: bool) -> TransferPolicy:
    more, more_daily = (None if extra is None else fewest + extra for extra in (most, daily))
    return TransferPolicy(is_allowed, fewest, more, more_daily, keeps)


POLICIES = st.builds(
    Policies,
    backdating_days=st.integers(0, 3650),
    foreign_currency=st.sampled_from(ForeignCurrencyPolicy),
    rounding=st.sampled_from(Rounding),
    multipliers=st.sampled_from(Combination),
    base=st.builds(BasePolicy, st.booleans(), st.sampled_from(TaxPolicy), st.booleans(), st.booleans()),
    refund=st.sampled_from(RefundPolicy),
    early_refund=st.sampled_from(EarlyRefundPolicy),
    given_back_grace_days=st.integers(0, 60),
    hold_minutes=st.integers(1, 600),
    transfers=st.builds(
        _transfers,
        st.integers(1, 50),
        is_allowed=st.booleans(),
        most=st.none() | st.integers(0, 1_000),
        daily=st.none() | st.integers(0, 1_000),
        keeps=st.booleans(),
    ),
    adjustment_approval_points=st.none() | st.integers(1, 10_000),
    expiry_notice_days=st.integers(0, 60),
    downgrade_notice_days=st.integers(0, 60),
    no_silent_downgrade=st.sampled_from([NoSilentLoss.OFF, NoSilentLoss.ON]),
    pay_with_points=st.builds(
        PayWithPoints,
        is_allowed=st.booleans(),
        points=st.integers(1, 1_000),
        money=st.integers(1, 1_000),
        points_min=st.integers(1, 500),
        step_points=st.integers(1, 500),
        percent_max=st.integers(1, 100),
        above_limit=st.sampled_from(AboveLimit),
        cash_rounding=st.sampled_from([1, 5, 10, 100]),
    ),
    coupon_order=st.sampled_from(CouponOrder),
    quote_minutes=st.integers(1, 120),
    leap_birthday=st.sampled_from(LeapBirthday),
    birthday_lead_days=st.integers(0, 400),
)
OWING = st.just((OwingPolicy.FORBID, 0)) | st.integers(1, 500).map(lambda points: (OwingPolicy.ALLOW, points))


@cache
def policies() -> st.SearchStrategy[Policies]:
    return st.builds(lambda found, owing: replace(found, owing=owing[0], owed_points_max=owing[1]), POLICIES, OWING)


@st.composite
def documents(
    draw: st.DrawFn, *, names: st.SearchStrategy[LocalizedText] = PLAIN_NAMES, rules_max: int = 4
) -> ProgramDocument:
    """A valid program in CNY, with the tiers ``basic`` and ``gold`` at least and ``points`` as its first unit."""
    codes = UNITS[: draw(st.integers(1, len(UNITS)))]
    unit_caps = caps(measures=(CapMeasure.POINTS, CapMeasure.TIMES))
    units = tuple(
        PointUnit(code, draw(names), draw(st.integers(0, 4)), draw(activations()), draw(expiries()), draw(unit_caps))
        for code in codes
    )
    tiers = draw(tier_sets(names))
    rate = st.builds(ExchangeRate, st.sampled_from(["USD", "JPY"]), DATES, FACTORS)
    excluded = st.none() | line_conditions()
    combinations = st.sampled_from((Combination.SUM, Combination.BEST, Combination.FIRST))
    return ProgramDocument(
        name=draw(names),
        timezone=draw(st.sampled_from(["Asia/Shanghai", "America/New_York", "UTC"])),
        currency="CNY",
        units=units,
        rules=tuple(draw(rules(number, tiers, codes, names)) for number in range(draw(st.integers(1, rules_max)))),
        tiers=tiers,
        policies=draw(policies()),
        groups=draw(
            st.lists(st.sampled_from(GROUPS), unique=True).flatmap(
                lambda found: st.tuples(*(st.builds(RuleGroup, st.just(code), combinations) for code in found))
            )
        ),
        rates=draw(
            st.lists(rate, min_size=1, max_size=3, unique_by=lambda each: (each.currency, each.from_date)).map(tuple)
        ),
        exclusions=draw(st.builds(Exclusions, excluded, excluded)),
        fields=FIELDS,
        events=EVENTS,
    )
