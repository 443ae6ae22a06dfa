"""Cases after the sale, by services."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from services.loyalty.after_sales import queries, service
from services.loyalty.after_sales.domain import (
    Case,
    CaseKind,
    CaseLine,
    CaseStatus,
    CompleteCase,
    MoveCase,
    MovedCase,
    NoteCase,
    OpenCase,
)
from services.platform.idempotency.service import request_hash
from tests.support.builders.merchant import Merchant


def _key(merchant: Merchant) -> dict[str, Any]:
    number = next(merchant.numbers)
    return {"idempotency_key": f"case-{number}", "request_hash": request_hash({"number": number})}


def wanted(*quantities: tuple[int, str]) -> tuple[CaseLine, ...]:
    """Quantities of lines by position."""
    return tuple(CaseLine(position, Decimal(quantity)) for position, quantity in quantities)


def open_case(merchant: Merchant, kind: CaseKind, purchase_id: UUID | None = None, **changes: Any) -> UUID:
    lines = () if kind is CaseKind.SUPPORT else wanted((1, "1"))
    values = {"purchase_id": purchase_id, "subject": "Too small", "lines": lines, **_key(merchant)}
    command = OpenCase(kind, **(values | changes))
    return merchant.do(lambda uow: service.open_case(uow, command=command)).case_id


def move(merchant: Merchant, case_id: UUID, status: CaseStatus, **changes: Any) -> MovedCase:
    command = MoveCase(case_id, status, **(_key(merchant) | changes))
    return merchant.do(lambda uow: service.move_case(uow, command=command))


def note(merchant: Merchant, case_id: UUID, text: str, *, is_internal: bool = False) -> MovedCase:
    command = NoteCase(case_id, text, is_internal, **_key(merchant))
    return merchant.do(lambda uow: service.note_case(uow, command=command))


def complete(merchant: Merchant, case_id: UUID, **changes: Any) -> MovedCase:
    command = CompleteCase(case_id, **(_key(merchant) | changes))
    return merchant.do(lambda uow: service.complete_case(uow, command=command))


def stored(merchant: Merchant, case_id: UUID) -> Case:
    return merchant.read(lambda session: queries.cases_by_ids(session, case_ids=(case_id,)))[case_id]
