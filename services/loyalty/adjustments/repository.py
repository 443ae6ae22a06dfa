"""The SQL of adjustments that need a second person."""

from uuid import UUID

from psycopg.rows import DictRow

from services.loyalty.adjustments.domain import AdjustmentRequest, RequestStatus
from services.platform.actors import Actor, ActorKind
from services.platform.db.session import Statement, UnitOfWork

COLUMNS = """
id, member_id, store_id, unit, points, reason, requester_kind, requester_id, maker_id, requested_at, expires_at,
status, decider_kind, decider_id, decided_at, decision_reason, entry_id"""
INSERT = """
INSERT INTO adjustment_requests (id, member_id, store_id, unit, points, reason, requester_kind, requester_id, maker_id,
    requested_at, expires_at, status)
VALUES (%(id)s, %(member_id)s, %(store_id)s, %(unit)s, %(points)s, %(reason)s, %(requester_kind)s, %(requester_id)s,
    %(maker_id)s, %(requested_at)s, %(expires_at)s, 'pending')"""
BY_ID = f"SELECT {COLUMNS} FROM adjustment_requests WHERE id = %(id)s"
BY_IDS = f"SELECT {COLUMNS} FROM adjustment_requests WHERE id = ANY(%(ids)s)"
# After the holder's lock, where there is one; so two who decide take turns, and the second sees what the first did.
LOCK = f"{BY_ID} FOR NO KEY UPDATE"
DECIDE = """
UPDATE adjustment_requests SET status = %(status)s, decider_kind = %(decider_kind)s, decider_id = %(decider_id)s,
    decided_at = %(now)s, decision_reason = %(reason)s, entry_id = %(entry_id)s
WHERE id = %(id)s"""
PAGE = f"""
SELECT {COLUMNS} FROM adjustment_requests
WHERE (%(after)s::uuid IS NULL OR id < %(after)s) AND (%(status)s::text IS NULL OR status = %(status)s)
    AND (%(late_before)s::timestamptz IS NULL OR expires_at <= %(late_before)s)
    AND (%(open_at)s::timestamptz IS NULL OR expires_at > %(open_at)s)
ORDER BY id DESC LIMIT %(limit)s"""


def insert_statement(request: AdjustmentRequest) -> Statement:
    """Add a request."""
    return Statement(
        INSERT,
        {
            "id": request.id,
            "member_id": request.member_id,
            "store_id": request.store_id,
            "unit": request.unit,
            "points": request.points,
            "reason": request.reason,
            "requester_kind": request.requested_by.kind,
            "requester_id": request.requested_by.id,
            "maker_id": request.maker_id,
            "requested_at": request.requested_at,
            "expires_at": request.expires_at,
        },
    )


def decide_statement(
    uow: UnitOfWork,
    *,
    request_id: UUID,
    status: RequestStatus,
    reason: str | None = None,
    entry_id: UUID | None = None,
) -> Statement:
    """Note what came of a request that is locked and open."""
    return Statement(
        DECIDE,
        {
            "id": request_id,
            "status": status,
            "decider_kind": uow.actor.kind,
            "decider_id": uow.actor.id,
            "now": uow.now,
            "reason": reason,
            "entry_id": entry_id,
        },
    )


def request_of(row: DictRow) -> AdjustmentRequest:
    """The request of a row."""
    decider = row["decider_kind"]
    return AdjustmentRequest(
        id=row["id"],
        member_id=row["member_id"],
        store_id=row["store_id"],
        unit=row["unit"],
        points=row["points"],
        reason=row["reason"],
        requested_by=Actor(ActorKind(row["requester_kind"]), row["requester_id"]),
        maker_id=row["maker_id"],
        requested_at=row["requested_at"],
        expires_at=row["expires_at"],
        status=RequestStatus(row["status"]),
        decided_by=None if decider is None else Actor(ActorKind(decider), row["decider_id"]),
        decided_at=row["decided_at"],
        decision_reason=row["decision_reason"],
        entry_id=row["entry_id"],
    )
