"""Pieces of stock and codes, and the last round trip: what everybody wants at once."""

import dataclasses
from collections.abc import Collection, Sequence
from uuid import UUID
from zoneinfo import ZoneInfo

from psycopg.errors import CheckViolation

from services.loyalty.budgets import service as budgets
from services.loyalty.budgets.domain import Demand
from services.loyalty.coupons import queries as coupon_queries
from services.loyalty.coupons import service as coupons
from services.loyalty.coupons.domain import Grant
from services.loyalty.ledger.domain import Reference
from services.loyalty.redemptions.domain import Redemption
from services.loyalty.redemptions.service.scene import REFERENCE
from services.loyalty.rewards import service as stock
from services.loyalty.rewards.domain import Reward, RewardKind
from services.loyalty.rewards.errors import RewardNotAvailable
from services.platform.db.session import Statement, UnitOfWork
from services.platform.ids import new_id


def take_statement(redemption: Redemption) -> Statement:
    """Take the redemption's pieces out of stock."""
    return stock.take_statement(reward_id=redemption.reward_id, quantity=redemption.quantity)


def give_codes(uow: UnitOfWork, redemption: Redemption, *, is_taken: bool) -> None:
    """Give the redemption its codes, in a round trip of its own: one that finds too few must undo everything.

    Unless its pieces ``is_taken`` from stock already they are first, so that rivals wait for each other.

    Raises:
        RewardOutOfStock
    """
    assigning = stock.assign_codes_statement(
        uow, reward_id=redemption.reward_id, redemption_id=redemption.id, quantity=redemption.quantity
    )
    taking = [] if is_taken else [take_statement(redemption)]
    rows = write(uow, [*taking, assigning], reward_id=redemption.reward_id)
    stock.check_assigned(rows[-1], reward_id=redemption.reward_id, quantity=redemption.quantity)


def coupon_statements(
    uow: UnitOfWork, redemption: Redemption, reward: Reward, *, timezone: str, is_promised: bool
) -> list[Statement]:
    """Give whom the redemption is for its coupons, each as its kind is now. None of a reward that gives no coupons.

    One that ``is_promised`` is given although its kind is given out no more.

    Raises:
        RewardNotAvailable
    """
    definition_id = reward.content.terms.coupon_definition_id
    if reward.content.kind is not RewardKind.COUPON or definition_id is None:
        return []
    asked = coupon_queries.definition_statement(uow, definition_id=definition_id)
    definition = coupon_queries.definition_of(uow.fetch_all(asked.query, asked.values), definition_id=definition_id)
    if definition.archived_at is not None and not is_promised:
        raise RewardNotAvailable(reward_id=reward.id, available_from=None, available_until=definition.archived_at)
    grant = Grant(
        definition=dataclasses.replace(definition, archived_at=None),
        member_id=redemption.owner_id,
        zone=ZoneInfo(timezone),
        origin=Reference(REFERENCE, redemption.id),
    )
    grants = [dataclasses.replace(grant, id=new_id()) for _ in range(redemption.quantity)]
    return coupons.assign_statements(uow, grants=grants)


def write(
    uow: UnitOfWork,
    statements: Sequence[Statement],
    *,
    reward_id: UUID,
    is_last: bool = False,
    holding: Collection[Demand] = (),
) -> list[list[dict[str, object]]]:
    """Write it all in one round trip, which also commits where it ``is_last``.

    Raises:
        RewardOutOfStock, BudgetExhausted, BudgetClosed
    """
    try:
        return uow.fetch_pipeline(statements, is_last=is_last)
    except CheckViolation as error:
        refusal = stock.refusal_of(error, reward_id=reward_id) or budgets.refusal_of(error, holding=holding)
        if refusal is None:
            raise
        raise refusal from error
