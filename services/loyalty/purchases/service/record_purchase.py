"""Evidence in, points out: one receipt or many, by the same way."""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from uuid import UUID

from psycopg.errors import UniqueViolation

from services.loyalty.members import queries as members
from services.loyalty.members.domain import MemberRef
from services.loyalty.purchases import repository
from services.loyalty.purchases.domain import PurchaseRef, RecordedPurchase, RecordPurchase
from services.loyalty.purchases.domain.receipt import check_receipt, purchase_hash
from services.loyalty.purchases.errors import PurchaseConflict
from services.loyalty.purchases.service.deciding import Decision, decide, replay
from services.loyalty.purchases.service.refund_purchase import refund_what_waited
from services.loyalty.purchases.service.surroundings import OPERATION, Number, Sale, Surroundings, look_around
from services.loyalty.purchases.service.waiting import apply_waiting
from services.loyalty.purchases.service.writing import writing_statements
from services.loyalty.stores.domain import Store
from services.loyalty.stores.queries import stores_by_ids
from services.platform.actors import Sender
from services.platform.db.session import UnitOfWork
from services.platform.errors import DomainError, InvalidInput
from services.platform.idempotency import batch as idempotency
from services.platform.idempotency.batch import Settled
from services.platform.idempotency.service import check_key
from services.platform.text import check_text

RECORDINGS_MAX = 500
"""Receipts of one batch."""

Outcome: TypeAlias = RecordedPurchase | DomainError


@dataclass(slots=True)
class _Plan:
    """What is decided so far: outcomes by the place of the command, and what is to be written."""

    outcomes: dict[int, Outcome] = field(default_factory=dict)
    decisions: list[Decision] = field(default_factory=list)
    settled: dict[str, Settled] = field(default_factory=dict)


def record_purchase(uow: UnitOfWork, *, command: RecordPurchase, is_last: bool = False) -> RecordedPurchase:
    """Store a receipt, and post what it earns.

    A guest, an inactive member and a time before the first program earn nothing; the receipt is stored all the same.
    The same receipt told again under another key is answered as the first time. With ``is_last`` the unit of work is
    committed in the same round trip, and nothing may follow.

    Raises:
        InvalidInput, DiscountExceedsOrder: a receipt that nobody can have.
        OccurredInFuture, OccurredTooLongAgo: by the program's back-dating limit.
        StoreNotFound, StoreClosed, StoreCurrencyMismatch, CurrencyNotAccepted
        MemberNotFound, IdentityInvalid
        PurchaseConflict: the external id belongs to another receipt.
        AccrualTooLarge, BalanceTooLarge, QualifyingSumTooLarge
        IdempotencyConflict, IdempotencyKeyInvalid
    """
    sale = sale_of(uow, command)
    plan = _record(uow, {0: sale}, is_alone=True, is_last=is_last)
    outcome = plan.outcomes[0]
    if isinstance(outcome, DomainError):
        raise outcome
    return outcome


def record_purchases(
    uow: UnitOfWork,
    *,
    commands: Sequence[RecordPurchase],
    senders: Sequence[Sender] | None = None,
    is_last: bool = False,
) -> list[Outcome]:
    """Record receipts one after the other in one transaction; what came of each, in their order.

    Each sees what the ones before it did. A refused one leaves no trace and keeps no other from being stored.
    ``senders`` are given when the receipts come from several; else see `record_purchase`.

    Raises:
        InvalidInput: no receipt, or more than ``RECORDINGS_MAX``.
    """
    check_count(len(commands))
    plan = _Plan()
    sales: dict[int, Sale] = {}
    near = _stores_of_local_numbers(uow, commands)
    for index, command in enumerate(commands):
        acting = uow
        if senders is not None:
            acting = uow.acting_for(senders[index])
        try:
            sales[index] = _sale(acting, command, near)
        except DomainError as error:
            plan.outcomes[index] = error
    if sales:
        plan.outcomes |= _record(uow, sales, is_alone=False, is_last=is_last).outcomes
    uow.has_published |= any(sale.uow.has_published for sale in sales.values())
    uow.has_posted |= any(sale.uow.has_posted for sale in sales.values())
    return [plan.outcomes[index] for index in range(len(commands))]


def check_count(count: int) -> None:
    """Refuse a batch of nothing and one that is too large.

    Raises:
        InvalidInput: COUNT_OUT_OF_RANGE
    """
    if not 1 <= count <= RECORDINGS_MAX:
        raise InvalidInput(field="purchases", reason="COUNT_OUT_OF_RANGE", limit=str(RECORDINGS_MAX))


def _stores_of_local_numbers(uow: UnitOfWork, commands: Sequence[RecordPurchase]) -> Mapping[UUID, Store]:
    """The stores whose country is needed, because a phone number was given as it is dialed there."""
    ids = {each.store_id for each in commands if each.member is not None and members.is_dialed_locally(each.member)}
    return stores_by_ids(uow, store_ids=sorted(ids)) if ids else {}


def sale_of(uow: UnitOfWork, command: RecordPurchase) -> Sale:
    """The receipt of a command, with its member in the stored form.

    Raises:
        InvalidInput, DiscountExceedsOrder, IdentityInvalid, IdempotencyKeyInvalid
    """
    return _sale(uow, command, _stores_of_local_numbers(uow, (command,)))


def _sale(uow: UnitOfWork, command: RecordPurchase, near: Mapping[UUID, Store]) -> Sale:
    source = check_text(command.source, field="source")
    external_id = check_text(command.external_id, field="externalId")
    channel = check_text(command.channel, field="channel")
    if (source, external_id, channel) != (command.source, command.external_id, command.channel):
        command = dataclasses.replace(command, source=source, external_id=external_id, channel=channel)
    receipt = check_receipt(
        currency=command.currency, lines=command.lines, discount_minor=command.discount_minor, told=command.told
    )
    check_key(command.idempotency_key)
    member: MemberRef | None = None
    if command.member is not None:
        member = members.normalized_at(command.member, store=near.get(command.store_id))
    return Sale(command, receipt, command.occurred_at or uow.now, uow, member)


def _record(uow: UnitOfWork, sales: Mapping[int, Sale], *, is_alone: bool, is_last: bool) -> _Plan:
    around = look_around(uow, list(sales.values()))
    while True:
        plan = _decided(around, sales)
        if is_alone and isinstance(plan.outcomes[next(iter(sales))], DomainError):
            # The whole unit of work is given up.
            return plan
        awaited = {decision.sale.number for decision in plan.decisions} & around.awaited
        refused = {sale.key for sale in sales.values()} - plan.settled.keys() - around.settled.keys()
        statements = [
            *writing_statements(uow, around, plan.decisions),
            *idempotency.settle_statements(operation=OPERATION, settled=plan.settled),
            *idempotency.release_statements(operation=OPERATION, keys=sorted(refused)),
        ]
        try:
            if statements or is_last:
                uow.fetch_pipeline(statements, is_last=is_last and not awaited)
        except UniqueViolation as error:
            # Somebody else has stored one of the receipts since we looked: what it is to us must be decided anew.
            if not repository.is_known(error):
                raise
            repository.go_back(uow)
            around = around.anew(uow, sales.values())
        else:
            if awaited:
                _refund_what_waited(uow, plan, awaited)
            return plan


def _refund_what_waited(uow: UnitOfWork, plan: _Plan, awaited: Collection[Number]) -> None:
    """Apply the refunds that came before their purchases; these are not any more what they were when recorded."""
    apply_waiting(uow, purchases=[PurchaseRef(*number) for number in sorted(awaited)], apply=refund_what_waited)
    for index, outcome in plan.outcomes.items():
        if isinstance(outcome, RecordedPurchase):
            plan.outcomes[index] = dataclasses.replace(outcome, purchase=None)


def _decided(around: Surroundings, sales: Mapping[int, Sale]) -> _Plan:
    plan = _Plan()
    for index, sale in sales.items():
        try:
            plan.outcomes[index] = _outcome(around, sale, plan)
        except DomainError as error:
            plan.outcomes[index] = error
    return plan


def _outcome(around: Surroundings, sale: Sale, plan: _Plan) -> RecordedPurchase:
    command = sale.command
    settled = around.settled.get(sale.key) or plan.settled.get(sale.key)
    if settled is not None:
        return replay(
            idempotency.replayed(settled, operation=OPERATION, key=sale.key, request_hash=command.request_hash)
        )
    store_id: UUID = command.store_id
    buyer = None
    if sale.member is not None and not isinstance(sale.member, UUID):
        # Who is not there is told before a store that is not there.
        buyer = around.buyer(sale)
    store = around.store(store_id)
    buyer = buyer or around.buyer(sale)
    content_hash = purchase_hash(command, sale.receipt, member_id=buyer.member_id if buyer else None)
    known = around.known.get(sale.number)
    answer: Mapping[str, Any]
    if known is not None:
        if known["content_hash"] != content_hash:
            raise PurchaseConflict(external_id=command.external_id, purchase_id=known["id"])
        answer = known["answer"]
        outcome = replay(answer)
    else:
        decision = decide(around, sale, store=store, buyer=buyer, content_hash=content_hash)
        plan.decisions.append(decision)
        answer, outcome = decision.answer_json, decision.outcome
        around.known[sale.number] = {
            "id": decision.purchase_id,
            "content_hash": content_hash,
            "answer": answer,
        }
    plan.settled[sale.key] = Settled(command.request_hash, answer)
    return outcome
