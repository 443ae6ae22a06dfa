"""The SQL of cases."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from services.loyalty.after_sales.domain import (
    EVENTS_MAX,
    UNSETTLED,
    Case,
    CaseEvent,
    CaseEventKind,
    CaseFilter,
    CaseKind,
    CaseLine,
    CaseStatus,
    Effect,
)
from services.loyalty.purchases.domain.effects import Use, UseKind
from services.platform.actors import Actor, ActorKind
from services.platform.db.session import Statement

COLUMNS = (
    "id, kind, status, subject, member_id, purchase_id, store_id, lines, opener_kind, opener_id, assignee_id, "
    "assignee_name, opened_at, changed_at, refund_id, exchange_purchase_id, effect"
)
EVENT_COLUMNS = "id, case_id, kind, at, actor_kind, actor_id, from_status, to_status, assignee_name, text, is_internal"
BY_IDS = f"SELECT {COLUMNS} FROM cases WHERE id = ANY(%(ids)s)"
LOCK = f"{BY_IDS} FOR NO KEY UPDATE"
OF_PURCHASES = f"SELECT {COLUMNS} FROM cases WHERE purchase_id = ANY(%(ids)s) ORDER BY id"
OF_MEMBER = f"""
SELECT {COLUMNS} FROM cases
WHERE member_id = %(member_id)s AND (%(after)s::uuid IS NULL OR id < %(after)s)
ORDER BY id DESC LIMIT %(limit)s"""
FOUND = f"""
SELECT {COLUMNS} FROM cases
WHERE status = ANY(%(statuses)s) AND (%(after)s::uuid IS NULL OR id > %(after)s)
    AND (%(kind)s::text IS NULL OR kind = %(kind)s)
    AND (%(store_id)s::uuid IS NULL OR store_id = %(store_id)s)
    AND (%(assignee_id)s::uuid IS NULL OR assignee_id = %(assignee_id)s)
ORDER BY id LIMIT %(limit)s"""
COUNT_OWN = """
SELECT count(*) AS n FROM cases
WHERE member_id = %(member_id)s AND opener_kind = 'member' AND status = ANY(%(statuses)s)"""
INSERT = f"""
INSERT INTO cases ({COLUMNS})
VALUES (%(id)s, %(kind)s, %(status)s, %(subject)s, %(member_id)s, %(purchase_id)s, %(store_id)s, %(lines)s,
    %(opener_kind)s, %(opener_id)s, %(assignee_id)s, %(assignee_name)s, %(opened_at)s, %(changed_at)s, %(refund_id)s,
    %(exchange_purchase_id)s, %(effect)s)"""
UPDATE = """
UPDATE cases SET status = %(status)s, member_id = %(member_id)s, assignee_id = %(assignee_id)s,
    assignee_name = %(assignee_name)s, changed_at = %(changed_at)s, refund_id = %(refund_id)s,
    exchange_purchase_id = %(exchange_purchase_id)s, effect = %(effect)s
WHERE id = %(id)s"""
INSERT_EVENT = f"""
INSERT INTO case_events ({EVENT_COLUMNS})
VALUES (%(id)s, %(case_id)s, %(kind)s, %(at)s, %(actor_kind)s, %(actor_id)s, %(from_status)s, %(to_status)s,
    %(assignee_name)s, %(text)s, %(is_internal)s)"""
EVENTS_OF = f"SELECT {EVENT_COLUMNS} FROM case_events WHERE case_id = ANY(%(ids)s) ORDER BY id"
COUNT_EVENTS = "SELECT count(*) AS n FROM case_events WHERE case_id = %(id)s"


def found_statement(*, wanted: CaseFilter, limit: int, after_id: UUID | None) -> Statement:
    """Read a page of cases, oldest first."""
    statuses = [wanted.status] if wanted.status is not None else sorted(UNSETTLED)
    values = {
        "statuses": [status.value for status in statuses],
        "kind": wanted.kind.value if wanted.kind else None,
        "store_id": wanted.store_id,
        "assignee_id": wanted.assignee_id,
        "after": after_id,
        "limit": limit,
    }
    return Statement(FOUND, values)


def count_own_statement(*, member_id: UUID) -> Statement:
    """Count a member's own cases that are not settled."""
    return Statement(COUNT_OWN, {"member_id": member_id, "statuses": [status.value for status in UNSETTLED]})


def insert_statement(case: Case) -> Statement:
    """Store a case."""
    return Statement(INSERT, _values(case))


def update_statement(case: Case) -> Statement:
    """Store what has become of a case whose row is locked."""
    return Statement(UPDATE, _values(case))


def insert_event_statement(event: CaseEvent) -> Statement:
    """Store what happened."""
    values = {
        "id": event.id,
        "case_id": event.case_id,
        "kind": event.kind.value,
        "at": event.at,
        "actor_kind": event.actor.kind.value,
        "actor_id": event.actor.id,
        "from_status": event.from_status.value if event.from_status else None,
        "to_status": event.to_status.value if event.to_status else None,
        "assignee_name": event.assignee_name,
        "text": event.text,
        "is_internal": event.is_internal,
    }
    return Statement(INSERT_EVENT, values)


def is_full(rows: Sequence[DictRow]) -> bool:
    """Whether so much has happened that no note is taken any more."""
    return bool(rows[0]["n"] >= EVENTS_MAX)


def case_of(row: DictRow) -> Case:
    return Case(
        id=row["id"],
        kind=CaseKind(row["kind"]),
        status=CaseStatus(row["status"]),
        subject=row["subject"],
        member_id=row["member_id"],
        purchase_id=row["purchase_id"],
        store_id=row["store_id"],
        lines=tuple(
            CaseLine(position=line["position"], quantity=Decimal(line["quantity"]), reason=line["reason"])
            for line in row["lines"]
        ),
        opener=Actor(ActorKind(row["opener_kind"]), row["opener_id"]),
        assignee_id=row["assignee_id"],
        assignee_name=row["assignee_name"],
        opened_at=row["opened_at"],
        changed_at=row["changed_at"],
        refund_id=row["refund_id"],
        exchange_purchase_id=row["exchange_purchase_id"],
        effect=_effect_of(row["effect"]) if row["effect"] else None,
    )


def event_of(row: DictRow) -> CaseEvent:
    return CaseEvent(
        id=row["id"],
        case_id=row["case_id"],
        kind=CaseEventKind(row["kind"]),
        at=row["at"],
        actor=Actor(ActorKind(row["actor_kind"]), row["actor_id"]),
        from_status=CaseStatus(row["from_status"]) if row["from_status"] else None,
        to_status=CaseStatus(row["to_status"]) if row["to_status"] else None,
        assignee_name=row["assignee_name"],
        text=row["text"],
        is_internal=row["is_internal"],
    )


def _values(case: Case) -> dict[str, Any]:
    lines = [{"position": line.position, "quantity": str(line.quantity), "reason": line.reason} for line in case.lines]
    return {
        "id": case.id,
        "kind": case.kind.value,
        "status": case.status.value,
        "subject": case.subject,
        "member_id": case.member_id,
        "purchase_id": case.purchase_id,
        "store_id": case.store_id,
        "lines": Jsonb(lines),
        "opener_kind": case.opener.kind.value,
        "opener_id": case.opener.id,
        "assignee_id": case.assignee_id,
        "assignee_name": case.assignee_name,
        "opened_at": case.opened_at,
        "changed_at": case.changed_at,
        "refund_id": case.refund_id,
        "exchange_purchase_id": case.exchange_purchase_id,
        "effect": Jsonb(_effect_json(case.effect)) if case.effect else None,
    }


def _effect_json(effect: Effect) -> dict[str, Any]:
    return {
        "pointsTakenBack": effect.points_taken_back,
        "pointsReturned": effect.points_returned,
        "pointsEarned": effect.points_earned,
        "owed": effect.owed,
        "shortfall": effect.shortfall,
        "balance": effect.balance,
        "needsDecision": [_use_json(use) for use in effect.needs_decision],
        "consequences": [_use_json(use) for use in effect.consequences],
    }


def _effect_of(effect: dict[str, Any]) -> Effect:
    return Effect(
        points_taken_back=effect["pointsTakenBack"],
        points_returned=effect["pointsReturned"],
        points_earned=effect["pointsEarned"],
        owed=effect["owed"],
        shortfall=effect["shortfall"],
        balance=effect["balance"],
        needs_decision=tuple(_use_of(use) for use in effect["needsDecision"]),
        consequences=tuple(_use_of(use) for use in effect["consequences"]),
    )


def _use_json(use: Use) -> dict[str, Any]:
    return {"kind": use.kind.value, "id": str(use.id), "unit": use.unit, "points": use.points}


def _use_of(use: dict[str, Any]) -> Use:
    return Use(UseKind(use["kind"]), UUID(use["id"]), use["unit"], use["points"])
