"""From a receipt and what it meets to what is to be written."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.contracts.events.loyalty import PurchaseRecorded
from services.loyalty.earning.domain import RuleAccrual, cap_day
from services.loyalty.earning.service import CapUse, cap_uses
from services.loyalty.ledger import service as ledger
from services.loyalty.ledger.domain import Lot, LotOrigin, Reference, accrual_entry, new_lot
from services.loyalty.ledger.domain.book import HolderBook
from services.loyalty.programs.domain import Policies
from services.loyalty.programs.domain.publishing import ProgramVersion, unit_of
from services.loyalty.purchases.domain import Purchase, RecordedPurchase
from services.loyalty.purchases.domain.assessment import Assessment, assess
from services.loyalty.purchases.domain.receipt import check_occurred
from services.loyalty.purchases.service.surroundings import Buyer, Sale, Surroundings
from services.loyalty.stores.domain import Store, check_sale
from services.loyalty.tiers.domain import level_held
from services.platform.ids import new_id

REFERENCE = "purchase"


@dataclass(frozen=True, slots=True)
class Decision:
    """All that is to be written for one receipt. ``lots`` are those of the rules that gave points, by rule id."""

    sale: Sale
    purchase_id: UUID
    content_hash: bytes
    buyer: Buyer | None
    assessment: Assessment | None
    entry_id: UUID | None
    answer: RecordedPurchase
    letter: PurchaseRecorded
    lots: Mapping[str, Lot] = field(default_factory=dict)
    cap_uses: Mapping[CapUse, int] = field(default_factory=dict)

    @property
    def outcome(self) -> RecordedPurchase:
        """The answer, with the purchase as it is stored."""
        return dataclasses.replace(self.answer, purchase=self._purchase())

    @property
    def answer_json(self) -> dict[str, Any]:
        """The answer as it is stored: ids and numbers only."""
        answer = self.answer
        return {
            "purchaseId": str(answer.purchase_id),
            "memberId": str(answer.member_id) if answer.member_id else None,
            "points": answer.points,
            "balance": answer.balance,
            "fromTier": answer.from_tier,
            "toTier": answer.to_tier,
        }

    def _purchase(self) -> Purchase:
        sale = self.sale
        return Purchase(
            id=self.purchase_id,
            source=sale.command.source,
            external_id=sale.command.external_id,
            member_id=self.answer.member_id,
            store_id=sale.command.store_id,
            channel=sale.command.channel,
            currency=sale.receipt.currency,
            discount_minor=sale.receipt.discount_minor,
            total_minor=sale.receipt.total_minor,
            refunded_minor=0,
            occurred_at=sale.occurred_at,
            recorded_at=sale.uow.now,
            program_version_id=self.assessment.version.id if self.assessment else None,
            points=self.answer.points,
            points_taken_back=0,
            points_lapsed=0,
            shortfall=0,
            entry_id=self.entry_id,
        )


def replay(answer: Mapping[str, Any]) -> RecordedPurchase:
    """The stored answer, told again."""
    return RecordedPurchase(
        purchase_id=UUID(answer["purchaseId"]),
        member_id=UUID(answer["memberId"]) if answer["memberId"] else None,
        points=answer["points"],
        balance=answer["balance"],
        from_tier=answer["fromTier"],
        to_tier=answer["toTier"],
        replayed=True,
    )


def decide(around: Surroundings, sale: Sale, *, store: Store, buyer: Buyer | None, content_hash: bytes) -> Decision:
    """What a receipt earns; the buyer is left as the next receipt finds them. A refused one changes nothing.

    Raises:
        StoreClosed, StoreCurrencyMismatch, OccurredInFuture, OccurredTooLongAgo, CurrencyNotAccepted
        AccrualTooLarge, BalanceTooLarge, QualifyingSumTooLarge
    """
    now, occurred_at = sale.uow.now, sale.occurred_at
    version, present = around.version(occurred_at), around.version(now)
    check_sale(store, currency=sale.receipt.currency, occurred_at=occurred_at)
    check_occurred(occurred_at, now=now, earliest=_earliest(present, now))
    purchase_id, unit = new_id(), unit_of(present)
    assessment, book, entry_id = None, None, None
    lots: dict[str, Lot] = {}
    if buyer is not None:
        assessment = _assess(sale, store, buyer, version, present)
        book = buyer.book or ledger.open_book(sale.uow, stored=buyer.stored, store_id=sale.command.store_id)
        if assessment is not None and assessment.evaluation.points > 0:
            lots = _lots(sale, buyer.member_id, assessment, purchase_id)
            entry_id = _post(sale, book, lots, assessment, purchase_id)
    change = assessment.requalification.change if assessment else None
    answer = RecordedPurchase(
        purchase_id=purchase_id,
        member_id=buyer.member_id if buyer else None,
        points=assessment.evaluation.points if assessment else 0,
        balance=book.balance(unit.code).available if book else 0,
        from_tier=change.from_code if change else None,
        to_tier=change.to_code if change else None,
        replayed=False,
    )
    uses: Mapping[CapUse, int] = {}
    if buyer is not None:
        buyer.book = book
        if assessment is not None:
            uses = cap_uses(assessment.evaluation, member_id=buyer.member_id, day=assessment.cap_day)
            _advance(buyer, assessment, uses)
    letter = _letter(around, sale, answer, store, present=present, buyer=buyer)
    return Decision(sale, purchase_id, content_hash, buyer, assessment, entry_id, answer, letter, lots, uses)


def _earliest(present: ProgramVersion | None, now: datetime) -> datetime:
    policies = present.document.policies if present else Policies()
    return now - timedelta(days=policies.backdating_days)


def _assess(
    sale: Sale, store: Store, buyer: Buyer, version: ProgramVersion | None, present: ProgramVersion | None
) -> Assessment | None:
    if not buyer.is_active or version is None or present is None:
        return None
    return assess(
        version=version,
        present=present,
        lines=sale.receipt.earning(),
        currency=sale.receipt.currency,
        store_code=store.code,
        record=buyer.record,
        cap_used=buyer.cap_used.get(cap_day(version.document, sale.occurred_at), {}),
        occurred_at=sale.occurred_at,
        now=sale.uow.now,
    )


def _lots(sale: Sale, member_id: UUID, assessment: Assessment, purchase_id: UUID) -> dict[str, Lot]:
    now = sale.uow.now

    def lot(accrual: RuleAccrual) -> Lot:
        return new_lot(
            lot_id=new_id(),
            holder_id=member_id,
            unit=assessment.version.document.unit.code,
            amount=accrual.points,
            origin=LotOrigin(REFERENCE, purchase_id, accrual.rule_id, sale.command.store_id),
            now=now,
            # A till's clock that is ahead makes nothing pending.
            activates_at=min(sale.occurred_at, now),
        )

    return {accrual.rule_id: lot(accrual) for accrual in assessment.evaluation.accruals if accrual.points > 0}


def _post(sale: Sale, book: HolderBook, lots: Mapping[str, Lot], assessment: Assessment, purchase_id: UUID) -> UUID:
    header = ledger.entry_header(
        sale.uow,
        holder_id=book.holder_id,
        occurred_at=sale.occurred_at,
        store_id=sale.command.store_id,
        program_version_id=assessment.version.id,
        reference=Reference(REFERENCE, purchase_id),
    )
    return book.post(accrual_entry(header, lots=tuple(lots.values()))).header.id


def _advance(buyer: Buyer, assessment: Assessment, uses: Mapping[CapUse, int]) -> None:
    buyer.record = assessment.requalification.record
    for use, points in uses.items():
        used = buyer.cap_used.setdefault(use.day, {})
        used[use.rule_id] = used.get(use.rule_id, 0) + points


def _letter(
    around: Surroundings,
    sale: Sale,
    answer: RecordedPurchase,
    store: Store,
    *,
    present: ProgramVersion | None,
    buyer: Buyer | None,
) -> PurchaseRecorded:
    unit = unit_of(present)
    tier_en, tier_zh = "", ""
    if present is not None and buyer is not None:
        level = level_held(present.document.tiers, buyer.record)
        tier_en, tier_zh = level.name.en, level.name.zh
    return PurchaseRecorded(
        purchase_id=answer.purchase_id,
        member_id=answer.member_id,
        merchant_name=around.merchant_name,
        store_name=store.name,
        occurred_at=sale.occurred_at,
        timezone=store.timezone,
        total_minor=sale.receipt.total_minor,
        currency=sale.receipt.currency,
        points=answer.points,
        balance=answer.balance,
        unit_name_en=unit.name.en,
        unit_name_zh=unit.name.zh,
        unit_scale=unit.scale,
        tier_name_en=tier_en,
        tier_name_zh=tier_zh,
    )
