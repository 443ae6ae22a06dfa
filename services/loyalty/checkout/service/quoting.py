"""What a cart would cost and earn, with a promise. Nothing is held and nothing is written."""

import dataclasses
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from psycopg.rows import DictRow

from services.loyalty.budgets.queries import budgets_for_owner
from services.loyalty.checkout import repository
from services.loyalty.checkout.domain.cart import AskedCart, QuotedCart
from services.loyalty.checkout.domain.commands import CheckoutQuote
from services.loyalty.checkout.domain.funding import budgets_named, weigh_funded
from services.loyalty.checkout.domain.weighing import Met, Weighed, paying_unit
from services.loyalty.checkout.service.opening import owner_of
from services.loyalty.coupons import queries as coupons
from services.loyalty.coupons.domain import OFFERS_MAX
from services.loyalty.earning.domain import parse_counters
from services.loyalty.programs.domain.publishing import unit_of
from services.loyalty.purchases import service as purchases
from services.loyalty.purchases.domain.assessment import Assessment, BuyingMember
from services.loyalty.purchases.domain.telling import check_fields
from services.platform.db.session import ReadSession, Statement
from services.platform.errors import InvalidInput
from services.platform.ids import new_id
from services.platform.text import check_optional_text, check_text


def quote_cart(session: ReadSession, *, asked: AskedCart) -> CheckoutQuote:
    """What `commit_cart` would do with these lines at ``session.now``.

    Raises:
        InvalidInput, DiscountExceedsOrder, StoreNotFound, StoreClosed, StoreCurrencyMismatch, CurrencyNotAccepted
        MemberNotFound, IdentityInvalid, AccrualTooLarge, QualifyingSumTooLarge, PointsPaymentTooLarge
    """
    cart_id = asked.cart_id or new_id()
    asked, reading, weighed, assessment = _weighed(session, asked, cart_id)
    met, priced = weighed.met, weighed.priced
    cart = QuotedCart(
        id=cart_id,
        asked=asked,
        quoted_at=session.now,
        expires_at=session.now + timedelta(minutes=met.policies.quote_minutes),
        offers=weighed.versions,
        digests=weighed.digests(assessment),
    )
    earned = purchases.quote_of(priced.receipt, assessment, tier=reading.tier, balance=reading.balance)
    unit = paying_unit(reading.version)
    spent = priced.payment.points if unit == unit_of(reading.version).code else 0
    return CheckoutQuote(cart, weighed, earned, met.available, unit, earned.balance_after - spent)


def assess_cart(session: ReadSession, *, asked: AskedCart) -> Assessment | None:
    """The assessment behind a quote; None for a guest, an inactive member and without a program.

    Raises:
        As `quote_cart`.
    """
    return _weighed(session, asked, asked.cart_id or new_id())[3]


def _weighed(
    session: ReadSession, asked: AskedCart, cart_id: UUID
) -> tuple[AskedCart, purchases.CartReading, Weighed, Assessment | None]:
    """The cart as it is stored, what it meets, and what comes out."""
    check_coupons(asked)
    asked = dataclasses.replace(
        asked,
        channel=check_text(asked.channel, field="channel"),
        source=check_optional_text(asked.source, field="source"),
        cart_id=cart_id,
    )

    def more(member_id: UUID | None) -> Sequence[Statement]:
        return [
            Statement(repository.BY_ID, {"id": cart_id}),
            *coupons.presented_statements(
                session,
                member_id=member_id,
                codes=asked.codes,
                coupon_ids=asked.coupon_ids,
                owner=owner_of(cart_id),
                has_own=asked.every_coupon,
            ),
        ]

    reading = purchases.read_cart(
        session, member=asked.member, store_id=asked.store_id, currency=asked.currency, more=more
    )
    check_fields(reading.version.document.fields if reading.version else (), asked.told.fields)
    cart_rows, *coupon_rows = reading.more
    presented = coupons.presented_of(coupon_rows, member_id=reading.member_id, codes=asked.codes, at=session.now)
    reserved, buyer = _free(session, reading, cart_rows)
    met = Met(
        version=reading.version,
        buyer=buyer,
        occasion=reading.occasion(session, channel=asked.channel, source=asked.source),
        available=reading.available(paying_unit(reading.version)) + reserved,
        offers=presented.offers,
        refused=presented.refused,
        reserved=reserved,
    )
    named = budgets_named(met.offers)
    budgets = budgets_for_owner(session, budget_ids=named, owner=owner_of(cart_id)) if named else {}
    weighed = weigh_funded(dataclasses.replace(asked, member=reading.member_id), met, budgets, at=session.now)
    return weighed.promised(weighed.asked), reading, weighed, weighed.assessed()


def _free(
    session: ReadSession, reading: purchases.CartReading, cart_rows: Sequence[DictRow]
) -> tuple[int, BuyingMember | None]:
    """The points that the cart itself has reserved, and the buyer, in whose way what it keeps of caps is not."""
    reserved, buyer = 0, reading.buyer
    for row in cart_rows:
        is_held = row["status"] == "reserved" and row["expires_at"] > session.now
        if is_held and row["member_id"] == reading.member_id and row["held"]:
            reserved = row["held"]["points"]
            if buyer is not None:
                used = dict(buyer.cap_used)
                for key, count in parse_counters(row["held"]["caps"]).items():
                    used[key] = used.get(key, 0) - count
                buyer = dataclasses.replace(buyer, cap_used=used)
    return reserved, buyer


def check_coupons(asked: AskedCart) -> None:
    """Refuse more coupons than a cart may present.

    Raises:
        InvalidInput: COUNT_OUT_OF_RANGE
    """
    if len(asked.codes) + len(asked.coupon_ids) > OFFERS_MAX:
        raise InvalidInput(field="coupons", reason="COUNT_OUT_OF_RANGE", limit=str(OFFERS_MAX))
