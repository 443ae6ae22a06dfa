"""enrollMember."""

from datetime import date

import strawberry

from services.gateway.graphql.client_input import input_hash
from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.ids import decode_optional
from services.gateway.graphql.members.references import CustomFieldInput, IdentityInput, field_values
from services.gateway.graphql.members.types import Member, load_member
from services.gateway.graphql.permissions import input_store, requires_at
from services.gateway.graphql.scalars import IdempotencyKey, Locale, Timezone
from services.loyalty.activities import service
from services.loyalty.members.domain import EnrollMember
from services.loyalty.members.errors import IdentityInvalid, IdentityTaken
from services.loyalty.referrals.errors import ReferralCodeUnknown
from services.loyalty.stores.errors import StoreNotFound
from services.platform.auth.domain import Scope
from services.platform.idempotency.errors import IdempotencyConflict


@strawberry.input(description="A person who joins the program.")
class EnrollMemberInput:
    identities: list[IdentityInput] = strawberry.field(
        description="How the person can be found, 1 to 10; each belongs to one member at most."
    )
    locale: Locale = strawberry.field(description="The language in which the person is written to.")
    idempotency_key: IdempotencyKey = strawberry.field(description="Makes a repeat of this request harmless.")
    name: str | None = strawberry.field(default=None, description="The person's name.")
    birthday: date | None = strawberry.field(default=None, description="The person's birthday.")
    timezone: Timezone | None = strawberry.field(
        default=None,
        description="The zone by which the person's days begin; without it the store's, else the program's.",
    )
    store_id: strawberry.ID | None = strawberry.field(default=None, description="Where the person joins.")
    tags: list[str] = strawberry.field(default_factory=list, description="Tags to begin with, 50 at most.")
    fields: list[CustomFieldInput] = strawberry.field(
        default_factory=list, description="Values of the fields that the program declares for members."
    )
    referral_code: str | None = strawberry.field(
        default=None, description="The code of the member who brought the person, in whatever case it was typed."
    )

    def to_command(self, request_hash: bytes) -> EnrollMember:
        """The command that it asks for."""
        return EnrollMember(
            identities=tuple(identity.to_domain() for identity in self.identities),
            locale=self.locale,
            idempotency_key=self.idempotency_key,
            request_hash=request_hash,
            name=self.name,
            birthday=self.birthday,
            timezone=self.timezone,
            store_id=decode_optional("Store", self.store_id, field="storeId"),
            tags=tuple(self.tags),
            fields=field_values(self.fields),
            referral_code=self.referral_code,
        )


@strawberry.type(description="The person who joined.")
class EnrollMemberPayload:
    member: Member | None = strawberry.field(description="The member as they are now.")
    replayed: bool = strawberry.field(description="Whether the key was known and nothing happened again.")


@mutation(
    access=requires_at(Scope.MEMBERS_WRITE, input_store),
    description="Enroll a member, who is welcomed by e-mail where there is an address; what joining earns is posted.",
    errors=(IdentityTaken, IdentityInvalid, ReferralCodeUnknown, StoreNotFound, IdempotencyConflict),
)
async def enroll_member(info: Info, input: EnrollMemberInput) -> EnrollMemberPayload:
    """Enroll a member."""
    command = input.to_command(input_hash(info))
    result = await info.context.run_command(lambda uow: service.enroll_member(uow, command=command), has_key=True)
    return EnrollMemberPayload(member=await load_member(info, result.member_id), replayed=result.replayed)
