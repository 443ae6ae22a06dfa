"""A quoted cart becomes a purchase: once, on the way that every purchase goes, with coupons, budgets and points."""

import dataclasses
import hashlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from psycopg.errors import CheckViolation, UniqueViolation

from services.loyalty.budgets import service as budgets
from services.loyalty.budgets.domain import Demand
from services.loyalty.checkout import repository
from services.loyalty.checkout.domain.cart import AskedCart, QuotedCart
from services.loyalty.checkout.domain.commands import CommitCart, CommittedCart, answer_of, recorded_of
from services.loyalty.checkout.domain.delivering import delivered
from services.loyalty.checkout.domain.funding import demands_of
from services.loyalty.checkout.domain.weighing import Weighed, paying_unit
from services.loyalty.checkout.errors import CartEnded
from services.loyalty.checkout.service.opening import (
    PAYMENT,
    OpenCart,
    check_alive,
    check_promise,
    open_cart,
    uses_of,
    weigh_again,
)
from services.loyalty.coupons import service as coupons
from services.loyalty.ledger.domain import Reference, allocate_lots, redemption_entry
from services.loyalty.purchases import service as purchases
from services.loyalty.purchases.domain import RecordedPurchase, RecordPurchase
from services.loyalty.purchases.errors import PurchaseConflict
from services.loyalty.purchases.queries import purchase_by_external_id
from services.platform.db.session import Statement, UnitOfWork
from services.platform.ids import new_id

OPERATION = "commitCart"
ACTIVITY = "redemption"
"""What paying with points is among the activities that hold points alive."""


def commit_cart(uow: UnitOfWork, *, command: CommitCart, is_last: bool = False) -> CommittedCart:
    """Record a quoted cart as the purchase that was promised, at the instant of its quote, however long it is reserved.

    Its price is made again by what is found behind the member's lock; what comes out different is refused with a new
    quote and nothing has happened. A cart is committed once: whoever does it again hears the first answer. With
    ``is_last`` the unit of work is committed in the same round trip, and nothing may follow.

    Raises:
        CartEnded: it was canceled, or committed by another quote or in other quantities.
        QuoteExpired, QuoteChanged, CartConflict, PointsPaymentTooLarge
        CouponUsedUp, BudgetExhausted, BudgetClosed: taken by somebody else meanwhile, and not reserved.
        PurchaseConflict: the external id belongs to another purchase.
        and as `purchases.service.record_purchase`
    """
    opened = open_cart(uow, operation=OPERATION, cart=command.cart, record=_record(command))
    if not isinstance(opened, OpenCart):
        return _replay(command, opened)
    if opened.row is not None and opened.row["status"] == "committed":
        return _settle_known(opened, command, opened.row)
    check_alive(opened)
    opened.sale.check_new()
    purchase_id = new_id()
    weighed = weigh_again(opened, asked=_told(command), purchase_id=purchase_id)
    whole = weighed
    if command.delivered is not None:
        check_promise(opened, _told_by(command), weighed, weighed.assessed(), seal=command.seal)
        weighed = dataclasses.replace(weighed, priced=delivered(weighed.priced, command.delivered))
    pay_with_points(opened, weighed, purchase_id)
    decision = purchases.decide_sale(
        opened.sale, command=_priced(command, weighed), purchase_id=purchase_id, is_promised=True
    )
    if whole is weighed:
        check_promise(opened, _told_by(command), weighed, decision.assessment, seal=command.seal)
    answer = _answer(command, weighed, decision.outcome)
    savepoint, *selling = purchases.selling_statements(opened.sale, decision, weighed.settlement(command.cart.id))
    try:
        uow.fetch_pipeline(
            [
                savepoint,
                # The cart's row first: of a guest's there is nothing else at which who comes at the same time could
                # queue, before it takes coupons that are taken for the very same cart.
                repository.put_statement(
                    uow,
                    cart_id=command.cart.id,
                    is_new=opened.row is None,
                    status="committed",
                    member_id=command.cart.member_id,
                    store_id=command.cart.asked.store_id,
                    expires_at=command.cart.expires_at,
                    purchase_id=purchase_id,
                    answer=_answer_json(answer) | {"of": _mark(command)},
                ),
                *selling,
                *opened.free_caps_statements(),
                *taking_statements(opened, weighed),
                purchases.settle_key_statement(opened.sale, _answer_json(answer)),
            ],
            is_last=is_last and not purchases.is_awaited(opened.sale),
        )
    except CheckViolation as error:
        raise_refusal(error)
    except UniqueViolation as error:
        return _raced(opened, command, error)
    if not purchases.is_awaited(opened.sale):
        return answer
    purchases.refund_what_waits(opened.sale)
    # It is not any more what it was when it was recorded.
    return dataclasses.replace(answer, recorded=dataclasses.replace(answer.recorded, purchase=None))


def pay_with_points(opened: OpenCart, weighed: Weighed, purchase_id: UUID) -> None:
    """Post what points pay to the member's book: of what the cart has reserved first, the rest of it is released."""
    book, points, held = opened.sale.book, weighed.priced.payment.points, opened.held_points
    if book is None or (points == 0 and held == 0):
        return
    reference = Reference(PAYMENT, purchase_id)
    if points:
        book.show_activity(ACTIVITY, opened.uow.now, reference)
    captured = min(points, held)
    if captured:
        book.capture(opened.header(reference), hold_id=opened.cart.id, amount=captured)
    if held > captured:
        book.release(opened.header(opened.owner), hold_id=opened.cart.id)
    if points > captured:
        unit = paying_unit(weighed.met.version)
        movements = allocate_lots(book.lots_of(unit), points - captured, opened.uow.now)
        book.post(redemption_entry(opened.header(reference), unit=unit, movements=movements))


def taking_statements(opened: OpenCart, weighed: Weighed) -> list[Statement]:
    """What uses the coupons and takes of their budgets, of what the cart has reserved first."""
    uow, cart, owner = opened.uow, opened.cart, opened.owner
    currency = cart.asked.currency
    statements: list[Statement] = []
    uses = uses_of(weighed, member_id=cart.member_id, currency=currency)
    demands = demands_of(weighed, currency=currency)
    was_reserved = opened.row is not None and opened.row["status"] == "reserved"
    if uses:
        statements += coupons.redeem_statements(uow, uses=uses, owner=owner)
    elif was_reserved:
        statements += coupons.release_statements(uow, owner=owner)
    if was_reserved:
        statements += budgets.capture_statements(uow, owner=owner, amounts=demands, at=cart.quoted_at)
    else:
        statements += budgets.spend_statements(uow, demands=demands, owner=owner, at=cart.quoted_at)
    return statements


def raise_refusal(error: CheckViolation, *, holding: Collection[Demand] = ()) -> None:
    """What a violated check means. ``holding`` is what was to be held of budgets.

    Raises:
        CouponUsedUp, BudgetExhausted, BudgetClosed: or the error itself, which is none of theirs.
    """
    refusal = coupons.refusal_of(error) or budgets.refusal_of(error, holding=holding)
    if refusal is None:
        raise error
    raise refusal from error


def _told(command: CommitCart) -> AskedCart:
    """The cart with the payments that are told now."""
    asked = command.cart.asked
    if command.tenders is None:
        return asked
    return dataclasses.replace(asked, told=dataclasses.replace(asked.told, tenders=command.tenders))


def _told_by(command: CommitCart) -> QuotedCart:
    """The cart as of the system that tells of it, so that a new quote holds for it whatever rules ask."""
    return dataclasses.replace(command.cart, asked=dataclasses.replace(command.cart.asked, source=command.source))


def _record(command: CommitCart) -> RecordPurchase:
    asked = _told(command)
    return RecordPurchase(
        source=command.source,
        external_id=command.external_id,
        member=asked.member,
        store_id=asked.store_id,
        currency=asked.currency,
        lines=asked.lines,
        idempotency_key=command.idempotency_key,
        request_hash=command.request_hash,
        discount_minor=asked.discount_minor,
        occurred_at=command.cart.quoted_at,
        channel=asked.channel,
        told=asked.told,
    )


def _priced(command: CommitCart, weighed: Weighed) -> RecordPurchase:
    receipt = weighed.priced.receipt
    return dataclasses.replace(
        _record(command), lines=weighed.priced.lines, discount_minor=receipt.discount_minor, told=receipt.told
    )


def _answer(command: CommitCart, weighed: Weighed, recorded: RecordedPurchase) -> CommittedCart:
    priced = weighed.priced
    return CommittedCart(
        cart_id=command.cart.id,
        recorded=recorded,
        points=priced.payment.points,
        value_minor=priced.payment.value_minor,
        total_minor=priced.total_minor,
        due_minor=priced.due_minor,
        currency=command.cart.asked.currency,
    )


def _answer_json(answer: CommittedCart) -> dict[str, Any]:
    return {
        "cartId": str(answer.cart_id),
        "recorded": answer_of(answer.recorded),
        "points": answer.points,
        "valueMinor": answer.value_minor,
        "totalMinor": answer.total_minor,
        "dueMinor": answer.due_minor,
    }


def _replay(command: CommitCart, answer: Mapping[str, Any]) -> CommittedCart:
    return CommittedCart(
        cart_id=UUID(answer["cartId"]),
        recorded=recorded_of(answer["recorded"]),
        points=answer["points"],
        value_minor=answer["valueMinor"],
        total_minor=answer["totalMinor"],
        due_minor=answer["dueMinor"],
        currency=command.cart.asked.currency,
    )


def _mark(command: CommitCart) -> str:
    """What tells a commit from another one of the same cart: which quote, and how much of it."""
    delivered_ = sorted((place, str(quantity)) for place, quantity in (command.delivered or {}).items())
    words = (
        command.cart.quoted_at.isoformat(),
        sorted(command.cart.digests.items()),
        command.delivered is None,
        delivered_,
    )
    return hashlib.sha256(repr(words).encode()).hexdigest()


def _settle_known(opened: OpenCart, command: CommitCart, row: Mapping[str, Any]) -> CommittedCart:
    answer = row["answer"]
    if answer["of"] != _mark(command):
        raise CartEnded(status=row["status"])
    statement = purchases.settle_key_statement(opened.sale, answer)
    opened.uow.execute(statement.query, statement.values)
    return _replay(command, answer)


def _raced(opened: OpenCart, command: CommitCart, error: UniqueViolation) -> CommittedCart:
    """A guest's cart has nobody to queue at: somebody else has committed it, or taken its number, meanwhile."""
    if not repository.is_raced(error) and not purchases.is_number_taken(error):
        raise error
    purchases.go_back(opened.sale)
    rows: Sequence[Mapping[str, Any]] = opened.uow.fetch_all(repository.BY_ID, {"id": command.cart.id})
    if rows and rows[0]["status"] == "committed":
        return _settle_known(opened, command, rows[0])
    known = purchase_by_external_id(opened.uow, source=command.source, external_id=command.external_id)
    if known is None:
        raise error
    raise PurchaseConflict(external_id=command.external_id, purchase_id=known.id)
