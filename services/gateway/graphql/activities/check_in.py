"""checkIn."""

import hashlib

import strawberry

from services.gateway.graphql.activities.record_activity import payload_of
from services.gateway.graphql.activities.types import Activity
from services.gateway.graphql.client_input import input_hash
from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.permissions import AS_MEMBER
from services.gateway.graphql.purchases.types import TierChange
from services.gateway.graphql.scalars import IdempotencyKey, Points
from services.loyalty.activities import service
from services.loyalty.activities.domain import CheckIn, RecordActivity
from services.loyalty.activities.errors import (
    ActivityRepeated,
    CheckInCodeExpired,
    CheckInCodeInvalid,
)
from services.loyalty.earning.errors import AccrualTooLarge
from services.loyalty.ledger.errors import BalanceTooLarge
from services.loyalty.members.errors import MemberNotFound
from services.loyalty.stores.errors import StoreClosed, StoreNotFound
from services.loyalty.tiers.errors import QualifyingSumTooLarge
from services.platform.idempotency.errors import IdempotencyConflict
from services.platform.ids import new_id

SOURCE = "member"
"""The source of what members tell of themselves, each under a new id."""


@strawberry.input(description="A visit, proved by the code that the store shows.")
class CheckInInput:
    code: str = strawberry.field(description="What the member's app read from the store's QR code.")
    idempotency_key: IdempotencyKey = strawberry.field(description="Makes a repeat of this request harmless.")


@strawberry.type(description="The visit, and what came of it.")
class CheckInPayload:
    activity: Activity | None = strawberry.field(description="The activity as it is kept.")
    points: Points = strawberry.field(description="What it earned of the program's own unit.")
    balance: Points = strawberry.field(description="What the member can spend after it.")
    tier_change: TierChange | None = strawberry.field(description="The tiers before and after; null without a change.")
    replayed: bool = strawberry.field(description="Whether the key was known and nothing happened again.")


@mutation(
    access=AS_MEMBER,
    description="The member whose token is used checks in where a store shows its code; once per store and day.",
    errors=(
        CheckInCodeInvalid,
        CheckInCodeExpired,
        ActivityRepeated,
        MemberNotFound,
        StoreNotFound,
        StoreClosed,
        AccrualTooLarge,
        BalanceTooLarge,
        QualifyingSumTooLarge,
        IdempotencyConflict,
    ),
)
async def check_in(info: Info, input: CheckInInput) -> CheckInPayload:
    """Check in."""
    member_id = info.context.principal.member_id
    assert member_id is not None, "the access says so"
    token = info.context.services.signer.check_in(input.code)
    if token is None or token.tenant_id != info.context.tenant.id:
        raise CheckInCodeInvalid
    command = RecordActivity(
        source=SOURCE,
        external_id=str(new_id()),
        member=member_id,
        deed=CheckIn(token.store_id, code_expires_at=token.expires_at),
        # Each member's keys are their own: one cannot use up another's.
        idempotency_key=f"{member_id}:{hashlib.sha256(input.idempotency_key.encode()).hexdigest()}",
        request_hash=input_hash(info),
    )
    result = await info.context.run_command(lambda uow: service.record_activity(uow, command=command), has_key=True)
    return CheckInPayload(**await payload_of(info, result))
