"""Points go back the way they came: taken from lots, or given back to the lots that were drawn."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from services.loyalty.ledger import queries as ledger_queries
from services.loyalty.ledger import service as ledger
from services.loyalty.ledger.domain import (
    Entry,
    EntryHeader,
    EntryKind,
    Lot,
    LotMovement,
    LotState,
    Purpose,
    Reference,
    accrual_entry,
    allocate_clawback,
    apply_movements,
    clawback_entry,
    draw_from,
    give_back,
    new_lot,
    restoration_entry,
    spending_order,
)
from services.loyalty.ledger.domain.book import HolderBook
from services.loyalty.programs.domain import OwingPolicy, Policies
from services.loyalty.purchases.domain.evidence import UnitState
from services.loyalty.purchases.domain.reversal import still_taken
from services.loyalty.purchases.queries import refunds_by_purchases
from services.loyalty.purchases.service.scene import REFERENCE as PURCHASE
from services.loyalty.purchases.service.scene import Scene
from services.platform.db.session import UnitOfWork
from services.platform.ids import new_id

REFERENCE = "refund"


@dataclasses.dataclass(frozen=True, slots=True)
class TakenBack:
    """What was taken of one unit (below zero: given) in ``points``, those that are owed now among them.

    ``state`` is where the purchase stands after it in all.
    """

    points: int
    owed: int
    state: UnitState
    entry_id: UUID | None


def take_back(
    uow: UnitOfWork,
    *,
    scene: Scene,
    book: HolderBook,
    unit: str,
    ask: int,
    reference_id: UUID,
    occurred_at: datetime,
    own_first: Sequence[UUID] = (),
    returned: Mapping[UUID, int] | None = None,
) -> TakenBack:
    """Post to the buyer's book what is asked for of a unit; nothing when there is nothing to take or to give.

    The order of taking is that of ``allocate_clawback``; ``own_first`` are lots that come before all of it, and
    ``returned`` are points by lot that come back in the same refund and are taken before those of other lots. What is
    missing and held of the purchase's own lots is a shortfall like the rest, until a hold releases it.
    """
    assert scene.evaluated_by is not None
    policies = scene.evaluated_by.document.policies
    state = scene.units.get(unit, UnitState())
    header = ledger.entry_header(
        uow,
        holder_id=book.holder_id,
        occurred_at=occurred_at,
        store_id=scene.purchase.store_id,
        program_version_id=scene.evaluated_by.id,
        reference=Reference(REFERENCE, reference_id),
    )
    lapsed = scene.lapsed.get(unit, 0) + _lapsed_now(book, scene, unit)
    released = _taken_by_releases(uow, book, scene, unit)
    again = _to_give_again(state, ask, released=-sum(movement.delta for movement in released), lapsed=lapsed)
    entry_id = None
    if again:
        about = dataclasses.replace(header, id=new_id(), reference=Reference(PURCHASE, scene.purchase.id))
        movements = give_back(released, amount=again)
        entry_id = _restore(uow, book, scene, about, unit=unit, movements=movements, policies=policies)
    if ask < 0:
        given = _give(uow, book, scene, header=header, unit=unit, amount=-ask, policies=policies)
        return dataclasses.replace(given, points=given.points - again, entry_id=given.entry_id or entry_id)
    lots = book.lots_of(unit)
    first = [lot for lot in lots if lot.id in own_first]
    named = draw_from((*spending_order(_pending(first)), *spending_order(_active(first))), ask)
    lots = apply_movements(lots, named)
    own_ids = {lot.id for lot in lots if (lot.origin.kind, lot.origin.id) == (PURCHASE, scene.purchase.id)}
    allocation = allocate_clawback(
        [lot for lot in lots if lot.id in own_ids],
        [lot for lot in lots if lot.id not in own_ids],
        ask + sum(movement.delta for movement in named),
        own_lapsed=lapsed - again - state.lapsed,
        owing_room=_owing_room(book, unit, policies),
        returned=returned or {},
    )
    # What holds keep of its own lots is taken when they release it: who captures it has spent it.
    book.want(_own_lots(book, scene, unit), allocation.shortfall)
    movements = _numbered((*named, *allocation.movements))
    if movements or allocation.owed:
        draft = clawback_entry(header, unit=unit, movements=movements, owed=allocation.owed)
        entry_id = book.post(draft).header.id
    gone = allocation.owed - sum(movement.delta for movement in movements)
    after = UnitState(
        state.points, state.taken_back + gone, state.lapsed + allocation.lapsed, shortfall=allocation.shortfall
    )
    return TakenBack(gone - again, allocation.owed, after, entry_id)


def _taken_by_releases(uow: UnitOfWork, book: HolderBook, scene: Scene, unit: str) -> tuple[LotMovement, ...]:
    """What holds have released of the purchase's points, was taken by itself, and has not been given back."""
    about = Reference(PURCHASE, scene.purchase.id)
    stored = ledger_queries.entries_about(uow, kind=about.kind, ids=[about.id]) if scene.released.get(unit) else ()
    return still_taken((*stored, *(entry for entry in book.entries if entry.header.reference == about)), unit=unit)


def _to_give_again(state: UnitState, ask: int, *, released: int, lapsed: int) -> int:
    """How much of what releases took stands again, since less is asked for now.

    It counts with what has ended, which is never given back: so that it is told apart here. What no refund has counted
    yet was missing then.
    """
    uncounted = min(released, state.shortfall, max(0, lapsed - state.lapsed))
    if ask >= 0:
        return max(0, uncounted - ask)
    return uncounted + min(released - uncounted, max(0, -ask - state.taken_back))


def _pending(lots: Iterable[Lot]) -> list[Lot]:
    return [lot for lot in lots if lot.state is LotState.PENDING]


def _active(lots: Iterable[Lot]) -> list[Lot]:
    return [lot for lot in lots if lot.state is LotState.ACTIVE]


def _numbered(movements: Sequence[LotMovement]) -> tuple[LotMovement, ...]:
    """One movement a lot, in the order of drawing."""
    sums: dict[UUID, LotMovement] = {}
    for each in movements:
        before = sums[each.lot_id].delta if each.lot_id in sums else 0
        sums[each.lot_id] = dataclasses.replace(each, delta=before + each.delta)
    return tuple(dataclasses.replace(each, position=place) for place, each in enumerate(sums.values(), start=1))


def _owing_room(book: HolderBook, unit: str, policies: Policies) -> int:
    return book.owing_room(unit, policies.owed_points_max) if policies.owing is OwingPolicy.ALLOW else 0


def _lapsed_now(book: HolderBook, scene: Scene, unit: str) -> int:
    """What has ended of the purchase's lots in this unit of work, and is not stored yet."""
    return book.lapsed(_own_lots(book, scene, unit))


def canceled_now(book: HolderBook, scene: Scene, unit: str) -> int:
    """What of the purchase's lots has awaited an action in vain, and is not stored yet."""
    return book.lapsed(_own_lots(book, scene, unit), kinds=frozenset({EntryKind.CANCELLATION}))


def _own_lots(book: HolderBook, scene: Scene, unit: str) -> set[UUID]:
    return {
        lot.id
        for lot in book.lots.values()
        if lot.unit == unit and (lot.origin.kind, lot.origin.id) == (PURCHASE, scene.purchase.id)
    }


def _give(
    uow: UnitOfWork,
    book: HolderBook,
    scene: Scene,
    *,
    header: EntryHeader,
    unit: str,
    amount: int,
    policies: Policies,
) -> TakenBack:
    """Give points back that earlier refunds took: a negative line has come back, and the rest earns more.

    What is still owed is forgiven first, for it was taken last. What was owed and has been paid back with other points
    since is born again, to last as long as the purchase's own.
    """
    state = scene.units[unit]
    book.want(_own_lots(book, scene, unit), 0)
    back = min(amount, state.taken_back)
    drawn = still_taken(_entries(uow, scene), unit=unit) if back else ()
    in_lots = -sum(movement.delta for movement in drawn)
    owed = min(book.balance(unit).owed, max(0, back - in_lots))
    movements = give_back(drawn, amount=min(back - owed, in_lots)) if back > owed else ()
    entry_id = None
    if movements or owed:
        entry_id = _restore(uow, book, scene, header, unit=unit, movements=movements, policies=policies, owed=owed)
    if rest := back - owed - sum(movement.delta for movement in movements):
        grace_days = policies.given_back_grace_days
        _bear_again(uow, book, scene, header=header, unit=unit, amount=rest, grace_days=grace_days)
    after = UnitState(state.points, state.taken_back - back, state.lapsed - (amount - back), shortfall=0)
    return TakenBack(-back, -owed, after, entry_id)


def _restore(
    uow: UnitOfWork,
    book: HolderBook,
    scene: Scene,
    header: EntryHeader,
    *,
    unit: str,
    movements: Sequence[LotMovement],
    policies: Policies,
    owed: int = 0,
) -> UUID:
    """Give points back to the lots they were taken from, and owe ``owed`` less; the entry's id."""
    lot_ids = {movement.lot_id for movement in movements}
    book.lots = ledger_queries.lots_by_ids(uow, lot_ids=lot_ids) | book.lots
    marks = scene.buyer.marks if scene.buyer else ()
    book.give_back_ends(lot_ids, at=uow.now, grace_days=policies.given_back_grace_days, marks=marks)
    # A lot that was pending when it was drawn may have become active since.
    present = [dataclasses.replace(movement, purpose=book.lots[movement.lot_id].purpose) for movement in movements]
    entry = book.post(restoration_entry(header, unit=unit, movements=present, source=Purpose.ISSUANCE, owed=owed))
    ledger.settle_again(uow, book)
    return entry.header.id


def _bear_again(
    uow: UnitOfWork,
    book: HolderBook,
    scene: Scene,
    *,
    header: EntryHeader,
    unit: str,
    amount: int,
    grace_days: int,
) -> None:
    own = [each for each in scene.accruals if each.lot_id is not None and each.unit in {unit, None}]
    lots = ledger_queries.lots_by_ids(uow, lot_ids=[each.lot_id for each in own if each.lot_id is not None])
    last = spending_order(lot for lot in lots.values() if lot.unit == unit)[-1]
    expires_at = last.expires_at
    if last.expired(uow.now):
        if not grace_days:
            return
        expires_at = uow.now + timedelta(days=grace_days)
    lot = new_lot(
        lot_id=new_id(),
        holder_id=book.holder_id,
        unit=unit,
        amount=amount,
        origin=last.origin,
        now=uow.now,
        expires_at=expires_at,
    )
    about = dataclasses.replace(header, id=new_id(), reference=Reference(PURCHASE, scene.purchase.id))
    book.post(accrual_entry(about, lots=(lot,)))


def _entries(uow: UnitOfWork, scene: Scene) -> tuple[Entry, ...]:
    refunds = refunds_by_purchases(uow, purchase_ids=(scene.purchase.id,)).get(scene.purchase.id, ())
    return ledger_queries.entries_about(uow, kind=REFERENCE, ids=[refund.id for refund in refunds])
