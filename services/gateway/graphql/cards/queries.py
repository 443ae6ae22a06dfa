"""Looking up whose card was scanned, where a member may pick rewards up, and what signs passes."""

import strawberry

from services.gateway.graphql.cards.types import PassIssuer
from services.gateway.graphql.fields import Info, guarded, query_outcome
from services.gateway.graphql.ids import decode
from services.gateway.graphql.members.types import Member
from services.gateway.graphql.permissions import AS_MEMBER, requires, requires_somewhere
from services.gateway.graphql.stores.types import Store
from services.loyalty.cards import queries
from services.loyalty.cards.domain import Proof, scanned
from services.loyalty.cards.errors import CardCodeExpired, CardCodeInvalid
from services.loyalty.rewards.errors import RewardNotFound
from services.platform.auth.domain import Scope
from services.platform.text import check_optional_text

PICKUP_STORES_MAX = 50


@strawberry.input(description="What a till's scanner read.")
class MemberByScanInput:
    text: str = strawberry.field(
        description="The scanner's text as it is: the rotating code on a phone, or a card's number as bars or printed."
    )


@strawberry.type(description="Whose card was scanned.")
class MemberByScanPayload:
    member: Member | None = strawberry.field(
        description="The member; null when nobody has that number. Name the member by id in what follows: a code ends"
        " after a minute, and a repeated request would meet that end."
    )
    proof: Proof = strawberry.field(description="What the scan proves.")


@query_outcome(
    access=requires_somewhere(Scope.MEMBERS_READ),
    description="The member whose card was scanned.",
    errors=(CardCodeInvalid, CardCodeExpired),
)
async def member_by_scan(info: Info, input: MemberByScanInput) -> MemberByScanPayload:
    """Whose card it is."""
    key = info.context.services.signer.card_key(info.context.tenant.id)
    scan = scanned(input.text, key=key, now=info.context.now)
    member = await info.context.read(lambda session: queries.member_by_scan(session, scan=scan))
    return MemberByScanPayload(member=Member.from_domain(member) if member else None, proof=scan.proof)


@guarded(access=requires(Scope.KEYS_MANAGE), description="What signs the tenant's passes; at most one of each kind.")
async def pass_issuers(info: Info) -> list[PassIssuer]:
    """The issuers of passes."""
    return [PassIssuer.from_domain(issuer) for issuer in await info.context.read(queries.issuers)]


@strawberry.type(description="Where a reward can be picked up.")
class PickupStoresPayload:
    stores: list[Store] = strawberry.field(
        description="Those where the member buys most often first, the others by name."
    )


@strawberry.input(description="A reward that a member would like to pick up.")
class PickupStoresInput:
    reward_id: strawberry.ID = strawberry.field(description="The reward.")
    search: str | None = strawberry.field(
        default=None, description="Only stores with these letters in the name or the address."
    )


@query_outcome(
    access=AS_MEMBER,
    description="The open stores where the member whose token is used may pick a reward up, "
    f"{PICKUP_STORES_MAX} at most: `search` finds the others.",
    errors=(RewardNotFound,),
)
async def pickup_stores(info: Info, input: PickupStoresInput) -> PickupStoresPayload:
    """Where to pick it up."""
    member_id = info.context.principal.member_id
    assert member_id is not None, "the access says so"
    reward_id = decode("Reward", input.reward_id, field="rewardId")
    search = check_optional_text(input.search, field="search")
    found = await info.context.read(
        lambda session: queries.pickup_stores(
            session, member_id=member_id, reward_id=reward_id, limit=PICKUP_STORES_MAX, search=search
        )
    )
    return PickupStoresPayload(stores=[Store.from_domain(store) for store in found])
