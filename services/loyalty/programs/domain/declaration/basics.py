"""The small values that recur in the document."""

from services.loyalty.programs.domain import bounds
from services.loyalty.programs.domain.codec import (
    Boolean,
    Choice,
    Code,
    Codec,
    Date,
    DecimalText,
    Integer,
    ListOf,
    Member,
    Named,
    Record,
    Text,
    Word,
)
from services.loyalty.programs.domain.reading import Reader, pointer
from services.loyalty.programs.domain.rules import Trigger
from services.loyalty.programs.domain.text import LocalizedText
from services.loyalty.programs.domain.validity import (
    Activation,
    Boundary,
    Expiry,
    MonthDay,
    PartialLoss,
    Rolling,
    Sliding,
    Span,
    Start,
    TimeUnit,
)
from services.loyalty.programs.errors import ProblemCode

_MONTHS_IN_YEAR = 12
_MONTH_LENGTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)

SLUG = Code(bounds.SLUG_PATTERN)
IDENTIFIER = Code(bounds.IDENTIFIER_PATTERN)
FACTOR = DecimalText(bounds.FACTOR_PATTERN, bounds.FACTOR_STEP, bounds.FACTOR_MAX)

LOCALIZED: Codec[LocalizedText] = Named(
    "localizedText",
    Record(
        LocalizedText,
        (
            Member("en", Text(bounds.TEXT_MAX), "In English."),
            Member("zh", Text(bounds.TEXT_MAX), "In Chinese."),
        ),
    ),
)


def _check_span(reader: Reader, span: Span, path: str) -> None:
    if span.unit is TimeUnit.MONTH and span.count > bounds.SPAN_MONTHS_MAX:
        reader.note(pointer(path, ("count",)), ProblemCode.TOO_LARGE, {"maximum": bounds.SPAN_MONTHS_MAX})


SPAN: Codec[Span] = Named(
    "span",
    Record(
        Span,
        (
            Member("count", Integer(1, bounds.SPAN_DAYS_MAX), "How many; at most 1,200 months."),
            Member("unit", Choice(TimeUnit), "Calendar days or months in the program's zone."),
        ),
        check=_check_span,
    ),
)

ACTIVITY = Word((*(trigger.value for trigger in Trigger), "redemption"))
_ACTIVITIES = ListOf(ACTIVITY, minimum=1, maximum=len(Trigger) + 1, unique=str)
_BOUNDARY = Choice(Boundary)


def _check_activation(reader: Reader, activation: Activation, path: str) -> None:
    said = [name for name in ("after", "on", "action") if getattr(activation, name) is not None]
    if len(said) != 1:
        reader.note(path, ProblemCode.EXACTLY_ONE, {"allowed": "after, on, action"})
    if activation.within_days is not None and activation.action is None:
        reader.note(pointer(path, ("withinDays",)), ProblemCode.NOT_APPLICABLE, {"needs": "action"})


ACTIVATION: Codec[Activation] = Named(
    "activation",
    Record(
        Activation,
        (
            Member("after", SPAN, "So long after the event."),
            Member("on", Date(), "When this day begins in the program's zone."),
            Member("action", IDENTIFIER, "When staff or a shop report it, such as `order_shipped`."),
            Member(
                "within_days",
                Integer(1, bounds.WAITING_DAYS_MAX),
                "An action that has not come so many days after the event cancels the points.",
            ),
        ),
        check=_check_activation,
    ),
)


def _check_day(reader: Reader, day: MonthDay, path: str) -> None:
    longest = _MONTH_LENGTHS[day.month - 1]
    if day.day > longest:
        reader.note(pointer(path, ("day",)), ProblemCode.TOO_LARGE, {"maximum": longest})


MONTH_DAY: Codec[MonthDay] = Record(
    MonthDay,
    (
        Member("month", Integer(1, _MONTHS_IN_YEAR), "1 January to 12 December."),
        Member("day", Integer(1, max(_MONTH_LENGTHS)), "29 February is the 28th where there is none."),
    ),
    check=_check_day,
)

_ROLLING = Record(
    Rolling,
    (
        Member("span", SPAN, "How long."),
        Member("start", Choice(Start), "Whether it counts from earning or from activation."),
        Member("until_end_of", _BOUNDARY, "Up to the end of which calendar period the end is moved."),
    ),
)
_SLIDING = Record(
    Sliding,
    (
        Member("span", SPAN, "How long after the member's latest activity."),
        Member("activities", _ACTIVITIES, "What counts as activity: triggers of rules, or `redemption`."),
        Member("until_end_of", _BOUNDARY, "Up to the end of which calendar period the end is moved."),
    ),
)
_PARTIAL = Record(
    PartialLoss,
    (
        Member("percent", Integer(1, bounds.PERCENT_MAX), "Percent of what is left that is lost each time."),
        Member("after", SPAN, "Each time that the member has shown no activity for so long."),
        Member("activities", _ACTIVITIES, "What counts as activity: triggers of rules, or `redemption`."),
    ),
)


def _check_expiry(reader: Reader, expiry: Expiry, path: str) -> None:
    if expiry.yearly_days_min and not expiry.yearly:
        reader.note(pointer(path, ("yearlyDaysMin",)), ProblemCode.NOT_APPLICABLE, {"needs": "yearly"})


EXPIRY: Codec[Expiry] = Named(
    "expiry",
    Record(
        Expiry,
        (
            Member("rolling", _ROLLING, "A span from earning or activation, for each lot by itself."),
            Member(
                "yearly",
                ListOf(MONTH_DAY, maximum=bounds.YEARLY_MAX, unique=lambda day: day),
                "Days of every year at whose end all that was earned before ends.",
            ),
            Member(
                "yearly_days_min",
                Integer(0, bounds.WAITING_DAYS_MAX),
                "A lot outlives a yearly day that comes sooner than so many days after it was earned.",
            ),
            Member("on", Date(), "The last day of all points of this kind."),
            Member("anniversary", Boolean(), "Whether points end at the next anniversary of the member's enrolment."),
            Member("sliding", _SLIDING, "A span that activity begins anew."),
            Member("partial", _PARTIAL, "A part is lost by inactivity."),
        ),
        check=_check_expiry,
    ),
)
