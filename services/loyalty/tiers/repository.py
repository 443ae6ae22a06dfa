"""The SQL of members' tiers. A member's rows are written by whoever holds the member's ledger lock."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from services.loyalty.tiers.domain import Amount, ChangeKind, GivenTier, TierChangeRecord, TierRecord
from services.platform.actors import Actor, ActorKind
from services.platform.db.session import Statement

READ = """
SELECT member_id, tier_code, points_earned, spend_minor, since, visits, decided_at, grace_from, grace_until,
    let_down_at, next_at, ladder, given_code, given_since, given_until
FROM member_tiers WHERE member_id = ANY(%(ids)s)"""
# From the day that the rules look at, or that what is due for a member looks at; for rules that are new to a member,
# from that of the day on which they came into force.
AMOUNTS = """
SELECT a.member_id, a.event_id, a.unit, a.day, a.counted_at, a.points, a.spend_minor, a.store_id
FROM tier_amounts a LEFT JOIN member_tiers t ON t.member_id = a.member_id
WHERE a.member_id = ANY(%(ids)s) AND a.day >= least(%(since)s::date, t.amounts_from,
    CASE WHEN t.ladder IS DISTINCT FROM %(ladder)s THEN %(adopted)s::date END)"""
WRITE = """
INSERT INTO member_tiers (member_id, tier_code, points_earned, spend_minor, visits, since, decided_at, grace_from,
    grace_until, let_down_at, next_at, amounts_from, ladder, given_code, given_since, given_until)
SELECT member_id, tier_code, points_earned, spend_minor, visits, since, decided_at, grace_from, grace_until,
    let_down_at, next_at, amounts_from, ladder, given_code, given_since, given_until
FROM jsonb_to_recordset(%(rows)s) AS rows (member_id uuid, tier_code text, points_earned bigint, spend_minor bigint,
    visits bigint, since timestamptz, decided_at timestamptz, grace_from timestamptz, grace_until timestamptz,
    let_down_at timestamptz, next_at timestamptz, amounts_from date, ladder text, given_code text,
    given_since timestamptz, given_until timestamptz)
ON CONFLICT (member_id) DO UPDATE SET tier_code = EXCLUDED.tier_code, since = EXCLUDED.since,
    points_earned = member_tiers.points_earned + EXCLUDED.points_earned,
    spend_minor = member_tiers.spend_minor + EXCLUDED.spend_minor, visits = member_tiers.visits + EXCLUDED.visits,
    decided_at = EXCLUDED.decided_at, grace_from = EXCLUDED.grace_from, grace_until = EXCLUDED.grace_until,
    let_down_at = EXCLUDED.let_down_at, next_at = EXCLUDED.next_at, amounts_from = EXCLUDED.amounts_from,
    ladder = EXCLUDED.ladder, given_code = EXCLUDED.given_code, given_since = EXCLUDED.given_since,
    given_until = EXCLUDED.given_until"""
WRITE_AMOUNTS = """
INSERT INTO tier_amounts (member_id, event_id, unit, counted_at, day, points, spend_minor, store_id)
SELECT member_id, event_id, unit, counted_at, day, points, spend_minor, store_id
FROM jsonb_to_recordset(%(rows)s) AS rows (member_id uuid, event_id uuid, unit text, counted_at timestamptz, day date,
    points bigint, spend_minor bigint, store_id uuid)
ON CONFLICT (member_id, event_id, unit, counted_at) DO UPDATE SET day = EXCLUDED.day, points = EXCLUDED.points,
    spend_minor = EXCLUDED.spend_minor, store_id = EXCLUDED.store_id"""
FORGET_AMOUNTS = """
DELETE FROM tier_amounts USING jsonb_to_recordset(%(rows)s) AS rows (member_id uuid, event_id uuid, unit text,
    counted_at timestamptz)
WHERE tier_amounts.member_id = rows.member_id AND tier_amounts.event_id = rows.event_id
    AND tier_amounts.unit = rows.unit AND tier_amounts.counted_at = rows.counted_at"""
INSERT_CHANGES = """
INSERT INTO tier_changes (id, member_id, from_code, to_code, kind, event_id, reason, until, actor_kind, actor_id, at,
    recorded_at)
SELECT id, member_id, from_code, to_code, kind, event_id, reason, until, actor_kind, actor_id, at, recorded_at
FROM jsonb_to_recordset(%(rows)s) AS rows (id uuid, member_id uuid, from_code text, to_code text, kind text,
    event_id uuid, reason text, until timestamptz, actor_kind text, actor_id uuid, at timestamptz,
    recorded_at timestamptz)"""
DUE = """
SELECT member_id FROM member_tiers WHERE next_at <= %(now)s ORDER BY next_at, member_id LIMIT %(limit)s"""
# Members whom other rules have decided. Two ranges, so that an index finds that there are none.
OTHERS = """
(SELECT member_id FROM member_tiers WHERE ladder < %(ladder)s ORDER BY ladder, member_id LIMIT %(limit)s)
UNION ALL (SELECT member_id FROM member_tiers WHERE ladder > %(ladder)s ORDER BY ladder, member_id LIMIT %(limit)s)
UNION ALL (SELECT member_id FROM member_tiers WHERE ladder IS NULL ORDER BY member_id LIMIT %(limit)s)
LIMIT %(limit)s"""
# The ends of an index tell whether any member was decided by other rules.
LADDERS = """
SELECT min(ladder) AS first, max(ladder) AS last,
    EXISTS (SELECT FROM member_tiers WHERE ladder IS NULL) AS has_undecided
FROM member_tiers"""
FIRST_DUE = "SELECT min(next_at) AS next_at FROM member_tiers WHERE next_at IS NOT NULL"
CHANGE_COLUMNS = """
id, member_id, from_code, to_code, kind, event_id, reason, until, actor_kind, actor_id, at, recorded_at"""
HISTORY = f"""
SELECT {CHANGE_COLUMNS} FROM tier_changes
WHERE member_id = %(member_id)s AND (%(after)s::uuid IS NULL OR id < %(after)s) ORDER BY id DESC LIMIT %(limit)s"""
CHANGES_BY_IDS = f"SELECT {CHANGE_COLUMNS} FROM tier_changes WHERE id = ANY(%(ids)s)"
# The latest change until then; where there is none, the first after it tells what was before.
AS_OF = """
(SELECT to_code AS code, at, id FROM tier_changes WHERE member_id = %(member_id)s AND at <= %(at)s
    ORDER BY at DESC, id DESC LIMIT 1)
UNION ALL (SELECT from_code, NULL, id FROM tier_changes WHERE member_id = %(member_id)s AND at > %(at)s
    ORDER BY at, id LIMIT 1)"""


def record_of(
    row: DictRow, *, amounts: Iterable[DictRow] = (), enrolled_at: datetime | None = None, balance: int = 0
) -> TierRecord:
    given = None
    if row["given_code"] is not None:
        given = GivenTier(row["given_code"], row["given_since"], row["given_until"])
    return TierRecord(
        tier_code=row["tier_code"],
        points_earned=row["points_earned"],
        spend_minor=row["spend_minor"],
        since=row["since"],
        visits=row["visits"],
        decided_at=row["decided_at"],
        grace_from=row["grace_from"],
        grace_until=row["grace_until"],
        let_down_at=row["let_down_at"],
        ladder=row["ladder"],
        given=given,
        next_at=row["next_at"],
        amounts=tuple(amount_of(each) for each in amounts),
        enrolled_at=enrolled_at,
        balance=balance,
    )


def amount_of(row: DictRow) -> Amount:
    return Amount(
        event_id=row["event_id"],
        unit=row["unit"],
        day=row["day"],
        counted_at=row["counted_at"],
        points=row["points"],
        spend_minor=row["spend_minor"],
        store_id=row["store_id"],
    )


def amount_row(member_id: UUID, amount: Amount) -> dict[str, Any]:
    return {
        "member_id": member_id,
        "event_id": amount.event_id,
        "unit": amount.unit,
        "counted_at": amount.counted_at,
        "day": amount.day,
        "points": amount.points,
        "spend_minor": amount.spend_minor,
        "store_id": amount.store_id,
    }


def change_of(row: DictRow) -> TierChangeRecord:
    return TierChangeRecord(
        id=row["id"],
        member_id=row["member_id"],
        from_code=row["from_code"],
        to_code=row["to_code"],
        kind=ChangeKind(row["kind"]),
        event_id=row["event_id"],
        reason=row["reason"],
        until=row["until"],
        actor=Actor(ActorKind(row["actor_kind"]), row["actor_id"]),
        at=row["at"],
        recorded_at=row["recorded_at"],
    )


def rows_statement(query: str, rows: Sequence[Mapping[str, Any]]) -> list[Statement]:
    return [Statement(query, {"rows": Jsonb(rows)})] if rows else []
