"""What a purchase must leave as it found it once it is returned: "never there", as a value and as a hash.

Balances, lots, tiers, the use of caps, coupons, budgets and stock count. Lots count by what they are worth to their
holder, whatever they stem from and in however many parts: the sum that becomes spendable and ends at the same instants.
History, counters of what happened, messages sent and a recorded shortfall stay, and are not looked at.
"""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime
from typing import Any, cast
from uuid import UUID

from psycopg.rows import DictRow

from services.platform.db.questions import Question, ask
from services.platform.db.session import ReadSession, Statement

BALANCES = """
SELECT holder_id, unit, pending_in - pending_out AS pending, available_in - available_out AS available,
    held_in - held_out AS held, owed_in - owed_out AS owed
FROM ledger_balances WHERE %(all)s OR holder_id = ANY(%(ids)s)"""
LOTS = """
SELECT holder_id, unit, remaining, state, activates_at, expires_at
FROM ledger_lots WHERE remaining > 0 AND (%(all)s OR holder_id = ANY(%(ids)s))"""
TIERS = """
SELECT member_id, tier_code, points_earned, spend_minor, visits, since, grace_from, grace_until, given_code, given_until
FROM member_tiers WHERE %(all)s OR member_id = ANY(%(ids)s)"""
AMOUNTS = """
SELECT member_id, unit, day, sum(points)::bigint AS points, sum(spend_minor)::bigint AS spend_minor,
    count(DISTINCT store_id) AS visits
FROM tier_amounts WHERE %(all)s OR member_id = ANY(%(ids)s)
GROUP BY member_id, unit, day HAVING sum(points) <> 0 OR sum(spend_minor) <> 0 OR count(store_id) <> 0"""
CAPS = """
SELECT member_id, 'rule' AS subject, rule_id AS code, 'points' AS measure, 'day' AS period, day AS start, used
FROM cap_uses WHERE used <> 0 AND (%(all)s OR member_id = ANY(%(ids)s))
UNION ALL
SELECT owner_id, subject, code, measure, period, start, used
FROM cap_fillings WHERE used <> 0 AND (%(all)s OR owner_id = ANY(%(ids)s))"""

STOCK = "SELECT id, stock FROM rewards WHERE stock IS NOT NULL"
BUDGETS = """
SELECT id, points_held, points_spent, units_held, units_spent, money_held, money_spent FROM budgets
WHERE points_held + points_spent + units_held + units_spent + money_held + money_spent <> 0"""

COUPONS = """
SELECT id, definition_id, member_id, is_pending, uses_held, uses_spent, expires_at FROM coupons
WHERE voided_at IS NULL AND (%(all)s OR member_id = ANY(%(ids)s))"""
OFFERS = "SELECT id, uses_held, uses_spent FROM coupon_definitions WHERE uses_held + uses_spent <> 0"

LotKey = tuple[UUID, str, str, datetime | None, datetime | None]
"""Holder, unit, state, when it can be spent from, when it ends."""


@dataclass(frozen=True, slots=True)
class State:
    """What members have at one instant; what is zero is left out, so that a row of zeros is like no row."""

    balances: dict[tuple[UUID, str], tuple[int, int, int, int]] = field(default_factory=dict)
    """Pending, available, held and owed by holder and unit."""
    lots: dict[LotKey, int] = field(default_factory=dict)
    tiers: dict[UUID, tuple[Any, ...]] = field(default_factory=dict)
    """Code, sums, and what is under way, by member."""
    amounts: dict[tuple[UUID, str, date], tuple[int, int, int]] = field(default_factory=dict)
    """Points, money and visits that count towards tiers, by member, unit and day."""
    caps: dict[tuple[Any, ...], int] = field(default_factory=dict)
    stock: dict[UUID, int] = field(default_factory=dict)
    """What is left of rewards, by reward."""
    budgets: dict[UUID, tuple[int, ...]] = field(default_factory=dict)
    """What is held and spent of budgets, by budget."""
    coupons: dict[UUID, tuple[Any, ...]] = field(default_factory=dict)
    """Kind, owner, whether it waits, uses held and spent, and the end of coupons that are there, by coupon."""
    offers: dict[UUID, tuple[int, int]] = field(default_factory=dict)
    """How often coupons of a kind are held, and were used, by kind."""

    @property
    def hash(self) -> str:
        """The same for the same state, whatever the order in which rows were found."""
        parts = [getattr(self, each.name) for each in fields(self)]
        text = "\n".join("|".join(sorted(f"{key}={value}" for key, value in part.items())) for part in parts)
        return hashlib.sha256(text.encode()).hexdigest()


def state(session: ReadSession, *, member_ids: Collection[UUID] | None = None, first_tier: str = "base") -> State:
    """The state of a tenant's members, or of some, at ``session.now``, whatever has been settled by then.

    A member who was never counted stands like one whose sums are zero again, at ``first_tier``.
    """
    (found,) = ask(session, [state_question(session, member_ids=member_ids, first_tier=first_tier)])
    return cast("State", found)


def state_question(
    session: ReadSession, *, member_ids: Collection[UUID] | None = None, first_tier: str = "base"
) -> Question[State]:
    """Asks for `state`."""
    values = {"all": member_ids is None, "ids": list(member_ids or ())}

    def answer(rows: Sequence[list[DictRow]]) -> State:
        balances, lots, tiers, amounts, caps, stock, budgets, coupons, offers = rows
        return State(
            balances=_balances(balances, lots, session.now),
            lots=_lots(lots, session.now),
            tiers=_tiers(tiers, first_tier),
            amounts={
                (row["member_id"], row["unit"], row["day"]): (row["points"], row["spend_minor"], row["visits"])
                for row in amounts
            },
            caps={tuple(value for name, value in row.items() if name != "used"): row["used"] for row in caps},
            stock={row["id"]: row["stock"] for row in stock},
            budgets={row["id"]: tuple(value for name, value in row.items() if name != "id") for row in budgets},
            coupons={row["id"]: tuple(value for name, value in row.items() if name != "id") for row in coupons},
            offers={row["id"]: (row["uses_held"], row["uses_spent"]) for row in offers},
        )

    queries = (BALANCES, LOTS, TIERS, AMOUNTS, CAPS, STOCK, BUDGETS, COUPONS, OFFERS)
    return Question([Statement(query, values) for query in queries], answer)


def _tiers(rows: Iterable[dict[str, Any]], first_tier: str) -> dict[UUID, tuple[Any, ...]]:
    tiers = {}
    for row in rows:
        reached = (row["tier_code"], row["points_earned"], row["spend_minor"], row["visits"])
        if reached != (first_tier, 0, 0, 0) or row["given_code"] is not None:
            under_way = (row["grace_from"], row["grace_until"], row["given_code"], row["given_until"])
            # The first tier is held from the beginning, whenever something counted for the first time.
            since = None if row["tier_code"] == first_tier else row["since"].astimezone(UTC)
            tiers[row["member_id"]] = (*reached, since, *under_way)
    return tiers


def _balances(
    rows: Iterable[dict[str, Any]], lots: Iterable[dict[str, Any]], now: datetime
) -> dict[tuple[UUID, str], tuple[int, int, int, int]]:
    activated: defaultdict[tuple[UUID, str], int] = defaultdict(int)
    lapsed: defaultdict[tuple[UUID, str], int] = defaultdict(int)
    for lot in lots:
        key, before, after = (lot["holder_id"], lot["unit"]), lot["state"], _state_at(lot, now)
        activated[key] += lot["remaining"] if before == "pending" and after != "pending" else 0
        lapsed[key] += lot["remaining"] if after is None else 0
    settled = {}
    for row in rows:
        key = row["holder_id"], row["unit"]
        amounts = (
            row["pending"] - activated[key],
            row["available"] + activated[key] - lapsed[key],
            row["held"],
            row["owed"],
        )
        if any(amounts):
            settled[key] = amounts
    return settled


def _lots(rows: Iterable[dict[str, Any]], now: datetime) -> dict[LotKey, int]:
    sums: defaultdict[LotKey, int] = defaultdict(int)
    for lot in rows:
        there = _state_at(lot, now)
        if there is not None:
            # From when a lot that can be spent could be spent says only in which order it is drawn.
            starts = lot["activates_at"].astimezone(UTC)
            ends = lot["expires_at"].astimezone(UTC) if lot["expires_at"] else None
            sums[lot["holder_id"], lot["unit"], there, starts, ends] += lot["remaining"]
    return dict(sums)


def _state_at(lot: dict[str, Any], now: datetime) -> str | None:
    """Where a lot's remainder stands at ``now``, settled or not; None once it has ended."""
    if lot["state"] == "pending" and lot["activates_at"] > now:
        return "pending"
    if lot["expires_at"] is not None and lot["expires_at"] <= now:
        return None
    return "active"
