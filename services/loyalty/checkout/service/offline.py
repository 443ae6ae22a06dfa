"""A till that was offline tells late what it has sold: it happened, and what cannot be honored any more is told.

The sale is stored as it was, with every discount that was given. Coupons are used and points are spent as far as they
are there; what is not is named in the answer, in minor units and points, and nothing of the sale is lost.
"""

import dataclasses
import hashlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID, uuid5

from psycopg.errors import CheckViolation, UniqueViolation

from services.loyalty.budgets import service as budgets
from services.loyalty.budgets.domain import Demand
from services.loyalty.checkout import repository
from services.loyalty.checkout.domain.commands import (
    OfflineCoupon,
    SettledOffline,
    SettleOfflinePurchase,
    answer_of,
    recorded_of,
)
from services.loyalty.checkout.domain.honoring import Honored, honored, refusals_json, refusals_of
from services.loyalty.checkout.domain.weighing import paying_unit
from services.loyalty.checkout.service.opening import PAYMENT, owner_of
from services.loyalty.coupons import queries as coupons_read
from services.loyalty.coupons import service as coupons
from services.loyalty.coupons.domain import OFFERS_MAX, Offer, Presented, Use
from services.loyalty.ledger import service as ledger
from services.loyalty.ledger.domain import Reference, allocate_lots, redemption_entry
from services.loyalty.purchases import service as purchases
from services.loyalty.purchases.domain import RecordPurchase, Tender, TenderKind
from services.loyalty.purchases.domain.receipt import purchase_hash
from services.loyalty.purchases.domain.settlement import PaidPoints, Settlement, UsedCoupon, spread
from services.loyalty.purchases.errors import PurchaseConflict
from services.loyalty.purchases.queries import purchase_by_external_id
from services.loyalty.purchases.service import OpenSale
from services.platform.db.session import Statement, UnitOfWork
from services.platform.errors import InvalidInput
from services.platform.ids import new_id
from services.platform.money import AMOUNT_MAX
from services.platform.text import check_text

OPERATION = "settleOfflinePurchase"
ACTIVITY = "redemption"
SAVEPOINT = "SAVEPOINT honoring"
BACK = "ROLLBACK TO SAVEPOINT honoring"
_CARTS = UUID("01900000-0000-7000-8000-00000ff11e00")
"""Where the carts of such sales come from: from their numbers, so that one that is told again is found."""


def settle_offline_purchase(uow: UnitOfWork, *, command: SettleOfflinePurchase) -> SettledOffline:
    """Record a sale that a till has closed on its own, and settle the coupons and points that it took.

    A coupon counts that was good when the sale happened and has not been used since, no matter what was voided after
    it, and what carts hold of it. Of two sales that took the same coupon the one that is told first has it.

    Raises:
        InvalidInput: amounts below zero, too many coupons, or points of a guest.
        PurchaseConflict: the external id belongs to another receipt.
        and as `purchases.service.record_purchase`
    """
    _check(command)
    command = dataclasses.replace(command, record=_record(command))
    record = command.record
    cart_id = uuid5(_CARTS, f"{record.source}\n{record.external_id}")
    codes = [each.code for each in command.coupons if each.code is not None]

    def more(member_id: UUID | None) -> Sequence[Statement]:
        return [
            repository.lock_statement(cart_id=cart_id),
            *coupons_read.presented_statements(
                uow,
                member_id=member_id,
                codes=codes,
                coupon_ids=[each.coupon_id for each in command.coupons if each.coupon_id is not None],
                owner=owner_of(cart_id),
                at=record.occurred_at,
                sold_at=record.occurred_at or uow.now,
            ),
        ]

    opened = purchases.open_sale(uow, operation=OPERATION, command=record, more=more)
    if not isinstance(opened, OpenSale):
        return _settled(opened, replayed=True)
    cart_rows, *coupon_rows = opened.more
    if cart_rows and opened.known_id() == cart_rows[0]["purchase_id"]:
        return _told_again(opened, command, cart_rows[0])
    opened.check_new()
    presented = coupons_read.presented_of(
        coupon_rows,
        member_id=opened.buyer.member_id if opened.buyer else None,
        codes=codes,
        at=opened.sale.occurred_at,
    )
    return _settle(opened, command, cart_id, presented)


def _told_again(opened: OpenSale, command: SettleOfflinePurchase, row: Mapping[str, Any]) -> SettledOffline:
    """The answer of the first time, under another key.

    Raises:
        PurchaseConflict: it was another sale, or other coupons or points were taken.
    """
    answer = row["answer"]
    if "of" not in answer:
        # Of the release before: only the receipt can be compared.
        purchases.check_same(opened)
    elif answer["of"] != _mark(opened, command):
        raise PurchaseConflict(external_id=command.record.external_id, purchase_id=row["purchase_id"])
    statement = purchases.settle_key_statement(opened, answer)
    opened.uow.execute(statement.query, statement.values)
    return _settled(answer, replayed=True)


def _mark(opened: OpenSale, command: SettleOfflinePurchase) -> str:
    """What tells a sale from another one of the same number: the receipt, and what was taken for it."""
    member_id = opened.buyer.member_id if opened.buyer else None
    receipt = purchase_hash(command.record, opened.sale.receipt, member_id=member_id)
    taken = sorted((each.code or "", str(each.coupon_id or ""), each.amount_minor) for each in command.coupons)
    words = (receipt.hex(), taken, command.points, command.value_minor)
    return hashlib.sha256(repr(words).encode()).hexdigest()


def _settle(opened: OpenSale, command: SettleOfflinePurchase, cart_id: UUID, presented: Presented) -> SettledOffline:
    uow, record, purchase_id = opened.uow, command.record, new_id()
    points = _spend(opened, command, purchase_id)
    decision = purchases.decide_sale(opened, command=record, purchase_id=purchase_id)
    row: dict[str, Any] = {
        "cart_id": cart_id,
        "status": "committed",
        "member_id": opened.buyer.member_id if opened.buyer else None,
        "store_id": record.store_id,
        "expires_at": uow.now,
        "purchase_id": purchase_id,
    }
    savepoint, *selling = purchases.selling_statements(opened, decision, None)
    try:
        # In the order of a commit: the cart, the sale, coupons, budgets.
        uow.fetch_pipeline([savepoint, repository.put_statement(uow, is_new=True, **row), *selling])
    except UniqueViolation as error:
        return _raced(opened, command, cart_id, error)
    found = _used(opened, command, cart_id, honored(command.coupons, presented))
    borne = _borne(opened, command, cart_id, found)
    spent_minor = command.value_minor * points // command.points if command.points else 0
    paid = None
    if points:
        positions = {line.position: line.net_minor for line in decision.sale.receipt.lines}
        paid = PaidPoints(paying_unit(opened.version), points, spent_minor, spread(spent_minor, positions))
    settlement = Settlement(cart_id, paid, tuple(_coupon(opened, each, borne) for each in found.used))
    answer = SettledOffline(
        cart_id=cart_id,
        recorded=decision.outcome,
        points=points,
        missing_points=command.points - points,
        missing_minor=command.value_minor - spent_minor,
        refused=found.refused,
    )
    content = _answer_json(answer) | {"of": _mark(opened, command)}
    uow.fetch_pipeline(
        [
            *purchases.settlement_statements(purchase_id, settlement),
            repository.put_statement(uow, is_new=False, answer=content, **row),
            purchases.settle_key_statement(opened, content),
        ]
    )
    purchases.refund_what_waits(opened)
    return answer


def _raced(opened: OpenSale, command: SettleOfflinePurchase, cart_id: UUID, error: UniqueViolation) -> SettledOffline:
    """A guest has nobody to queue at, and a number no member: somebody else has told the sale, or taken its number."""
    if not repository.is_raced(error) and not purchases.is_number_taken(error):
        raise error
    purchases.go_back(opened)
    rows: Sequence[Mapping[str, Any]] = opened.uow.fetch_all(repository.BY_ID, {"id": cart_id})
    if rows:
        return _told_again(opened, command, rows[0])
    record = command.record
    known = purchase_by_external_id(opened.uow, source=record.source, external_id=record.external_id)
    if known is None:
        raise error
    raise PurchaseConflict(external_id=record.external_id, purchase_id=known.id)


def _used(opened: OpenSale, command: SettleOfflinePurchase, cart_id: UUID, found: Honored) -> Honored:
    """Use the coupons, one after the other: one that somebody else has used up meanwhile is refused alone."""
    uow, owner = opened.uow, owner_of(cart_id)
    member_id, currency = opened.buyer.member_id if opened.buyer else None, command.record.currency
    uses = [Use(offer, member_id, asked.amount_minor, currency) for asked, offer in found.used]
    if uses:
        # Kinds first and then coupons, all of them, in the order of their ids, as everywhere.
        uow.fetch_pipeline(coupons.lock_statements(uow, uses=uses, owner=owner))
    for use in uses:
        using = coupons.redeem_sold_statements(uow, use=use, owner=owner, sold_at=opened.sale.occurred_at)
        try:
            uow.fetch_pipeline([Statement(SAVEPOINT), *using])
        except CheckViolation as error:
            if coupons.refusal_of(error) is None:
                raise
            uow.execute(BACK)
            found = found.without(next(place for place, one in enumerate(found.used) if one[1].id == use.offer.id))
    return found


def _borne(opened: OpenSale, command: SettleOfflinePurchase, cart_id: UUID, found: Honored) -> Collection[UUID]:
    """Take what was given from the budgets of the coupons, as they were when it was sold; of which coupons.

    A full one stops nothing that has happened already: it does not bear it, and gets nothing back of it.
    """
    uow, owner = opened.uow, owner_of(cart_id)
    borne = set()
    budgeted = [(one[1].content.budget_id, one) for one in found.used if one[1].content.budget_id is not None]
    # Locked in the order of their ids, as everywhere.
    for budget_id, (asked, offer) in sorted(budgeted, key=lambda one: one[0]):
        demand = Demand(budget_id, units=1, money_minor=asked.amount_minor, currency=command.record.currency)
        taking = budgets.spend_statements(uow, demands=[demand], owner=owner, at=opened.sale.occurred_at)
        try:
            uow.fetch_pipeline([Statement(SAVEPOINT), *taking])
        except CheckViolation as error:
            if budgets.refusal_of(error) is None:
                raise
            uow.execute(BACK)
        else:
            borne.add(offer.id)
    return borne


def _spend(opened: OpenSale, command: SettleOfflinePurchase, purchase_id: UUID) -> int:
    """Spend what is there of the points that were taken; how many."""
    book = opened.book
    if book is None or not command.points or opened.buying() is None:
        return 0
    unit = paying_unit(opened.version)
    points = min(command.points, book.balance(unit).available)
    if points:
        assert opened.buyer is not None
        reference = Reference(PAYMENT, purchase_id)
        book.show_activity(ACTIVITY, opened.uow.now, reference)
        header = ledger.entry_header(
            opened.uow,
            holder_id=opened.buyer.member_id,
            occurred_at=opened.uow.now,
            store_id=command.record.store_id,
            program_version_id=opened.version.id if opened.version else None,
            reference=reference,
        )
        movements = allocate_lots(book.lots_of(unit), points, opened.uow.now)
        book.post(redemption_entry(header, unit=unit, movements=movements))
    return points


def _coupon(opened: OpenSale, used: tuple[OfflineCoupon, Offer], borne: Collection[UUID]) -> UsedCoupon:
    asked, offer = used
    # Which lines a till took it off is not told: all bear it, and it comes back in proportion to money.
    lines = {line.position: line.net_minor for line in opened.sale.receipt.lines}
    return UsedCoupon(
        coupon_id=offer.id,
        definition_id=offer.definition_id,
        version_id=offer.version_id,
        amount_minor=asked.amount_minor,
        by_line=spread(asked.amount_minor, lines),
        code=offer.code,
        budget_id=offer.content.budget_id if offer.id in borne else None,
    )


def _record(command: SettleOfflinePurchase) -> RecordPurchase:
    """The sale as it is kept: with its points as a payment, and without white space around its number."""
    record = command.record
    told = record.told
    others = tuple(tender for tender in told.tenders if tender.kind is not TenderKind.POINTS)
    if command.value_minor:
        others = (*others, Tender(TenderKind.POINTS, command.value_minor))
    return dataclasses.replace(
        record,
        source=check_text(record.source, field="source"),
        external_id=check_text(record.external_id, field="externalId"),
        channel=check_text(record.channel, field="channel"),
        told=dataclasses.replace(told, tenders=others),
    )


def _check(command: SettleOfflinePurchase) -> None:
    if len(command.coupons) > OFFERS_MAX:
        raise InvalidInput(field="coupons", reason="COUNT_OUT_OF_RANGE", limit=str(OFFERS_MAX))
    for index, coupon in enumerate(command.coupons):
        if not 0 <= coupon.amount_minor <= AMOUNT_MAX:
            raise InvalidInput(field=f"coupons.{index}.amount", reason="OUT_OF_RANGE", limit=str(AMOUNT_MAX))
    if not 0 <= command.points <= AMOUNT_MAX or (command.points and command.record.member is None):
        raise InvalidInput(field="pointsPaid", reason="OUT_OF_RANGE", limit="0")
    if not 0 <= command.value_minor <= AMOUNT_MAX or (command.points == 0) != (command.value_minor == 0):
        raise InvalidInput(field="paidWithPoints", reason="OUT_OF_RANGE", limit=str(AMOUNT_MAX))


def _answer_json(answer: SettledOffline) -> dict[str, Any]:
    return {
        "cartId": str(answer.cart_id),
        "recorded": answer_of(answer.recorded),
        "points": answer.points,
        "missingPoints": answer.missing_points,
        "missingMinor": answer.missing_minor,
        "refused": refusals_json(answer.refused),
    }


def _settled(answer: Mapping[str, Any], *, replayed: bool) -> SettledOffline:
    recorded = dataclasses.replace(recorded_of(answer["recorded"]), replayed=replayed)
    return SettledOffline(
        cart_id=UUID(answer["cartId"]),
        recorded=recorded,
        points=answer["points"],
        missing_points=answer["missingPoints"],
        missing_minor=answer["missingMinor"],
        refused=refusals_of(answer["refused"]),
    )
