"""Actions that pending points await: goods shipped, a time for returning over."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from services.loyalty.earning.domain.validity import Validity, expiry_that_rules, validity, validity_by_action
from services.loyalty.ledger.domain import Lot
from services.loyalty.programs.domain import Activation, Expiry, ProgramDocument
from services.loyalty.purchases.domain import PurchaseRef


@dataclass(frozen=True, slots=True)
class ReportAction:
    """The action of a purchase, by id or by number, or of an activity, by id, has happened, at ``occurred_at``."""

    action: str
    idempotency_key: str
    request_hash: bytes
    purchase: UUID | PurchaseRef | None = None
    activity_id: UUID | None = None
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ReportedAction:
    """The answer to `ReportAction`: how many points (of whatever unit) are spendable by it. None awaited it: 0."""

    points: int
    replayed: bool


def begun(lot: Lot, document: ProgramDocument, *, reported_at: datetime) -> Validity:
    """The validity of a lot whose action has come, by the document under which it was born."""
    return validity_by_action(lot.validity, _expiry(lot, document), reported_at=reported_at)


def begun_without_document(lot: Lot, *, reported_at: datetime) -> Validity:
    """The validity of a lot of which no document is known: it has no end."""
    assert lot.clock is not None
    return validity(Activation(), Expiry(), at=reported_at, zone=ZoneInfo(lot.clock.zone))


def _expiry(lot: Lot, document: ProgramDocument) -> Expiry:
    rule = next((rule for rule in document.rules if rule.id == lot.origin.rule_id), None)
    unit = next((unit for unit in document.units if unit.code == lot.unit), document.unit)
    held = lot.clock.tier if lot.clock else None
    level = next((level for level in document.tiers.levels if level.code == held), None)
    return expiry_that_rules(rule=rule.expiry if rule else None, tier=level.expiry if level else None, unit=unit.expiry)
