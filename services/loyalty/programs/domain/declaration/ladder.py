"""The tier set, declared."""

from collections.abc import Sequence

from services.loyalty.programs.domain import bounds
from services.loyalty.programs.domain.codec import Boolean, Choice, Codec, Integer, ListOf, Member, Record
from services.loyalty.programs.domain.declaration.basics import EXPIRY, FACTOR, IDENTIFIER, LOCALIZED, SLUG, SPAN
from services.loyalty.programs.domain.ladder import (
    Access,
    Crossing,
    Downgrade,
    QualificationPeriod,
    TierLevel,
    TierMetric,
    TierSet,
    Upgrade,
)
from services.loyalty.programs.domain.reading import Reader, pointer
from services.loyalty.programs.domain.validity import TimeUnit
from services.loyalty.programs.errors import ProblemCode

_MONTHS_IN_YEAR = 12


def _check_levels(reader: Reader, path: str, levels: Sequence[tuple[str, TierLevel]]) -> None:
    first = pointer(path, (0,))
    previous: int | None = None
    for place, level in levels:
        if place == first and level.threshold > 0:
            reader.note(pointer(place, ("threshold",)), ProblemCode.NOT_ZERO)
        if place == first and level.access is not Access.EARNED:
            reader.note(pointer(place, ("access",)), ProblemCode.NOT_ALLOWED, {"allowed": Access.EARNED.value})
        if level.access is Access.EARNED:
            if previous is not None and level.threshold <= previous:
                reader.note(pointer(place, ("threshold",)), ProblemCode.NOT_ASCENDING, {"previous": previous})
            previous = level.threshold


_LEVEL = Record(
    TierLevel,
    (
        Member("code", SLUG, "Unique among the levels."),
        Member("name", LOCALIZED, "Name of the tier."),
        Member(
            "threshold",
            Integer(0, bounds.POINTS_MAX),
            "Reached at this much, inclusive; the first is 0, and those that are earned ascend strictly.",
        ),
        Member("multiplier", FACTOR, "Above 0, at most 100: multiplies the base points of rules."),
        Member("retention", Integer(0, bounds.POINTS_MAX), "What a review asks for; the threshold without it."),
        Member("access", Choice(Access), "Earned by the metric, or given by staff: by invitation or as paid."),
        Member("is_protected", Boolean(), "Whoever has reached it is never let down.", name="protected"),
        Member("benefits", ListOf(LOCALIZED, maximum=bounds.BENEFITS_MAX), "What members read about it."),
        Member("expiry", EXPIRY, "Replaces that of the units for points earned at this tier."),
    ),
)


def _check_tiers(reader: Reader, tiers: TierSet, path: str) -> None:
    def needs(key: str, what: str) -> None:
        reader.note(pointer(path, (key,)), ProblemCode.NOT_APPLICABLE, {"needs": what})

    is_timed = tiers.period is not QualificationPeriod.LIFETIME
    if is_timed and tiers.span is None:
        reader.note(pointer(path, ("span",)), ProblemCode.MISSING)
    if not is_timed and tiers.span is not None:
        needs("span", "period: calendar, rolling, anniversary")
    if not is_timed and tiers.resets:
        needs("resets", "period: calendar, rolling, anniversary")
    if tiers.period is QualificationPeriod.CALENDAR and tiers.span is not None:
        if tiers.span.unit is not TimeUnit.MONTH:
            allowed = {"allowed": TimeUnit.MONTH.value}
            reader.note(pointer(path, ("span", "unit")), ProblemCode.NOT_ALLOWED, allowed)
        elif tiers.span.count % _MONTHS_IN_YEAR:
            reader.note(pointer(path, ("span", "count")), ProblemCode.NOT_MULTIPLE, {"of": _MONTHS_IN_YEAR})
    has_starts = tiers.period in {QualificationPeriod.CALENDAR, QualificationPeriod.ANNIVERSARY}
    if tiers.upgrade is Upgrade.PERIOD_START and not has_starts:
        needs("upgrade", "period: calendar, anniversary")
    if tiers.unit is not None and tiers.metric not in {TierMetric.POINTS_EARNED, TierMetric.BALANCE}:
        needs("unit", "metric: points_earned, balance")


TIERS: Codec[TierSet] = Record(
    TierSet,
    (
        Member("metric", Choice(TierMetric), "What is summed: points earned, minor units spent, visits, the balance."),
        Member(
            "levels",
            ListOf(
                _LEVEL,
                minimum=1,
                maximum=bounds.LEVELS_MAX,
                unique=lambda level: level.code,
                key="code",
                check=_check_levels,
            ),
            "The ladder, lowest first.",
        ),
        Member("unit", IDENTIFIER, "The point unit that the metric looks at; the program's first without it."),
        Member("period", Choice(QualificationPeriod), "Over what time the metric is summed."),
        Member("span", SPAN, "The length of a period; of calendar periods in months, a multiple of 12."),
        Member("resets", Boolean(), "Whether the metric starts from zero after a review."),
        Member("counts_pending", Boolean(), "Whether points count before they can be spent."),
        Member("upgrade", Choice(Upgrade), "When a threshold that is reached lifts a member."),
        Member("downgrade", Choice(Downgrade), "How far a review lets a member down."),
        Member("grace_days", Integer(0, bounds.GRACE_DAYS_MAX), "Days between a review and the downgrade."),
        Member("crossing", Choice(Crossing), "At which tier the purchase that crosses a threshold earns."),
    ),
    check=_check_tiers,
)
