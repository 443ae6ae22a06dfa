"""The price of a cart: one function for quoting, reserving and committing, so that all three say the same.

The order is: the till's own discounts, coupons, what is to be paid, points as payment. Everything is exact in minor
units; no line and no order falls below zero by a coupon or by points.
"""

import dataclasses
import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.loyalty.checkout.domain.cart import AskedCart
from services.loyalty.checkout.domain.payment import NOTHING, PointsPayment, PointsUsable, pay, usable
from services.loyalty.checkout.errors import PointsPaymentTooLarge
from services.loyalty.coupons.domain import Applied, Cart, Discounting, Item, Offer, Refused, Strategy, discount
from services.loyalty.earning.domain import Evaluation
from services.loyalty.programs.domain import PayWithPoints
from services.loyalty.purchases.domain import BoughtLine, Tender, TenderKind
from services.loyalty.purchases.domain.receipt import Receipt, ReceiptLine, check_receipt
from services.platform.money import divide_half_up


@dataclass(frozen=True, slots=True)
class Terms:
    """By what a cart is priced: the coupons that are offered, how they are chosen, and points as money.

    ``refused`` are coupons that cannot be used whatever is in the cart. ``unpayable`` are the positions of lines that
    cannot be paid with points, ``available`` the points that the member can spend.
    """

    offers: Sequence[Offer] = ()
    refused: Sequence[Refused] = ()
    strategy: Strategy = Strategy.BY_CATEGORY
    paying: PayWithPoints = dataclasses.field(default_factory=PayWithPoints)
    available: int = 0


@dataclass(frozen=True, slots=True)
class Lowered:
    """A cart after coupons. ``before`` is as the till rang it up, ``receipt`` with the coupons' discounts."""

    before: Receipt
    receipt: Receipt
    discounting: Discounting

    @property
    def applied(self) -> tuple[Applied, ...]:
        """The coupons that count."""
        return self.discounting.applied


@dataclass(frozen=True, slots=True)
class Priced:
    """A cart with its price. ``receipt`` is what is recorded: discounts by line, and points among the tenders.

    ``lines`` are those of the receipt as a till would tell them.
    """

    lowered: Lowered
    receipt: Receipt
    lines: tuple[BoughtLine, ...]
    usable: PointsUsable
    payment: PointsPayment

    @property
    def total_minor(self) -> int:
        """What is to be paid for the lines, with points or otherwise."""
        return self.receipt.total_minor

    @property
    def due_minor(self) -> int:
        """What is left to pay in money, shipping included."""
        return self.receipt.total_minor + self.receipt.told.shipping_minor - self.payment.value_minor


def lower(asked: AskedCart, terms: Terms) -> Lowered:
    """Take off what coupons give.

    Raises:
        InvalidInput, DiscountExceedsOrder: a receipt that nobody can have.
    """
    before = check_receipt(
        currency=asked.currency, lines=asked.lines, discount_minor=asked.discount_minor, told=asked.told
    )
    found = discount(_coupon_cart(before), terms.offers, strategy=terms.strategy)
    discounting = dataclasses.replace(found, refused=(*terms.refused, *found.refused))
    lines = tuple(_lowered(line, discounting.of_line(line.position)) for line in before.lines)
    told = before.told
    if discounting.shipping_minor:
        told = dataclasses.replace(told, shipping_minor=told.shipping_minor - discounting.shipping_minor)
    return Lowered(before, dataclasses.replace(before, lines=lines, told=told), discounting)


def price(asked: AskedCart, lowered: Lowered, terms: Terms, *, unpayable: Collection[int]) -> Priced:
    """Pay with points what is asked for, as far as that may be.

    Raises:
        PointsPaymentTooLarge: more is asked for than may be, and the program does not clip.
    """
    receipt = lowered.receipt
    nets = {line.position: line.net_minor for line in receipt.lines if line.position not in unpayable}
    payable = sum(net for net in nets.values() if net > 0)
    most = usable(
        terms.paying, total_minor=receipt.total_minor, payable_minor=payable, available=max(0, terms.available)
    )
    payment: PointsPayment | None = NOTHING
    if asked.points is not None:
        payment = pay(terms.paying, asked.points, most, nets_minor=nets)
    if payment is None:
        raise PointsPaymentTooLarge(points_max=most.points, bound=most.limit.value)
    return paid_with(lowered, most, payment)


def paid_with(lowered: Lowered, most: PointsUsable, payment: PointsPayment) -> Priced:
    """A cart after coupons, paid with so many points."""
    paid = _paid(lowered.receipt, payment)
    return Priced(lowered, paid, tuple(_told_line(line) for line in paid.lines), most, payment)


def digests(priced: Priced, evaluation: Evaluation | None) -> dict[str, str]:
    """Fingerprints of what a quote promises, by part: ``price``, ``coupons``, ``payment`` and ``points``."""
    parts: dict[str, Any] = {
        "price": [
            [(line.discount_minor, line.net_minor) for line in priced.receipt.lines],
            priced.receipt.told.shipping_minor,
        ],
        "coupons": [
            (str(one.offer_id), one.amount_minor, sorted(one.by_line.items())) for one in priced.lowered.applied
        ],
        "payment": (priced.payment.points, priced.payment.value_minor, sorted(priced.payment.by_line.items())),
        "points": []
        if evaluation is None
        else [
            [(each.rule_id, each.unit, each.points) for each in evaluation.accruals],
            [(line.position, line.points) for line in evaluation.line_points],
        ],
    }
    return {name: hashlib.sha256(json.dumps(part).encode()).hexdigest()[:16] for name, part in parts.items()}


def changed_parts(promised: Mapping[str, str], found: Mapping[str, str]) -> tuple[str, ...]:
    """The parts of a quote that come out different."""
    return tuple(sorted(name for name in promised if promised[name] != found.get(name)))


def _coupon_cart(receipt: Receipt) -> Cart:
    is_inside = receipt.told.prices_include_tax
    items = tuple(
        Item(
            position=line.position,
            sku=line.sku,
            product=line.product,
            category=line.category,
            quantity=line.quantity,
            gross_minor=line.net_minor,
            net_minor=line.net_minor - (line.tax_minor if is_inside else 0),
        )
        for line in receipt.lines
    )
    return Cart(receipt.currency, items, receipt.told.shipping_minor)


def _lowered(line: ReceiptLine, off_minor: int) -> ReceiptLine:
    if off_minor == 0:
        return line
    net = line.net_minor - off_minor
    # The tax of a cheaper line is less in proportion.
    return dataclasses.replace(
        line,
        discount_minor=line.discount_minor + off_minor,
        net_minor=net,
        tax_minor=divide_half_up(line.tax_minor * net, line.net_minor),
    )


def _paid(receipt: Receipt, payment: PointsPayment) -> Receipt:
    told = receipt.told
    others = tuple(tender for tender in told.tenders if tender.kind is not TenderKind.POINTS)
    if payment.value_minor:
        others = (*others, Tender(TenderKind.POINTS, payment.value_minor))
    return dataclasses.replace(
        receipt,
        told=dataclasses.replace(told, tenders=others),
        lines=tuple(
            dataclasses.replace(line, points_minor=payment.by_line.get(line.position, 0)) for line in receipt.lines
        ),
    )


def _told_line(line: ReceiptLine) -> BoughtLine:
    return BoughtLine(
        sku=line.sku,
        quantity=line.quantity,
        amount_minor=line.amount_minor,
        discount_minor=line.discount_minor,
        category=line.category,
        name=line.name,
        product=line.product,
        tax_minor=line.tax_minor,
        share_minor=line.amount_minor - line.discount_minor - line.net_minor,
        points_minor=line.points_minor,
    )
