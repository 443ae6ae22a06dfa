"""Offering, changing and archiving rewards; starting a program from a template."""

import dataclasses
from collections.abc import Sequence
from uuid import UUID

from psycopg.errors import CheckViolation
from psycopg.rows import DictRow

from services.loyalty.budgets import queries as budgets
from services.loyalty.budgets.errors import BudgetNotFound
from services.loyalty.coupons import service as coupons
from services.loyalty.coupons.domain import CouponDefinition
from services.loyalty.coupons.errors import CouponDefinitionArchived
from services.loyalty.programs import service as programs
from services.loyalty.programs.domain import LocalizedText, StarterReward, template
from services.loyalty.programs.domain.publishing import AppliedTemplate, ApplyProgramTemplate
from services.loyalty.rewards import queries, repository
from services.loyalty.rewards.domain import (
    CODE_LENGTH_MAX,
    CreateReward,
    ImportedCodes,
    ImportRewardCodes,
    Reward,
    RewardContent,
    RewardKind,
    UpdateReward,
    check_content,
    check_stock,
    read_codes,
)
from services.loyalty.rewards.errors import (
    RewardArchived,
    RewardChanged,
    RewardGivesCoupon,
    RewardHasNoCodes,
    RewardNotFound,
    RewardOutOfStock,
)
from services.platform.db.session import Statement, UnitOfWork
from services.platform.errors import InvalidInput
from services.platform.idempotency import service as idempotency
from services.platform.ids import new_id
from services.platform.text import check_text

IMPORT = "importRewardCodes"


def create_reward(uow: UnitOfWork, *, command: CreateReward) -> Reward:
    """Offer a reward.

    Raises:
        InvalidInput, RewardCodeTaken, BudgetNotFound, CouponDefinitionNotFound, CouponDefinitionArchived
    """
    content = check_content(command.content)
    _check_links(uow, content)
    reward = Reward(
        id=new_id(),
        code=check_text(command.code, field="code", length_max=CODE_LENGTH_MAX),
        version=1,
        version_id=new_id(),
        content=content,
        stock=check_stock(command.stock),
        created_at=uow.now,
        archived_at=None,
    )
    repository.insert_reward(uow, reward=reward)
    return reward


def update_reward(uow: UnitOfWork, *, command: UpdateReward) -> Reward:
    """Change what a reward says and costs: its next version. Redemptions keep the version that they paid.

    Raises:
        InvalidInput, RewardNotFound, RewardArchived, BudgetNotFound, CouponDefinitionNotFound, CouponDefinitionArchived
        RewardChanged: somebody else has edited it meanwhile.
    """
    content = check_content(command.content)
    _check_links(uow, content)
    reward = _lock(uow, command.reward_id)
    if reward.archived_at is not None:
        raise RewardArchived(reward_id=reward.id)
    if reward.version != command.version:
        raise RewardChanged(given=command.version, actual=reward.version)
    reward = dataclasses.replace(reward, version=reward.version + 1, version_id=new_id(), content=content)
    repository.insert_version(uow, reward=reward, created_at=uow.now)
    uow.execute(repository.SET_VERSION, {"id": reward.id, "version": reward.version})
    return reward


def archive_reward(uow: UnitOfWork, *, reward_id: UUID) -> Reward:
    """Stop offering a reward; one that is archived stays as it is.

    Raises:
        RewardNotFound
    """
    reward = _lock(uow, reward_id)
    if reward.archived_at is None:
        reward = dataclasses.replace(reward, archived_at=uow.now)
        uow.execute(repository.ARCHIVE, {"id": reward_id, "now": uow.now})
    return reward


def archive_coupon_definition(uow: UnitOfWork, *, definition_id: UUID) -> CouponDefinition:
    """Give out no more coupons of a kind, once no reward that is offered gives them; one that is archived stays so.

    Raises:
        CouponDefinitionNotFound
        RewardGivesCoupon: the first of those rewards.
    """
    definition = coupons.lock_definition(uow, definition_id=definition_id)
    if definition.archived_at is not None:
        return definition
    giving = uow.fetch_all(repository.GIVING_COUPON, {"definition_id": str(definition_id)})
    if giving:
        reward = giving[0]
        raise RewardGivesCoupon(definition_id, reward["id"], LocalizedText(en=reward["name_en"], zh=reward["name_zh"]))
    return coupons.archive_coupon_definition(uow, definition_id=definition_id)


def set_stock(uow: UnitOfWork, *, reward_id: UUID, stock: int | None) -> Reward:
    """Say how many there are left; None is without limit.

    Raises:
        InvalidInput, RewardNotFound
    """
    reward = dataclasses.replace(_lock(uow, reward_id), stock=check_stock(stock))
    uow.execute(repository.SET_STOCK, {"id": reward_id, "stock": stock})
    return reward


def start_program(uow: UnitOfWork, *, command: ApplyProgramTemplate) -> AppliedTemplate:
    """`programs.apply_template`, and the template's rewards, but for those whose code is there already.

    Raises:
        TemplateUnknown, ProgramDocumentInvalid, ProgramUnitFixed
    """
    applied = programs.apply_template(uow, command=command)
    starters = template(command.key).rewards
    codes = [starter.code for starter in starters]
    there = {row["code"] for row in uow.fetch_all(repository.CODES, {"codes": codes})}
    for starter in starters:
        if starter.code not in there:
            create_reward(uow, command=_starter_command(starter))
    return applied


def import_codes(uow: UnitOfWork, *, command: ImportRewardCodes) -> ImportedCodes:
    """Add codes to the pool of a virtual reward: each is a piece of its stock, and goes to one redemption.

    Raises:
        InvalidInput, RewardNotFound, RewardArchived
        RewardHasNoCodes: the reward is of another kind.
        IdempotencyConflict, IdempotencyKeyInvalid
    """
    codes, repeated = read_codes(command.csv)
    stored = idempotency.claim(uow, operation=IMPORT, key=command.idempotency_key, request_hash=command.request_hash)
    if stored is not None:
        return ImportedCodes(UUID(stored["rewardId"]), stored["added"], stored["repeated"], replayed=True)
    reward = _lock(uow, command.reward_id)
    if reward.archived_at is not None:
        raise RewardArchived(reward_id=reward.id)
    if reward.content.kind is not RewardKind.VIRTUAL:
        raise RewardHasNoCodes(reward_id=reward.id)
    added = len(uow.fetch_all(repository.ADD_CODES, repository.code_values(reward.id, codes, uow.now)))
    imported = ImportedCodes(reward.id, added, repeated + len(codes) - added, replayed=False)
    answer = {"rewardId": str(reward.id), "added": added, "repeated": imported.repeated}
    uow.fetch_pipeline(
        [
            Statement(repository.COUNT_CODES, {"id": reward.id, "added": added}),
            idempotency.settle_statement(operation=IMPORT, key=command.idempotency_key, result=answer),
        ]
    )
    return imported


def take_statement(*, reward_id: UUID, quantity: int = 1) -> Statement:
    """Take pieces out of stock, where stock is counted; hand a `CheckViolation` to `refusal_of`."""
    return Statement(repository.TAKE, {"id": reward_id, "quantity": quantity})


def put_back_statement(*, reward_id: UUID, quantity: int) -> Statement:
    """Put pieces back into stock, where stock is counted."""
    return Statement(repository.PUT_BACK, {"id": reward_id, "quantity": quantity})


def assign_codes_statement(uow: UnitOfWork, *, reward_id: UUID, redemption_id: UUID, quantity: int) -> Statement:
    """Give a redemption codes of the reward's pool; its rows go to `check_assigned`, before anything is committed."""
    values = {"reward_id": reward_id, "redemption_id": redemption_id, "quantity": quantity, "now": uow.now}
    return Statement(repository.ASSIGN_CODES, values)


def check_assigned(rows: Sequence[DictRow], *, reward_id: UUID, quantity: int) -> None:
    """Refuse when the pool had too few codes.

    Raises:
        RewardOutOfStock
    """
    if len(rows) < quantity:
        raise RewardOutOfStock(reward_id=reward_id)


def refusal_of(error: CheckViolation, *, reward_id: UUID) -> RewardOutOfStock | None:
    """What a violated check says of `take_statement`; None when it says nothing."""
    return RewardOutOfStock(reward_id=reward_id) if repository.is_out_of_stock(error) else None


def _check_links(uow: UnitOfWork, content: RewardContent) -> None:
    """What the terms name must be there: the coupon of a coupon, the budget that counts the same money."""
    terms = content.terms
    if terms.coupon_definition_id is not None:
        if content.kind is not RewardKind.COUPON:
            raise InvalidInput(field="couponDefinitionId", reason="NOT_ALLOWED", limit=content.kind.value)
        # Locked, so that it is not archived before the reward is seen to give it.
        definition = coupons.lock_definition(uow, definition_id=terms.coupon_definition_id)
        if definition.archived_at is not None:
            raise CouponDefinitionArchived(coupon_definition_id=definition.id)
    if terms.budget_id is None:
        return
    budget = budgets.budgets_by_ids(uow, budget_ids=(terms.budget_id,)).get(terms.budget_id)
    if budget is None:
        raise BudgetNotFound(budget_id=terms.budget_id)
    if terms.unit_cost_minor and budget.content.currency not in {None, terms.currency}:
        raise InvalidInput(field="currency", reason="OUT_OF_RANGE", limit=budget.content.currency)


def _lock(uow: UnitOfWork, reward_id: UUID) -> Reward:
    reading = queries.reward_statement(reward_id=reward_id)
    # Read after the lock, for the version that the one before us may have made.
    rows: Sequence[DictRow] = uow.fetch_pipeline([Statement(repository.LOCK, {"id": reward_id}), reading])[1]
    rewards = repository.rewards_of(rows)
    if not rewards:
        raise RewardNotFound(reward_id=reward_id)
    return rewards[0]


def _starter_command(starter: StarterReward) -> CreateReward:
    return CreateReward(
        code=starter.code,
        content=RewardContent(
            kind=RewardKind(starter.kind),
            name_en=starter.name.en,
            name_zh=starter.name.zh,
            description_en=starter.description.en,
            description_zh=starter.description.zh,
            cost_points=starter.cost_points,
        ),
        stock=starter.stock,
    )
