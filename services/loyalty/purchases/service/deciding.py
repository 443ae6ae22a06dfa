"""From a receipt and what it meets to what is to be written."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.contracts.events.loyalty import PurchaseRecorded
from services.loyalty.earning.domain import FrozenInputs, freeze
from services.loyalty.earning.service import CapUse, Posted, cap_uses, post_evaluation
from services.loyalty.ledger import service as ledger
from services.loyalty.ledger.domain import Reference
from services.loyalty.ledger.domain.book import HolderBook
from services.loyalty.programs.domain import Policies
from services.loyalty.programs.domain.publishing import ProgramVersion, unit_of
from services.loyalty.purchases.domain import Purchase, RecordedPurchase
from services.loyalty.purchases.domain.assessment import Assessment, BuyingMember, Occasion, assess
from services.loyalty.purchases.domain.receipt import check_occurred
from services.loyalty.purchases.domain.telling import check_fields
from services.loyalty.purchases.service.surroundings import Buyer, Sale, Surroundings
from services.loyalty.stores.domain import Store, check_sale
from services.loyalty.tiers.domain import ladder_of, level_at
from services.platform.ids import new_id

REFERENCE = "purchase"


@dataclass(frozen=True, slots=True)
class Decision:
    """All that is to be written for one receipt. ``frozen`` is what its evaluation saw, None where there was none."""

    sale: Sale
    purchase_id: UUID
    content_hash: bytes
    buyer: Buyer | None
    assessment: Assessment | None
    frozen: FrozenInputs | None
    posted: Posted
    answer: RecordedPurchase
    letter: PurchaseRecorded
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
            entry_id=self.posted.entry_id,
            told=sale.receipt.told,
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


def decide(
    around: Surroundings,
    sale: Sale,
    *,
    store: Store,
    buyer: Buyer | None,
    content_hash: bytes,
    purchase_id: UUID | None = None,
    is_promised: bool = False,
) -> Decision:
    """What a receipt earns; the buyer is left as the next receipt finds them. A refused one changes nothing.

    ``purchase_id`` is given where the receipt was stored before, for a guest. One that ``is_promised``, by a quote that
    lasts still, is not told too late.

    Raises:
        StoreClosed, StoreCurrencyMismatch, OccurredInFuture, OccurredTooLongAgo, CurrencyNotAccepted
        InvalidInput: a field that the program does not declare for purchases, or of another type.
        AccrualTooLarge, BalanceTooLarge, QualifyingSumTooLarge
    """
    now, occurred_at = sale.uow.now, sale.occurred_at
    version, present = around.version(occurred_at), around.version(now)
    check_sale(store, currency=sale.receipt.currency, occurred_at=occurred_at)
    check_occurred(occurred_at, now=now, earliest=occurred_at if is_promised else _earliest(present, now))
    check_fields(version.document.fields if version else (), sale.receipt.told.fields)
    purchase_id, unit = purchase_id or new_id(), unit_of(present)
    assessment, frozen, book, posted = None, None, None, Posted()
    uses: Mapping[CapUse, int] = {}
    if buyer is not None:
        book = buyer.book or ledger.open_book(sale.uow, stored=buyer.stored, store_id=sale.command.store_id)
        occasion = _occasion(sale, store, purchase_id, version, present)
        if occasion is not None and buyer.earner.is_active:
            assessment = _assess(around, sale, buyer, book, occasion)
    if buyer is not None and book is not None and assessment is not None:
        posted = _post(sale, buyer, book, assessment, purchase_id)
        frozen = freeze(assessment.evaluation, assessment.event, program_version_id=assessment.version.id)
        uses = cap_uses(assessment.evaluation, member_id=buyer.member_id)
        buyer.count(assessment.requalification)
        around.fill(buyer, uses)
    if buyer is not None:
        buyer.book = book
        buyer.purchases += 1
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
    letter = _letter(around, sale, answer, store, present=present, buyer=buyer)
    return Decision(sale, purchase_id, content_hash, buyer, assessment, frozen, posted, answer, letter, uses)


def _earliest(present: ProgramVersion | None, now: datetime) -> datetime:
    policies = present.document.policies if present else Policies()
    return now - timedelta(days=policies.backdating_days)


def _assess(around: Surroundings, sale: Sale, buyer: Buyer, book: HolderBook, occasion: Occasion) -> Assessment:
    unit = ladder_of(occasion.present).unit
    held = book.balance(unit)
    member = BuyingMember(
        earner=buyer.earner,
        record=buyer.record,
        cap_used=around.cap_used(buyer),
        purchases=buyer.purchases,
        balance=held.available - held.owed,
    )
    return assess(sale.receipt, member, occasion)


def _occasion(
    sale: Sale, store: Store, purchase_id: UUID, version: ProgramVersion | None, present: ProgramVersion | None
) -> Occasion | None:
    """None before there was a program."""
    if version is None or present is None:
        return None
    return Occasion(
        purchase_id=purchase_id,
        version=version,
        present=present,
        store=store,
        channel=sale.command.channel,
        source=sale.command.source,
        occurred_at=sale.occurred_at,
        now=sale.uow.now,
    )


def _post(sale: Sale, buyer: Buyer, book: HolderBook, assessment: Assessment, purchase_id: UUID) -> Posted:
    return post_evaluation(
        sale.uow,
        book=book,
        version=assessment.version,
        evaluation=assessment.evaluation,
        reference=Reference(REFERENCE, purchase_id),
        occurred_at=sale.occurred_at,
        enrolled_at=buyer.earner.enrolled_at,
        store_id=sale.command.store_id,
        times=assessment.times,
    )


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
        level = level_at(present.document.tiers, buyer.record, at=sale.uow.now)
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
