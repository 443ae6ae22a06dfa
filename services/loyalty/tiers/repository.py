"""The SQL of members' tiers. A member's rows are written by whoever holds the member's ledger lock."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from services.loyalty.programs.domain.telling import NoticeOutcome, Verdict
from services.loyalty.tiers.domain import Amount, ChangeKind, GivenTier, TierChangeRecord, TierNotice, TierRecord
from services.platform.actors import Actor, ActorKind
from services.platform.db.session import Statement

READ = """
SELECT member_id, tier_code, points_earned, spend_minor, since, visits, decided_at, grace_from, grace_until,
    let_down_at, next_at, ladder, given_code, given_since, given_until, notice_at,
    reached_with
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
    grace_until, let_down_at, next_at, amounts_from, ladder, given_code, given_since, given_until, notice_at,
    reached_with)
SELECT member_id, tier_code, points_earned, spend_minor, visits, since, decided_at, grace_from, grace_until,
    let_down_at, next_at, amounts_from, ladder, given_code, given_since, given_until, notice_at,
    reached_with
FROM jsonb_to_recordset(%(rows)s) AS rows (member_id uuid, tier_code text, points_earned bigint, spend_minor bigint,
    visits bigint, since timestamptz, decided_at timestamptz, grace_from timestamptz, grace_until timestamptz,
    let_down_at timestamptz, next_at timestamptz, amounts_from date, ladder text, given_code text,
    given_since timestamptz, given_until timestamptz, notice_at timestamptz,
    reached_with bigint)
ON CONFLICT (member_id) DO UPDATE SET tier_code = EXCLUDED.tier_code, since = EXCLUDED.since,
    points_earned = member_tiers.points_earned + EXCLUDED.points_earned,
    spend_minor = member_tiers.spend_minor + EXCLUDED.spend_minor, visits = member_tiers.visits + EXCLUDED.visits,
    decided_at = EXCLUDED.decided_at, grace_from = EXCLUDED.grace_from, grace_until = EXCLUDED.grace_until,
    let_down_at = EXCLUDED.let_down_at, next_at = EXCLUDED.next_at, amounts_from = EXCLUDED.amounts_from,
    ladder = EXCLUDED.ladder, given_code = EXCLUDED.given_code, given_since = EXCLUDED.given_since,
    given_until = EXCLUDED.given_until, notice_at = EXCLUDED.notice_at,
    reached_with = EXCLUDED.reached_with"""
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
_AMOUNT_FIELDS = itemgetter(*Amount._fields)
NOTICE_COLUMNS = "tier_code, loses_at, id, told_of, told_at, outcome, settled_at, due_at, kept_until, verdict"
NOTICES = f"""
SELECT member_id, {NOTICE_COLUMNS} FROM tier_notices WHERE member_id = ANY(%(ids)s) ORDER BY member_id, loses_at"""
# What became of a notice is known from elsewhere, and what was known first stands.
WRITE_NOTICES = f"""
INSERT INTO tier_notices (member_id, {NOTICE_COLUMNS})
SELECT member_id, {NOTICE_COLUMNS}
FROM jsonb_to_recordset(%(rows)s) AS rows (member_id uuid, tier_code text, loses_at timestamptz, id uuid,
    told_of timestamptz, told_at timestamptz, outcome text, settled_at timestamptz, due_at timestamptz,
    kept_until timestamptz, verdict text)
ON CONFLICT (member_id, tier_code, loses_at) DO UPDATE SET id = EXCLUDED.id, told_of = EXCLUDED.told_of,
    told_at = EXCLUDED.told_at, outcome = coalesce(tier_notices.outcome, EXCLUDED.outcome),
    settled_at = coalesce(tier_notices.settled_at, EXCLUDED.settled_at), due_at = EXCLUDED.due_at,
    kept_until = EXCLUDED.kept_until, verdict = EXCLUDED.verdict"""
SETTLE_NOTICE = """
UPDATE tier_notices SET outcome = %(outcome)s, settled_at = %(now)s WHERE id = %(id)s AND outcome IS NULL"""
SETTLE_NOTICES = """
UPDATE tier_notices SET outcome = 'accepted', settled_at = %(now)s WHERE outcome IS NULL AND id IS NOT NULL"""
NEXT_UNSETTLED = """
SELECT told_at AS due_at FROM tier_notices WHERE outcome IS NULL AND id IS NOT NULL ORDER BY told_at LIMIT 1"""
NEXT_NOTICE = """
SELECT notice_at AS due_at FROM member_tiers WHERE notice_at IS NOT NULL ORDER BY notice_at LIMIT 1"""
TO_BE_TOLD = """
SELECT member_id FROM member_tiers WHERE notice_at <= %(now)s ORDER BY notice_at, member_id LIMIT %(limit)s"""
SPARED = """
SELECT tier_code, count(DISTINCT member_id) FILTER (WHERE kept_until IS NOT NULL) AS kept,
    count(DISTINCT member_id) FILTER (WHERE verdict IN ('unreachable', 'given_up', 'would_keep')) AS not_reached
FROM tier_notices WHERE due_at >= %(since)s AND due_at < %(until)s GROUP BY tier_code ORDER BY tier_code"""
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
    row: DictRow,
    *,
    amounts: Iterable[DictRow] = (),
    enrolled_at: datetime | None = None,
    balance: int = 0,
    notices: Iterable[DictRow] = (),
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
        amounts=tuple(map(amount_of, amounts)),
        enrolled_at=enrolled_at,
        balance=balance,
        reached_with=row["reached_with"],
        notice_at=row["notice_at"],
        notices=tuple(notice_of(each) for each in notices),
    )


def notice_of(row: DictRow) -> TierNotice:
    return TierNotice(
        tier_code=row["tier_code"],
        loses_at=row["loses_at"],
        id=row["id"],
        told_of=row["told_of"],
        told_at=row["told_at"],
        outcome=None if row["outcome"] is None else NoticeOutcome(row["outcome"]),
        settled_at=row["settled_at"],
        due_at=row["due_at"],
        kept_until=row["kept_until"],
        verdict=None if row["verdict"] is None else Verdict(row["verdict"]),
    )


def notice_row(member_id: UUID, notice: TierNotice) -> dict[str, Any]:
    return {
        "member_id": member_id,
        "tier_code": notice.tier_code,
        "loses_at": notice.loses_at,
        "id": notice.id,
        "told_of": notice.told_of,
        "told_at": notice.told_at,
        "outcome": notice.outcome,
        "settled_at": notice.settled_at,
        "due_at": notice.due_at,
        "kept_until": notice.kept_until,
        "verdict": notice.verdict,
    }


def amount_of(row: DictRow) -> Amount:
    return Amount._make(_AMOUNT_FIELDS(row))


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
