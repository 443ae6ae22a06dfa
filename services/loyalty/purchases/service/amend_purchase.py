"""A sale rung up anew: it ends as if it had been rung up right at first."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from services.loyalty.earning import service as earning
from services.loyalty.earning.domain import (
    CapKey,
    Evaluation,
    FrozenInputs,
    FrozenRule,
    RuleAccrual,
    evaluate_again,
    frozen_json,
)
from services.loyalty.earning.queries import locking_statements
from services.loyalty.earning.service import post_evaluation
from services.loyalty.ledger import service as ledger
from services.loyalty.ledger.domain import Lot, Reference
from services.loyalty.programs.domain import CapOwner, ProgramDocument
from services.loyalty.programs.domain.publishing import unit_of
from services.loyalty.purchases import repository
from services.loyalty.purchases.domain import Accrual, PurchaseRef
from services.loyalty.purchases.domain.changes import AmendedPurchase, AmendPurchase
from services.loyalty.purchases.domain.evidence import UnitState
from services.loyalty.purchases.domain.receipt import Receipt, check_receipt
from services.loyalty.purchases.domain.reversal import units_of_rules
from services.loyalty.purchases.errors import PurchaseAlreadyRefunded, PurchaseNotFound, PurchaseVoided
from services.loyalty.purchases.service.claw_back import TakenBack, take_back
from services.loyalty.purchases.service.recounting import Anew, actions_that_came, recounted
from services.loyalty.purchases.service.referring import amended_statements
from services.loyalty.purchases.service.refund_purchase import locate
from services.loyalty.purchases.service.reversing import other_units_json
from services.loyalty.purchases.service.scene import REFERENCE, Claim, Scene, read_scene
from services.loyalty.purchases.service.settling_back import amend_settlement
from services.loyalty.tiers import service as tiers
from services.loyalty.tiers.domain import Requalification, ladder_of
from services.platform.db.session import Statement, UnitOfWork
from services.platform.ids import new_id
from services.platform.outbox import service as outbox
from services.platform.text import check_optional_text

OPERATION = "amendPurchase"


@dataclasses.dataclass(frozen=True, slots=True)
class _Anew(Anew):
    """What the receipt earns now, and what that changes."""

    @property
    def document(self) -> ProgramDocument:
        """The document by which the purchase was evaluated."""
        return self.version.document

    @property
    def gained(self) -> Evaluation:
        """The evaluation with only what is more than at first."""
        first = {rule.rule_id: rule.points for rule in self.frozen.rules}
        more = [(each, each.points - first.get(each.rule_id, 0)) for each in self.evaluation.accruals]
        accruals = tuple(dataclasses.replace(each, points=points) for each, points in more if points > 0)
        return dataclasses.replace(self.evaluation, accruals=accruals)

    @property
    def losses(self) -> dict[str, int]:
        """What is less than at first, by rule."""
        now = {each.rule_id: each.points for each in self.evaluation.accruals}
        less = {rule.rule_id: rule.points - now.get(rule.rule_id, 0) for rule in self.frozen.rules}
        return {rule_id: points for rule_id, points in less.items() if points > 0}

    @property
    def lost(self) -> dict[str, int]:
        """The same by unit."""
        unit_of_rule = units_of_rules(self.frozen, self.document)
        sums: dict[str, int] = {}
        for rule_id, points in self.losses.items():
            sums[unit_of_rule[rule_id]] = sums.get(unit_of_rule[rule_id], 0) + points
        return sums

    def lots_of_losers(self, accruals: Sequence[Accrual]) -> tuple[UUID, ...]:
        """The lots of the rules that give less: they are drawn before the purchase's others."""
        return tuple(each.lot_id for each in accruals if each.rule_id in self.losses and each.lot_id is not None)

    @property
    def freed(self) -> dict[CapKey, int]:
        """What counters get back, below zero."""
        return {key: change for key, change in self._cap_changes().items() if change < 0}

    @property
    def filled(self) -> dict[CapKey, int]:
        """What is counted more."""
        return {key: change for key, change in self._cap_changes().items() if change > 0}

    def frozen_anew(self, receipt: Receipt) -> FrozenInputs:
        """What to keep in the place of the first evaluation's inputs: the same, with what came of them now."""
        rules = tuple(
            FrozenRule(each.rule_id, each.cap_room, each.points, each.unit, each.positions, each.base_minor)
            for each in self.evaluation.accruals
        )
        return dataclasses.replace(
            self.frozen, rules=rules, fillings=dict(self.evaluation.fillings), total_minor=receipt.total_minor
        )

    def _cap_changes(self) -> dict[CapKey, int]:
        old, new = self.frozen.fillings, self.evaluation.fillings
        return {key: new.get(key, 0) - old.get(key, 0) for key in sorted(old.keys() | new.keys())}


def amend_purchase(uow: UnitOfWork, *, command: AmendPurchase) -> AmendedPurchase:
    """Put other lines in the place of a purchase's first ones, judged by what its first evaluation saw.

    Points that it earns more are given with the clock of the first ones; those that it earns less are taken back as
    a refund takes them. A guest's purchase, and one that was not evaluated, only changes its evidence.

    Raises:
        PurchaseNotFound, PurchaseVoided, PurchaseAlreadyRefunded
        InvalidInput, DiscountExceedsOrder: a receipt that nobody can have.
        AccrualTooLarge, BalanceTooLarge, QualifyingSumTooLarge, MemberNotFound
        IdempotencyConflict, IdempotencyKeyInvalid
    """
    reason = check_optional_text(command.reason, field="reason")
    claim = Claim(OPERATION, command.idempotency_key, command.request_hash)
    located = locate(uow, command.purchase, claim)
    if located is None:
        assert isinstance(command.purchase, PurchaseRef)
        raise PurchaseNotFound(external_id=command.purchase.external_id)
    if "purchaseId" in located:
        return _replay(located)
    scene, _ = read_scene(uow, located)
    purchase = scene.purchase
    if purchase.voided_at is not None:
        raise PurchaseVoided(purchase_id=purchase.id)
    if purchase.refunded_minor or any(line.returned_quantity for line in scene.lines) or scene.free_minor:
        raise PurchaseAlreadyRefunded(purchase_id=purchase.id)
    receipt = check_receipt(
        currency=purchase.currency, lines=command.lines, discount_minor=command.discount_minor, told=purchase.told
    )
    change_id = new_id()
    receipt, settled = amend_settlement(uow, scene, receipt)
    anew = _judged(uow, scene, receipt)
    statements, answer = _decide(uow, scene, receipt, anew, change_id)
    change = repository.change_statement(
        change_id=change_id,
        purchase_id=purchase.id,
        kind="amendment",
        reason=reason,
        before=scene.before_json,
        now=uow.now,
    )
    uow.fetch_pipeline([*statements, *settled, change, claim.settle(_answer_json(answer))])
    return answer


def _judged(uow: UnitOfWork, scene: Scene, receipt: Receipt) -> _Anew | None:
    if scene.buyer is None or scene.evaluation is None or scene.present is None:
        return None
    assert scene.evaluated_by is not None
    document, frozen = scene.evaluation
    base = receipt.base(document.policies.base)
    evaluation = evaluate_again(
        document,
        frozen,
        lines=receipt.earning(base),
        occurred_at=scene.purchase.occurred_at,
        shipping_minor=base.shipping_minor,
    )
    return _Anew(scene.evaluated_by, frozen, evaluation, base, actions_that_came(uow, scene))


def _decide(
    uow: UnitOfWork, scene: Scene, receipt: Receipt, anew: _Anew | None, change_id: UUID
) -> tuple[list[Statement], AmendedPurchase]:
    purchase, buyer = scene.purchase, scene.buyer
    if anew is None or buyer is None or scene.present is None:
        statements = _evidence_statements(uow, scene, receipt, None)
        return statements, _answer(scene, points=purchase.points, change=0, shortfall=purchase.shortfall, moved=None)
    gained = anew.gained
    posted = post_evaluation(
        uow,
        book=buyer.book,
        version=anew.version,
        evaluation=gained,
        reference=Reference(REFERENCE, purchase.id),
        occurred_at=purchase.occurred_at,
        enrolled_at=buyer.earner.enrolled_at,
        store_id=purchase.store_id,
        actions=anew.actions,
    )
    # What has ended meanwhile ends at once.
    ledger.settle_again(uow, buyer.book)
    lost = dict(anew.lost)
    for unit, state in scene.units.items():
        if state.shortfall:
            # What an earlier change could not take is asked for again; what was just gained pays first.
            lost[unit] = lost.get(unit, 0) + state.shortfall
    taken = {
        unit: take_back(
            uow,
            scene=scene,
            book=buyer.book,
            unit=unit,
            ask=ask,
            reference_id=change_id,
            occurred_at=uow.now,
            own_first=anew.lots_of_losers(scene.accruals),
        )
        for unit, ask in sorted(lost.items())
    }
    outcome = _Outcome(anew, posted.lots, taken)
    moved = recounted(uow, scene, buyer, receipt, anew)
    ladder = ladder_of(scene.present)
    letters = tiers.letters_of(
        moved.changes,
        moved.graces,
        member_id=buyer.member_id,
        document=scene.present.document,
        merchant_name=scene.merchant_name,
    )
    mine = taken.get(anew.document.unit.code)
    answer = _answer(
        scene,
        points=anew.evaluation.points,
        change=gained.points - (mine.points if mine else 0),
        shortfall=mine.state.shortfall if mine else 0,
        moved=moved,
    )
    return [
        *_evidence_statements(uow, scene, receipt, outcome),
        *ledger.writing_statements((buyer.book,)),
        # What is freed and what is filled is locked in one order, as sales lock it.
        *locking_statements({key for key in (anew.freed | anew.filled) if key.owner is CapOwner.EVERYONE}),
        *earning.change_caps_statements(member_id=buyer.member_id, changes=anew.freed),
        *earning.fill_caps_statements(
            {earning.CapUse.of(buyer.member_id, key): count for key, count in anew.filled.items()}
        ),
        *tiers.writing_statements(
            uow, ladder, [tiers.Counted(buyer.member_id, buyer.record, moved.record, moved.changes)]
        ),
        *amended_statements(uow, scene, buyer, receipt, anew, change_id=change_id),
        *(outbox.publish_statement(uow, letter) for letter in letters),
    ], answer


@dataclasses.dataclass(frozen=True, slots=True)
class _Outcome:
    """What became of it: ``lots`` of what was gained by rule, and what was taken by unit."""

    anew: _Anew
    lots: Mapping[str, Lot]
    taken: Mapping[str, TakenBack]

    def states(self, scene: Scene) -> dict[str, UnitState]:
        """The states by unit as if rung up so at first; what is still missing, and what had ended, is kept in mind."""
        states: dict[str, UnitState] = {}
        for unit in {*self.anew.evaluation.points_by_unit, *scene.units}:
            state = self.taken[unit].state if unit in self.taken else scene.units.get(unit, UnitState())
            earned = self.anew.evaluation.points_by_unit.get(unit, 0)
            points = earned + state.shortfall + state.lapsed
            states[unit] = UnitState(points, 0, state.lapsed, state.shortfall)
        return states


def _evidence_statements(uow: UnitOfWork, scene: Scene, receipt: Receipt, outcome: _Outcome | None) -> list[Statement]:
    purchase = scene.purchase
    line_points: Mapping[int, int] = {}
    bases: Sequence[int | None] = [None for _ in receipt.lines]
    values: dict[str, Any] = {
        "id": purchase.id,
        "discount_minor": receipt.discount_minor,
        "total_minor": receipt.total_minor,
        "now": uow.now,
        "frozen": None,
        "points": purchase.points,
        "points_lapsed": purchase.points_lapsed,
        "shortfall": purchase.shortfall,
        "other_units": None,
    }
    accruals: list[dict[str, Any]] = []
    if outcome is not None:
        anew = outcome.anew
        line_points = {line.position: line.points for line in anew.evaluation.line_points}
        bases = anew.base.lines
        states = outcome.states(scene)
        own = states.get(anew.document.unit.code, UnitState())
        others = other_units_json(states, own=anew.document.unit.code)
        values |= {
            "frozen": Jsonb(frozen_json(anew.frozen_anew(receipt))),
            "points": own.points,
            "points_lapsed": own.lapsed,
            "shortfall": own.shortfall,
            "other_units": None if others is None else Jsonb(others),
        }
        accruals = _accrual_rows(scene, outcome)
    lines = repository.line_rows(
        purchase_id=purchase.id,
        receipt=receipt,
        points=[line_points.get(line.position, 0) for line in receipt.lines],
        bases=bases,
    )
    return [
        Statement(repository.AMEND, values),
        Statement(repository.FORGET_LINES, {"id": purchase.id}),
        Statement(repository.INSERT_LINES, {"rows": Jsonb(lines)}),
        Statement(repository.FORGET_ACCRUALS, {"id": purchase.id}),
        *([Statement(repository.INSERT_ACCRUALS, {"rows": Jsonb(accruals)})] if accruals else []),
    ]


def _accrual_rows(scene: Scene, outcome: _Outcome) -> list[dict[str, Any]]:
    first = {accrual.rule_id: accrual.lot_id for accrual in scene.accruals}

    def lot_of(accrual: RuleAccrual) -> UUID | None:
        if not accrual.points:
            return None
        new = outcome.lots.get(accrual.rule_id)
        return first.get(accrual.rule_id) or (new.id if new else None)

    return [
        {
            "purchase_id": scene.purchase.id,
            "rule_id": accrual.rule_id,
            "lot_id": lot_of(accrual),
            "points": accrual.points,
            "unit": accrual.unit,
        }
        for accrual in outcome.anew.evaluation.accruals
    ]


def _answer(
    scene: Scene, *, points: int, change: int, shortfall: int, moved: Requalification | None
) -> AmendedPurchase:
    tier = moved.change if moved else None
    unit = unit_of(scene.present).code
    return AmendedPurchase(
        purchase_id=scene.purchase.id,
        member_id=scene.purchase.member_id,
        points=points,
        change=change,
        shortfall=shortfall,
        balance=scene.buyer.book.balance(unit).available if scene.buyer else 0,
        from_tier=tier.from_code if tier else None,
        to_tier=tier.to_code if tier else None,
        replayed=False,
    )


def _answer_json(answer: AmendedPurchase) -> dict[str, Any]:
    return {
        "purchaseId": str(answer.purchase_id),
        "memberId": str(answer.member_id) if answer.member_id else None,
        "points": answer.points,
        "change": answer.change,
        "shortfall": answer.shortfall,
        "balance": answer.balance,
        "fromTier": answer.from_tier,
        "toTier": answer.to_tier,
    }


def _replay(answer: Mapping[str, Any]) -> AmendedPurchase:
    return AmendedPurchase(
        purchase_id=UUID(answer["purchaseId"]),
        member_id=UUID(answer["memberId"]) if answer["memberId"] else None,
        points=answer["points"],
        change=answer["change"],
        shortfall=answer["shortfall"],
        balance=answer["balance"],
        from_tier=answer["fromTier"],
        to_tier=answer["toTier"],
        replayed=True,
    )
