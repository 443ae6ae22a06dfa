"""transferPoints."""

import strawberry

from services.gateway.graphql.client_input import input_hash
from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.ids import decode_optional
from services.gateway.graphql.members.references import MemberReferenceInput
from services.gateway.graphql.permissions import input_store, requires_at
from services.gateway.graphql.scalars import IdempotencyKey, Points
from services.gateway.graphql.transfers.types import Transfer, load_transfer
from services.loyalty.ledger.errors import BalanceTooLarge, InsufficientPoints
from services.loyalty.members.errors import IdentityInvalid, MemberInactive, MemberNotFound
from services.loyalty.programs.errors import ProgramNotPublished
from services.loyalty.stores.errors import StoreNotFound
from services.loyalty.transfers import service
from services.loyalty.transfers.domain import TransferPoints
from services.loyalty.transfers.errors import (
    TransferLimitReached,
    TransferOutOfRange,
    TransfersNotAllowed,
    TransferToSelf,
)
from services.platform.auth.domain import Scope
from services.platform.idempotency.errors import IdempotencyConflict


@strawberry.input(description="Points from one member to another.")
class TransferPointsInput:
    sender: MemberReferenceInput = strawberry.field(description="Who gives.")
    recipient: MemberReferenceInput = strawberry.field(description="Who gets them.")
    points: Points = strawberry.field(description="How many.")
    idempotency_key: IdempotencyKey = strawberry.field(description="Makes a repeat of this request harmless.")
    unit: str | None = strawberry.field(
        default=None, description="The code of the point unit; the program's own unless one is named."
    )
    message: str | None = strawberry.field(default=None, description="A word to it.")
    store_id: strawberry.ID | None = strawberry.field(
        default=None, description="Where; needed by who may act in one store only."
    )

    def to_command(self, request_hash: bytes) -> TransferPoints:
        """The command that it asks for."""
        return TransferPoints(
            sender=self.sender.to_ref(),
            recipient=self.recipient.to_ref(),
            points=self.points,
            idempotency_key=self.idempotency_key,
            request_hash=request_hash,
            unit=self.unit,
            message=self.message,
            store_id=decode_optional("Store", self.store_id, field="storeId"),
        )


@strawberry.type(description="The transfer, and what is left.")
class TransferPointsPayload:
    transfer: Transfer | None = strawberry.field(description="The transfer.")
    points: Points = strawberry.field(description="What was given.")
    balance: Points = strawberry.field(description="What the giver could spend after it.")
    replayed: bool = strawberry.field(description="Whether the key was known and nothing happened again.")


@mutation(
    access=requires_at(Scope.REDEMPTIONS_WRITE, input_store),
    description="Give points of a member to another, within the limits of the program, of the lots that end soonest."
    " The program says whether they keep their end.",
    errors=(
        MemberNotFound,
        MemberInactive,
        IdentityInvalid,
        TransfersNotAllowed,
        TransferToSelf,
        TransferOutOfRange,
        TransferLimitReached,
        InsufficientPoints,
        BalanceTooLarge,
        ProgramNotPublished,
        StoreNotFound,
        IdempotencyConflict,
    ),
)
async def transfer_points(info: Info, input: TransferPointsInput) -> TransferPointsPayload:
    """Transfer points."""
    command = input.to_command(input_hash(info))
    result = await info.context.run_command(lambda uow: service.transfer_points(uow, command=command), has_key=True)
    return TransferPointsPayload(
        transfer=await load_transfer(info, result.transfer_id),
        points=Points(result.points),
        balance=Points(result.balance),
        replayed=result.replayed,
    )
