"""Unique codes that were made elsewhere."""

import dataclasses
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from services.loyalty.coupons import queries, repository
from services.loyalty.coupons.domain import Coupon, CouponBatch
from services.loyalty.coupons.domain.files import ImportCouponCodes, ImportedCouponCodes, read_codes
from services.loyalty.coupons.errors import CouponCodeTaken
from services.loyalty.coupons.service.issuing import check_given_out, issued
from services.platform.db.session import UnitOfWork
from services.platform.idempotency import service as idempotency
from services.platform.ids import new_id

IMPORT = "importCouponCodes"


def import_coupon_codes(uow: UnitOfWork, *, command: ImportCouponCodes) -> ImportedCouponCodes:
    """Take codes as unique codes of a kind, each for one use by whoever has it. Those it has already stay as they are.

    Raises:
        InvalidInput: a file that is no CSV, has no code or too many, or one that can be none.
        CouponCodeTaken: one is another coupon's; nothing is taken.
        CouponDefinitionNotFound, CouponDefinitionArchived
        IdempotencyConflict, IdempotencyKeyInvalid
    """
    definition_id = command.coupon_definition_id
    codes, repeated = read_codes(command.csv)
    stored = idempotency.claim(uow, operation=IMPORT, key=command.idempotency_key, request_hash=command.request_hash)
    if stored is not None:
        batch_id = UUID(stored["batchId"]) if stored["batchId"] else None
        return ImportedCouponCodes(batch_id, definition_id, stored["added"], stored["repeated"], replayed=True)
    statement = queries.definition_statement(uow, definition_id=definition_id)
    definition = queries.definition_of(uow.fetch_all(statement.query, statement.values), definition_id=definition_id)
    check_given_out(definition)
    batch = CouponBatch(new_id(), definition_id, len(codes), "", uow.now)
    first = dataclasses.replace(issued(uow, definition, zone=None), batch_id=batch.id)
    rows = Jsonb([{"id": str(new_id()), "code": code} for code in codes])
    added = len(uow.fetch_all(repository.TAKE_CODES, _in_common(first) | {"rows": rows}))
    if added < len(codes):
        taken = uow.fetch_one(repository.TAKEN_ELSEWHERE, {"codes": list(codes), "definition_id": definition_id})
        if taken is not None:
            raise CouponCodeTaken(coupon_code=taken["code"])
        repeated += len(codes) - added
    batch_id = batch.id if added else None
    answer = {"batchId": str(batch_id) if batch_id else None, "added": added, "repeated": repeated}
    settle = idempotency.settle_statement(operation=IMPORT, key=command.idempotency_key, result=answer)
    kept = dataclasses.replace(batch, count=added)
    uow.fetch_pipeline([*([repository.insert_batch_statement(batch=kept)] if added else []), settle])
    return ImportedCouponCodes(batch_id, definition_id, added, repeated, replayed=False)


def _in_common(first: Coupon) -> dict[str, Any]:
    names = ("definition_id", "version_id", "batch_id", "issued_at", "expires_at")
    return {name: getattr(first, name) for name in names}
