"""The whole document, declared."""

from services.loyalty.programs.domain import bounds
from services.loyalty.programs.domain.codec import (
    Choice,
    Codec,
    Currency,
    Date,
    DecimalText,
    Integer,
    ListOf,
    Member,
    Record,
    Zone,
)
from services.loyalty.programs.domain.declaration.basics import ACTIVATION, EXPIRY, IDENTIFIER, LOCALIZED, SLUG
from services.loyalty.programs.domain.declaration.conditions import CONDITION
from services.loyalty.programs.domain.declaration.events import EventSchema
from services.loyalty.programs.domain.declaration.ladder import TIERS
from services.loyalty.programs.domain.declaration.policies import POLICIES
from services.loyalty.programs.domain.declaration.rules import CAPS, RULE
from services.loyalty.programs.domain.document import (
    CustomEvent,
    CustomField,
    ExchangeRate,
    Exclusions,
    FieldOwner,
    FieldType,
    PointUnit,
    ProgramDocument,
    RuleGroup,
)
from services.loyalty.programs.domain.rules import Combination

_UNIT = Record(
    PointUnit,
    (
        Member("code", IDENTIFIER, "The unit in the ledger, for ever."),
        Member("name", LOCALIZED, "What members call the points."),
        Member("scale", Integer(0, bounds.UNIT_SCALE_MAX), "Digits after the point; points count the smallest part."),
        Member("activation", ACTIVATION, "When points can be spent; at once without it."),
        Member("expiry", EXPIRY, "When points end; never without it."),
        Member("caps", CAPS, "The most that all rules together give."),
    ),
)
_GROUP = Record(
    RuleGroup,
    (
        Member("code", SLUG, "Named by the rules of the group."),
        Member(
            "combination",
            Choice(Combination, without=(Combination.PRODUCT,)),
            "All are added, the best counts, or the first by priority.",
        ),
    ),
)
_RATE = Record(
    ExchangeRate,
    (
        Member("currency", Currency(), "The other currency."),
        Member("from_date", Date(), "The first day, in the program's zone.", name="from"),
        Member(
            "rate",
            DecimalText(bounds.RATE_PATTERN, bounds.RATE_STEP, bounds.RATE_MAX),
            "One major unit of it in major units of the program's currency.",
        ),
    ),
)
_EXCLUSIONS = Record(
    Exclusions,
    (
        Member("earning", CONDITION, "Lines that earn by no rule."),
        Member("paying", CONDITION, "Lines that cannot be paid with points."),
    ),
)
_FIELD = Record(
    CustomField,
    (
        Member("code", IDENTIFIER, "Its name in conditions, such as `member.fields.code`."),
        Member("owner", Choice(FieldOwner), "Whose field it is."),
        Member("type", Choice(FieldType), "What it holds."),
        Member("name", LOCALIZED, "What staff call it."),
    ),
)
_EVENT = Record(
    CustomEvent,
    (
        Member("code", IDENTIFIER, "Names the event for rules and for those who report it."),
        Member("name", LOCALIZED, "What staff call it."),
        Member("schema", EventSchema(), "What its data must be, in a part of JSON Schema."),
    ),
)

DOCUMENT: Codec[ProgramDocument] = Record(
    ProgramDocument,
    (
        Member("name", LOCALIZED, "Name of the program."),
        Member("timezone", Zone(), "IANA time zone in which days, weeks and months are taken."),
        Member("currency", Currency(), "ISO 4217 code. Amounts of money here are whole minor units of it."),
        Member(
            "units",
            ListOf(_UNIT, minimum=1, maximum=bounds.UNITS_MAX, unique=lambda unit: unit.code, key="code"),
            "What is earned; the first is the program's own.",
        ),
        Member("fields", ListOf(_FIELD, maximum=bounds.FIELDS_MAX, unique=lambda field: (field.owner, field.code),
                                key="code"), "Fields of the merchant's own."),
        Member("events", ListOf(_EVENT, maximum=bounds.EVENTS_MAX, unique=lambda event: event.code, key="code"),
               "Events of the merchant's own."),
        Member("groups", ListOf(_GROUP, maximum=bounds.GROUPS_MAX, unique=lambda group: group.code, key="code"),
               "How rules are put together."),
        Member("rules", ListOf(RULE, minimum=1, maximum=bounds.RULES_MAX, unique=lambda rule: rule.id, key="id"),
               "What gives points."),
        Member("exclusions", _EXCLUSIONS, "Lines that do not take part."),
        Member("rates", ListOf(_RATE, maximum=bounds.RATES_MAX, unique=lambda rate: (rate.currency, rate.from_date),
                               key="from"), "Rates by which other currencies are converted."),
        Member("tiers", TIERS, "How members climb, stay and come down."),
        Member("policies", POLICIES, "The merchant's choices where sound programs differ."),
    ),
)  # fmt: skip
