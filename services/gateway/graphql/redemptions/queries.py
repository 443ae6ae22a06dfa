"""What the staff have to hand over."""

from typing import Annotated, Any
from uuid import UUID

import strawberry

from services.gateway.graphql.fields import Info, guarded
from services.gateway.graphql.ids import decode, decode_optional
from services.gateway.graphql.pagination import (
    PAGE_DEFAULT,
    After,
    Connection,
    First,
    connect,
    encode_cursor,
    id_cursor,
    page,
)
from services.gateway.graphql.permissions import requires_at, requires_somewhere
from services.gateway.graphql.redemptions.types import Redemption, load_redemption
from services.loyalty.redemptions import queries
from services.loyalty.redemptions.domain import RedemptionStatus
from services.platform.auth.domain import Scope

ORDER = "fulfillment"


def _store_of(arguments: dict[str, Any]) -> UUID | None:
    return decode_optional("Store", arguments.get("store_id"), field="storeId")


@guarded(
    access=requires_at(Scope.REDEMPTIONS_WRITE, _store_of),
    description="What somebody has to act on, oldest first: confirmed redemptions that are to be issued, shipped or "
    "made ready, and those that lie ready to be picked up.",
)
async def fulfillment_queue(
    info: Info,
    first: First = PAGE_DEFAULT,
    after: After = None,
    *,
    status: Annotated[
        RedemptionStatus | None,
        strawberry.argument(description="CONFIRMED for what is to be made ready, FULFILLED for what lies ready."),
    ] = None,
    store_id: Annotated[
        strawberry.ID | None,
        strawberry.argument(
            description="Only what is to be picked up at this store, or was redeemed there; needed by who may act in "
            "one store only."
        ),
    ] = None,
) -> Connection[Redemption]:
    """A page of the queue."""
    asked = page(first, after)
    place, at = id_cursor(ORDER, after), decode_optional("Store", store_id, field="storeId")
    rows = await info.context.read(
        lambda session: queries.queue_page(session, limit=asked.limit, status=status, store_id=at, after_id=place)
    )
    now = info.context.now
    return connect(
        rows,
        asked,
        node=lambda redemption: Redemption.from_domain(redemption, at=now),
        cursor=lambda redemption: encode_cursor(ORDER, redemption.id),
    )


@guarded(
    access=requires_somewhere(Scope.MEMBERS_READ),
    description="One redemption; null when the tenant has no such redemption.",
)
async def redemption(
    info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="The redemption's id.")]
) -> Redemption | None:
    """A redemption by its id."""
    return await load_redemption(info, decode("Redemption", id, field="id"))
