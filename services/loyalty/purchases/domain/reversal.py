"""What a refund does to points: the difference between two cumulative states."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from services.loyalty.earning.domain import (
    CapKey,
    FrozenInputs,
    RefundOutcome,
    RefundRequest,
    RefundState,
    ReturnedLine,
    apply_refund,
    cap_changes,
    remaining_lines,
    returnable,
    standing,
)
from services.loyalty.ledger.domain import Entry, EntryKind, LotMovement
from services.loyalty.programs.domain import ProgramDocument
from services.loyalty.purchases.domain.evidence import Accrual, Line, Purchase, UnitState


@dataclass(frozen=True, slots=True)
class Reversal:
    """A refund, worked out. ``standing`` is what each rule's points come down to, ``kept`` their sums by unit.

    ``asks`` is what is to be taken from the member now by unit, an earlier shortfall included; below zero it is to be
    given. ``cap_changes`` is what counters gain, below zero. ``left_minor`` is what was paid and has not come back;
    ``is_gone`` tells that nothing is left of the purchase.
    """

    outcome: RefundOutcome
    standing: Mapping[str, int]
    kept: Mapping[str, int]
    asks: Mapping[str, int]
    cap_changes: Mapping[CapKey, int]
    left_minor: int
    is_gone: bool


def reverse(
    purchase: Purchase,
    *,
    lines: Sequence[Line],
    accruals: Sequence[Accrual],
    units: Mapping[str, UnitState],
    free_minor: int,
    request: RefundRequest | None,
    evaluated_by: tuple[ProgramDocument, FrozenInputs] | None,
) -> Reversal:
    """Work a refund out. ``evaluated_by`` is None where the purchase earned nothing because nothing was evaluated.

    ``units`` are the states of all units that the purchase gave, the program's own among them. Without ``request``
    nothing new comes back: what came back of a purchase before it gave anything is worked out.

    Raises:
        RefundExceedsPurchase, RefundQuantityExceedsLine, RefundLineUnknown, RefundBelowZero, NothingLeftToRefund
        InvalidInput
    """
    bought = [line.earning() for line in lines]
    before = refund_state(lines, free_minor=free_minor)
    stood = remaining_lines(bought, before)
    if request is None:
        outcome, stood = RefundOutcome(before, (), 0, stood), tuple(bought)
    else:
        outcome = apply_refund(bought, before, request)
    left_minor = purchase.total_minor - purchase.refunded_minor - outcome.refunded_minor
    is_gone = _is_gone(lines, outcome.state, left_minor=left_minor, total_minor=purchase.total_minor)
    if evaluated_by is None:
        return Reversal(outcome, {}, {}, {}, {}, left_minor, is_gone)
    document, frozen = evaluated_by
    kept = standing(document, frozen, remaining=outcome.remaining, occurred_at=purchase.occurred_at)
    unit_of = units_of_rules(frozen, document)
    sums = dict.fromkeys(units, 0)
    for rule_id, points in kept.items():
        unit = unit_of[rule_id]
        sums[unit] = sums.get(unit, 0) + points
    return Reversal(
        outcome=outcome,
        standing={accrual.rule_id: kept.get(accrual.rule_id, 0) for accrual in accruals},
        kept=sums,
        asks={
            unit: state.points - sums[unit] - state.taken_back - state.lapsed for unit, state in sorted(units.items())
        },
        cap_changes=cap_changes(
            document,
            frozen,
            occurred_at=purchase.occurred_at,
            before=stood,
            after=outcome.remaining,
        ),
        left_minor=left_minor,
        is_gone=is_gone,
    )


def units_of_rules(frozen: FrozenInputs, document: ProgramDocument) -> dict[str, str]:
    """The unit that each rule of a purchase gave."""
    return {rule.rule_id: rule.unit or document.unit.code for rule in frozen.rules}


def refund_state(lines: Iterable[Line], *, free_minor: int) -> RefundState:
    """What has come back so far."""
    returned = tuple(
        ReturnedLine(line.position, line.returned_quantity) for line in lines if line.returned_quantity > Decimal(0)
    )
    return RefundState(returned, free_minor)


def still_taken(entries: Iterable[Entry], *, unit: str) -> tuple[LotMovement, ...]:
    """What a purchase's claw-backs of a unit have drawn and its restorations have not given back, in drawing order."""
    taken: list[LotMovement] = []
    for entry in entries:
        if entry.postings[0].unit != unit:
            continue
        if entry.kind is EntryKind.CLAWBACK:
            taken += entry.lot_movements
        elif entry.kind is EntryKind.RESTORATION:
            _give_back(taken, sum(movement.delta for movement in entry.lot_movements))
    return tuple(taken)


def _is_gone(lines: Sequence[Line], state: RefundState, *, left_minor: int, total_minor: int) -> bool:
    returned = {item.position: item.quantity for item in state.returned}
    is_all_back = all(returned.get(line.position) == returnable(line.earning()) for line in lines)
    return is_all_back or (total_minor > 0 and left_minor == 0)


def _give_back(taken: list[LotMovement], amount: int) -> None:
    left = amount
    while left > 0:
        last = taken.pop()
        if -last.delta > left:
            taken.append(LotMovement(last.position, last.lot_id, last.purpose, last.delta + left))
        left = max(0, left + last.delta)
