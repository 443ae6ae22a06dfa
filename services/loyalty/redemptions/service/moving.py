"""A redemption that is held is confirmed; one that is held, confirmed or fulfilled is canceled."""

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from psycopg.rows import DictRow

from services.loyalty.budgets import service as budgets
from services.loyalty.budgets.domain import Demand
from services.loyalty.coupons import queries as coupon_queries
from services.loyalty.coupons import service as coupons
from services.loyalty.coupons.domain import Coupon, CouponStatus
from services.loyalty.ledger import queries as ledger_queries
from services.loyalty.ledger import service as ledger
from services.loyalty.ledger.domain import (
    EntryHeader,
    Lot,
    LotMovement,
    Purpose,
    Reference,
    give_back,
    restoration_entry,
)
from services.loyalty.ledger.domain.activity import ActivityMark
from services.loyalty.ledger.domain.book import HOLD_REFERENCE, HolderBook
from services.loyalty.members import queries as members
from services.loyalty.programs.domain.publishing import ProgramVersion
from services.loyalty.programs.errors import ProgramNotPublished
from services.loyalty.programs.queries import in_force, versions_read
from services.loyalty.redemptions import repository
from services.loyalty.redemptions.domain import (
    NOTE_LENGTH_MAX,
    CancelRedemption,
    ConfirmRedemption,
    RedeemedReward,
    Redemption,
    RedemptionStatus,
    Whereabouts,
    check_payment,
    confirmed,
    hand_over,
    left_house,
)
from services.loyalty.redemptions.errors import (
    RedeemedPointsEnded,
    RedemptionEnded,
    RedemptionNeedsDecision,
    RedemptionNotFound,
)
from services.loyalty.redemptions.service.answering import letter, replay, settle_statement
from services.loyalty.redemptions.service.giving import coupon_statements, give_codes, write
from services.loyalty.redemptions.service.scene import ACTIVITY, METER, REFERENCE
from services.loyalty.rewards import queries as rewards
from services.loyalty.rewards import service as stock
from services.loyalty.rewards.domain import Reward, RewardContent
from services.loyalty.stores import queries as stores
from services.loyalty.stores.domain import Store, check_open
from services.platform.db.session import Statement, UnitOfWork
from services.platform.idempotency import service as idempotency
from services.platform.metering import service as metering
from services.platform.outbox import service as outbox
from services.platform.text import check_optional_text

CONFIRM = "confirmRedemption"
CANCEL = "cancelRedemption"


@dataclasses.dataclass(frozen=True, slots=True)
class _Scene:
    """The locked member and redemption, with the reward as it was when it was asked for."""

    book: HolderBook
    redemption: Redemption
    reward: Reward
    version: ProgramVersion
    store: Store | None
    merchant_name: str
    marks: Sequence[ActivityMark]
    given: "_Given | None" = None

    @property
    def unit(self) -> str:
        return self.version.document.unit.code

    def header(self, uow: UnitOfWork, *, kind: str = REFERENCE) -> EntryHeader:
        """The header of an entry about the redemption."""
        return ledger.entry_header(
            uow,
            holder_id=self.book.holder_id,
            occurred_at=uow.now,
            store_id=self.redemption.store_id,
            program_version_id=self.version.id,
            reference=Reference(kind, self.redemption.id),
        )

    def answer(self) -> RedeemedReward:
        """What is told of it."""
        redemption = self.redemption
        balance = self.book.balance(self.unit).available
        return RedeemedReward(redemption.id, redemption.member_id, redemption.points, balance, replayed=False)


@dataclasses.dataclass(frozen=True, slots=True)
class _Given:
    """What canceling takes back: points by what ``entry_id`` drew of ``lots``, coupons, which are locked, and codes."""

    entry_id: UUID
    drawn: Sequence[LotMovement]
    lots: Mapping[UUID, Lot]
    coupons: Sequence[Coupon]
    has_codes: bool

    @classmethod
    def statements(cls, uow: UnitOfWork, redemption: Redemption) -> list[Statement]:
        """What `of` reads."""
        return [
            *ledger_queries.drawn_statements(entry_id=redemption.entry_id),
            *coupon_queries.of_origin_statements(uow, origin=Reference(REFERENCE, redemption.id)),
            rewards.codes_statement(redemption_ids=(redemption.id,)),
        ]

    @classmethod
    def of(cls, redemption: Redemption, rows: Sequence[list[DictRow]]) -> Self:
        """What was found of the redemption as it was known before."""
        drawn, lots = ledger_queries.drawn_of(rows[:2])
        return cls(redemption.entry_id, drawn, lots, coupon_queries.of_origin(rows[2:4]), bool(rows[4]))

    def is_used(self, now: datetime) -> bool:
        """Whether somebody has used a coupon of them, or is about to."""
        return any(coupon.status(now) in {CouponStatus.USED, CouponStatus.HELD} for coupon in self.coupons)


def confirm_redemption(uow: UnitOfWork, *, command: ConfirmRedemption, is_last: bool = False) -> RedeemedReward:
    """Spend what is held; what can be handed over at once is.

    Raises:
        RedemptionNotFound, MemberInactive, StoreNotFound, StoreClosed
        RedemptionEnded: it is not held, or not any more.
        RedemptionUnpaid, RewardOutOfStock
        IdempotencyConflict, IdempotencyKeyInvalid
    """
    scene = _meet(uow, CONFIRM, command)
    if not isinstance(scene, _Scene):
        return replay(scene)
    book, held, reward = scene.book, scene.redemption, scene.reward
    if held.status_at(uow.now) is not RedemptionStatus.HELD or book.held_by(held.id) < held.points:
        raise _ended(held, uow)
    check_payment(command.payment, money_minor=held.money_minor, currency=held.currency)
    # An activity moves the ends of what is left, as when points are spent at once.
    book.show_activity(ACTIVITY, uow.now, Reference(REFERENCE, held.id))
    entry = book.capture(scene.header(uow), hold_id=held.id, amount=held.points)
    had = hand_over(reward, is_picked_up=held.pickup_store_id is not None, is_in_store=held.store_id is not None)
    redemption = dataclasses.replace(
        confirmed(held, had, at=uow.now, payment=command.payment), entry_id=entry.header.id
    )
    zone = scene.version.document.timezone
    giving = coupon_statements(uow, redemption, reward, timezone=zone, is_promised=True)
    if had.needs_codes:
        give_codes(uow, redemption, is_taken=True)
    answer = scene.answer()
    statements = [
        *ledger.writing_statements((book,)),
        repository.update_statement(redemption=redemption),
        metering.count_statement(uow, meter=METER, event_id=redemption.id),
        outbox.publish_statement(
            uow,
            letter(
                redemption,
                reward.content,
                balance=answer.balance,
                document=scene.version.document,
                merchant_name=scene.merchant_name,
                store=scene.store,
            ),
        ),
        settle_statement(CONFIRM, command.idempotency_key, answer),
        *giving,
        *(budgets.capture_statements(uow, owner=Reference(REFERENCE, held.id)) if _has_budget(reward) else []),
    ]
    write(uow, statements, reward_id=reward.id, is_last=is_last)
    return answer


def cancel_redemption(uow: UnitOfWork, *, command: CancelRedemption, is_last: bool = False) -> RedeemedReward:
    """Give back the points (to the lots that they came from), the pieces and the budget, as if it had never been.

    What has left the house needs a decision: what is back is given back whole, of what is lost only the points are.

    Raises:
        InvalidInput, StoreNotFound, StoreClosed
        RedemptionNotFound: there is none, or it is not of the member who asks.
        RedemptionEnded: it was canceled before, or has timed out; a member's own, when it was handed over.
        RedemptionNeedsDecision: something has left the house, and nobody says where it is.
        RedeemedPointsEnded: a member asks, whose points would get a new end by it.
        IdempotencyConflict, IdempotencyKeyInvalid
    """
    note = check_optional_text(command.note, field="note", length_max=NOTE_LENGTH_MAX)
    scene = _meet(uow, CANCEL, command)
    if not isinstance(scene, _Scene):
        return replay(scene)
    redemption, reward = scene.redemption, scene.reward
    status = redemption.status_at(uow.now)
    if status in {RedemptionStatus.CANCELED, RedemptionStatus.TIMED_OUT}:
        raise _ended(redemption, uow)
    if command.by_member is not None and not redemption.is_cancelable_by_member(uow.now):
        raise _ended(redemption, uow)
    given = scene.given
    assert given is not None
    has_codes = given.has_codes
    effect = "coupon" if given.is_used(uow.now) else left_house(redemption, reward.content.kind, has_codes=has_codes)
    if effect is not None and command.whereabouts is None:
        raise RedemptionNeedsDecision(redemption_id=redemption.id, effect=effect)
    is_lost = effect is not None and command.whereabouts is Whereabouts.LOST
    if status is RedemptionStatus.HELD:
        scene.book.release(scene.header(uow, kind=HOLD_REFERENCE), hold_id=redemption.id)
    else:
        _restore(uow, scene, given, by_member=command.by_member is not None)
    canceled = dataclasses.replace(
        redemption,
        status=RedemptionStatus.CANCELED,
        cancel_reason=command.reason,
        note=note or redemption.note,
        expires_at=None,
        waiting_since=None,
        ended_at=uow.now,
    )
    answer = scene.answer()
    # A code that somebody has seen goes to nobody else.
    back = [] if is_lost or has_codes else [stock.put_back_statement(reward_id=reward.id, quantity=redemption.quantity)]
    statements = [
        *ledger.writing_statements((scene.book,)),
        repository.update_statement(redemption=canceled),
        settle_statement(CANCEL, command.idempotency_key, answer),
        *(coupons.cancel_statements(uow, origin=Reference(REFERENCE, redemption.id)) if given.coupons else []),
        *back,
        *_budget_back(uow, scene, is_held=status is RedemptionStatus.HELD, is_lost=is_lost),
    ]
    write(uow, statements, reward_id=reward.id, is_last=is_last)
    return answer


def _meet(uow: UnitOfWork, operation: str, command: ConfirmRedemption | CancelRedemption) -> _Scene | Mapping[str, Any]:
    """Claim the key, lock the member and then the redemption, and read it behind the locks; or the stored answer."""
    claim: dict[str, Any] = {
        "operation": operation,
        "key": command.idempotency_key,
        "request_hash": command.request_hash,
    }
    claim_rows, known_rows = uow.fetch_pipeline(
        [idempotency.claim_statement(uow, **claim), Statement(repository.BY_IDS, {"ids": [command.redemption_id]})]
    )
    stored = idempotency.claimed(uow, claim_rows, **claim)
    if stored is not None:
        return stored
    known = repository.redemption_of(known_rows[0]) if known_rows else None
    by_member = command.by_member if isinstance(command, CancelRedemption) else None
    if known is None or (by_member is not None and known.member_id != by_member):
        raise RedemptionNotFound(redemption_id=command.redemption_id)
    versions = versions_read(uow, instants=(uow.now,))
    heads, balances, lots, status_rows, mark_rows, rows, reward_rows, version_rows, merchant_rows, *more = (
        uow.fetch_pipeline(
            [
                *ledger.reading_statements(uow, holder_ids=(known.member_id,), every_lot=True),
                members.status_statement(member_id=known.member_id),
                ledger.marks_statement(holder_ids=(known.member_id,)),
                Statement(repository.LOCK, {"ids": [known.id]}),
                rewards.reward_statement(reward_id=known.reward_id),
                versions.statement,
                stores.merchant_statement(uow),
                *([stores.store_statement(store_id=command.store_id)] if command.store_id else []),
                *(_Given.statements(uow, known) if operation == CANCEL else []),
            ]
        )
    )
    book = ledger.open_only_book(uow, holder_id=known.member_id, rows=(heads, balances, lots))
    assert book is not None
    store = None
    if command.store_id is not None:
        store = stores.store_of(more.pop(0), store_id=command.store_id)
        check_open(store, at=uow.now)
    if operation == CONFIRM:
        members.check_active(status_rows, member_id=known.member_id)
    version = in_force(versions.versions(version_rows), at=uow.now)
    if version is None:
        raise ProgramNotPublished
    return _Scene(
        book=book,
        redemption=repository.redemption_of(rows[0]),
        reward=_as_asked(uow, known, rewards.reward_of(reward_rows, reward_id=known.reward_id)),
        version=version,
        store=store,
        merchant_name=stores.merchant_name_of(merchant_rows),
        marks=ledger.marks_of(mark_rows).get(known.member_id, ()),
        given=_Given.of(known, more) if more else None,
    )


def _as_asked(uow: UnitOfWork, redemption: Redemption, reward: Reward) -> Reward:
    """The reward with the terms that held when it was asked for: another budget may pay for it by now."""
    if reward.version_id == redemption.reward_version_id:
        return reward
    version_id = redemption.reward_version_id
    content: RewardContent = rewards.reward_versions_by_ids(uow, version_ids=(version_id,))[version_id].content
    return dataclasses.replace(reward, version_id=version_id, content=content)


def _ended(redemption: Redemption, uow: UnitOfWork) -> RedemptionEnded:
    ended_at = redemption.ended_at or redemption.expires_at or redemption.collected_at or redemption.confirmed_at
    status = redemption.status_at(uow.now)
    return RedemptionEnded(redemption_id=redemption.id, status=status.value, ended_at=ended_at)


def _restore(uow: UnitOfWork, scene: _Scene, given: _Given, *, by_member: bool) -> None:
    """The points go back to the lots that they came from, in reverse order of drawing."""
    book, redemption = scene.book, scene.redemption
    # Ends that the redemption had moved away go back first: what had ended without it can't be spent.
    book.withdraw_activity(Reference(REFERENCE, redemption.id), scene.marks)
    ledger.settle_again(uow, book)
    drawn, lots = given.drawn, given.lots
    if given.entry_id != redemption.entry_id:
        # It was confirmed while we came: another entry has taken the points.
        drawn, lots = ledger_queries.drawn_of(
            uow.fetch_pipeline(ledger_queries.drawn_statements(entry_id=redemption.entry_id))
        )
    movements = give_back(drawn, amount=redemption.points)
    lot_ids = {movement.lot_id for movement in movements}
    book.lots = {lot_id: lots[lot_id] for lot_id in lot_ids} | book.lots
    if by_member and any(book.lots[lot_id].expired(uow.now) for lot_id in lot_ids):
        # Else whoever redeems and gives back in time again and again would keep points for ever.
        raise RedeemedPointsEnded(redemption_id=redemption.id)
    days = scene.version.document.policies.given_back_grace_days
    book.give_back_ends(lot_ids, at=uow.now, grace_days=days, marks=scene.marks)
    present = [dataclasses.replace(movement, purpose=book.lots[movement.lot_id].purpose) for movement in movements]
    unit = book.lots[present[0].lot_id].unit
    book.post(restoration_entry(scene.header(uow), unit=unit, movements=present, source=Purpose.REDEMPTION))
    ledger.settle_again(uow, book)


def _has_budget(reward: Reward) -> bool:
    return reward.content.terms.budget_id is not None


def _budget_back(uow: UnitOfWork, scene: _Scene, *, is_held: bool, is_lost: bool) -> list[Statement]:
    terms, redemption = scene.reward.content.terms, scene.redemption
    if terms.budget_id is None:
        return []
    owner = Reference(REFERENCE, redemption.id)
    if is_held:
        return budgets.release_statements(uow, owner=owner)
    # What is lost has been given away for good: its piece and its cost stay spent.
    points = [Demand(terms.budget_id, points=redemption.points)] if is_lost else None
    return budgets.give_back_statements(uow, owner=owner, demands=points)
