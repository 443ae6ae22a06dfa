"""A quoted cart behind its member's lock: what it meets now, by the versions and the clock of its quote."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow

from services.loyalty.budgets.queries import budgets_for_owner
from services.loyalty.checkout import repository
from services.loyalty.checkout.domain.cart import AskedCart, QuotedCart
from services.loyalty.checkout.domain.commands import Seal
from services.loyalty.checkout.domain.funding import budgets_named, weigh_funded
from services.loyalty.checkout.domain.pricing import changed_parts
from services.loyalty.checkout.domain.weighing import Met, Weighed, paying_unit, weigh
from services.loyalty.checkout.errors import CartConflict, CartEnded, QuoteChanged, QuoteExpired
from services.loyalty.coupons import queries as coupons
from services.loyalty.coupons.domain import Presented, Use
from services.loyalty.earning.domain import CapKey, parse_counters
from services.loyalty.earning.service import change_caps_statements
from services.loyalty.ledger import service as ledger
from services.loyalty.ledger.domain import EntryHeader, Reference
from services.loyalty.purchases.domain import RecordPurchase
from services.loyalty.purchases.domain.assessment import Assessment
from services.loyalty.purchases.service import OpenSale, open_sale
from services.platform.db.session import Statement, UnitOfWork
from services.platform.money import Money

CART = "cart"
"""Owns what is reserved or used of coupons, budgets and points."""
PAYMENT = "payment"
"""What entries of points that paid for a purchase are about: the purchase's id."""


@dataclass(frozen=True, slots=True)
class OpenCart:
    """A quoted cart, its member locked. ``row`` is what is stored of it, None when it was only quoted."""

    uow: UnitOfWork
    cart: QuotedCart
    sale: OpenSale
    row: DictRow | None
    presented: Presented

    @property
    def owner(self) -> Reference:
        """In whose name things are held."""
        return owner_of(self.cart.id)

    @property
    def is_reserved(self) -> bool:
        """Whether it holds anything now."""
        row = self.row
        return (
            row is not None
            and row["status"] == "reserved"
            and row["expires_at"] > self.uow.now
            # Another quote of the same cart has its own end.
            and row["held"]["quotedAt"] == self.cart.quoted_at.isoformat()
        )

    @property
    def held_points(self) -> int:
        """The points that it has reserved."""
        return 0 if self.sale.book is None else self.sale.book.held_by(self.cart.id)

    @property
    def fillings(self) -> Mapping[CapKey, int]:
        """What it keeps of counters, be it late or not."""
        if self.row is None or self.row["status"] != "reserved" or not self.row["held"]:
            return {}
        return parse_counters(self.row["held"]["caps"])

    def header(self, reference: Reference) -> EntryHeader:
        """Of an entry in the member's ledger."""
        assert self.sale.buyer is not None
        version = self.sale.version
        return ledger.entry_header(
            self.uow,
            holder_id=self.sale.buyer.member_id,
            occurred_at=self.uow.now,
            store_id=self.cart.asked.store_id,
            program_version_id=version.id if version else None,
            reference=reference,
        )

    def free_caps_statements(self) -> list[Statement]:
        """What gives the counters back that it keeps."""
        buyer, fillings = self.sale.buyer, self.fillings
        if buyer is None or not fillings:
            return []
        return change_caps_statements(
            member_id=buyer.member_id, changes={key: -count for key, count in fillings.items()}
        )


def owner_of(cart_id: UUID) -> Reference:
    """In whose name a cart holds things."""
    return Reference(CART, cart_id)


def open_cart(
    uow: UnitOfWork, *, operation: str, cart: QuotedCart, record: RecordPurchase
) -> OpenCart | Mapping[str, Any]:
    """Claim the key, lock the member and the cart, and read what it meets; or the stored answer.

    Raises:
        as `purchases.service.open_sale`
    """
    asked, locking = cart.asked, repository.lock_statement(cart_id=cart.id)

    def more(member_id: UUID | None) -> Sequence[Statement]:
        return [
            locking,
            *coupons.presented_statements(
                uow,
                member_id=member_id,
                codes=asked.codes,
                coupon_ids=asked.coupon_ids,
                owner=owner_of(cart.id),
                version_ids=tuple(cart.offers.values()),
                at=cart.quoted_at,
            ),
            # What is stored of a guest's cart while its coupons were read is seen: theirs are not somebody else's.
            *([locking] if member_id is None else []),
        ]

    opened = open_sale(uow, operation=operation, command=record, more=more)
    if not isinstance(opened, OpenSale):
        return opened
    cart_rows, *coupon_rows = opened.more
    if cart.member_id is None:
        cart_rows = coupon_rows.pop()
    presented = coupons.presented_of(coupon_rows, member_id=cart.member_id, codes=asked.codes, at=cart.quoted_at)
    return OpenCart(uow, cart, opened, cart_rows[0] if cart_rows else None, presented)


def check_alive(opened: OpenCart) -> None:
    """Refuse a quote that is over, unless what it needs is reserved still.

    Raises:
        CartEnded, CartConflict, QuoteExpired
    """
    cart, row = opened.cart, opened.row
    if row is not None:
        if row["status"] in {"committed", "canceled"}:
            raise CartEnded(status=row["status"])
        if (row["member_id"], row["store_id"]) != (cart.member_id, cart.asked.store_id):
            raise CartConflict
    if opened.uow.now >= cart.expires_at and not opened.is_reserved:
        raise QuoteExpired(expired_at=cart.expires_at)


def weigh_again(opened: OpenCart, *, asked: AskedCart, purchase_id: UUID) -> Weighed:
    """The cart's price as it comes out now.

    Raises:
        InvalidInput, DiscountExceedsOrder, PointsPaymentTooLarge
    """
    sale = opened.sale
    sale.free_caps(opened.fillings)
    available, reserved = 0, opened.held_points
    if sale.book is not None:
        available = sale.book.balance(paying_unit(sale.version)).available + reserved
    met = Met(
        version=sale.version,
        buyer=sale.buying(),
        occasion=sale.occasion(purchase_id),
        available=available,
        offers=opened.presented.offers,
        refused=opened.presented.refused,
        reserved=reserved,
    )
    return weigh(asked, met)


def check_promise(
    opened: OpenCart, cart: QuotedCart, weighed: Weighed, assessment: Assessment | None, *, seal: Seal
) -> None:
    """Refuse what comes out different from what was quoted, with a new quote of the same clock and end.

    Raises:
        QuoteChanged
    """
    changed = changed_parts(cart.digests, weighed.digests(assessment))
    if not changed:
        return
    if named := budgets_named(weighed.met.offers):
        budgets = budgets_for_owner(opened.uow, budget_ids=named, owner=opened.owner)
        weighed = weigh_funded(weighed.asked, weighed.met, budgets, at=cart.quoted_at)
        assessment = weighed.assessed()
    anew = dataclasses.replace(
        cart, asked=weighed.promised(cart.asked), offers=weighed.versions, digests=weighed.digests(assessment)
    )
    priced, currency = weighed.priced, cart.asked.currency
    raise QuoteChanged(
        changed=changed,
        token=seal(anew),
        new_total=Money(priced.total_minor, currency),
        new_due=Money(priced.due_minor, currency),
        new_points=assessment.evaluation.points if assessment else 0,
        new_points_paid=priced.payment.points,
    )


def uses_of(weighed: Weighed, *, member_id: UUID | None, currency: str) -> list[Use]:
    """The coupons that count, for the coupons' own room."""
    return [Use(offer, member_id, one.amount_minor, currency) for offer, one in weighed.used]
