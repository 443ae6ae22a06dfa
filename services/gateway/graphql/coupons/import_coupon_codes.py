"""importCouponCodes."""

import strawberry

from services.gateway.graphql.client_input import input_hash
from services.gateway.graphql.coupons.types import CouponBatch, load_batch
from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.ids import decode
from services.gateway.graphql.permissions import requires
from services.gateway.graphql.scalars import IdempotencyKey, WholeNumber
from services.loyalty.coupons import service
from services.loyalty.coupons.domain.files import ImportCouponCodes
from services.loyalty.coupons.errors import CouponCodeTaken, CouponDefinitionArchived, CouponDefinitionNotFound
from services.platform.auth.domain import Scope
from services.platform.idempotency.errors import IdempotencyConflict


@strawberry.input(description="Unique codes that were made elsewhere, from a CSV file.")
class ImportCouponCodesInput:
    coupon_definition_id: strawberry.ID = strawberry.field(description="The kind of coupon.")
    csv: str = strawberry.field(
        description="The text of the file: a code of 3 to 40 characters in the first column of each line; a first line"
        " that says `code` is skipped. 20,000 codes at most; send more in several requests. How hard they are to guess"
        " is up to who made them."
    )
    idempotency_key: IdempotencyKey = strawberry.field(description="Makes a repeat of this request harmless.")


@strawberry.type(description="What came in.")
class ImportCouponCodesPayload:
    batch: CouponBatch | None = strawberry.field(description="The codes that were new; null when none was.")
    added: WholeNumber = strawberry.field(description="How many codes were new.")
    repeated: WholeNumber = strawberry.field(description="How many were in the file twice, or of this kind before.")
    replayed: bool = strawberry.field(description="Whether the key was known and nothing happened again.")


@mutation(
    access=requires(Scope.REWARDS_WRITE),
    description="Take codes that were made elsewhere as unique codes of a kind of coupon, each for one use by whoever"
    " has it. All of them or none: a code of another coupon refuses the file.",
    errors=(CouponDefinitionNotFound, CouponDefinitionArchived, CouponCodeTaken, IdempotencyConflict),
)
async def import_coupon_codes(info: Info, input: ImportCouponCodesInput) -> ImportCouponCodesPayload:
    """Import codes."""
    command = ImportCouponCodes(
        coupon_definition_id=decode("CouponDefinition", input.coupon_definition_id, field="couponDefinitionId"),
        csv=input.csv,
        idempotency_key=input.idempotency_key,
        request_hash=input_hash(info),
    )
    had = await info.context.run_command(lambda uow: service.import_coupon_codes(uow, command=command), has_key=True)
    return ImportCouponCodesPayload(
        batch=await load_batch(info, had.batch_id) if had.batch_id else None,
        added=WholeNumber(had.added),
        repeated=WholeNumber(had.repeated),
        replayed=had.replayed,
    )
