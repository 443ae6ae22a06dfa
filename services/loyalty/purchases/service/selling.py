"""A sale whose price is made behind its buyer's lock: what a cart needs of purchases."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.errors import UniqueViolation
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from services.loyalty.earning.domain import CapKey
from services.loyalty.earning.service import CapUse
from services.loyalty.ledger import service as ledger
from services.loyalty.ledger.domain.book import HolderBook
from services.loyalty.programs.domain.publishing import ProgramVersion
from services.loyalty.purchases import repository
from services.loyalty.purchases.domain import PurchaseRef, RecordPurchase
from services.loyalty.purchases.domain.assessment import BuyingMember, Occasion
from services.loyalty.purchases.domain.receipt import check_receipt, purchase_hash
from services.loyalty.purchases.domain.settlement import Settlement, settlement_json
from services.loyalty.purchases.errors import PurchaseConflict
from services.loyalty.purchases.service.deciding import Decision, decide
from services.loyalty.purchases.service.record_purchase import sale_of
from services.loyalty.purchases.service.refund_purchase import refund_what_waited
from services.loyalty.purchases.service.surroundings import Buyer, Sale, Surroundings, look_around
from services.loyalty.purchases.service.waiting import apply_waiting
from services.loyalty.purchases.service.writing import writing_statements
from services.loyalty.stores.domain import Store
from services.loyalty.tiers.domain import ladder_of
from services.platform.db.session import Statement, UnitOfWork
from services.platform.idempotency import batch as idempotency

MoreReads = Callable[[UUID | None], Sequence[Statement]]


@dataclass(frozen=True, slots=True)
class OpenSale:
    """A sale with its buyer locked and the buyer's book open. ``more`` are the rows of what else was asked for."""

    uow: UnitOfWork
    operation: str
    around: Surroundings
    sale: Sale
    store: Store
    buyer: Buyer | None
    more: Sequence[list[DictRow]]

    @property
    def book(self) -> HolderBook | None:
        """The buyer's ledger; None for a guest."""
        return None if self.buyer is None else self.buyer.book

    @property
    def version(self) -> ProgramVersion | None:
        """The program in force when it happened."""
        return self.around.version(self.sale.occurred_at)

    def known_id(self) -> UUID | None:
        """The purchase that has this number already."""
        known = self.around.known.get(self.sale.number)
        return None if known is None else known["id"]

    def check_new(self) -> None:
        """Refuse a number that another purchase has.

        Raises:
            PurchaseConflict
        """
        known_id = self.known_id()
        if known_id is not None:
            raise PurchaseConflict(external_id=self.sale.command.external_id, purchase_id=known_id)

    def buying(self) -> BuyingMember | None:
        """The buyer as earning sees them; None for a guest, an inactive member and without a program."""
        present = self.around.version(self.uow.now)
        if self.buyer is None or self.book is None or present is None or not self.buyer.earner.is_active:
            return None
        held = self.book.balance(ladder_of(present).unit)
        return BuyingMember(
            earner=self.buyer.earner,
            record=self.buyer.record,
            cap_used=self.around.cap_used(self.buyer),
            purchases=self.buyer.purchases,
            balance=held.available - held.owed,
        )

    def occasion(self, purchase_id: UUID) -> Occasion | None:
        """When and where it is rung up; None before there was a program."""
        version, present = self.version, self.around.version(self.uow.now)
        if version is None or present is None:
            return None
        return Occasion(
            purchase_id=purchase_id,
            version=version,
            present=present,
            store=self.store,
            channel=self.sale.command.channel,
            source=self.sale.command.source,
            occurred_at=self.sale.occurred_at,
            now=self.uow.now,
        )

    def free_caps(self, fillings: Mapping[CapKey, int]) -> None:
        """Judge the sale as if these counters were emptier by so much: they are what its own cart has kept."""
        if self.buyer is not None:
            uses = {CapUse.of(self.buyer.member_id, key): -count for key, count in fillings.items()}
            self.around.fill(self.buyer, uses)


def open_sale(
    uow: UnitOfWork, *, operation: str, command: RecordPurchase, more: MoreReads
) -> OpenSale | Mapping[str, Any]:
    """Claim the command's key, lock the buyer and read all that the sale meets; or the stored answer.

    Raises:
        InvalidInput, DiscountExceedsOrder, IdentityInvalid, MemberNotFound, StoreNotFound
        IdempotencyConflict, IdempotencyKeyInvalid
    """
    sale = sale_of(uow, command)
    around = look_around(
        uow,
        [sale],
        operation=operation,
        more=lambda member_ids: more(member_ids[0] if member_ids else None),
        every_lot=True,
    )
    settled = around.settled.get(sale.key)
    if settled is not None:
        return idempotency.replayed(settled, operation=operation, key=sale.key, request_hash=command.request_hash)
    buyer = around.buyer(sale)
    store = around.store(command.store_id)
    if buyer is not None:
        buyer.book = ledger.open_book(uow, stored=buyer.stored, store_id=command.store_id)
    return OpenSale(uow, operation, around, sale, store, buyer, around.more)


def decide_sale(
    opened: OpenSale,
    *,
    command: RecordPurchase,
    purchase_id: UUID,
    occurred_at: datetime | None = None,
    is_promised: bool = False,
) -> Decision:
    """Decide the sale at its price; what was posted to the buyer's book before is before what it earns.

    One that ``is_promised`` was quoted when it happened, and may be told however late.

    Raises:
        StoreClosed, StoreCurrencyMismatch, OccurredInFuture, OccurredTooLongAgo, CurrencyNotAccepted
        InvalidInput, AccrualTooLarge, BalanceTooLarge, QualifyingSumTooLarge
    """
    receipt = check_receipt(
        currency=command.currency, lines=command.lines, discount_minor=command.discount_minor, told=command.told
    )
    sale = dataclasses.replace(
        opened.sale, command=command, receipt=receipt, occurred_at=occurred_at or opened.sale.occurred_at
    )
    member_id = opened.buyer.member_id if opened.buyer else None
    return decide(
        opened.around,
        sale,
        store=opened.store,
        buyer=opened.buyer,
        content_hash=purchase_hash(command, receipt, member_id=member_id),
        purchase_id=purchase_id,
        is_promised=is_promised,
    )


def selling_statements(opened: OpenSale, decision: Decision, settlement: Settlement | None) -> list[Statement]:
    """What stores the sale, its points and its settlement, beginning with a savepoint.

    None is a settlement that is stored by `settlement_statements` afterwards.
    """
    more = [] if settlement is None else settlement_statements(decision.purchase_id, settlement)
    return [*writing_statements(opened.uow, opened.around, [decision]), *more]


def settlement_statements(purchase_id: UUID, settlement: Settlement) -> list[Statement]:
    """What stores the settlement of a sale; none where there is nothing to give back."""
    if settlement.is_nothing:
        return []
    values = {"purchase_id": purchase_id, "settled": Jsonb(settlement_json(settlement))}
    return [Statement(repository.INSERT_SETTLEMENT, values)]


def check_same(opened: OpenSale) -> None:
    """Refuse a receipt whose number is known with other content.

    Raises:
        PurchaseConflict
    """
    command, member_id = opened.sale.command, opened.buyer.member_id if opened.buyer else None
    known = opened.around.known[opened.sale.number]
    if known["content_hash"] != purchase_hash(command, opened.sale.receipt, member_id=member_id):
        raise PurchaseConflict(external_id=command.external_id, purchase_id=known["id"])


def settle_key_statement(opened: OpenSale, answer: Mapping[str, Any]) -> Statement:
    """Store the answer under the command's key."""
    key = opened.sale.key
    settled = idempotency.Settled(opened.sale.command.request_hash, answer)
    return idempotency.settle_statements(operation=opened.operation, settled={key: settled})[0]


def go_back(opened: OpenSale) -> None:
    """Undo what `selling_statements` and what followed them wrote, for a sale that somebody else has stored."""
    repository.go_back(opened.uow)


def is_number_taken(error: UniqueViolation) -> bool:
    """Whether somebody else has stored a purchase with this number meanwhile."""
    return repository.is_known(error)


def is_awaited(opened: OpenSale) -> bool:
    """Whether refunds wait for the sale."""
    return opened.sale.number in opened.around.awaited


def refund_what_waits(opened: OpenSale) -> None:
    """Apply the refunds that came before the sale, once it is written."""
    if is_awaited(opened):
        purchase = PurchaseRef(*opened.sale.number)
        apply_waiting(opened.uow, purchases=[purchase], apply=refund_what_waited)
