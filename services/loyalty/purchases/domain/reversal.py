"""What a refund does to points: the difference between two cumulative states."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from services.loyalty.earning.domain import (
    FrozenInputs,
    PurchaseLine,
    RefundOutcome,
    RefundRequest,
    RefundState,
    ReturnedLine,
    apply_refund,
    standing,
)
from services.loyalty.ledger.domain import Entry, EntryKind, LotMovement
from services.loyalty.programs.domain import ProgramDocument
from services.loyalty.purchases.domain.assessment import counted_spend
from services.loyalty.purchases.domain.evidence import Accrual, Line, Purchase


@dataclass(frozen=True, slots=True)
class Reversal:
    """A refund, worked out. ``standing`` is what each rule's points come down to, ``cap_changes`` what caps regain.

    ``ask`` is what is to be taken from the member now, an earlier shortfall included; below zero it is to be given.
    ``tier_points`` and ``tier_spend_minor`` are what no longer counts, below zero.
    """

    outcome: RefundOutcome
    standing: dict[str, int]
    cap_changes: dict[str, int]
    ask: int
    tier_points: int
    tier_spend_minor: int


def reverse(
    purchase: Purchase,
    *,
    lines: Sequence[Line],
    accruals: Sequence[Accrual],
    free_minor: int,
    request: RefundRequest,
    evaluated_by: tuple[ProgramDocument, FrozenInputs] | None,
) -> Reversal:
    """Work a refund out. ``evaluated_by`` is None where the purchase earned nothing because nothing was evaluated.

    Raises:
        RefundExceedsPurchase, RefundQuantityExceedsLine, RefundLineUnknown, RefundBelowZero, NothingLeftToRefund
        InvalidInput
    """
    outcome = apply_refund(
        [PurchaseLine(line.position, line.sku, line.category, line.quantity, line.net_minor) for line in lines],
        refund_state(lines, free_minor=free_minor),
        request,
    )
    if evaluated_by is None:
        return Reversal(outcome, {}, {}, 0, 0, 0)
    document, frozen = evaluated_by
    kept = standing(document, frozen, remaining=outcome.remaining)
    changes = {accrual.rule_id: kept[accrual.rule_id] - accrual.standing for accrual in accruals}
    capped = {rule.rule_id for rule in frozen.rules if rule.cap_room is not None}
    left_before = purchase.total_minor - purchase.refunded_minor
    left_after = left_before - outcome.refunded_minor
    return Reversal(
        outcome=outcome,
        standing=kept,
        cap_changes={rule_id: change for rule_id, change in changes.items() if change and rule_id in capped},
        ask=purchase.points - sum(kept.values()) - purchase.points_taken_back - purchase.points_lapsed,
        tier_points=sum(changes.values()),
        tier_spend_minor=counted_spend(document, currency=frozen.currency, total_minor=left_after)
        - counted_spend(document, currency=frozen.currency, total_minor=left_before),
    )


def refund_state(lines: Iterable[Line], *, free_minor: int) -> RefundState:
    """What has come back so far."""
    returned = tuple(
        ReturnedLine(line.position, line.returned_quantity) for line in lines if line.returned_quantity > Decimal(0)
    )
    return RefundState(returned, free_minor)


def still_taken(entries: Iterable[Entry]) -> tuple[LotMovement, ...]:
    """What a purchase's claw-backs have drawn and its restorations have not given back, in the order of drawing."""
    taken: list[LotMovement] = []
    for entry in entries:
        if entry.kind is EntryKind.CLAWBACK:
            taken += entry.lot_movements
        elif entry.kind is EntryKind.RESTORATION:
            _give_back(taken, sum(movement.delta for movement in entry.lot_movements))
    return tuple(taken)


def _give_back(taken: list[LotMovement], amount: int) -> None:
    left = amount
    while left > 0:
        last = taken.pop()
        if -last.delta > left:
            taken.append(LotMovement(last.position, last.lot_id, last.purpose, last.delta + left))
        left = max(0, left + last.delta)
