"""Coupons for members, unique codes for anybody, and coupons that are voided."""

import dataclasses
from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from psycopg.types.json import Jsonb

from services.loyalty.coupons import queries, repository
from services.loyalty.coupons.domain import (
    CODES_MAX,
    AssignCoupon,
    Coupon,
    CouponBatch,
    CouponDefinition,
    CouponStatus,
    CreateCouponCodes,
    CreatedCouponCodes,
    Grant,
    MovedCoupon,
    VoidCoupon,
    check_prefix,
    expiry_of,
    new_codes,
)
from services.loyalty.coupons.errors import CouponDefinitionArchived, CouponUsed
from services.loyalty.ledger.domain import Reference
from services.loyalty.members import queries as members
from services.loyalty.members.service import Arrival, claim_at_till
from services.loyalty.programs.errors import ProgramNotPublished
from services.loyalty.programs.queries import in_force, versions_read
from services.platform.db.session import Statement, UnitOfWork
from services.platform.errors import InvalidInput
from services.platform.idempotency import service as idempotency
from services.platform.ids import new_id

ASSIGN = "assignCoupon"
CREATE_CODES = "createCouponCodes"
VOID = "voidCoupon"


def assign_statements(uow: UnitOfWork, *, grants: Collection[Grant]) -> list[Statement]:
    """Give members coupons, each as its kind is now. None for nothing to give.

    Raises:
        CouponDefinitionArchived
    """
    for grant in grants:
        check_given_out(grant.definition)
    rows = [repository.coupon_json(_granted(uow, grant)) for grant in grants]
    return [Statement(repository.INSERT, {"rows": Jsonb(rows), "now": uow.now})] if rows else []


def confirm_statements(uow: UnitOfWork, *, origin: Reference) -> list[Statement]:
    """What was given for something, such as an order, counts from now on: it is confirmed."""
    return [Statement(repository.CONFIRM, _of(uow, origin))]


def cancel_statements(uow: UnitOfWork, *, origin: Reference) -> list[Statement]:
    """What was given for something is void, but for what has been redeemed already: it did not happen."""
    return [Statement(repository.CANCEL, _of(uow, origin))]


def assign_coupon(uow: UnitOfWork, *, command: AssignCoupon) -> MovedCoupon:
    """Give a member a coupon.

    Raises:
        MemberNotFound, MemberInactive, IdentityInvalid, ProgramNotPublished
        CouponDefinitionNotFound, CouponDefinitionArchived
        IdempotencyConflict, IdempotencyKeyInvalid
    """
    versions = versions_read(uow, instants=(uow.now,))

    def reads(member_id: UUID | None) -> list[Statement]:
        assert member_id is not None
        return [
            members.status_statement(member_id=member_id),
            queries.definition_statement(uow, definition_id=command.coupon_definition_id),
            versions.statement,
        ]

    arrival = claim_at_till(
        uow,
        operation=ASSIGN,
        key=command.idempotency_key,
        request_hash=command.request_hash,
        member=command.member,
        store_id=None,
        reads=reads,
    )
    if not isinstance(arrival, Arrival):
        return _replay(arrival)
    member_id = arrival.member_id
    assert member_id is not None
    status_rows, definition_rows, version_rows = arrival.rows
    members.check_active(status_rows, member_id=member_id)
    definition = queries.definition_of(definition_rows, definition_id=command.coupon_definition_id)
    version = in_force(versions.versions(version_rows), at=uow.now)
    if version is None:
        raise ProgramNotPublished
    grant = Grant(definition, member_id, ZoneInfo(version.document.timezone))
    settle = _settle(ASSIGN, command.idempotency_key, grant.id)
    uow.fetch_pipeline([*assign_statements(uow, grants=(grant,)), settle])
    return MovedCoupon(grant.id, replayed=False)


def void_coupon(uow: UnitOfWork, *, command: VoidCoupon) -> MovedCoupon:
    """Make a coupon worth nothing; one that is void stays so. A cart that holds it already may still redeem it.

    Raises:
        CouponNotFound
        CouponUsed: it has been redeemed.
        IdempotencyConflict, IdempotencyKeyInvalid
    """
    coupon_id = command.coupon_id
    stored = idempotency.claim(uow, operation=VOID, key=command.idempotency_key, request_hash=command.request_hash)
    if stored is not None:
        return _replay(stored)
    statements = [
        Statement(repository.LOCK, {"id": coupon_id}),
        queries.coupon_statement(uow, coupon_id=coupon_id),
    ]
    coupon = queries.coupon_of(uow.fetch_pipeline(statements)[1], coupon_id=coupon_id)
    if coupon.status(uow.now) is CouponStatus.USED:
        raise CouponUsed(coupon_id=coupon_id)
    voiding = Statement(repository.VOID, {"id": coupon_id, "now": uow.now})
    uow.fetch_pipeline([voiding, _settle(VOID, command.idempotency_key, coupon_id)])
    return MovedCoupon(coupon_id, replayed=False)


def create_coupon_codes(uow: UnitOfWork, *, command: CreateCouponCodes) -> CreatedCouponCodes:
    """Make unique codes, each for one use by whoever has it; all of them or none.

    Raises:
        InvalidInput: a count that is not within 1 and ``CODES_MAX``; a prefix that can be none.
        CouponDefinitionNotFound, CouponDefinitionArchived
        IdempotencyConflict, IdempotencyKeyInvalid
    """
    definition_id = command.coupon_definition_id
    if not 0 < command.count <= CODES_MAX:
        raise InvalidInput(field="count", reason="OUT_OF_RANGE", limit=str(CODES_MAX))
    prefix = check_prefix(command.prefix, field="prefix")
    stored = idempotency.claim(
        uow, operation=CREATE_CODES, key=command.idempotency_key, request_hash=command.request_hash
    )
    if stored is not None:
        return CreatedCouponCodes(UUID(stored["batchId"]), definition_id, stored["count"], replayed=True)
    statement = queries.definition_statement(uow, definition_id=definition_id)
    rows = uow.fetch_all(statement.query, statement.values)
    definition = queries.definition_of(rows, definition_id=definition_id)
    check_given_out(definition)
    batch = CouponBatch(new_id(), definition_id, command.count, prefix, uow.now)
    first = dataclasses.replace(issued(uow, definition, zone=None), batch_id=batch.id)
    repository.copy_codes(uow, first=first, codes=new_codes(command.count, prefix=prefix))
    answer = {"batchId": str(batch.id), "count": command.count}
    settle = idempotency.settle_statement(operation=CREATE_CODES, key=command.idempotency_key, result=answer)
    uow.fetch_pipeline([repository.insert_batch_statement(batch=batch), settle])
    return CreatedCouponCodes(batch.id, definition_id, command.count, replayed=False)


def check_given_out(definition: CouponDefinition) -> None:
    """Refuse a kind that is given out no more.

    Raises:
        CouponDefinitionArchived
    """
    if definition.archived_at is not None:
        raise CouponDefinitionArchived(coupon_definition_id=definition.id)


def issued(uow: UnitOfWork, definition: CouponDefinition, *, zone: ZoneInfo | None) -> Coupon:
    """A coupon of a kind as it is now, nobody's yet and without a code."""
    return Coupon(
        id=new_id(),
        definition_id=definition.id,
        version_id=definition.version_id,
        code=None,
        is_shared=False,
        member_id=None,
        batch_id=None,
        origin=None,
        is_pending=False,
        uses_held=0,
        uses_spent=0,
        issued_at=uow.now,
        expires_at=expiry_of(definition.content, issued_at=uow.now, zone=zone),
        voided_at=None,
    )


def _granted(uow: UnitOfWork, grant: Grant) -> Coupon:
    return dataclasses.replace(
        issued(uow, grant.definition, zone=grant.zone),
        id=grant.id,
        member_id=grant.member_id,
        origin=grant.origin,
        is_pending=grant.is_pending,
    )


def _of(uow: UnitOfWork, origin: Reference) -> dict[str, Any]:
    return {"origin_id": origin.id, "origin_kind": origin.kind, "now": uow.now}


def _settle(operation: str, key: str, coupon_id: UUID) -> Statement:
    return idempotency.settle_statement(operation=operation, key=key, result={"couponId": str(coupon_id)})


def _replay(answer: Mapping[str, Any]) -> MovedCoupon:
    return MovedCoupon(UUID(answer["couponId"]), replayed=True)
