"""The SQL of activities and shares."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from services.loyalty.activities.domain import Activity, ActivityAccrual, Happening, Share
from services.loyalty.programs.domain import Trigger
from services.platform.db.session import Statement

COLUMNS = """
id, trigger, event_code, source, external_id, member_id, store_id, data, occurred_at, recorded_at, program_version_id,
frozen, accruals, points, entry_id, withdrawn_at"""
BY_IDS = f"SELECT {COLUMNS} FROM activities WHERE id = ANY(%(ids)s)"
BY_EXTERNAL_ID = f"SELECT {COLUMNS} FROM activities WHERE source = %(source)s AND external_id = %(external_id)s"
WITHDRAWN_OF_FRIEND = f"""
SELECT {COLUMNS} FROM activities
WHERE member_id = %(member_id)s AND trigger = 'referral_purchased' AND withdrawn_at IS NOT NULL
    AND data ->> 'friendId' = %(friend_id)s"""
FIRST_PAGE = f"SELECT {COLUMNS} FROM activities WHERE member_id = %(member_id)s ORDER BY id DESC LIMIT %(limit)s"
PAGE = f"""
SELECT {COLUMNS} FROM activities WHERE member_id = %(member_id)s AND id < %(after)s ORDER BY id DESC LIMIT %(limit)s"""
# A rival that tells of the same waits here until the first is done. In the order of the index, so that two batches
# never wait for each other.
INSERT = """
INSERT INTO activities (id, trigger, event_code, source, external_id, once_key, content_hash, member_id, store_id, data,
    occurred_at, recorded_at, program_version_id, frozen, accruals, points, entry_id, answer)
SELECT id, trigger, event_code, source, external_id, once_key, content_hash, member_id, store_id, data,
    occurred_at, recorded_at, program_version_id, frozen, accruals, points, entry_id, answer
FROM jsonb_to_recordset(%(rows)s) AS rows (id uuid, trigger text, event_code text, source text, external_id text,
    once_key text, content_hash bytea, member_id uuid, store_id uuid, data jsonb, occurred_at timestamptz,
    recorded_at timestamptz, program_version_id uuid, frozen jsonb, accruals jsonb, points bigint, entry_id uuid,
    answer jsonb)
ORDER BY source, external_id
ON CONFLICT DO NOTHING RETURNING id"""
KNOWN = """
SELECT id, trigger, content_hash, answer, source = %(source)s AND external_id = %(external_id)s AS is_same
FROM activities
WHERE (source = %(source)s AND external_id = %(external_id)s) OR once_key = %(once_key)s
ORDER BY is_same DESC LIMIT 1"""
KNOWN_OF = """
SELECT known.id, known.trigger, known.content_hash, known.answer, known.source, known.external_id, known.once_key
FROM jsonb_to_recordset(%(rows)s) AS rows (source text, external_id text, once_key text)
JOIN activities AS known
    ON (known.source = rows.source AND known.external_id = rows.external_id) OR known.once_key = rows.once_key"""
WITHDRAW = "UPDATE activities SET withdrawn_at = %(now)s WHERE id = %(id)s AND withdrawn_at IS NULL"

SHARE_COLUMNS = "id, member_id, channel, url, created_at, visits, first_visited_at"
INSERT_SHARE = """
INSERT INTO shares (id, member_id, channel, url, created_at, visits)
VALUES (%(id)s, %(member_id)s, %(channel)s, %(url)s, %(created_at)s, 0)"""
SHARES_BY_IDS = f"SELECT {SHARE_COLUMNS} FROM shares WHERE id = ANY(%(ids)s)"
INSERT_VISIT = """
INSERT INTO share_visits (share_id, visitor_hash, visited_at) VALUES (%(id)s, %(visitor_hash)s, %(now)s)
ON CONFLICT (share_id, visitor_hash) DO NOTHING RETURNING share_id"""
COUNT_VISIT = """
UPDATE shares SET visits = visits + 1, first_visited_at = coalesce(first_visited_at, %(now)s) WHERE id = %(id)s"""


def insert_statement(rows: Iterable[Mapping[str, Any]]) -> Statement:
    """Store activities; the rows that come back name those that were not known."""
    return Statement(INSERT, {"rows": Jsonb([dict(row) for row in rows])})


def known_statement(happenings: Iterable[Happening]) -> Statement:
    """Asks for activities that are known by an external id or by what counts once."""
    rows = [{"source": each.source, "external_id": each.external_id, "once_key": each.once_key} for each in happenings]
    return Statement(KNOWN_OF, {"rows": Jsonb(rows)})


def activity_of(row: DictRow) -> Activity:
    accruals = [
        ActivityAccrual(
            rule_id=one["ruleId"],
            unit=one["unit"],
            points=one["points"],
            lot_id=UUID(one["lotId"]) if one["lotId"] else None,
        )
        for one in row["accruals"]
    ]
    return Activity(**(row | {"trigger": Trigger(row["trigger"]), "accruals": accruals}))


def share_of(row: DictRow) -> Share:
    return Share(**row)
