"""recordPurchases."""

import asyncio
from collections.abc import Iterable, Iterator
from typing import Any
from uuid import UUID

import strawberry

from services.gateway.graphql.client_input import item_hashes
from services.gateway.graphql.errors import described_error
from services.gateway.graphql.fields import Info, mutation, outcome_type
from services.gateway.graphql.ids import decode
from services.gateway.graphql.permissions import requires_at_each
from services.gateway.graphql.purchases.record_purchase import (
    REFUSALS,
    RecordPurchaseInput,
    RecordPurchasePayload,
    to_payload,
)
from services.loyalty.purchases import service
from services.loyalty.purchases.domain import RecordedPurchase, RecordPurchase
from services.platform.auth.domain import Scope
from services.platform.errors import DomainError, InvalidInput


@strawberry.input(description="Receipts to be recorded one after the other.")
class RecordPurchasesInput:
    purchases: list[RecordPurchaseInput] = strawberry.field(
        description=f"1 to {service.RECORDINGS_MAX} receipts, each with an idempotency key of its own."
    )


@strawberry.type(description="What came of one receipt.")
class RecordedItem:
    index: int = strawberry.field(description="Its place in the input, from 0.")
    result: Any = strawberry.field(
        graphql_type=outcome_type(RecordPurchasePayload, REFUSALS),
        description="As `recordPurchase` would have answered.",
    )


@strawberry.type(description="What came of each receipt.")
class RecordPurchasesPayload:
    results: list[RecordedItem] = strawberry.field(description="One for each receipt, in the order of the input.")


def _stores(arguments: dict[str, Any]) -> Iterator[UUID]:
    """Each store once; one that can't be read is the receipt's own refusal."""
    for store_id in {purchase.store_id for purchase in arguments["input"].purchases}:
        try:
            yield decode("Store", store_id, field="storeId")
        except InvalidInput:
            continue


@mutation(
    access=requires_at_each(Scope.PURCHASES_WRITE, _stores),
    description="Record many purchases in one transaction. A refused one keeps no other from being recorded.",
)
async def record_purchases(info: Info, input: RecordPurchasesInput) -> RecordPurchasesPayload:
    """Record purchases."""
    hashes = item_hashes(info, "purchases")
    outcomes: dict[int, RecordedPurchase | DomainError] = {}
    commands: dict[int, RecordPurchase] = {}
    service.check_count(len(input.purchases))
    for index, (purchase, hashed) in enumerate(zip(input.purchases, hashes, strict=True)):
        try:
            commands[index] = purchase.to_command(hashed)
        except InvalidInput as error:
            outcomes[index] = error
    if commands:
        recorded = await info.context.run_command(
            lambda uow: service.record_purchases(uow, commands=list(commands.values()), is_last=True), has_key=True
        )
        outcomes |= dict(zip(commands, recorded, strict=True))
    return RecordPurchasesPayload(results=await _results(info, (outcomes[index] for index in sorted(outcomes))))


async def _results(info: Info, outcomes: Iterable[RecordedPurchase | DomainError]) -> list[RecordedItem]:
    # Together, so that what has to be read of known ones is read at once.
    results = await asyncio.gather(*(_result(info, outcome) for outcome in outcomes))
    return [RecordedItem(index=index, result=result) for index, result in enumerate(results)]


async def _result(info: Info, outcome: RecordedPurchase | DomainError) -> object:
    if isinstance(outcome, (*REFUSALS, InvalidInput)):
        return described_error(outcome, info.context.request.locale)
    if isinstance(outcome, DomainError):
        raise outcome
    return await to_payload(info, outcome)
