"""adjustPoints."""

import strawberry

from services.gateway.graphql.adjustments.types import AdjustmentRequest, load_request
from services.gateway.graphql.client_input import input_hash
from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.ids import decode_optional
from services.gateway.graphql.ledger.types import LedgerEntry, entries_by_key
from services.gateway.graphql.members.references import MemberReferenceInput
from services.gateway.graphql.members.types import Member, load_member
from services.gateway.graphql.permissions import input_store, requires_at
from services.gateway.graphql.scalars import IdempotencyKey, Points
from services.loyalty.adjustments import service
from services.loyalty.adjustments.domain import AdjustedPoints, AdjustPoints
from services.loyalty.ledger.errors import BalanceTooLarge, InsufficientPoints
from services.loyalty.members.errors import IdentityInvalid, MemberNotFound
from services.loyalty.programs.errors import ProgramNotPublished
from services.loyalty.stores.errors import StoreNotFound
from services.platform.auth.domain import Scope
from services.platform.idempotency.errors import IdempotencyConflict


@strawberry.input(description="Points given or taken by hand.")
class AdjustPointsInput:
    member: MemberReferenceInput = strawberry.field(description="Whose points.")
    points: Points = strawberry.field(description="How many: above zero gives, below zero takes.")
    reason: str = strawberry.field(description="Why; it stands in the ledger for ever.")
    idempotency_key: IdempotencyKey = strawberry.field(description="Makes a repeat of this request harmless.")
    store_id: strawberry.ID | None = strawberry.field(
        default=None, description="Where; needed by who may act in one store only."
    )

    def to_command(self, request_hash: bytes) -> AdjustPoints:
        """The command that it asks for."""
        return AdjustPoints(
            member=self.member.to_ref(),
            points=self.points,
            reason=self.reason,
            idempotency_key=self.idempotency_key,
            request_hash=request_hash,
            store_id=decode_optional("Store", self.store_id, field="storeId"),
        )


@strawberry.type(description="The ledger's entry, and what is left; or the request that a second person decides.")
class AdjustPointsPayload:
    entry: LedgerEntry | None = strawberry.field(
        description="The entry; null when nothing has moved yet because a second person is needed."
    )
    request: AdjustmentRequest | None = strawberry.field(
        description="What waits for `approveAdjustment` by a second person, because it is more than the program's"
        " policy `adjustmentApprovalPoints` lets one person do."
    )
    member: Member | None = strawberry.field(
        description="The member as they are now; null without the scope `members:read`."
    )
    points: Points = strawberry.field(description="What was given, or taken when negative, or asked for.")
    balance: Points = strawberry.field(description="What the member could spend after it.")
    replayed: bool = strawberry.field(description="Whether the key was known and nothing happened again.")


@mutation(
    access=requires_at(Scope.POINTS_ADJUST, input_store),
    description="Give or take points by hand, with a reason. Many of them wait for a second person.",
    errors=(
        MemberNotFound,
        IdentityInvalid,
        InsufficientPoints,
        BalanceTooLarge,
        ProgramNotPublished,
        StoreNotFound,
        IdempotencyConflict,
    ),
)
async def adjust_points(info: Info, input: AdjustPointsInput) -> AdjustPointsPayload:
    """Adjust points."""
    command = input.to_command(input_hash(info))
    result = await info.context.run_command(lambda uow: service.adjust_points(uow, command=command), has_key=True)
    may_read = info.context.principal.allows_somewhere(Scope.MEMBERS_READ)
    entry = await info.context.load(entries_by_key, result.entry_id) if isinstance(result, AdjustedPoints) else None
    return AdjustPointsPayload(
        entry=LedgerEntry.from_domain(entry) if entry else None,
        request=await load_request(info, result.request_id) if result.request_id else None,
        member=await load_member(info, result.member_id) if may_read else None,
        points=Points(result.points),
        balance=Points(result.balance),
        replayed=result.replayed,
    )
