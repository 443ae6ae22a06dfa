"""What stands of an evaluation when a part of its lines is left, and what another receipt would have given."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from services.loyalty.earning.domain.accruals import Evaluation
from services.loyalty.earning.domain.caps import CapKey, CapSubject, calendar_day, period_start
from services.loyalty.earning.domain.evaluation import evaluate
from services.loyalty.earning.domain.freezing import FrozenInputs
from services.loyalty.earning.domain.happening import EarnEvent
from services.loyalty.earning.domain.lines import PurchaseLine
from services.loyalty.programs.domain.document import ProgramDocument
from services.loyalty.programs.domain.policies import RefundPolicy
from services.loyalty.programs.domain.rules import CapMeasure, CapPeriod


@dataclass(frozen=True, slots=True)
class _Standing:
    """``points`` by rule, and what stands of what was counted against caps."""

    points: dict[str, int]
    fillings: dict[CapKey, int]


def evaluate_again(
    document: ProgramDocument,
    frozen: FrozenInputs,
    *,
    lines: Sequence[PurchaseLine] = (),
    occurred_at: datetime | None = None,
    shipping_minor: int | None = None,
) -> Evaluation:
    """The same evaluation of these lines, on the frozen inputs: tier, counters, rate, facts and clock.

    ``document`` is the version that the event was evaluated by. ``occurred_at`` is needed for frozen inputs of
    form 1. Without ``shipping_minor`` that of the event counts as far as money is left of its lines.
    """
    at = frozen.occurred_at or occurred_at
    assert at is not None
    if shipping_minor is None:
        shipping_minor = _shipping_left(frozen, lines)
    event = EarnEvent(
        trigger=frozen.trigger,
        occurred_at=at,
        facts=frozen.facts,
        code=frozen.code,
        currency=frozen.currency,
        lines=tuple(lines),
        shipping_minor=shipping_minor,
    )
    return evaluate(document, event, tier_code=frozen.tier_code, cap_used=frozen.cap_used, rate=frozen.rate)


def standing(
    document: ProgramDocument,
    frozen: FrozenInputs,
    *,
    remaining: Sequence[PurchaseLine],
    occurred_at: datetime | None = None,
) -> dict[str, int]:
    """The points by rule id that a purchase keeps when only ``remaining`` is left of its lines.

    That is, of each unit, the lesser of what was first earned and what the remainder earns on the frozen inputs, or
    the same part of the points as of the money, by the policy. Nothing left keeps nothing. More refunds keep less,
    except where the purchase has lines with a negative net: when such a line comes back, a rule's points can rise
    again, and the difference is given back.
    """
    return _standing(document, frozen, remaining, occurred_at).points


def cap_changes(
    document: ProgramDocument,
    frozen: FrozenInputs,
    *,
    occurred_at: datetime,
    before: Sequence[PurchaseLine],
    after: Sequence[PurchaseLine],
) -> dict[CapKey, int]:
    """What counters gain, below zero what they get back, when what is left goes from ``before`` to ``after``."""
    old = _standing(document, frozen, before, occurred_at).fillings
    new = _standing(document, frozen, after, occurred_at).fillings
    changes = {key: new.get(key, 0) - old.get(key, 0) for key in old.keys() | new.keys()}
    return {key: change for key, change in sorted(changes.items()) if change}


def _standing(
    document: ProgramDocument, frozen: FrozenInputs, remaining: Sequence[PurchaseLine], occurred_at: datetime | None
) -> _Standing:
    left = [line for line in remaining if not line.is_returned]
    first = {rule.rule_id: rule.points for rule in frozen.rules}
    counted = _fillings(document, frozen, occurred_at)
    nothing = _Standing(dict.fromkeys(first, 0), {})
    if not left or sum(line.net_minor for line in left) <= 0 < frozen.total_minor:
        return nothing
    again: Evaluation | None = None
    if document.policies.refund is RefundPolicy.PROPORTIONAL:
        points = _in_proportion(frozen, left)
    else:
        again = evaluate_again(document, frozen, lines=left, occurred_at=occurred_at or _NO_CLOCK)
        points = _lesser(frozen, again)
    return _Standing(points, _still_filled(frozen, points, counted, again))


def _lesser(frozen: FrozenInputs, again: Evaluation) -> dict[str, int]:
    """Of each unit the lesser sum, by the rules that gave it at first.

    Points move between rules when a whole is shared anew, or when another of a group is the best of the rest: what one
    rule has lost to others goes to the first rules that had more.
    """
    points: dict[str, int] = {}
    of_rules = {accrual.rule_id: accrual.points for accrual in again.accruals}
    for unit in dict.fromkeys(rule.unit for rule in frozen.rules):
        rules = [rule for rule in frozen.rules if rule.unit == unit]
        whole = min(sum(rule.points for rule in rules), again.points_by_unit.get(unit or again.unit, 0))
        kept = {rule.rule_id: min(rule.points, of_rules.get(rule.rule_id, 0)) for rule in rules}
        missing = whole - sum(kept.values())
        for rule in rules:
            more = min(missing, rule.points - kept[rule.rule_id])
            kept[rule.rule_id] += more
            missing -= more
        points |= kept
    return points


def _in_proportion(frozen: FrozenInputs, left: Sequence[PurchaseLine]) -> dict[str, int]:
    """The same part of each rule's points as is left of its base, rounded down."""
    bases = {line.position: line.earning_minor for line in left}
    points: dict[str, int] = {}
    for rule in frozen.rules:
        base = max(0, sum(bases.get(position, 0) for position in rule.positions))
        whole = rule.base_minor
        points[rule.rule_id] = rule.points if whole <= 0 else min(rule.points, rule.points * base // whole)
    return points


def _still_filled(
    frozen: FrozenInputs, points: Mapping[str, int], counted: Mapping[CapKey, int], again: Evaluation | None
) -> dict[CapKey, int]:
    """What stands of ``counted``: points as they stand, times while points stand, money by what is left of it."""
    sums: dict[tuple[CapSubject, str], int] = {}
    for rule in frozen.rules:
        sums[CapSubject.RULE, rule.rule_id] = points[rule.rule_id]
        unit = (CapSubject.UNIT, rule.unit or "")
        sums[unit] = sums.get(unit, 0) + points[rule.rule_id]
    first = sum(rule.points for rule in frozen.rules)
    filled: dict[CapKey, int] = {}
    for key, count in counted.items():
        # A multiplier has no points of its own: what it added shrinks with the evaluation.
        stands = sums.get((key.subject, key.code))
        if key.measure is CapMeasure.TIMES and stands is not None:
            filled[key] = count if stands else 0
        elif key.measure is CapMeasure.POINTS and stands is not None:
            filled[key] = min(count, stands)
        elif again is not None:
            filled[key] = min(count, again.fillings.get(key, 0)) if stands != 0 else 0
        elif key.measure is CapMeasure.TIMES:
            # Once is once, until nothing stands: half a time would round to none.
            filled[key] = count if any(points.values()) else 0
        else:
            filled[key] = count * sum(points.values()) // first if first else 0
    return filled


def _fillings(document: ProgramDocument, frozen: FrozenInputs, occurred_at: datetime | None) -> Mapping[CapKey, int]:
    """What the event had counted. Form 1 knew caps in points by rule and day only, and kept their rooms."""
    if frozen.occurred_at is not None or occurred_at is None:
        return frozen.fillings
    day = calendar_day(document, occurred_at)
    return {
        CapKey(
            CapSubject.RULE, rule.rule_id, CapMeasure.POINTS, CapPeriod.DAY, period_start(CapPeriod.DAY, day)
        ): rule.points
        for rule in frozen.rules
        if rule.cap_room is not None and rule.points
    }


def _shipping_left(frozen: FrozenInputs, lines: Sequence[PurchaseLine]) -> int:
    if frozen.shipping_minor == 0 or frozen.total_minor <= 0:
        return frozen.shipping_minor
    left = max(0, sum(line.net_minor for line in lines))
    return min(frozen.shipping_minor, frozen.shipping_minor * left // frozen.total_minor)


_NO_CLOCK = datetime(1970, 1, 1, tzinfo=UTC)
"""Of frozen inputs of form 1, whose rules had no windows, where nobody asks about caps."""
