"""A sale that was never meant: everything of it goes back, and nothing can happen to it any more."""

import hashlib

from services.loyalty.earning.domain import FullRefund
from services.loyalty.earning.errors import NothingLeftToRefund
from services.loyalty.purchases import repository
from services.loyalty.purchases.domain import PurchaseRef, RefundedPurchase
from services.loyalty.purchases.domain.changes import VoidPurchase
from services.loyalty.purchases.errors import PurchaseNotFound, PurchaseVoided
from services.loyalty.purchases.service.refund_purchase import locate
from services.loyalty.purchases.service.reversing import Notice, answer_json, replay, reverse_purchase
from services.loyalty.purchases.service.scene import Claim, Scene, read_scene
from services.platform.db.session import Statement, UnitOfWork
from services.platform.ids import new_id
from services.platform.text import check_optional_text

OPERATION = "voidPurchase"
SOURCE = "regulars"
"""Of the refund that a void is in the books; its number is made of the purchase's id."""


def void_purchase(uow: UnitOfWork, *, command: VoidPurchase) -> RefundedPurchase:
    """Take back all that is left of a purchase, and close it: it can be neither refunded nor amended any more.

    Raises:
        PurchaseNotFound, PurchaseVoided: it is voided already, by another command.
        InvalidInput, MemberNotFound, IdempotencyConflict, IdempotencyKeyInvalid
    """
    reason = check_optional_text(command.reason, field="reason")
    claim = Claim(OPERATION, command.idempotency_key, command.request_hash)
    located = locate(uow, command.purchase, claim)
    if located is None:
        assert isinstance(command.purchase, PurchaseRef)
        raise PurchaseNotFound(external_id=command.purchase.external_id)
    if "purchaseId" in located:
        return replay(located)
    scene, _ = read_scene(uow, located)
    if scene.purchase.voided_at is not None:
        raise PurchaseVoided(purchase_id=scene.purchase.id)
    change = repository.change_statement(
        purchase_id=scene.purchase.id, kind="void", reason=reason, before=scene.before_json, now=uow.now
    )
    number = f"void:{scene.purchase.id}"
    notice = Notice(new_id(), SOURCE, number, hashlib.sha256(number.encode()).digest(), reason, uow.now)
    try:
        statements, answer = reverse_purchase(uow, scene, request=FullRefund(), notice=notice, is_void=True)
    except NothingLeftToRefund:
        statements = [Statement(repository.CLOSE, {"id": scene.purchase.id, "now": uow.now})]
        answer = _nothing_left(scene, notice)
    uow.fetch_pipeline([*statements, change, claim.settle(answer_json(answer))])
    return answer


def _nothing_left(scene: Scene, notice: Notice) -> RefundedPurchase:
    unit = scene.present.document.unit.code if scene.present else ""
    return RefundedPurchase(
        refund_id=notice.id,
        purchase_id=scene.purchase.id,
        member_id=scene.purchase.member_id,
        refunded_minor=0,
        points=0,
        shortfall=scene.purchase.shortfall,
        balance=scene.buyer.book.balance(unit).available if scene.buyer else 0,
        from_tier=None,
        to_tier=None,
        replayed=False,
    )
