"""Reading kinds of coupons, coupons and codes."""

from typing import Annotated

import strawberry

from services.gateway.graphql.coupons.types import (
    Coupon,
    CouponBatch,
    CouponDefinition,
    load_batch,
    load_definition,
    visible_coupon,
)
from services.gateway.graphql.fields import Info, guarded
from services.gateway.graphql.ids import decode
from services.gateway.graphql.pagination import (
    PAGE_DEFAULT,
    After,
    Connection,
    First,
    connect,
    encode_cursor,
    page,
    text_cursor,
)
from services.gateway.graphql.permissions import IN_TENANT, requires, requires_somewhere
from services.loyalty.coupons import queries
from services.platform.auth.domain import Scope

ORDER = "coupon_definitions"


@guarded(access=requires_somewhere(Scope.PROGRAM_READ), description="The tenant's kinds of coupons, by code.")
async def coupon_definitions(
    info: Info,
    first: First = PAGE_DEFAULT,
    after: After = None,
    *,
    is_archived: Annotated[
        bool | None,
        strawberry.argument(description="`true` for archived ones only, `false` for those given out, null for all."),
    ] = False,
) -> Connection[CouponDefinition]:
    """A page of kinds of coupons."""
    asked = page(first, after)
    after_code = text_cursor(ORDER, after)
    rows = await info.context.read(
        lambda session: queries.definitions_page(
            session, limit=asked.limit, after_code=after_code, is_archived=is_archived
        )
    )
    return connect(rows, asked, node=CouponDefinition.from_domain, cursor=lambda row: encode_cursor(ORDER, row.code))


@guarded(
    access=requires_somewhere(Scope.PROGRAM_READ), description="One kind of coupon; null when the tenant has none such."
)
async def coupon_definition(
    info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="The id of the kind.")]
) -> CouponDefinition | None:
    """A kind of coupon by its id."""
    return await load_definition(info, decode("CouponDefinition", id, field="id"))


@guarded(
    access=IN_TENANT,
    description="One coupon; null when there is none that you may see. Members see their own; others need "
    "`members:read`, and for codes of nobody's `rewards:write`.",
)
async def coupon(
    info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="The coupon's id.")]
) -> Coupon | None:
    """A coupon by its id."""
    return await visible_coupon(info, decode("Coupon", id, field="id"))


@guarded(
    access=requires_somewhere(Scope.REDEMPTIONS_WRITE),
    description="The coupon with a code, in whatever case, with whatever spaces and hyphens; null when there is none.",
)
async def coupon_by_code(
    info: Info, code: Annotated[str, strawberry.argument(description="The code, typed or scanned.")]
) -> Coupon | None:
    """A coupon by its code."""
    found = await info.context.read(lambda session: queries.coupon_by_code(session, code=code))
    return Coupon.from_domain(found, at=info.context.now) if found else None


@guarded(
    access=requires(Scope.REWARDS_WRITE),
    description="The codes that one `createCouponCodes` made; null when the tenant has no such batch.",
)
async def coupon_batch(
    info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="The batch's id.")]
) -> CouponBatch | None:
    """A batch of codes by its id."""
    return await load_batch(info, decode("CouponBatch", id, field="id"))
