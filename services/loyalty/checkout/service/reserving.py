"""Holding what a quoted cart needs: points, coupons, budgets and room under caps; and letting go of it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg.errors import CheckViolation, UniqueViolation

from services.loyalty.budgets import service as budgets
from services.loyalty.checkout import repository
from services.loyalty.checkout.domain.cart import LateCart, QuotedCart
from services.loyalty.checkout.domain.commands import CancelCart, CanceledCart, ReserveCart, ReservedCart
from services.loyalty.checkout.domain.funding import demands_of
from services.loyalty.checkout.domain.weighing import Weighed, paying_unit
from services.loyalty.checkout.errors import CartConflict, CartEnded
from services.loyalty.checkout.service.committing import raise_refusal
from services.loyalty.checkout.service.opening import (
    OpenCart,
    check_alive,
    check_promise,
    open_cart,
    owner_of,
    uses_of,
    weigh_again,
)
from services.loyalty.coupons import service as coupons
from services.loyalty.earning.domain import counters_json, parse_counters
from services.loyalty.earning.service import CapUse, change_caps_statements, fill_caps_statements
from services.loyalty.holds.domain import check_minutes
from services.loyalty.ledger import service as ledger
from services.loyalty.purchases import service as purchases
from services.loyalty.purchases.domain import RecordPurchase
from services.loyalty.purchases.domain.assessment import Assessment
from services.platform.db.session import Statement, UnitOfWork
from services.platform.ids import new_id

RESERVE = "reserveCart"
CANCEL = "cancelCart"


def reserve_cart(uow: UnitOfWork, *, command: ReserveCart) -> ReservedCart:
    """Hold all that a quoted cart needs, in the place of what the cart held before.

    Raises:
        QuoteExpired, QuoteChanged, CartEnded, CartConflict, PointsPaymentTooLarge
        CouponUsedUp, BudgetExhausted, BudgetClosed
        InvalidInput, MemberNotFound, StoreNotFound, IdempotencyConflict, IdempotencyKeyInvalid
    """
    cart = command.cart
    opened = open_cart(uow, operation=RESERVE, cart=cart, record=_record(cart, command))
    if not isinstance(opened, OpenCart):
        return _reserved(opened, replayed=True)
    check_alive(opened)
    # First, so that points whose end has come while they were held, or that a refund wants back, do not count.
    _release_points(opened)
    weighed = weigh_again(opened, asked=cart.asked, purchase_id=new_id())
    assessment = weighed.assessed()
    check_promise(opened, cart, weighed, assessment, seal=command.seal)
    minutes = weighed.met.policies.hold_minutes if command.minutes is None else check_minutes(command.minutes)
    until = uow.now + timedelta(minutes=minutes)
    _hold_points(opened, weighed, until)
    points = weighed.priced.payment.points
    answer = ReservedCart(cart.id, cart.member_id, points, until, replayed=False)
    fillings = assessment.evaluation.fillings if assessment else {}
    statements = [
        # The cart's row first: of a guest's there is nothing else at which who comes at the same time could queue.
        repository.put_statement(
            uow,
            cart_id=cart.id,
            is_new=opened.row is None,
            status="reserved",
            member_id=cart.member_id,
            store_id=cart.asked.store_id,
            expires_at=until,
            held={"points": points, "caps": counters_json(fillings), "quotedAt": cart.quoted_at.isoformat()},
        ),
        *(ledger.writing_statements([opened.sale.book]) if opened.sale.book else []),
        *opened.free_caps_statements(),
        *_fill(cart, assessment),
        *_hold(opened, weighed, until),
        purchases.settle_key_statement(opened.sale, _reserved_json(answer)),
    ]
    try:
        uow.fetch_pipeline(statements)
    except CheckViolation as error:
        raise_refusal(error, holding=demands_of(weighed, currency=cart.asked.currency))
    except UniqueViolation as error:
        # Somebody else has reserved or committed the same cart of a guest at the same time.
        if not repository.is_raced(error):
            raise
        raise CartConflict from error
    return answer


def cancel_cart(uow: UnitOfWork, *, command: CancelCart) -> CanceledCart:
    """Give up a quoted cart: what it holds comes free, and its token is worth nothing any more.

    Raises:
        CartEnded: it was committed, or canceled before by another command.
        CartConflict, MemberNotFound, StoreNotFound, IdempotencyConflict, IdempotencyKeyInvalid
    """
    cart = command.cart
    opened = open_cart(uow, operation=CANCEL, cart=cart, record=_record(cart, command))
    if not isinstance(opened, OpenCart):
        return CanceledCart(UUID(opened["cartId"]), opened["points"], replayed=True)
    row = opened.row
    if row is not None and row["status"] in {"committed", "canceled"}:
        raise CartEnded(status=row["status"])
    if row is not None and (row["member_id"], row["store_id"]) != (cart.member_id, cart.asked.store_id):
        raise CartConflict
    points, book = opened.held_points, opened.sale.book
    _release_points(opened)
    statements = [
        repository.put_statement(
            uow,
            cart_id=cart.id,
            is_new=row is None,
            status="canceled",
            member_id=cart.member_id,
            store_id=cart.asked.store_id,
            expires_at=row["expires_at"] if row else cart.expires_at,
        ),
        *(ledger.writing_statements([book]) if book else []),
        *opened.free_caps_statements(),
        *coupons.release_statements(uow, owner=opened.owner),
        *budgets.release_statements(uow, owner=opened.owner),
        purchases.settle_key_statement(opened.sale, {"cartId": str(cart.id), "points": points}),
    ]
    try:
        uow.fetch_pipeline(statements)
    except UniqueViolation as error:
        # Somebody else has reserved or committed the same cart of a guest at the same time.
        if not repository.is_raced(error):
            raise
        raise CartConflict from error
    return CanceledCart(cart.id, points, replayed=False)


def release_late(uow: UnitOfWork, *, cart: LateCart) -> bool:
    """Let go of what a cart holds whose time is over; False where somebody else has. Points end by their own clock.

    One cart is one unit of work: several would lock kinds of coupons and budgets out of their order.
    """
    cart_id, member_id = cart.id, cart.member_id
    locked = uow.fetch_pipeline(
        [
            *([ledger.lock_statement(holder_ids=[member_id])] if member_id is not None else []),
            Statement(repository.LOCK_LATE, {"ids": [cart_id], "now": uow.now}),
        ]
    )[-1]
    if not locked:
        return False
    held, owner = locked[0]["held"], owner_of(cart_id)
    changes = {key: -count for key, count in parse_counters(held["caps"]).items()} if held else {}
    uow.fetch_pipeline(
        [
            *(change_caps_statements(member_id=member_id, changes=changes) if member_id is not None else []),
            *coupons.release_statements(uow, owner=owner),
            *budgets.release_statements(uow, owner=owner),
            Statement(repository.TIME_OUT, {"ids": [cart_id]}),
        ]
    )
    return True


def _record(cart: QuotedCart, command: ReserveCart | CancelCart) -> RecordPurchase:
    asked = cart.asked
    return RecordPurchase(
        source=asked.source or purchases.QUOTED,
        external_id=str(cart.id),
        member=asked.member,
        store_id=asked.store_id,
        currency=asked.currency,
        lines=asked.lines,
        idempotency_key=command.idempotency_key,
        request_hash=command.request_hash,
        discount_minor=asked.discount_minor,
        occurred_at=cart.quoted_at,
        channel=asked.channel,
        told=asked.told,
    )


def _hold_points(opened: OpenCart, weighed: Weighed, until: datetime) -> None:
    book, points = opened.sale.book, weighed.priced.payment.points
    if book is None:
        return
    if points:
        unit = paying_unit(weighed.met.version)
        header = opened.header(opened.owner)
        book.hold(header, unit=unit, amount=points, hold_id=opened.cart.id, expires_at=until)


def _release_points(opened: OpenCart) -> None:
    if opened.sale.book is not None and opened.held_points:
        opened.sale.book.release(opened.header(opened.owner), hold_id=opened.cart.id)


def _fill(cart: QuotedCart, assessment: Assessment | None) -> list[Statement]:
    member_id = cart.member_id
    if assessment is None or member_id is None:
        return []
    fillings = assessment.evaluation.fillings
    return fill_caps_statements({CapUse.of(member_id, key): count for key, count in fillings.items()})


def _hold(opened: OpenCart, weighed: Weighed, until: datetime) -> list[Statement]:
    uow, cart, owner = opened.uow, opened.cart, opened.owner
    currency = cart.asked.currency
    uses = uses_of(weighed, member_id=cart.member_id, currency=currency)
    demands = demands_of(weighed, currency=currency)
    return [
        *coupons.hold_statements(uow, uses=uses, owner=owner, until=until),
        *budgets.release_statements(uow, owner=owner, before=demands),
        *budgets.hold_statements(uow, demands=demands, owner=owner, until=until, at=cart.quoted_at),
    ]


def _reserved_json(answer: ReservedCart) -> dict[str, Any]:
    return {
        "cartId": str(answer.cart_id),
        "memberId": str(answer.member_id) if answer.member_id else None,
        "points": answer.points,
        "expiresAt": answer.expires_at.isoformat(),
    }


def _reserved(answer: Mapping[str, Any], *, replayed: bool) -> ReservedCart:
    return ReservedCart(
        cart_id=UUID(answer["cartId"]),
        member_id=UUID(answer["memberId"]) if answer["memberId"] else None,
        points=answer["points"],
        expires_at=datetime.fromisoformat(answer["expiresAt"]),
        replayed=replayed,
    )
