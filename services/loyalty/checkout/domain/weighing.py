"""A cart, what it meets, and what comes out: the same way for a quote and for what is done with it."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.loyalty.checkout.domain.cart import AskedCart
from services.loyalty.checkout.domain.pricing import Priced, Terms, digests, lower, price
from services.loyalty.coupons.domain import Applied, Offer, Refused, Strategy, normalized
from services.loyalty.earning.domain import EarnEvent, is_paying_limited, unpayable_lines
from services.loyalty.programs.domain import CouponOrder, PayWithPoints, Policies, Trigger
from services.loyalty.programs.domain.publishing import ProgramVersion, unit_of
from services.loyalty.purchases.domain.assessment import Assessment, BuyingMember, Occasion, assess, purchase_facts
from services.loyalty.purchases.domain.receipt import Receipt
from services.loyalty.purchases.domain.settlement import PaidPoints, Settlement, UsedCoupon
from services.loyalty.tiers.domain import ladder_of, level_at, settle

_BY_ORDER = Strategy.BY_CATEGORY
STRATEGIES = {
    CouponOrder.BY_CATEGORY: _BY_ORDER,
    CouponOrder.BEST: next(each for each in Strategy if each is not _BY_ORDER),
}
"""How the coupons' own room calls the program's choice."""


@dataclass(frozen=True, slots=True)
class Met:
    """What a cart meets. ``buyer`` and ``occasion`` are None where nothing can be earned or paid with points.

    ``available`` are the points of the unit that can be paid with, with the ``reserved`` ones, which the cart itself
    keeps and which are not in the buyer's balance.
    """

    version: ProgramVersion | None
    buyer: BuyingMember | None
    occasion: Occasion | None
    available: int
    offers: Sequence[Offer]
    refused: Sequence[Refused]
    reserved: int = 0

    @property
    def policies(self) -> Policies:
        """The program's choices; the defaults without a program."""
        return self.version.document.policies if self.version else Policies()


@dataclass(frozen=True, slots=True)
class Weighed:
    """A cart with its price and what it met."""

    asked: AskedCart
    met: Met
    priced: Priced

    @property
    def offers(self) -> dict[UUID, Offer]:
        """What was offered, by coupon."""
        return {offer.id: offer for offer in self.met.offers}

    @property
    def used(self) -> tuple[tuple[Offer, Applied], ...]:
        """The coupons that count, with what they take off."""
        offers = self.offers
        return tuple((offers[one.offer_id], one) for one in self.priced.lowered.applied)

    @property
    def versions(self) -> dict[UUID, UUID]:
        """The versions of the coupons that were offered, by coupon."""
        return {offer.id: offer.version_id for offer in self.met.offers}

    def promised(self, asked: AskedCart) -> AskedCart:
        """The cart with the coupons that were offered by name, and no others.

        What comes into the wallet later changes nothing, nor does what could not be used and can be again.
        """
        typed = normalized(asked.codes)
        codes = {offer.code for offer in self.met.offers}
        return dataclasses.replace(
            asked,
            codes=tuple(word for code, word in typed.items() if code in codes),
            coupon_ids=tuple(offer.id for offer in self.met.offers if offer.code not in typed),
            every_coupon=False,
        )

    def settlement(self, owner_id: UUID) -> Settlement:
        """What points and coupons settle of it."""
        payment = self.priced.payment
        paid = None
        if payment.points:
            paid = PaidPoints(paying_unit(self.met.version), payment.points, payment.value_minor, payment.by_line)
        return Settlement(
            owner_id=owner_id,
            paid=paid,
            coupons=tuple(
                UsedCoupon(
                    coupon_id=offer.id,
                    definition_id=offer.definition_id,
                    version_id=offer.version_id,
                    amount_minor=one.amount_minor,
                    by_line=one.by_line,
                    shipping_minor=one.shipping_minor,
                    code=offer.code,
                    budget_id=offer.content.budget_id,
                )
                for offer, one in self.used
            ),
        )

    def assessed(self) -> Assessment | None:
        """What it earns; None for a guest, an inactive member and without a program.

        Raises:
            CurrencyNotAccepted, AccrualTooLarge, QualifyingSumTooLarge
        """
        buyer, occasion = self.met.buyer, self.met.occasion
        if buyer is None or occasion is None:
            return None
        paid = self.priced.payment.points - self.met.reserved
        if paid and ladder_of(occasion.present).unit == paying_unit(self.met.version):
            buyer = dataclasses.replace(buyer, balance=buyer.balance - paid)
        return assess(self.priced.receipt, buyer, occasion)

    def digests(self, assessment: Assessment | None) -> dict[str, str]:
        """Fingerprints of what is promised."""
        return digests(self.priced, assessment.evaluation if assessment else None)


def paying_unit(version: ProgramVersion | None) -> str:
    """The code of the unit that can be paid with."""
    paying = version.document.policies.pay_with_points if version else PayWithPoints()
    return paying.unit or unit_of(version).code


def weigh(asked: AskedCart, met: Met) -> Weighed:
    """Price a cart.

    Raises:
        InvalidInput, DiscountExceedsOrder: a receipt that nobody can have.
        PointsPaymentTooLarge
    """
    paying = met.policies.pay_with_points
    if met.buyer is None or met.version is None or asked.currency != met.version.document.currency:
        paying = PayWithPoints()
    terms = Terms(
        offers=met.offers,
        refused=met.refused,
        strategy=STRATEGIES[met.policies.coupon_order],
        paying=paying,
        available=met.available,
    )
    lowered = lower(asked, terms)
    unpayable = _unpayable(lowered.receipt, met) if paying.is_allowed else frozenset()
    return Weighed(asked, met, price(asked, lowered, terms, unpayable=unpayable))


def _unpayable(receipt: Receipt, met: Met) -> frozenset[int]:
    buyer, occasion = met.buyer, met.occasion
    if buyer is None or occasion is None or not is_paying_limited(occasion.version.document):
        return frozenset()
    document = occasion.version.document
    base = receipt.base(document.policies.base)
    event = EarnEvent(
        trigger=Trigger.PURCHASE,
        occurred_at=occasion.occurred_at,
        facts=purchase_facts(receipt, buyer, occasion),
        currency=receipt.currency,
        lines=receipt.earning(base),
        shipping_minor=base.shipping_minor,
    )
    record = settle(ladder_of(occasion.present), buyer.record, now=occasion.now).record
    tier = level_at(document.tiers, record, at=occasion.now)
    return unpayable_lines(document, event, tier_code=tier.code)
