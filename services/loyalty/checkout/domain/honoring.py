"""Coupons that a till took while it was offline: which of them stand, and why the others do not."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.loyalty.checkout.domain.commands import OfflineCoupon
from services.loyalty.coupons.domain import Offer, Presented, Reason, Refused, normalize


@dataclass(frozen=True, slots=True)
class Honored:
    """``used`` stand; ``refused`` do not, with the amounts that were given for them."""

    used: tuple[tuple[OfflineCoupon, Offer], ...]
    refused: tuple[tuple[Refused, int], ...]

    def without(self, place: int) -> "Honored":
        """The same, but one was used up by somebody else meanwhile."""
        asked, offer = self.used[place]
        refusal = Refused(offer.id, Reason.USED_UP, {}, offer.code)
        return Honored((*self.used[:place], *self.used[place + 1 :]), (*self.refused, (refusal, asked.amount_minor)))


def honored(asked: Sequence[OfflineCoupon], presented: Presented) -> Honored:
    """Match what was taken to what was found; a coupon that was told twice stands once.

    One that took nothing off is not used up.
    """
    by_id = {offer.id: offer for offer in presented.offers}
    by_code = {offer.code: offer for offer in presented.offers if offer.code is not None}
    used: dict[UUID, tuple[OfflineCoupon, Offer]] = {}
    refused: list[tuple[Refused, int]] = []
    for each in asked:
        offer = by_id.get(each.coupon_id) if each.coupon_id else by_code.get(normalize(each.code or "") or "")
        if offer is not None and each.amount_minor == 0:
            refused.append((Refused(offer.id, Reason.NOTHING_LEFT, {}, offer.code), 0))
            continue
        if offer is not None and offer.id not in used:
            used[offer.id] = each, offer
            continue
        found = next((one for one in presented.refused if _is_about(one, each)), None)
        if offer is not None:
            found = Refused(offer.id, Reason.USED, {}, each.code)
        refused.append((found or Refused(each.coupon_id, Reason.UNKNOWN_CODE, {}, each.code), each.amount_minor))
    return Honored(tuple(used.values()), tuple(refused))


def refusals_json(refused: Sequence[tuple[Refused, int]]) -> list[list[Any]]:
    """Refusals as they are stored: ids, codes of reasons, and amounts; what else was told is not kept."""
    return [
        [None if one.offer_id is None else str(one.offer_id), one.reason.value, one.code, amount]
        for one, amount in refused
    ]


def refusals_of(data: Sequence[Sequence[Any]]) -> tuple[tuple[Refused, int], ...]:
    """What `refusals_json` wrote."""
    return tuple(
        (Refused(None if offer_id is None else UUID(offer_id), Reason(reason), {}, code), amount)
        for offer_id, reason, code, amount in data
    )


def _is_about(refused: Refused, asked: OfflineCoupon) -> bool:
    if asked.coupon_id is not None:
        return refused.offer_id == asked.coupon_id
    return refused.code is not None and normalize(refused.code) == normalize(asked.code or "")
