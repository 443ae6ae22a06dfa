"""What had been done with the effects of a purchase before it was taken back."""

import strawberry

from services.gateway.graphql.ids import encode
from services.gateway.graphql.scalars import Points
from services.loyalty.purchases.domain.effects import Use, UseKind

GLOBAL_IDS = {
    UseKind.REDEMPTION: "Redemption",
    UseKind.TRANSFER: "Transfer",
    UseKind.HOLD: "Hold",
    UseKind.PAYMENT: "Purchase",
    UseKind.PURCHASE: "Purchase",
}


@strawberry.type(description="A later event that used what a purchase had given. It keeps what it got.")
class PurchaseUse:
    kind: UseKind = strawberry.field(description="What it was.")
    id: strawberry.ID = strawberry.field(description="Its id.")
    unit: str | None = strawberry.field(description="The code of the point unit that it used; null for a tier.")
    points: Points = strawberry.field(description="How many of the purchase's points it used; 0 for a tier.")


def to_uses(uses: tuple[Use, ...]) -> list[PurchaseUse]:
    """Uses as clients see them."""
    return [
        PurchaseUse(kind=use.kind, id=encode(GLOBAL_IDS[use.kind], use.id), unit=use.unit, points=Points(use.points))
        for use in uses
    ]
