"""Things that a request uses up: each request gets one of its own, or the second one would be told of the first."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from tests.support.graphql_client import fresh_key
from tests.support.story import Caller, receipt

PAID = "1.00"
"""What every receipt comes to."""
RESERVED = 2


@dataclass(frozen=True, slots=True)
class Supplies:
    """Makes things of one tenant, as its owner."""

    owner: Caller
    store: str
    member: str

    def purchase(self) -> str:
        """The id of a member's purchase to which nothing happened yet."""
        return self._sell(member=self.member)["id"]

    def purchase_number(self) -> str:
        """The number of such a purchase."""
        return self._sell(member=self.member)["externalId"]

    def guest_receipt(self) -> str:
        """The number of a purchase that is nobody's yet."""
        return self._sell(member=None)["externalId"]

    def hold(self) -> str:
        """The id of a hold of which nothing was captured."""
        held = self.owner.do(
            "holdPoints", "hold { id }", member={"id": self.member}, points=RESERVED, idempotencyKey=fresh_key()
        )
        return str(held["hold"]["id"])

    def thing(self) -> str:
        """The id of a reward that can be held, shipped and picked up."""
        return self._reward("PHYSICAL")

    def virtual_thing(self) -> str:
        """The id of a reward that gives codes."""
        return self._reward("VIRTUAL")

    def held_redemption(self) -> str:
        """The id of a redemption that is held."""
        held = self.owner.do("holdReward", "redemption { id }", **self._taking(), minutes=60)
        return str(held["redemption"]["id"])

    def open_redemption(self) -> str:
        """The id of a redemption that waits to be fulfilled."""
        redeemed = self.owner.do("redeemReward", "redemption { id }", **self._taking())
        return str(redeemed["redemption"]["id"])

    def pickup_code(self) -> str:
        """The code of a redemption that waits at the store."""
        redeemed = self.owner.do(
            "redeemReward", "redemption { pickupCode }", **self._taking(), pickupStoreId=self.store
        )
        return str(redeemed["redemption"]["pickupCode"])

    def _reward(self, kind: str) -> str:
        name = {"en": "Thing", "zh": "物品"}
        made = self.owner.do("createReward", "reward { id }", code=fresh_key(), kind=kind, name=name, costPoints=1)
        return str(made["reward"]["id"])

    def _taking(self) -> dict[str, Any]:
        return {"member": {"id": self.member}, "rewardId": self.thing(), "idempotencyKey": fresh_key()}

    def coupon_definition(self) -> str:
        """The id of a kind of coupon that is given out."""
        terms = {"name": {"en": "Tea", "zh": "茶"}, "benefit": {"kind": "PERCENT", "percent": "5"}}
        offered = self.owner.do("createCouponDefinition", "couponDefinition { id }", code=fresh_key(), terms=terms)
        return str(offered["couponDefinition"]["id"])

    def coupon(self) -> str:
        """The id of a member's coupon that is not used."""
        given = self.owner.do(
            "assignCoupon",
            "coupon { id }",
            member={"id": self.member},
            couponDefinitionId=self.coupon_definition(),
            idempotencyKey=fresh_key(),
        )
        return str(given["coupon"]["id"])

    def open_case(self) -> str:
        """The id of a case that nobody has looked at."""
        asked = {"kind": "SUPPORT", "subject": "When?", "member": {"id": self.member}}
        opened = self.owner.do("openCase", "case { id }", **asked, storeId=self.store, idempotencyKey=fresh_key())
        return str(opened["case"]["id"])

    def approved_exchange(self) -> str:
        """The id of an exchange that can be completed."""
        bought = self.owner.do("recordPurchase", "purchase { id }", **receipt(self.store, PAID, member=self.member))
        asked = {"kind": "EXCHANGE", "subject": "Too small", "lines": [{"position": 1, "quantity": "1"}]}
        named = {"purchase": {"id": bought["purchase"]["id"]}, "idempotencyKey": fresh_key()}
        case_id = self.owner.do("openCase", "case { id }", **asked, **named)["case"]["id"]
        self.owner.do("moveCase", "case { id }", caseId=case_id, status="APPROVED", idempotencyKey=fresh_key())
        return str(case_id)

    def post(self) -> str:
        """The address of a post that was recorded."""
        url = f"https://social.test/{fresh_key()}"
        self.owner.do(
            "recordActivity",
            "points",
            source="app",
            externalId=fresh_key(),
            member={"id": self.member},
            activity={"mention": {"url": url, "channel": "blog"}},
            storeId=self.store,
            idempotencyKey=fresh_key(),
        )
        return url

    def given_tier(self) -> None:
        """A tier that was given by hand."""
        self.owner.do(
            "setMemberTier", "member { id }", member={"id": self.member}, tier="insider", reason="To be released"
        )

    def _sell(self, *, member: str | None) -> dict[str, str]:
        sold = self.owner.do("recordPurchase", "purchase { id externalId }", **receipt(self.store, PAID, member=member))
        found: dict[str, str] = sold["purchase"]
        return found


USED_UP: Mapping[tuple[str, str, str], Callable[[Supplies], str]] = MappingProxyType(
    {
        **{
            (mutation, "PurchaseReferenceInput", "id"): Supplies.purchase
            for mutation in ("voidPurchase", "amendPurchase", "exchangePurchase", "refundPurchase")
        },
        **{
            (mutation, "ExternalPurchaseInput", "externalId"): Supplies.purchase_number
            for mutation in ("voidPurchase", "amendPurchase", "exchangePurchase", "refundPurchase")
        },
        ("claimPurchase", "ClaimPurchaseInput", "externalId"): Supplies.guest_receipt,
        ("archiveCouponDefinition", "ArchiveCouponDefinitionInput", "couponDefinitionId"): Supplies.coupon_definition,
        ("voidCoupon", "VoidCouponInput", "couponId"): Supplies.coupon,
        ("completeCase", "CompleteCaseInput", "caseId"): Supplies.approved_exchange,
        ("moveCase", "MoveCaseInput", "caseId"): Supplies.open_case,
        ("captureHold", "CaptureHoldInput", "holdId"): Supplies.hold,
        ("releaseHold", "ReleaseHoldInput", "holdId"): Supplies.hold,
        ("redeemReward", "RedeemRewardInput", "rewardId"): Supplies.thing,
        ("holdReward", "HoldRewardInput", "rewardId"): Supplies.thing,
        ("importRewardCodes", "ImportRewardCodesInput", "rewardId"): Supplies.virtual_thing,
        ("confirmRedemption", "ConfirmRedemptionInput", "redemptionId"): Supplies.held_redemption,
        ("cancelRedemption", "CancelRedemptionInput", "redemptionId"): Supplies.held_redemption,
        ("fulfillRedemption", "FulfillRedemptionInput", "redemptionId"): Supplies.open_redemption,
        ("collectRedemption", "CollectRedemptionInput", "pickupCode"): Supplies.pickup_code,
    }
)
"""By mutation, input type and field: the caller's own name of a thing that the mutation uses up."""
BEFOREHAND: Mapping[str, Callable[[Supplies], None]] = MappingProxyType({"releaseMemberTier": Supplies.given_tier})
"""By mutation: what must be so of the caller's own member each time."""
