"""Explanations as clients see them."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Self

import strawberry

from services.gateway.context.request import Locale
from services.gateway.graphql.explanations.wording import (
    change_message,
    failing_message,
    outcome_message,
    shown_plain,
    steps_told,
)
from services.gateway.graphql.fields import guarded
from services.gateway.graphql.money import MoneyAmount
from services.gateway.graphql.permissions import requires_somewhere
from services.gateway.graphql.programs.types import ProgramVersion
from services.gateway.graphql.scalars import Currency, JsonDocument, Points, WholeNumber
from services.gateway.graphql.text import LocalizedTextType
from services.loyalty.earning.domain.accruals import AppliedCap, AppliedMultiplier, RuleAccrual, RuleOutcome
from services.loyalty.earning.domain.caps import CapSubject
from services.loyalty.earning.domain.explaining import Evidence, evidence_json
from services.loyalty.earning.domain.failing import FailedPart
from services.loyalty.earning.domain.smallest_change import Change
from services.loyalty.explanations.domain import Explained
from services.loyalty.programs.domain import (
    CapMeasure,
    CapOwner,
    CapPeriod,
    Overflow,
    ProgramDocument,
    Rounding,
    Trigger,
)
from services.loyalty.programs.domain.conditions import Comparison, Expression, Operator
from services.platform.auth.domain import Scope
from services.platform.money import Money


@strawberry.type(description="A cap that a rule met.")
class ExplainedCap:
    subject: CapSubject = strawberry.field(description="Whether it is the rule's or the point unit's.")
    measure: CapMeasure = strawberry.field(description="What it counts.")
    per: CapPeriod = strawberry.field(description="The time in which it fills.")
    owner: CapOwner = strawberry.field(description="Whose it is.")
    overflow: Overflow = strawberry.field(description="What becomes of what is above it.")
    limit: WholeNumber = strawberry.field(description="The most that it lets through: points, minor units or times.")
    room_before: WholeNumber = strawberry.field(description="What it left before the event.")
    filled: WholeNumber = strawberry.field(description="What the rule filled of it.")
    room_after: WholeNumber = strawberry.field(description="What it left after it.")
    has_taken: bool = strawberry.field(description="Whether it took points.")

    @classmethod
    def from_domain(cls, cap: AppliedCap) -> Self:
        """The cap as clients see it."""
        return cls(
            subject=cap.key.subject,
            measure=cap.key.measure,
            per=cap.key.period,
            owner=cap.key.owner,
            overflow=cap.overflow,
            limit=WholeNumber(cap.limit),
            room_before=WholeNumber(cap.room),
            filled=WholeNumber(cap.filled),
            room_after=WholeNumber(max(0, cap.room - cap.filled)),
            has_taken=cap.has_taken,
        )


@strawberry.type(description="A multiplier that applied to lines of a rule.")
class ExplainedMultiplier:
    source: str = strawberry.field(description="The id of the rule that gave it, or `tier`.")
    factor: Decimal = strawberry.field(description="By what it multiplied.")
    positions: list[int] = strawberry.field(description="The lines that it concerned.")

    @classmethod
    def from_domain(cls, multiplier: AppliedMultiplier) -> Self:
        """The multiplier as clients see it."""
        return cls(source=multiplier.source, factor=multiplier.factor, positions=list(multiplier.positions))


@strawberry.type(description="A rule that was considered, whatever became of it.")
class ExplainedRule:
    rule_id: str = strawberry.field(description="The rule's id in the program document.")
    name: LocalizedTextType = strawberry.field(description="The rule's name.")
    outcome: RuleOutcome = strawberry.field(description="What became of it.")
    message: str = strawberry.field(description="The same in a sentence.")
    replaced_by: str | None = strawberry.field(description="The id of the rule that took its place.")
    unit: str | None = strawberry.field(description="The code of the unit that it gives; null where it did not apply.")
    positions: list[int] = strawberry.field(description="The lines in its scope.")
    base: MoneyAmount | None = strawberry.field(description="What it counted of them; null where there is no money.")
    base_points: str | None = strawberry.field(
        description="Points before multipliers, exact, as a whole number or a fraction such as `12/5`."
    )
    exact_points: str | None = strawberry.field(description="Points after multipliers, exact, before rounding.")
    multipliers: list[ExplainedMultiplier] = strawberry.field(description="What multiplied them, in this order.")
    points_before_caps: Points | None = strawberry.field(description="Its part of the rounded whole, before caps.")
    caps: list[ExplainedCap] = strawberry.field(description="The caps that it met.")
    points: Points = strawberry.field(description="What it gave.")


@strawberry.type(description="Points of one unit.")
class UnitPoints:
    unit: str = strawberry.field(description="The code of the point unit.")
    points: Points = strawberry.field(description="How many.")


@strawberry.type(description="An evaluation, computed again from what was frozen when it was made.")
class Explanation:
    trigger: Trigger = strawberry.field(description="What happened.")
    occurred_at: datetime = strawberry.field(description="When it happened.")
    program_version: ProgramVersion = strawberry.field(description="The version that was in force then.")
    tier: str = strawberry.field(description="The code of the tier at which it earned.")
    tier_multiplier: Decimal = strawberry.field(description="By what that tier multiplies.")
    currency: Currency | None = strawberry.field(description="What was paid in.")
    exchange_rate: str | None = strawberry.field(
        description="What one minor unit of that currency was taken for in minor units of the program's, exact; null"
        " where nothing was converted."
    )
    rounding: Rounding = strawberry.field(description="How exact points became whole ones, once for each unit.")
    steps: list[str] = strawberry.field(description="In which order points are put together, in sentences.")
    rules: list[ExplainedRule] = strawberry.field(description="All rules of the version, in its order.")
    points_by_unit: list[UnitPoints] = strawberry.field(description="What they gave together, by unit.")
    agrees: bool = strawberry.field(
        description="Whether computing it again gives each rule what it gave then. Always true; it is told so that"
        " nobody has to believe it."
    )
    _evidence: strawberry.Private[Evidence]

    @guarded(
        access=requires_somewhere(Scope.PROGRAM_READ),
        description="All that the evaluation saw, to compute it again elsewhere: the program document, the frozen"
        " inputs and the lines.",
    )
    async def evidence(self) -> JsonDocument:
        """The evidence as JSON."""
        return JsonDocument(evidence_json(self._evidence))

    @classmethod
    def from_domain(cls, explained: Explained, locale: Locale) -> Self:
        """The explanation as clients see it."""
        evaluation, document = explained.evaluation, explained.version.document
        return cls(
            trigger=evaluation.trigger,
            occurred_at=explained.evidence.occurred_at,
            program_version=ProgramVersion.from_domain(explained.version),
            tier=evaluation.tier_code,
            tier_multiplier=evaluation.multiplier,
            currency=None if evaluation.currency is None else Currency(evaluation.currency),
            exchange_rate=None if evaluation.rate is None else str(evaluation.rate),
            rounding=document.policies.rounding,
            steps=steps_told(document, locale),
            rules=_rules(explained, locale),
            points_by_unit=[
                UnitPoints(unit=unit, points=Points(points)) for unit, points in evaluation.points_by_unit.items()
            ],
            agrees=explained.evidence.agrees,
            _evidence=explained.evidence,
        )


def _rules(explained: Explained, locale: Locale) -> list[ExplainedRule]:
    evaluation = explained.evaluation
    accruals = {accrual.rule_id: accrual for accrual in evaluation.accruals}
    told = []
    for rule, trace in zip(explained.version.document.rules, evaluation.traces, strict=True):
        accrual = accruals.get(rule.id)
        points = 0 if accrual is None else accrual.points
        told.append(
            ExplainedRule(
                rule_id=rule.id,
                name=LocalizedTextType.from_domain(rule.name),
                outcome=trace.outcome,
                message=outcome_message(rule.id, trace.outcome, by=trace.by, points=points, locale=locale),
                replaced_by=trace.by,
                unit=None if accrual is None else accrual.unit,
                positions=[] if accrual is None else list(accrual.positions),
                base=_base(accrual, evaluation.currency),
                base_points=None if accrual is None else str(accrual.base_points),
                exact_points=None if accrual is None else str(accrual.exact),
                multipliers=[ExplainedMultiplier.from_domain(each) for each in _multipliers(accrual)],
                points_before_caps=None if accrual is None else Points(accrual.points_before_cap),
                caps=[] if accrual is None else [ExplainedCap.from_domain(cap) for cap in accrual.caps],
                points=Points(points),
            )
        )
    return told


def _base(accrual: RuleAccrual | None, currency: str | None) -> MoneyAmount | None:
    if accrual is None or currency is None:
        return None
    return MoneyAmount.from_domain(Money(accrual.base_minor, currency))


def _multipliers(accrual: RuleAccrual | None) -> Sequence[AppliedMultiplier]:
    return () if accrual is None else accrual.multipliers


@strawberry.type(description="The first part of a rule's condition that stood in the way.")
class FailedCondition:
    place: str = strawberry.field(description="Where it stands in the program document: a JSON pointer (RFC 6901).")
    message: str = strawberry.field(description="What it asks and what was so, in a sentence.")
    must_hold: bool = strawberry.field(description="Whether it had to hold; under `not` it must not.")
    field: str | None = strawberry.field(description="The field of a comparison; null for an expression.")
    operator: Operator | None = strawberry.field(description="How it is compared.")
    wanted: str | None = strawberry.field(description="What it is compared with.")
    actual: str | None = strawberry.field(description="What it was; null where it was not known.")
    expression: str | None = strawberry.field(description="The expression, where it is one.")
    names: list[str] = strawberry.field(description="The fields that it concerns.")

    @classmethod
    def from_domain(cls, failing: FailedPart, document: ProgramDocument, currency: str | None, locale: Locale) -> Self:
        """The part as clients see it."""
        comparison = failing.part if isinstance(failing.part, Comparison) else None
        return cls(
            place=failing.place,
            message=failing_message(failing, document, currency, locale),
            must_hold=failing.wanted,
            field=None if comparison is None else comparison.field,
            operator=None if comparison is None else comparison.operator,
            wanted=None if comparison is None else shown_plain(comparison.value),
            actual=None if failing.actual is None else shown_plain(failing.actual),
            expression=failing.part.source if isinstance(failing.part, Expression) else None,
            names=list(failing.names),
        )


@strawberry.type(description="One fact that would have to be otherwise.")
class SuggestedChange:
    field: str = strawberry.field(
        description="The field; `time` is the event's instant, `base` what the rule counts, in minor units, and fields"
        " of `line` are those of one more line."
    )
    actual: str | None = strawberry.field(description="What it was; null where it was not known or is not there.")
    wanted: str | None = strawberry.field(description="What it would have to be; null: not known.")
    message: str = strawberry.field(description="The same in a sentence, such as: spend 12.50 more.")

    @classmethod
    def from_domain(cls, change: Change, currency: str | None, locale: Locale) -> Self:
        """The change as clients see it."""
        return cls(
            field=change.field,
            actual=None if change.actual is None else shown_plain(change.actual),
            wanted=None if change.wanted is None else shown_plain(change.wanted),
            message=change_message(change, currency, locale),
        )
