"""updateMyPreferences."""

import strawberry

from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.members.types import Member
from services.gateway.graphql.permissions import AS_MEMBER
from services.gateway.graphql.scalars import Locale
from services.loyalty.activities import service
from services.loyalty.members.domain import UNCHANGED, UpdateMember
from services.loyalty.members.errors import MemberNotFound


@strawberry.input(description="What a member changes of themselves. What is left out stays as it is.")
class UpdateMyPreferencesInput:
    name: strawberry.Maybe[str | None] = strawberry.field(description="What to call the person; null removes it.")
    locale: strawberry.Maybe[Locale] = strawberry.field(description="The language in which the person is written to.")


@strawberry.type(description="The member after the change.")
class UpdateMyPreferencesPayload:
    member: Member = strawberry.field(description="The member.")


@mutation(
    access=AS_MEMBER,
    description="The member whose token is used changes their own name and language.",
    errors=(MemberNotFound,),
)
async def update_my_preferences(info: Info, input: UpdateMyPreferencesInput) -> UpdateMyPreferencesPayload:
    """Change one's own preferences."""
    member_id = info.context.principal.member_id
    assert member_id is not None, "the access says so"
    command = UpdateMember(
        member_id=member_id,
        name=input.name.value if input.name else UNCHANGED,
        locale=input.locale.value if input.locale else UNCHANGED,
    )
    member = await info.context.run_command(lambda uow: service.update_member(uow, command=command), has_key=False)
    return UpdateMyPreferencesPayload(member=Member.from_domain(member))
