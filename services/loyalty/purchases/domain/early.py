"""A refund that came before its purchase, as it is kept until then."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from services.loyalty.earning.domain import AmountRefund, FullRefund, LineRefund, RefundRequest, ReturnedLine
from services.loyalty.purchases.domain.commands import PurchaseRef, RefundPurchase


@dataclass(frozen=True, slots=True)
class WaitingRefund:
    """What was told, and when. ``member_id`` is who returned, if that was said; ``id`` becomes the refund's own.

    ``said_at`` is when it happened as it was told, None where nothing was; it then happened at ``occurred_at``.
    """

    id: UUID
    source: str
    external_id: str
    purchase: PurchaseRef
    member_id: UUID | None
    request: RefundRequest
    reason: str | None
    said_at: datetime | None
    occurred_at: datetime

    def command(self, purchase_id: UUID) -> RefundPurchase:
        """The refund, now that its purchase is here; its key has been answered already."""
        return RefundPurchase(
            purchase=purchase_id,
            source=self.source,
            external_id=self.external_id,
            request=self.request,
            idempotency_key="",
            request_hash=b"",
            reason=self.reason,
            occurred_at=self.said_at,
        )


def request_json(command: RefundPurchase) -> dict[str, Any]:
    """What a refund asks for, as JSON."""
    said = {"saidAt": None if command.occurred_at is None else command.occurred_at.astimezone(UTC).isoformat()}
    match command.request:
        case FullRefund():
            return said | {"kind": "full"}
        case LineRefund(lines):
            return said | {"kind": "lines", "lines": [[line.position, str(line.quantity)] for line in lines]}
        case AmountRefund(amount_minor):
            return said | {"kind": "amount", "amountMinor": amount_minor}


def parse_request(data: Mapping[str, Any]) -> RefundRequest:
    """What `request_json` made."""
    match data["kind"]:
        case "full":
            return FullRefund()
        case "lines":
            return LineRefund(tuple(ReturnedLine(position, Decimal(quantity)) for position, quantity in data["lines"]))
        case _:
            return AmountRefund(data["amountMinor"])


def early_hash(command: RefundPurchase, ref: PurchaseRef, *, member_id: UUID | None) -> bytes:
    """What tells two refunds under one external id apart while they wait: SHA-256 of all that was told."""
    content = {
        "purchase": [ref.source, ref.external_id],
        "member": None if member_id is None else str(member_id),
        "reason": command.reason,
        "request": request_json(command),
    }
    return hashlib.sha256(json.dumps(content, ensure_ascii=True, sort_keys=True).encode()).digest()
