"""From lines and a program document to points: the same code for a purchase, a quote and a refund.

Per rule: base = sum of the net amounts of the lines in scope (negative lines lower it); step takes whole blocks,
``points * (base // per) * multiplier``, proportional takes every part, ``points * base / per * multiplier``; rounded
down once, after the multiplier; then clipped to the room under the cap. A base of zero or less earns nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from services.loyalty.earning.domain.lines import PurchaseLine
from services.loyalty.earning.errors import AccrualTooLarge, CurrencyNotAccepted
from services.loyalty.programs.domain import (
    CategoryPath,
    Conditions,
    ForeignCurrencyPolicy,
    ProgramDocument,
    RuleMode,
    SpendRule,
)
from services.platform.money import AMOUNT_MAX, allocate


@dataclass(frozen=True, slots=True)
class RuleAccrual:
    """What one rule gives for one purchase, with what led there.

    ``positions`` are the lines in scope, ``line_points`` their parts of ``points`` in the same order. ``cap_room`` is
    what the cap left before this purchase, None without a cap.
    """

    rule_id: str
    positions: tuple[int, ...]
    base_minor: int
    multiplier: Decimal
    points_before_cap: int
    cap_room: int | None
    points: int
    line_points: tuple[int, ...]

    @property
    def capped_by(self) -> int:
        """The points that the cap took."""
        return self.points_before_cap - self.points


@dataclass(frozen=True, slots=True)
class LinePoints:
    """The points that one line earned by all rules together."""

    position: int
    points: int


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a purchase earns: an accrual for every rule that counted a line of it, also one that gives 0 points."""

    currency: str
    store_code: str | None
    tier_code: str
    multiplier: Decimal
    accruals: tuple[RuleAccrual, ...]
    line_points: tuple[LinePoints, ...]

    @property
    def points(self) -> int:
        """The sum over all rules."""
        return sum(accrual.points for accrual in self.accruals)


@dataclass(frozen=True, slots=True)
class FrozenRule:
    """What a later refund must know of one rule: the cap's room then (None: no cap), and the points first earned."""

    rule_id: str
    cap_room: int | None
    points: int


@dataclass(frozen=True, slots=True)
class FrozenInputs:
    """What the evaluation of a purchase saw, kept with it, so that a refund sees the same."""

    program_version_id: UUID
    currency: str
    store_code: str | None
    tier_code: str
    multiplier: Decimal
    rules: tuple[FrozenRule, ...]


def evaluate(
    document: ProgramDocument,
    *,
    lines: Sequence[PurchaseLine],
    store_code: str | None,
    currency: str,
    tier_code: str,
    cap_used: Mapping[str, int],
) -> Evaluation:
    """What the lines earn under the document for a member of the tier.

    ``cap_used`` says by rule id how many points the member has got on the purchase's ``cap_day``; a missing rule 0.
    A purchase in another currency than the program's earns nothing, unless the policy refuses it.

    Raises:
        CurrencyNotAccepted: by that policy.
        TierNotInProgram: the document has no such tier.
        AccrualTooLarge: more points than ``AMOUNT_MAX``.
    """
    multiplier = document.tiers.level(tier_code).multiplier
    rules: Sequence[SpendRule] = document.spend_rules
    if currency != document.currency:
        if document.policies.foreign_currency is ForeignCurrencyPolicy.REFUSE:
            raise CurrencyNotAccepted(accepted=document.currency, given=currency)
        rules = ()
    accruals: list[RuleAccrual] = []
    points_by_position = {line.position: 0 for line in lines}
    for rule in rules:
        scope = lines_in_scope(rule.conditions, lines=lines, store_code=store_code)
        if scope:
            accrual = _accrue(rule, scope, multiplier, cap_used.get(rule.id, 0))
            accruals.append(accrual)
            for position, points in zip(accrual.positions, accrual.line_points, strict=True):
                points_by_position[position] += points
    evaluation = Evaluation(
        currency=currency,
        store_code=store_code,
        tier_code=tier_code,
        multiplier=multiplier,
        accruals=tuple(accruals),
        line_points=tuple(LinePoints(position, points) for position, points in points_by_position.items()),
    )
    if evaluation.points > AMOUNT_MAX:
        raise AccrualTooLarge(maximum=AMOUNT_MAX)
    return evaluation


def freeze(evaluation: Evaluation, *, program_version_id: UUID) -> FrozenInputs:
    """What to keep of an evaluation beside its purchase."""
    return FrozenInputs(
        program_version_id=program_version_id,
        currency=evaluation.currency,
        store_code=evaluation.store_code,
        tier_code=evaluation.tier_code,
        multiplier=evaluation.multiplier,
        rules=tuple(FrozenRule(a.rule_id, a.cap_room, a.points) for a in evaluation.accruals),
    )


def standing(document: ProgramDocument, frozen: FrozenInputs, *, remaining: Sequence[PurchaseLine]) -> dict[str, int]:
    """The points by rule id that a purchase keeps when only ``remaining`` is left of its lines.

    That is the lesser of what was first earned and what the remainder earns on the frozen inputs. ``document`` is the
    version that the purchase was evaluated by. Nothing left keeps nothing. More refunds keep less, except where the
    purchase has lines with a negative net: when such a line comes back, a rule's points can rise again, and the
    difference is given back.
    """
    rules = {rule.id: rule for rule in document.spend_rules}
    kept: dict[str, int] = {}
    for frozen_rule in frozen.rules:
        rule = rules[frozen_rule.rule_id]
        scope = lines_in_scope(rule.conditions, lines=remaining, store_code=frozen.store_code)
        again = _points_of(rule, sum(line.net_minor for line in scope), frozen.multiplier)
        # What was first earned is within the cap's room already, so the lesser of the two is as well.
        kept[rule.id] = min(frozen_rule.points, again)
    return kept


def lines_in_scope(
    conditions: Conditions, *, lines: Sequence[PurchaseLine], store_code: str | None
) -> tuple[PurchaseLine, ...]:
    """The lines that a rule with these conditions counts, in their order; none where the store is not one of its own.

    A purchase without a store meets only rules that name no store.
    """
    if conditions.stores and store_code not in conditions.stores:
        return ()
    return tuple(line for line in lines if _counts(conditions, line.category))


def cap_day(document: ProgramDocument, occurred_at: datetime) -> date:
    """The calendar day, in the program's zone, whose caps a purchase fills."""
    return occurred_at.astimezone(ZoneInfo(document.timezone)).date()


def frozen_json(frozen: FrozenInputs) -> dict[str, Any]:
    """The frozen inputs as JSON; ``parse_frozen`` gives them back."""
    return {
        "programVersionId": str(frozen.program_version_id),
        "currency": frozen.currency,
        "storeCode": frozen.store_code,
        "tierCode": frozen.tier_code,
        "multiplier": str(frozen.multiplier),
        "rules": [{"ruleId": r.rule_id, "capRoom": r.cap_room, "points": r.points} for r in frozen.rules],
    }


def parse_frozen(data: Mapping[str, object]) -> FrozenInputs:
    """Frozen inputs from what ``frozen_json`` made.

    Raises:
        ValueError: it is something else.
    """
    match data:
        case {
            "programVersionId": str(version),
            "currency": str(currency),
            "storeCode": None | str() as store_code,
            "tierCode": str(tier_code),
            "multiplier": str(multiplier),
            "rules": [*rules],
        }:
            return FrozenInputs(
                UUID(version), currency, store_code, tier_code, Decimal(multiplier), tuple(map(_frozen_rule, rules))
            )
    message = "these are no frozen inputs"
    raise ValueError(message)


def _frozen_rule(data: object) -> FrozenRule:
    match data:
        case {"ruleId": str(rule_id), "capRoom": None | int() as cap_room, "points": int(points)}:
            return FrozenRule(rule_id, cap_room, points)
    message = "this is no frozen rule"
    raise ValueError(message)


def _accrue(rule: SpendRule, scope: Sequence[PurchaseLine], multiplier: Decimal, cap_used: int) -> RuleAccrual:
    base = sum(line.net_minor for line in scope)
    before_cap = _points_of(rule, base, multiplier)
    room = None if rule.cap is None else max(0, rule.cap.points - cap_used)
    points = before_cap if room is None else min(before_cap, room)
    return RuleAccrual(
        rule_id=rule.id,
        positions=tuple(line.position for line in scope),
        base_minor=base,
        multiplier=multiplier,
        points_before_cap=before_cap,
        cap_room=room,
        points=points,
        # A negative line earns no points of its own: it has lowered what there is to share.
        line_points=allocate(points, [max(0, line.net_minor) for line in scope]),
    )


def _points_of(rule: SpendRule, base_minor: int, multiplier: Decimal) -> int:
    if base_minor <= 0:
        return 0
    numerator, denominator = multiplier.as_integer_ratio()
    if rule.mode is RuleMode.STEP:
        return base_minor // rule.per_minor * rule.points * numerator // denominator
    return base_minor * rule.points * numerator // (rule.per_minor * denominator)


def _counts(conditions: Conditions, category: CategoryPath) -> bool:
    if any(category[: len(prefix)] == prefix for prefix in conditions.excluded_categories):
        return False
    return not conditions.categories or any(category[: len(prefix)] == prefix for prefix in conditions.categories)
