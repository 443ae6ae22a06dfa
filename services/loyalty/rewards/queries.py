"""Rewards by id and by page, and what they were when somebody redeemed them."""

from collections.abc import Collection, Sequence
from uuid import UUID

from psycopg.rows import DictRow

from services.loyalty.rewards import repository
from services.loyalty.rewards.domain import Reward, RewardOrder, RewardVersion
from services.loyalty.rewards.errors import RewardNotFound
from services.platform.db.session import ReadSession, Statement


def reward_statement(*, reward_id: UUID) -> Statement:
    """The statement whose rows `reward_of` reads."""
    return Statement(repository.BY_IDS, {"ids": [reward_id]})


def reward_of(rows: Sequence[DictRow], *, reward_id: UUID) -> Reward:
    """The reward of `reward_statement`, offered or archived.

    Raises:
        RewardNotFound
    """
    rewards = repository.rewards_of(rows)
    if not rewards:
        raise RewardNotFound(reward_id=reward_id)
    return rewards[0]


def reward_by_id(session: ReadSession, *, reward_id: UUID) -> Reward | None:
    """A reward, offered or archived, or None."""
    return rewards_by_ids(session, reward_ids=(reward_id,)).get(reward_id)


def rewards_by_ids(session: ReadSession, *, reward_ids: Collection[UUID]) -> dict[UUID, Reward]:
    """Rewards by id; those that exist."""
    rows = session.fetch_all(repository.BY_IDS, {"ids": list(reward_ids)})
    return {reward.id: reward for reward in repository.rewards_of(rows)}


def rewards_page(
    session: ReadSession,
    *,
    limit: int,
    after_code: str | None = None,
    is_archived: bool | None = False,
    category: Sequence[str] = (),
    order: RewardOrder = RewardOrder.CODE,
    after_position: int = 0,
) -> tuple[Reward, ...]:
    """Rewards in the order of their codes, or of their positions and codes, from after the one that is named.

    Those offered, archived, or all (None); with ``category`` those in it and below it.
    """
    values = {
        "after": after_code,
        "after_position": after_position,
        "limit": limit,
        "is_archived": is_archived,
        "category": list(category),
        "depth": len(category),
    }
    query = repository.PAGE if order is RewardOrder.CODE else repository.PAGE_BY_POSITION
    return repository.rewards_of(session.fetch_all(query, values))


def reward_versions_by_ids(session: ReadSession, *, version_ids: Collection[UUID]) -> dict[UUID, RewardVersion]:
    """Versions of rewards by the versions' ids; those that exist."""
    rows = session.fetch_all(repository.VERSIONS_BY_ID, {"ids": list(version_ids)})
    return {row["id"]: repository.version_of(row) for row in rows}


def codes_statement(*, redemption_ids: Collection[UUID]) -> Statement:
    """Reads the codes that redemptions were given: a row each."""
    return Statement(repository.CODES_OF, {"ids": list(redemption_ids)})


def codes_by_redemptions(session: ReadSession, *, redemption_ids: Collection[UUID]) -> dict[UUID, tuple[str, ...]]:
    """The codes that redemptions were given, by redemption; those that were given any."""
    asked = codes_statement(redemption_ids=redemption_ids)
    found: dict[UUID, list[str]] = {}
    for row in session.fetch_all(asked.query, asked.values):
        found.setdefault(row["redemption_id"], []).append(row["code"])
    return {redemption_id: tuple(codes) for redemption_id, codes in found.items()}


def free_codes(session: ReadSession, *, reward_ids: Collection[UUID]) -> dict[UUID, int]:
    """How many codes of each pool nobody has yet; those that have any."""
    rows = session.fetch_all(repository.FREE_CODES, {"ids": list(reward_ids)})
    return {row["reward_id"]: row["free"] for row in rows}
