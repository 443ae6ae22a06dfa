"""Offering, changing and archiving kinds of coupons."""

import dataclasses
from uuid import UUID

from psycopg.errors import CheckViolation

from services.loyalty.budgets import queries as budgets
from services.loyalty.budgets.errors import BudgetNotFound
from services.loyalty.coupons import queries, repository
from services.loyalty.coupons.domain import (
    CODE_LENGTH_MAX,
    Coupon,
    CouponContent,
    CouponDefinition,
    CreateCouponDefinition,
    UpdateCouponDefinition,
    check_code,
    check_content,
    check_uses_max,
)
from services.loyalty.coupons.errors import CouponDefinitionArchived, CouponDefinitionChanged
from services.platform.db.session import Statement, UnitOfWork
from services.platform.errors import InvalidInput
from services.platform.ids import new_id
from services.platform.text import check_text


def create_coupon_definition(uow: UnitOfWork, *, command: CreateCouponDefinition) -> CouponDefinition:
    """Offer a kind of coupon, and its shared code where it has one.

    Raises:
        InvalidInput, BudgetNotFound, CouponDefinitionCodeTaken, CouponCodeTaken
    """
    content = check_content(command.content)
    _check_budget(uow, content)
    definition = CouponDefinition(
        id=new_id(),
        code=check_text(command.code, field="code", length_max=CODE_LENGTH_MAX),
        version=1,
        version_id=new_id(),
        content=content,
        uses_max=check_uses_max(command.uses_max),
        uses_held=0,
        uses_spent=0,
        created_at=uow.now,
        archived_at=None,
    )
    shared_code = None if command.shared_code is None else check_code(command.shared_code, field="sharedCode")
    repository.insert_definition(uow, definition=definition)
    if shared_code is not None:
        shared = Coupon(
            id=new_id(),
            definition_id=definition.id,
            version_id=None,
            code=shared_code,
            is_shared=True,
            member_id=None,
            batch_id=None,
            origin=None,
            is_pending=False,
            uses_held=0,
            uses_spent=0,
            issued_at=uow.now,
            expires_at=None,
            voided_at=None,
        )
        repository.insert_coupons(uow, coupons=(shared,))
    return definition


def update_coupon_definition(uow: UnitOfWork, *, command: UpdateCouponDefinition) -> CouponDefinition:
    """Change what a kind of coupon says: its next version. What is issued already keeps the version that it has.

    Raises:
        InvalidInput: as for a new one; a limit of uses below what is taken, or where there was none, or none any more.
        BudgetNotFound, CouponDefinitionNotFound, CouponDefinitionArchived
        CouponDefinitionChanged: somebody else has edited it meanwhile.
    """
    content = check_content(command.content)
    _check_budget(uow, content)
    uses_max = check_uses_max(command.uses_max)
    definition = lock_definition(uow, definition_id=command.coupon_definition_id)
    if definition.archived_at is not None:
        raise CouponDefinitionArchived(coupon_definition_id=definition.id)
    if definition.version != command.version:
        raise CouponDefinitionChanged(given=command.version, actual=definition.version)
    if (uses_max is None) != (definition.uses_max is None):
        # Uses are counted from the first one on, or never: a limit that came later would not know of those before.
        raise InvalidInput(field="usesMax", reason="NOT_ALLOWED", limit=str(definition.uses_max))
    changed = dataclasses.replace(
        definition, version=definition.version + 1, version_id=new_id(), content=content, uses_max=uses_max
    )
    repository.insert_version(uow, definition=changed, created_at=uow.now)
    try:
        uow.execute(repository.SET_VERSION, {"id": changed.id, "version": changed.version, "uses_max": uses_max})
    except CheckViolation as error:
        if repository.refusal_of(error) is None:
            raise
        used = definition.uses_held + definition.uses_spent
        raise InvalidInput(field="usesMax", reason="OUT_OF_RANGE", limit=str(used)) from error
    return changed


def archive_coupon_definition(uow: UnitOfWork, *, definition_id: UUID) -> CouponDefinition:
    """Give out no more coupons of a kind, and let its shared code count no more; what members have stays good.

    One that is archived stays as it is.

    Raises:
        CouponDefinitionNotFound
    """
    definition = lock_definition(uow, definition_id=definition_id)
    if definition.archived_at is None:
        definition = dataclasses.replace(definition, archived_at=uow.now)
        uow.execute(repository.ARCHIVE, {"id": definition.id, "now": uow.now})
    return definition


def lock_definition(uow: UnitOfWork, *, definition_id: UUID) -> CouponDefinition:
    """Lock a kind of coupon, so that nobody edits or archives it meanwhile, and read it.

    Raises:
        CouponDefinitionNotFound
    """
    reading = queries.definition_statement(uow, definition_id=definition_id)
    # Read after the lock, for the version that the one before us may have made.
    rows = uow.fetch_pipeline([Statement(repository.LOCK_DEFINITION, {"id": definition_id}), reading])[1]
    return queries.definition_of(rows, definition_id=definition_id)


def _check_budget(uow: UnitOfWork, content: CouponContent) -> None:
    budget_id = content.budget_id
    if budget_id is None:
        return
    statement = budgets.budgets_statement(budget_ids=(budget_id,))
    if budget_id not in budgets.budgets_of(uow.fetch_all(statement.query, statement.values)):
        raise BudgetNotFound(budget_id=budget_id)
