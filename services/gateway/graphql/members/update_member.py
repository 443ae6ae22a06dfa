"""updateMember."""

from datetime import date

import strawberry

from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.ids import decode
from services.gateway.graphql.members.references import CustomFieldInput, IdentityInput, field_values
from services.gateway.graphql.members.types import Member, shown_member
from services.gateway.graphql.permissions import requires_somewhere
from services.gateway.graphql.scalars import Locale, Timezone
from services.loyalty.activities import service
from services.loyalty.members.domain import UNCHANGED, UpdateMember
from services.loyalty.members.errors import IdentityInvalid, IdentityTaken, MemberNotFound
from services.platform.auth.domain import Scope


@strawberry.input(description="What to change of a member. What is left out stays as it is.")
class UpdateMemberInput:
    member_id: strawberry.ID = strawberry.field(description="The member; null without the scope `members:read`.")
    name: strawberry.Maybe[str | None] = strawberry.field(description="The person's name; null removes it.")
    birthday: strawberry.Maybe[date | None] = strawberry.field(description="The birthday; null removes it.")
    locale: strawberry.Maybe[Locale] = strawberry.field(description="The language in which the person is written to.")
    timezone: strawberry.Maybe[Timezone] = strawberry.field(description="The zone by which the person's days begin.")
    identities: strawberry.Maybe[list[IdentityInput]] = strawberry.field(
        description="How the person can be found; replaces all that there are."
    )
    tags: strawberry.Maybe[list[str]] = strawberry.field(
        description="The tags; replaces all that there are. `tagMember` adds and takes off single ones."
    )
    fields: list[CustomFieldInput] = strawberry.field(
        default_factory=list,
        description="Values of the fields that the program declares for members; those not named stay.",
    )

    def to_command(self) -> UpdateMember:
        """The command that it asks for."""
        return UpdateMember(
            member_id=decode("Member", self.member_id, field="memberId"),
            name=self.name.value if self.name else UNCHANGED,
            birthday=self.birthday.value if self.birthday else UNCHANGED,
            locale=self.locale.value if self.locale else UNCHANGED,
            timezone=self.timezone.value if self.timezone else UNCHANGED,
            identities=tuple(identity.to_domain() for identity in self.identities.value)
            if self.identities
            else UNCHANGED,
            tags=tuple(self.tags.value) if self.tags else UNCHANGED,
            fields=field_values(self.fields),
        )


@strawberry.type(description="The member after the change.")
class UpdateMemberPayload:
    member: Member | None = strawberry.field(description="The member; null without the scope `members:read`.")


@mutation(
    access=requires_somewhere(Scope.MEMBERS_WRITE),
    description="Change a member's data. A profile that is complete for the first time earns what the program says.",
    errors=(MemberNotFound, IdentityTaken, IdentityInvalid),
)
async def update_member(info: Info, input: UpdateMemberInput) -> UpdateMemberPayload:
    """Change a member."""
    command = input.to_command()
    member = await info.context.run_command(lambda uow: service.update_member(uow, command=command), has_key=False)
    return UpdateMemberPayload(member=shown_member(info, member))
