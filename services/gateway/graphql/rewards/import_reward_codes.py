"""importRewardCodes."""

import strawberry

from services.gateway.graphql.client_input import input_hash
from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.ids import decode
from services.gateway.graphql.permissions import requires
from services.gateway.graphql.rewards.types import Reward, load_reward
from services.gateway.graphql.scalars import IdempotencyKey, WholeNumber
from services.loyalty.rewards import service
from services.loyalty.rewards.domain import ImportRewardCodes
from services.loyalty.rewards.errors import RewardArchived, RewardHasNoCodes, RewardNotFound
from services.platform.auth.domain import Scope
from services.platform.idempotency.errors import IdempotencyConflict


@strawberry.input(description="Codes for a virtual reward, from a CSV file.")
class ImportRewardCodesInput:
    reward_id: strawberry.ID = strawberry.field(description="The reward, of the kind VIRTUAL.")
    csv: str = strawberry.field(
        description="The text of the file: a code in the first column of each line; a first line that says `code` is "
        "skipped. 20,000 codes at most; send more in several requests."
    )
    idempotency_key: IdempotencyKey = strawberry.field(description="Makes a repeat of this request harmless.")


@strawberry.type(description="What came in.")
class ImportRewardCodesPayload:
    reward: Reward | None = strawberry.field(description="The reward, with its stock as it is now.")
    added: WholeNumber = strawberry.field(description="How many codes were new.")
    repeated: WholeNumber = strawberry.field(description="How many were in the file twice, or known before.")
    replayed: bool = strawberry.field(description="Whether the key was known and nothing happened again.")


@mutation(
    access=requires(Scope.REWARDS_WRITE),
    description="Add codes that members get, one to one. Each is a piece of the reward's stock; no code is ever given "
    "twice.",
    errors=(RewardNotFound, RewardArchived, RewardHasNoCodes, IdempotencyConflict),
)
async def import_reward_codes(info: Info, input: ImportRewardCodesInput) -> ImportRewardCodesPayload:
    """Import codes."""
    command = ImportRewardCodes(
        reward_id=decode("Reward", input.reward_id, field="rewardId"),
        csv=input.csv,
        idempotency_key=input.idempotency_key,
        request_hash=input_hash(info),
    )
    result = await info.context.run_command(lambda uow: service.import_codes(uow, command=command), has_key=True)
    return ImportRewardCodesPayload(
        reward=await load_reward(info, result.reward_id),
        added=WholeNumber(result.added),
        repeated=WholeNumber(result.repeated),
        replayed=result.replayed,
    )
