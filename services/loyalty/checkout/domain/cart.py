"""A cart as it is asked about, and as it is remembered: everything that its price and its points depend on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from services.loyalty.checkout.domain.payment import PointsAsked
from services.loyalty.members.domain import MemberRef
from services.loyalty.purchases.domain import BoughtLine, Tender, TenderKind, Told


@dataclass(frozen=True, slots=True)
class AskedCart:
    """What a till asks about. ``cart_id`` names a cart that was asked about before, which this one replaces.

    ``codes`` are coupon codes that were entered, ``coupon_ids`` coupons that were chosen of the member's wallet;
    ``every_coupon`` offers all that the wallet has. ``points`` is how much to pay with points; None: nothing.
    ``source`` is the system that will tell of the purchase, for rules that ask for it.
    """

    member: MemberRef | None
    store_id: UUID
    currency: str
    lines: tuple[BoughtLine, ...]
    discount_minor: int = 0
    channel: str = "store"
    told: Told = field(default_factory=Told)
    codes: tuple[str, ...] = ()
    coupon_ids: tuple[UUID, ...] = ()
    every_coupon: bool = False
    points: PointsAsked | None = None
    cart_id: UUID | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class QuotedCart:
    """A cart whose price was promised at ``quoted_at`` until ``expires_at``: what its token says.

    ``asked`` has the member by id and texts as they are stored. ``offers`` are the versions of the coupons that were
    offered, by coupon. ``digests`` are fingerprints of what came out, by part (see `pricing.digests`).
    """

    id: UUID
    asked: AskedCart
    quoted_at: datetime
    expires_at: datetime
    offers: Mapping[UUID, UUID]
    digests: Mapping[str, str]

    @property
    def member_id(self) -> UUID | None:
        """The member, None for a guest."""
        return self.asked.member if isinstance(self.asked.member, UUID) else None


@dataclass(frozen=True, slots=True)
class LateCart:
    """A cart that reserves something longer than it may; without a member it is a guest's."""

    id: UUID
    member_id: UUID | None


def cart_json(cart: QuotedCart) -> dict[str, Any]:
    """A quoted cart as JSON; of the customer it says the member's id only."""
    asked = cart.asked
    points = asked.points
    return {
        "id": cart.id.hex,
        "at": cart.quoted_at.isoformat(),
        "until": cart.expires_at.isoformat(),
        "member": None if cart.member_id is None else cart.member_id.hex,
        "store": asked.store_id.hex,
        "currency": asked.currency,
        "lines": [_line_json(line) for line in asked.lines],
        "discount": asked.discount_minor,
        "channel": asked.channel,
        "source": asked.source,
        "told": _told_json(asked.told),
        "codes": list(asked.codes),
        "coupons": [coupon_id.hex for coupon_id in asked.coupon_ids],
        "every": asked.every_coupon,
        "points": None if points is None else [points.points, points.money_minor],
        "offers": {coupon_id.hex: version_id.hex for coupon_id, version_id in cart.offers.items()},
        "digests": dict(cart.digests),
    }


def parse_cart(data: Mapping[str, Any]) -> QuotedCart:
    """The cart that `cart_json` wrote."""
    points = data["points"]
    return QuotedCart(
        id=UUID(hex=data["id"]),
        asked=AskedCart(
            member=None if data["member"] is None else UUID(hex=data["member"]),
            store_id=UUID(hex=data["store"]),
            currency=data["currency"],
            lines=tuple(_line_of(line) for line in data["lines"]),
            discount_minor=data["discount"],
            channel=data["channel"],
            told=_told_of(data["told"]),
            codes=tuple(data["codes"]),
            coupon_ids=tuple(UUID(hex=each) for each in data["coupons"]),
            every_coupon=data["every"],
            points=None if points is None else PointsAsked(*points),
            cart_id=UUID(hex=data["id"]),
            source=data["source"],
        ),
        quoted_at=datetime.fromisoformat(data["at"]),
        expires_at=datetime.fromisoformat(data["until"]),
        offers={UUID(hex=coupon): UUID(hex=version) for coupon, version in data["offers"].items()},
        digests=data["digests"],
    )


def _line_json(line: BoughtLine) -> list[Any]:
    return [
        line.sku,
        str(line.quantity),
        line.amount_minor,
        line.discount_minor,
        list(line.category),
        line.name,
        line.product,
        line.tax_minor,
    ]


def _line_of(data: list[Any]) -> BoughtLine:
    sku, quantity, amount, discount, category, name, product, tax = data
    return BoughtLine(sku, Decimal(quantity), amount, discount, tuple(category), name, product, tax)


def _told_json(told: Told) -> list[Any]:
    tenders = [[tender.kind.value, tender.amount_minor] for tender in told.tenders]
    return [
        told.shipping_minor,
        told.prices_include_tax,
        tenders,
        list(told.codes),
        told.staff,
        {code: _field_json(value) for code, value in told.fields.items()},
    ]


def _told_of(data: list[Any]) -> Told:
    shipping, has_tax_inside, tenders, codes, staff, fields = data
    paid = tuple(Tender(TenderKind(kind), amount) for kind, amount in tenders)
    return Told(shipping, has_tax_inside, paid, tuple(codes), staff, fields)


def _field_json(value: object) -> object:
    return value if value is None or isinstance(value, str | int | bool) else str(value)
