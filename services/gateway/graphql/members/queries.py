"""Reading members."""

from typing import Annotated
from uuid import UUID

import strawberry

from services.gateway.graphql.fields import Info, ahead, guarded
from services.gateway.graphql.members.references import MemberReferenceInput
from services.gateway.graphql.members.types import Member, load_member
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
from services.gateway.graphql.permissions import AS_MEMBER, requires_somewhere
from services.loyalty.members import queries
from services.platform.auth.domain import Scope

ORDER = "members"


@guarded(access=requires_somewhere(Scope.MEMBERS_READ), description="The tenant's members, newest first.")
async def members(info: Info, first: First = PAGE_DEFAULT, after: After = None) -> Connection[Member]:
    """A page of members."""
    asked = page(first, after)
    after_id = id_cursor(ORDER, after)
    rows = await info.context.read_page(
        lambda _session: queries.members_page_question(limit=asked.limit, after_id=after_id),
        key=lambda member: member.id,
        ahead=ahead(info, "Member"),
    )
    return connect(rows, asked, node=Member.from_domain, cursor=lambda member: encode_cursor(ORDER, member.id))


@guarded(
    access=requires_somewhere(Scope.MEMBERS_READ),
    description="One member, by id or by an identity; null when the tenant has no such member.",
)
async def member(
    info: Info,
    by: Annotated[MemberReferenceInput, strawberry.argument(description="The member's id or one identity.")],
) -> Member | None:
    """A member by id or identity."""
    reference = by.to_ref()
    if isinstance(reference, UUID):
        return await load_member(info, reference)
    found = await info.context.read(lambda session: queries.member_by_identity(session, identity=reference))
    return Member.from_domain(found) if found else None


@guarded(access=AS_MEMBER, description="The member whose token is used.")
async def me(info: Info) -> Member | None:
    """The member who asks."""
    return await load_member(info, info.context.principal.member_id)
