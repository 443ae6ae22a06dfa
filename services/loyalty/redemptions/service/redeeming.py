"""A member takes a reward, at once or for a while."""

import dataclasses
from datetime import timedelta
from uuid import UUID

from services.loyalty.budgets import service as budgets
from services.loyalty.holds.domain import check_minutes
from services.loyalty.ledger import service as ledger
from services.loyalty.ledger.domain import Reference, allocate_lots, redemption_entry
from services.loyalty.ledger.domain.book import HOLD_REFERENCE
from services.loyalty.redemptions import repository
from services.loyalty.redemptions.domain import (
    HandOver,
    HoldReward,
    RedeemedReward,
    RedeemReward,
    Redemption,
    RedemptionStatus,
    check_payment,
    confirmed,
    hand_over,
    new_pickup_code,
)
from services.loyalty.redemptions.service.answering import letter, replay, settle_statement
from services.loyalty.redemptions.service.giving import coupon_statements, give_codes, take_statement, write
from services.loyalty.redemptions.service.scene import ACTIVITY, METER, REFERENCE, Scene, arrive
from services.loyalty.rewards.domain import RewardKind
from services.platform.db.session import UnitOfWork
from services.platform.errors import InvalidInput
from services.platform.ids import new_id
from services.platform.metering import service as metering
from services.platform.outbox import service as outbox

REDEEM = "redeemReward"
HOLD = "holdReward"


def redeem_reward(uow: UnitOfWork, *, command: RedeemReward, is_last: bool = False) -> RedeemedReward:
    """A member takes a reward and pays its present price, from the lots that expire soonest.

    What can be handed over at once is; the rest waits for the staff. ``is_last`` commits in the last round trip, where
    nothing has to be looked at after it.

    Raises:
        InvalidInput, MemberNotFound, MemberInactive, IdentityInvalid, StoreNotFound, StoreClosed, ProgramNotPublished
        RewardNotFound, RewardArchived, RewardOutOfStock, RewardPriceChanged, RewardNotAvailable, RewardNotEligible
        RewardLimitReached, RedemptionUnpaid, InsufficientPoints, BudgetExhausted, BudgetClosed
        IdempotencyConflict, IdempotencyKeyInvalid
    """
    scene = arrive(uow, command, operation=REDEEM)
    if not isinstance(scene, Scene):
        return replay(scene)
    check_payment(command.payment, money_minor=scene.price.money_minor, currency=scene.reward.content.terms.currency)
    book, unit, redemption_id = scene.book, scene.version.document.unit, new_id()
    movements = allocate_lots(book.lots_of(unit.code), scene.price.points, uow.now)
    header = ledger.entry_header(
        uow,
        holder_id=book.holder_id,
        occurred_at=uow.now,
        store_id=command.store_id,
        program_version_id=scene.version.id,
        reference=Reference(REFERENCE, redemption_id),
    )
    book.show_activity(ACTIVITY, uow.now, Reference(REFERENCE, redemption_id))
    entry = book.post(redemption_entry(header, unit=unit.code, movements=movements))
    now_had = hand_over(
        scene.reward,
        is_picked_up=command.pickup_store_id is not None,
        is_in_store=command.store_id is not None,
    )
    redemption = _redemption(uow, command, scene, ids=(redemption_id, entry.header.id), had=now_had)
    answer = _answer(scene, redemption)
    giving = coupon_statements(
        uow, redemption, scene.reward, timezone=scene.version.document.timezone, is_promised=False
    )
    if now_had.needs_codes:
        give_codes(uow, redemption, is_taken=False)
    statements = [
        *ledger.writing_statements((book,)),
        repository.insert_statement(redemption=redemption),
        metering.count_statement(uow, meter=METER, event_id=redemption.id),
        outbox.publish_statement(
            uow,
            letter(
                redemption,
                scene.reward.content,
                balance=answer.balance,
                document=scene.version.document,
                merchant_name=scene.merchant_name,
                store=scene.store,
            ),
        ),
        settle_statement(REDEEM, command.idempotency_key, answer),
        *giving,
        # What everybody wants comes last: its rows are locked for one trip.
        *([] if now_had.needs_codes else [take_statement(redemption)]),
        *budgets.spend_statements(uow, demands=scene.demands(), owner=Reference(REFERENCE, redemption.id)),
    ]
    write(uow, statements, reward_id=scene.reward.id, is_last=is_last)
    return answer


def hold_reward(uow: UnitOfWork, *, command: HoldReward, is_last: bool = False) -> RedeemedReward:
    """Reserve the points, the pieces and the budget for a while; nothing is spent.

    Raises:
        as `redeem_reward`, but for the payment: it is taken when the redemption is confirmed.
    """
    minutes = None if command.minutes is None else check_minutes(command.minutes)
    scene = arrive(uow, command, operation=HOLD)
    if not isinstance(scene, Scene):
        return replay(scene)
    book, document, redemption_id = scene.book, scene.version.document, new_id()
    until = uow.now + timedelta(minutes=document.policies.hold_minutes if minutes is None else minutes)
    header = ledger.entry_header(
        uow,
        holder_id=book.holder_id,
        occurred_at=uow.now,
        store_id=command.store_id,
        program_version_id=scene.version.id,
        reference=Reference(HOLD_REFERENCE, redemption_id),
    )
    entry = book.hold(
        header, unit=document.unit.code, amount=scene.price.points, hold_id=redemption_id, expires_at=until
    )
    redemption = dataclasses.replace(
        _redemption(uow, command, scene, ids=(redemption_id, entry.header.id), had=HandOver(RedemptionStatus.HELD)),
        expires_at=until,
    )
    answer = _answer(scene, redemption)
    statements = [
        *ledger.writing_statements((book,)),
        repository.insert_statement(redemption=redemption),
        settle_statement(HOLD, command.idempotency_key, answer),
        take_statement(redemption),
        *budgets.hold_statements(uow, demands=scene.demands(), owner=Reference(REFERENCE, redemption.id), until=until),
    ]
    write(uow, statements, reward_id=scene.reward.id, is_last=is_last, holding=scene.demands())
    return answer


def _redemption(
    uow: UnitOfWork, command: RedeemReward | HoldReward, scene: Scene, *, ids: tuple[UUID, UUID], had: HandOver
) -> Redemption:
    """The redemption as it is stored; ``ids`` are its own and that of the entry which took its points."""
    terms, kind = scene.reward.content.terms, scene.reward.content.kind
    is_picked_up = command.pickup_store_id is not None
    if is_picked_up and kind is not RewardKind.PHYSICAL:
        raise InvalidInput(field="pickupStoreId", reason="NOT_ALLOWED", limit=kind.value)
    payment = command.payment if isinstance(command, RedeemReward) else None
    redemption = Redemption(
        id=ids[0],
        member_id=scene.book.holder_id,
        reward_id=scene.reward.id,
        reward_version_id=scene.reward.version_id,
        store_id=command.store_id,
        points=scene.price.points,
        status=RedemptionStatus.HELD,
        entry_id=ids[1],
        occurred_at=uow.now,
        recorded_at=uow.now,
        quantity=scene.quantity,
        recipient_id=scene.recipient_id,
        money_minor=scene.price.money_minor,
        currency=terms.currency if scene.price.money_minor else None,
        pickup_store_id=command.pickup_store_id,
        pickup_code=new_pickup_code() if is_picked_up else None,
    )
    if had.status is RedemptionStatus.HELD:
        return redemption
    return confirmed(redemption, had, at=uow.now, payment=payment)


def _answer(scene: Scene, redemption: Redemption) -> RedeemedReward:
    balance = scene.book.balance(scene.version.document.unit.code).available
    return RedeemedReward(redemption.id, redemption.member_id, redemption.points, balance, replayed=False)
