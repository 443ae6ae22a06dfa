"""The inverse of each effect of a purchase, in one place: a new effect is undone here, or a test fails."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from uuid import UUID

from services.loyalty.earning import service as earning
from services.loyalty.earning.domain import FrozenInputs
from services.loyalty.ledger import service as ledger
from services.loyalty.ledger.domain import Reference
from services.loyalty.programs.domain import ProgramDocument
from services.loyalty.purchases.domain.counting import counted_spend
from services.loyalty.purchases.domain.effects import EffectKind
from services.loyalty.purchases.domain.reversal import Reversal
from services.loyalty.purchases.service.claw_back import TakenBack, canceled_now, take_back
from services.loyalty.purchases.service.scene import REFERENCE, Buyer, Scene
from services.loyalty.purchases.service.settling_back import (
    NOTHING,
    ComingBack,
    coupons_back_statements,
    give_points_back,
)
from services.loyalty.referrals import service as referrals
from services.loyalty.tiers import service as tiers
from services.loyalty.tiers.domain import Requalification, Standing, ladder_of, uncount
from services.platform.db.session import Statement, UnitOfWork
from services.platform.outbox import service as outbox


@dataclass(slots=True)
class Undoing:
    """A reversal under way, for the buyer of a purchase that was evaluated.

    What earlier inverses found is there for later ones and for the answer: ``taken`` by unit, ``requalification``.
    ``uncounted`` are points by unit that no tier had counted before, ``returned`` those that come back to lots because
    they had paid, as ``back`` says.
    """

    uow: UnitOfWork
    scene: Scene
    buyer: Buyer
    reversal: Reversal
    reference_id: UUID
    occurred_at: datetime
    back: ComingBack = NOTHING
    returned: Mapping[UUID, int] = field(default_factory=dict)
    uncounted: Mapping[str, int] = field(default_factory=dict)
    taken: dict[str, TakenBack] = field(default_factory=dict)
    requalification: Requalification | None = None


@dataclass(frozen=True, slots=True)
class Effect:
    """``tables`` are what it writes; ``undo`` gives what is to be written to take it back, as far as that goes."""

    tables: frozenset[str]
    undo: Callable[[Undoing], list[Statement]]


def undo_all(undoing: Undoing) -> list[Statement]:
    """What takes every effect of a purchase back, as far as the reversal goes."""
    return [statement for kind in EffectKind for statement in EFFECTS[kind].undo(undoing)]


def _undo_payment(undoing: Undoing) -> list[Statement]:
    undoing.returned = give_points_back(
        undoing.uow, undoing.scene, undoing.buyer, undoing.back, occurred_at=undoing.occurred_at
    )
    return []


def _undo_coupons(undoing: Undoing) -> list[Statement]:
    return coupons_back_statements(undoing.uow, undoing.scene, undoing.back)


def _undo_points(undoing: Undoing) -> list[Statement]:
    scene, book = undoing.scene, undoing.buyer.book
    undoing.uncounted = _uncounted(undoing)
    if undoing.reversal.is_gone:
        # Ends that the purchase had moved away go back first: what had ended without it can't be drawn.
        book.withdraw_activity(Reference(REFERENCE, scene.purchase.id), undoing.buyer.marks)
        ledger.settle_again(undoing.uow, book)
    for unit, ask in undoing.reversal.asks.items():
        undoing.taken[unit] = take_back(
            undoing.uow,
            scene=scene,
            book=book,
            unit=unit,
            ask=ask,
            reference_id=undoing.reference_id,
            occurred_at=undoing.occurred_at,
            returned=undoing.returned,
        )
    return ledger.writing_statements((book,))


def _undo_caps(undoing: Undoing) -> list[Statement]:
    return earning.change_caps_statements(member_id=undoing.buyer.member_id, changes=undoing.reversal.cap_changes)


def _undo_tier(undoing: Undoing) -> list[Statement]:
    scene, reversal = undoing.scene, undoing.reversal
    evaluation = scene.evaluation
    if scene.present is None or evaluation is None:
        return []
    document, frozen = evaluation
    ladder, before = ladder_of(scene.present), undoing.buyer.record
    stood: dict[str, int] = {}
    for accrual in scene.accruals:
        unit = accrual.unit or document.unit.code
        stood[unit] = stood.get(unit, 0) + accrual.standing
    left_before = scene.purchase.total_minor - scene.purchase.refunded_minor
    result = uncount(
        ladder,
        before,
        event_id=scene.purchase.id,
        standing=Standing(
            _less(reversal.kept, {} if ladder.tiers.counts_pending else _uncounted(undoing)),
            _spend(document, frozen, reversal.left_minor),
            is_visit=not reversal.is_gone,
        ),
        was=Standing(
            _less(stood, {} if ladder.tiers.counts_pending else undoing.uncounted),
            _spend(document, frozen, left_before),
            is_visit=True,
        ),
        balance=undoing.buyer.book.balance(ladder.unit).available,
        now=undoing.uow.now,
    )
    undoing.requalification = result
    letters = tiers.letters_of(
        result.changes,
        result.graces,
        member_id=undoing.buyer.member_id,
        document=scene.present.document,
        merchant_name=scene.merchant_name,
    )
    counted = tiers.Counted(undoing.buyer.member_id, before, result.record, result.changes)
    return [
        *tiers.writing_statements(undoing.uow, ladder, (counted,)),
        *(outbox.publish_statement(undoing.uow, letter) for letter in letters),
    ]


def _uncounted(undoing: Undoing) -> dict[str, int]:
    """Points by unit that await an action still, or awaited one in vain and no refund has wanted back yet.

    They are the first that a refund takes, and count for no tier unless pending points do.
    """
    scene, book = undoing.scene, undoing.buyer.book
    points: dict[str, int] = {}
    for lot in book.lots.values():
        is_own = (lot.origin.kind, lot.origin.id) == (REFERENCE, scene.purchase.id)
        if is_own and lot.awaits_action is not None:
            points[lot.unit] = points.get(lot.unit, 0) + lot.remaining
    for unit, state in scene.units.items():
        taken = undoing.taken.get(unit)
        lapsed = taken.state.lapsed if taken else state.lapsed
        canceled = scene.canceled.get(unit, 0) + canceled_now(book, scene, unit)
        points[unit] = points.get(unit, 0) + max(0, canceled - lapsed)
    return points


def _less(points: Mapping[str, int], uncounted: Mapping[str, int]) -> dict[str, int]:
    return {unit: sum_ - uncounted.get(unit, 0) for unit, sum_ in points.items()}


def _spend(document: ProgramDocument, frozen: FrozenInputs, total_minor: int) -> int:
    return counted_spend(document, currency=frozen.currency or "", total_minor=total_minor)


def _undo_referral(undoing: Undoing) -> list[Statement]:
    if not undoing.reversal.is_gone:
        return []
    return referrals.purchase_gone_statements(undoing.uow, purchase_ids=[undoing.scene.purchase.id])


EFFECTS: Mapping[EffectKind, Effect] = MappingProxyType(
    {
        EffectKind.PAYMENT: Effect(
            frozenset({"ledger_entries", "ledger_postings", "ledger_lot_movements", "ledger_lots", "ledger_balances"}),
            _undo_payment,
        ),
        EffectKind.POINTS: Effect(
            frozenset(
                {
                    "ledger_holders",
                    "ledger_entries",
                    "ledger_postings",
                    "ledger_lots",
                    "ledger_lot_movements",
                    "ledger_balances",
                    "ledger_activities",
                }
            ),
            _undo_points,
        ),
        EffectKind.CAPS: Effect(frozenset({"cap_uses", "cap_fillings"}), _undo_caps),
        EffectKind.TIER: Effect(frozenset({"member_tiers", "tier_amounts", "tier_changes"}), _undo_tier),
        EffectKind.REFERRAL: Effect(frozenset({"referrals"}), _undo_referral),
        EffectKind.COUPONS: Effect(
            frozenset({"coupons", "coupon_definitions", "coupon_uses", "budgets", "budget_uses"}), _undo_coupons
        ),
    }
)
