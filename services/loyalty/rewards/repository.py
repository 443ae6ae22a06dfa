"""The SQL of rewards."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.errors import CheckViolation, UniqueViolation
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from services.loyalty.rewards.domain import Reward, RewardContent, RewardKind, RewardVersion
from services.loyalty.rewards.domain.terms import terms_json, terms_of
from services.loyalty.rewards.errors import RewardCodeTaken
from services.platform.db.session import UnitOfWork
from services.platform.ids import new_id

STOCK_CHECK = "rewards_stock_check"

CONTENT_COLUMNS = """
kind, name_en, name_zh, description_en, description_zh, cost_points, terms, category, position"""
COLUMNS = f"""
rewards.id, code, version, stock, rewards.created_at, archived_at, code_count > 0 AS has_codes,
reward_versions.id AS version_id,
{CONTENT_COLUMNS}"""
CURRENT = "rewards JOIN reward_versions ON reward_id = rewards.id AND number = version"
BY_IDS = f"SELECT {COLUMNS} FROM {CURRENT} WHERE rewards.id = ANY(%(ids)s)"
PAGE = f"""
SELECT {COLUMNS} FROM {CURRENT}
WHERE (%(after)s::text IS NULL OR code > %(after)s)
    AND (%(is_archived)s::boolean IS NULL OR (archived_at IS NOT NULL) = %(is_archived)s)
    AND (%(depth)s = 0 OR category[1:%(depth)s] = %(category)s::text[])
ORDER BY code LIMIT %(limit)s"""
PAGE_BY_POSITION = f"""
SELECT {COLUMNS} FROM {CURRENT}
WHERE (%(after)s::text IS NULL OR (position, code) > (%(after_position)s, %(after)s))
    AND (%(is_archived)s::boolean IS NULL OR (archived_at IS NOT NULL) = %(is_archived)s)
    AND (%(depth)s = 0 OR category[1:%(depth)s] = %(category)s::text[])
ORDER BY position, code LIMIT %(limit)s"""
GIVING_COUPON = """
SELECT r.id, v.name_en, v.name_zh FROM rewards r JOIN reward_versions v ON v.reward_id = r.id AND v.number = r.version
WHERE r.archived_at IS NULL AND v.terms ->> 'couponDefinitionId' = %(definition_id)s ORDER BY r.code LIMIT 1"""
VERSIONS_BY_ID = f"""
SELECT id, reward_id, number, created_at, {CONTENT_COLUMNS} FROM reward_versions WHERE id = ANY(%(ids)s)"""
CODES = "SELECT code FROM rewards WHERE code = ANY(%(codes)s)"
LOCK = "SELECT id FROM rewards WHERE id = %(id)s FOR NO KEY UPDATE"
INSERT = """
INSERT INTO rewards (id, code, version, stock, created_at)
VALUES (%(id)s, %(code)s, %(version)s, %(stock)s, %(created_at)s)"""
INSERT_VERSION = """
INSERT INTO reward_versions (id, reward_id, number, kind, name_en, name_zh, description_en, description_zh,
    cost_points, created_at, terms, category, position)
VALUES (%(id)s, %(reward_id)s, %(number)s, %(kind)s, %(name_en)s, %(name_zh)s, %(description_en)s,
    %(description_zh)s, %(cost_points)s, %(created_at)s, %(terms)s, %(category)s, %(position)s)"""
SET_VERSION = "UPDATE rewards SET version = %(version)s WHERE id = %(id)s"
SET_STOCK = "UPDATE rewards SET stock = %(stock)s WHERE id = %(id)s"
ARCHIVE = "UPDATE rewards SET archived_at = %(now)s WHERE id = %(id)s"
# The check of the column refuses what would be below zero, so that the last one goes to one member only.
TAKE = "UPDATE rewards SET stock = stock - %(quantity)s WHERE id = %(id)s AND stock IS NOT NULL"
PUT_BACK = "UPDATE rewards SET stock = stock + %(quantity)s WHERE id = %(id)s AND stock IS NOT NULL"
ADD_CODES = """
INSERT INTO reward_codes (id, reward_id, code, imported_at)
SELECT rows.id, %(reward_id)s, rows.code, %(now)s FROM jsonb_to_recordset(%(rows)s) AS rows (id uuid, code text)
ON CONFLICT (reward_id, code) DO NOTHING RETURNING id"""
# Of a pool there are as many as it has codes; what was without limit has one from its first codes on.
COUNT_CODES = """
UPDATE rewards SET stock = CASE WHEN code_count = 0 THEN %(added)s ELSE coalesce(stock, 0) + %(added)s END,
    code_count = code_count + %(added)s
WHERE id = %(id)s"""
# Two who take at once do not wait for each other's codes: there are as many free ones as pieces were promised.
ASSIGN_CODES = """
UPDATE reward_codes SET redemption_id = %(redemption_id)s, assigned_at = %(now)s
WHERE id IN (
    SELECT id FROM reward_codes WHERE reward_id = %(reward_id)s AND redemption_id IS NULL
    ORDER BY id LIMIT %(quantity)s FOR UPDATE SKIP LOCKED
)
RETURNING id"""
CODES_OF = """
SELECT redemption_id, code FROM reward_codes WHERE redemption_id = ANY(%(ids)s) ORDER BY id"""
FREE_CODES = """
SELECT reward_id, count(*) AS free FROM reward_codes
WHERE reward_id = ANY(%(ids)s) AND redemption_id IS NULL GROUP BY reward_id"""


def insert_reward(uow: UnitOfWork, *, reward: Reward) -> None:
    """Store a reward and its first version.

    Raises:
        RewardCodeTaken
    """
    values = {
        "id": reward.id,
        "code": reward.code,
        "version": reward.version,
        "stock": reward.stock,
        "created_at": reward.created_at,
    }
    try:
        uow.execute(INSERT, values)
    except UniqueViolation as error:
        if error.diag.constraint_name != "rewards_code_key":
            raise
        raise RewardCodeTaken(reward_code=reward.code) from error
    insert_version(uow, reward=reward, created_at=reward.created_at)


def insert_version(uow: UnitOfWork, *, reward: Reward, created_at: datetime) -> None:
    """Store the reward's present content as its present version."""
    content = reward.content
    values = {
        "id": reward.version_id,
        "reward_id": reward.id,
        "number": reward.version,
        "kind": content.kind.value,
        "name_en": content.name_en,
        "name_zh": content.name_zh,
        "description_en": content.description_en,
        "description_zh": content.description_zh,
        "cost_points": content.cost_points,
        "created_at": created_at,
        "terms": Jsonb(terms_json(content.terms)),
        "category": list(content.terms.category),
        "position": content.terms.position,
    }
    uow.execute(INSERT_VERSION, values)


def rewards_of(rows: Iterable[DictRow]) -> tuple[Reward, ...]:
    return tuple(
        Reward(
            id=row["id"],
            code=row["code"],
            version=row["version"],
            version_id=row["version_id"],
            content=_content(row),
            stock=row["stock"],
            created_at=row["created_at"],
            archived_at=row["archived_at"],
            has_codes=row["has_codes"],
        )
        for row in rows
    )


def version_of(row: DictRow) -> RewardVersion:
    return RewardVersion(row["id"], row["reward_id"], row["number"], _content(row), row["created_at"])


def is_out_of_stock(error: CheckViolation) -> bool:
    """Whether `TAKE` found too few left."""
    return error.diag.constraint_name == STOCK_CHECK


def code_values(reward_id: UUID, codes: Iterable[str], now: datetime) -> dict[str, Any]:
    """What `ADD_CODES` takes."""
    rows = [{"id": str(new_id()), "code": code} for code in codes]
    return {"reward_id": reward_id, "rows": Jsonb(rows), "now": now}


def _content(row: DictRow) -> RewardContent:
    return RewardContent(
        kind=RewardKind(row["kind"]),
        name_en=row["name_en"],
        name_zh=row["name_zh"],
        description_en=row["description_en"],
        description_zh=row["description_zh"],
        cost_points=row["cost_points"],
        terms=terms_of(row["terms"], category=row["category"], position=row["position"]),
    )
