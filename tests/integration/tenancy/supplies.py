"""Things that a request uses up: each request gets one of its own, or the second one would be told of the first."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

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
        ("captureHold", "CaptureHoldInput", "holdId"): Supplies.hold,
        ("releaseHold", "ReleaseHoldInput", "holdId"): Supplies.hold,
    }
)
"""By mutation, input type and field: the caller's own name of a thing that the mutation uses up."""
BEFOREHAND: Mapping[str, Callable[[Supplies], None]] = MappingProxyType({"releaseMemberTier": Supplies.given_tier})
"""By mutation: what must be so of the caller's own member each time."""
