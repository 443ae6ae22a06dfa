"""Looking up whose card was scanned, and what signs passes."""

import strawberry

from services.gateway.graphql.cards.types import PassIssuer
from services.gateway.graphql.fields import Info, guarded, query_outcome
from services.gateway.graphql.members.types import Member
from services.gateway.graphql.permissions import requires, requires_somewhere
from services.loyalty.cards import queries
from services.loyalty.cards.domain import Proof, scanned
from services.loyalty.cards.errors import CardCodeExpired, CardCodeInvalid
from services.platform.auth.domain import Scope


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
