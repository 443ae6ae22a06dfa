"""Reading adjustments that need a second person."""

from typing import Annotated

import strawberry

from services.gateway.graphql.adjustments.types import AdjustmentRequest
from services.gateway.graphql.fields import Info, guarded
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
from services.gateway.graphql.permissions import requires
from services.loyalty.adjustments.domain import RequestStatus
from services.loyalty.adjustments.queries import requests_page
from services.platform.auth.domain import Scope

ORDER = "adjustmentRequests"

StatusFilter = Annotated[
    RequestStatus | None, strawberry.argument(description="Only those that have this status now; all without it.")
]


@guarded(access=requires(Scope.POINTS_ADJUST), description="Adjustments that needed a second person, newest first.")
async def adjustment_requests(
    info: Info, first: First = PAGE_DEFAULT, after: After = None, status: StatusFilter = None
) -> Connection[AdjustmentRequest]:
    """A page of requests."""
    asked = page(first, after)
    after_id = id_cursor(ORDER, after)
    now = info.context.now
    rows = await info.context.read(
        lambda session: requests_page(session, limit=asked.limit, after_id=after_id, status=status)
    )
    return connect(
        rows,
        asked,
        node=lambda request: AdjustmentRequest.from_domain(request, now=now),
        cursor=lambda request: encode_cursor(ORDER, request.id),
    )
