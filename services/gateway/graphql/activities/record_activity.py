"""recordActivity."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

import strawberry

from services.gateway.graphql.activities.types import Activity, recorded_activity
from services.gateway.graphql.client_input import input_hash
from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.ids import decode_optional
from services.gateway.graphql.members.references import MemberReferenceInput
from services.gateway.graphql.permissions import input_store, requires_at
from services.gateway.graphql.purchases.types import TierChange, tier_change
from services.gateway.graphql.scalars import IdempotencyKey, JsonDocument, Points
from services.loyalty.activities import service
from services.loyalty.activities.domain import (
    CheckIn,
    CustomDeed,
    Deed,
    Mention,
    RecordActivity,
    RecordedActivity,
    Review,
    SurveyAnswer,
)
from services.loyalty.activities.errors import (
    ActivityConflict,
    ActivityRepeated,
    EventDataInvalid,
    EventNotDeclared,
    ProductNotBought,
)
from services.loyalty.earning.errors import AccrualTooLarge
from services.loyalty.ledger.errors import BalanceTooLarge
from services.loyalty.members.errors import IdentityInvalid, MemberNotFound
from services.loyalty.purchases.errors import OccurredInFuture, OccurredTooLongAgo
from services.loyalty.stores.errors import StoreClosed, StoreNotFound
from services.loyalty.tiers.errors import QualifyingSumTooLarge
from services.platform.auth.domain import Scope
from services.platform.errors import InvalidInput
from services.platform.idempotency.errors import IdempotencyConflict


@strawberry.input(description="A visit of the store that `storeId` names. One counts per member, store and day.")
class StoreVisitInput:
    is_confirmed: bool = strawberry.field(description="`true`: the store has seen the member.")


@strawberry.input(description="A review of a product that the member bought. One counts per member and product.")
class ReviewInput:
    sku: str = strawberry.field(description="What was bought, by the `sku` of the purchase's line.")
    product: str | None = strawberry.field(default=None, description="The product, where it has several SKUs.")
    stars: int | None = strawberry.field(
        default=None, description="1 to 5. Evidence only: no rule can ask for them, so no opinion earns more."
    )
    text_length: int = strawberry.field(default=0, description="How many characters were written.")
    has_photo: bool = strawberry.field(default=False, description="Whether there is a photo.")


@strawberry.input(description="An answer to a survey. One counts per answer id.")
class SurveyAnswerInput:
    survey: str = strawberry.field(description="The survey's code.")
    answer_id: str = strawberry.field(description="The answer's id, unique in the survey.")
    score: int | None = strawberry.field(
        default=None, description="0 to 100. Evidence only: no rule can ask for it, so every answer earns the same."
    )


@strawberry.input(description="The member named you in public. One counts per member and address.")
class MentionInput:
    url: str = strawberry.field(description="Where it can be read: an https address.")
    channel: str | None = strawberry.field(default=None, description="Where, such as `weibo`.")


@strawberry.input(description="An event that the program declares.")
class CustomEventInput:
    event: str = strawberry.field(description="The event's code in the program document.")
    data: JsonDocument | None = strawberry.field(
        default=None, description="An object as the event's JSON Schema asks for, 16 KiB at most. Null: an empty one."
    )


@strawberry.input(one_of=True, description="What the member did. Exactly one field.")
class DeedInput:
    check_in: strawberry.Maybe[StoreVisitInput] = strawberry.field(description="Came to a store.")
    review: strawberry.Maybe[ReviewInput] = strawberry.field(description="Reviewed a product.")
    survey: strawberry.Maybe[SurveyAnswerInput] = strawberry.field(description="Answered a survey.")
    mention: strawberry.Maybe[MentionInput] = strawberry.field(description="Named you in public.")
    custom_event: strawberry.Maybe[CustomEventInput] = strawberry.field(description="Did what the program declares.")

    def to_deed(self, store_id: Any) -> Deed:
        """The deed.

        Raises:
            InvalidInput: nothing was done, or a check-in without a store.
        """
        if self.check_in and self.check_in.value.is_confirmed:
            if store_id is None:
                raise InvalidInput(field="storeId", reason="NOTHING_GIVEN")
            return CheckIn(store_id)
        if self.review:
            review = self.review.value
            return Review(review.sku, review.product, review.stars, review.text_length, review.has_photo)
        if self.survey:
            return SurveyAnswer(self.survey.value.survey, self.survey.value.answer_id, self.survey.value.score)
        if self.mention:
            return Mention(self.mention.value.url, self.mention.value.channel)
        if self.custom_event:
            told = self.custom_event.value
            return CustomDeed(told.event, cast("Mapping[str, Any]", told.data or {}))
        raise InvalidInput(field="activity", reason="NOTHING_GIVEN")


@strawberry.input(description="Something that a member did besides buying.")
class RecordActivityInput:
    source: str = strawberry.field(description="The system that tells of it. `program` is kept for the program itself.")
    external_id: str = strawberry.field(description="Its id, unique in that system.")
    member: MemberReferenceInput = strawberry.field(description="Who did it.")
    activity: DeedInput = strawberry.field(description="What was done.")
    idempotency_key: IdempotencyKey = strawberry.field(description="Makes a repeat of this request harmless.")
    store_id: strawberry.ID | None = strawberry.field(
        default=None, description="Where; needed by a check-in and by who may act in one store only."
    )
    occurred_at: datetime | None = strawberry.field(
        default=None, description="When; now without it. The rules that were in force then judge it."
    )

    def to_command(self, request_hash: bytes) -> RecordActivity:
        """The command that it asks for."""
        store_id = decode_optional("Store", self.store_id, field="storeId")
        return RecordActivity(
            source=self.source,
            external_id=self.external_id,
            member=self.member.to_ref(),
            deed=self.activity.to_deed(store_id),
            idempotency_key=self.idempotency_key,
            request_hash=request_hash,
            store_id=store_id,
            occurred_at=self.occurred_at,
        )


@strawberry.type(description="The activity, and what came of it.")
class RecordActivityPayload:
    activity: Activity | None = strawberry.field(description="The activity as it is kept.")
    points: Points = strawberry.field(description="What it earned of the program's own unit.")
    balance: Points = strawberry.field(description="What the member could spend after it.")
    tier_change: TierChange | None = strawberry.field(description="The tiers before and after; null without a change.")
    replayed: bool = strawberry.field(
        description="Whether the activity was known, by its key or its external id, and nothing happened again."
    )


async def payload_of(info: Info, result: RecordedActivity) -> dict[str, Any]:
    """The fields of a payload that tells of an activity."""
    return {
        "activity": await recorded_activity(info, result.activity_id),
        "points": Points(result.points),
        "balance": Points(result.balance),
        "tier_change": tier_change(result.from_tier, result.to_tier),
        "replayed": result.replayed,
    }


REFUSALS = (
    MemberNotFound,
    IdentityInvalid,
    StoreNotFound,
    StoreClosed,
    OccurredInFuture,
    OccurredTooLongAgo,
    ActivityConflict,
    ActivityRepeated,
    ProductNotBought,
    EventNotDeclared,
    EventDataInvalid,
    AccrualTooLarge,
    BalanceTooLarge,
    QualifyingSumTooLarge,
    IdempotencyConflict,
)


@mutation(
    access=requires_at(Scope.ACTIVITIES_WRITE, input_store),
    description="Record what a member did besides buying; what it earns is posted at once.",
    errors=REFUSALS,
)
async def record_activity(info: Info, input: RecordActivityInput) -> RecordActivityPayload:
    """Record an activity."""
    command = input.to_command(input_hash(info))
    result = await info.context.run_command(lambda uow: service.record_activity(uow, command=command), has_key=True)
    return RecordActivityPayload(**await payload_of(info, result))
