"""Who wants what, where and for how much: read behind the member's lock, and checked."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow

from services.loyalty.budgets.domain import Demand
from services.loyalty.ledger import service as ledger
from services.loyalty.ledger.domain.book import HolderBook
from services.loyalty.members import queries as members
from services.loyalty.members.domain import Earner, MemberRef
from services.loyalty.members.errors import MemberInactive, MemberNotFound
from services.loyalty.members.service import Arrival, claim_at_till
from services.loyalty.programs.domain.publishing import ProgramVersion
from services.loyalty.programs.errors import ProgramNotPublished
from services.loyalty.programs.queries import in_force, versions_read
from services.loyalty.redemptions import queries, repository
from services.loyalty.redemptions.domain import HoldReward, RedeemReward
from services.loyalty.redemptions.errors import RewardPriceChanged
from services.loyalty.rewards import queries as rewards
from services.loyalty.rewards import service as stock
from services.loyalty.rewards.domain import (
    Price,
    Reward,
    check_available,
    check_eligible,
    check_limits,
    check_quantity,
    check_window,
    price_of,
)
from services.loyalty.stores import queries as stores
from services.loyalty.stores.domain import Store, check_open
from services.loyalty.tiers import queries as tiers
from services.platform.db.questions import ask
from services.platform.db.session import Statement, UnitOfWork

REFERENCE = "redemption"
METER = "redemptions"
ACTIVITY = "redemption"
"""What redeeming is among the activities that hold points alive."""


@dataclass(frozen=True, slots=True)
class Scene:
    """The locked member, what is wanted and for whom, and what it costs."""

    book: HolderBook
    reward: Reward
    version: ProgramVersion
    store: Store | None
    merchant_name: str
    price: Price
    quantity: int
    recipient_id: UUID | None

    def demands(self) -> tuple[Demand, ...]:
        """What it takes of the reward's budget."""
        return demands_of(self.reward, points=self.price.points, quantity=self.quantity)


def demands_of(reward: Reward, *, points: int, quantity: int) -> tuple[Demand, ...]:
    """What so many pieces of a reward take of its budget; nothing of a reward without one."""
    terms = reward.content.terms
    if terms.budget_id is None:
        return ()
    money = (terms.unit_cost_minor or 0) * quantity
    return (Demand(terms.budget_id, points, quantity, money, terms.currency),)


def arrive(uow: UnitOfWork, command: RedeemReward | HoldReward, *, operation: str) -> Scene | Mapping[str, Any]:
    """Claim the key, lock the member and read the scene; or the stored answer.

    One round trip where the reward asks for nothing but points; one more where its terms look at the member's tier or
    at what the member has had, and what a gift's recipient needs.
    """
    check_quantity(command.quantity)
    versions = versions_read(uow, instants=(uow.now,))

    def reads(member_id: UUID | None) -> list[Statement]:
        assert member_id is not None
        return [
            *ledger.reading_statements(uow, holder_ids=(member_id,), every_lot=True),
            members.earners_statement(member_ids=(member_id,)),
            repository.late_statement(uow, reward_id=command.reward_id),
            rewards.reward_statement(reward_id=command.reward_id),
            versions.statement,
            stores.merchant_statement(uow),
            *(stores.store_statement(store_id=store_id) for store_id in _stores_of(command)),
        ]

    arrival = claim_at_till(
        uow,
        operation=operation,
        key=command.idempotency_key,
        request_hash=command.request_hash,
        member=command.member,
        store_id=command.store_id,
        reads=reads,
    )
    if not isinstance(arrival, Arrival):
        return arrival
    member_id = arrival.member_id
    assert member_id is not None
    heads, balances, lots, earner_rows, late_rows, reward_rows, version_rows, merchant_rows, *store_rows = arrival.rows
    earner = members.earners_of(earner_rows).get(member_id)
    if earner is None:
        raise MemberNotFound(member_id=member_id)
    if not earner.is_active:
        raise MemberInactive(member_id=member_id)
    book = ledger.open_only_book(uow, holder_id=member_id, rows=(heads, balances, lots), store_id=command.store_id)
    if book is None:
        raise MemberNotFound(member_id=member_id)
    reward = _restocked(uow, rewards.reward_of(reward_rows, reward_id=command.reward_id), late_rows)
    found = [
        stores.store_of(rows, store_id=store_id) for store_id, rows in zip(_stores_of(command), store_rows, strict=True)
    ]
    for store in found:
        check_open(store, at=uow.now)
    version = in_force(versions.versions(version_rows), at=uow.now)
    if version is None:
        raise ProgramNotPublished
    price = _agreed(uow, command, reward, earner, version, store=found[-1] if found else None)
    return Scene(
        book=book,
        reward=reward,
        version=version,
        store=found[0] if command.store_id is not None else None,
        merchant_name=stores.merchant_name_of(merchant_rows),
        price=price,
        quantity=command.quantity,
        recipient_id=_recipient(uow, command.recipient, payer_id=member_id, store_id=command.store_id),
    )


def _restocked(uow: UnitOfWork, reward: Reward, late_rows: Sequence[DictRow]) -> Reward:
    """The reward with the pieces of holds that have timed out, which are put back first.

    Not by the statements that claim the key: what was answered already changes nothing.
    """
    if reward.stock is None or not late_rows[0]["is_late"]:
        return reward
    (freed_rows,) = uow.fetch_pipeline([repository.free_late_statement(uow, reward_id=reward.id)])
    freed = sum(row["quantity"] for row in freed_rows)
    uow.fetch_pipeline([stock.put_back_statement(reward_id=reward.id, quantity=freed)])
    return dataclasses.replace(reward, stock=reward.stock + freed)


def _stores_of(command: RedeemReward | HoldReward) -> tuple[UUID, ...]:
    """Where it is asked for, then where it is to be picked up."""
    return tuple(store_id for store_id in (command.store_id, command.pickup_store_id) if store_id is not None)


def _agreed(
    uow: UnitOfWork,
    command: RedeemReward | HoldReward,
    reward: Reward,
    earner: Earner,
    version: ProgramVersion,
    *,
    store: Store | None,
) -> Price:
    """The price, once the reward is to be had on its terms: where it is handed out, if anywhere."""
    terms, member_id = reward.content.terms, earner.member_id
    check_available(reward, command.quantity)
    check_window(terms, reward_id=reward.id, at=uow.now)
    tier = None
    if terms.asks_for_tier:
        (standings,) = ask(uow, [tiers.standings_question(uow, member_ids=(member_id,))])
        tier = standings[member_id].level.code
    check_eligible(terms, reward_id=reward.id, tier=tier, tags=earner.tags, store=store.code if store else None)
    if terms.limits:
        asked = queries.had_statement(uow, member_id=member_id, reward_id=reward.id)
        check_limits(
            terms,
            reward_id=reward.id,
            had=queries.had_of(uow.fetch_all(asked.query, asked.values)),
            quantity=command.quantity,
            at=uow.now,
            timezone=version.document.timezone,
        )
    price = price_of(reward.content.cost_points, terms, tier=tier, quantity=command.quantity)
    if command.expected_points is not None and command.expected_points != price.points:
        raise RewardPriceChanged(expected=command.expected_points, actual=price.points)
    return price


def _recipient(uow: UnitOfWork, ref: MemberRef | None, *, payer_id: UUID, store_id: UUID | None) -> UUID | None:
    """Whom a gift is for. Who gives to themself gives no gift."""
    if ref is None:
        return None
    recipient_id = members.resolved(uow, ref=ref, store_id=store_id)
    asked = members.status_statement(member_id=recipient_id)
    members.check_active(uow.fetch_all(asked.query, asked.values), member_id=recipient_id)
    return None if recipient_id == payer_id else recipient_id
