"""What referrers earn for their friends' first purchases, and give back when nothing is left of them."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from services.loyalty.activities import queries as activities
from services.loyalty.activities.domain import PROGRAM_SOURCE, Happening
from services.loyalty.activities.service.happenings import notice
from services.loyalty.activities.service.withdrawing import kept_of, take_of_new, withdraw
from services.loyalty.ledger import service as ledger
from services.loyalty.programs.domain import Trigger
from services.loyalty.programs.domain.conditions.declared import DECLARED, ValueType
from services.loyalty.referrals import queries
from services.loyalty.referrals import service as referrals
from services.loyalty.referrals.domain import Referral
from services.platform.db.session import UnitOfWork

_TYPES = {field.name: field.type for field in DECLARED if field.name.startswith("order.")}


def judge_referral(uow: UnitOfWork, *, referral: Referral) -> None:
    """Give the referrer what a friend's first purchase is worth, or take back what it was worth.

    What was not there to take back is kept in mind: as far as no release has given it back since, it is taken of what
    the friend's next first purchase is worth, so that a friend who buys and returns again and again brings nothing
    more than one who does so once.

    The referrer is locked before the referral is written, as the buyer is by a purchase. Told twice, it is done once;
    where the referral has become another one meanwhile, it waits to be judged again.
    """
    ledger.lock_holders(uow, holder_ids=(referral.referrer_id,))
    referral = queries.referrals_by_friends(uow, friend_ids=(referral.friend_id,))[referral.friend_id]
    if not referral.is_to_be_judged:
        return
    member_id, short = referral.referrer_id, dict(referral.kept or {})
    if referral.judged_purchase_id is not None:
        external_id = _external_id(referral, referral.judged_purchase_id, referral.judged_amendment_id)
        short |= withdraw(uow, source=PROGRAM_SOURCE, external_id=external_id, member_id=member_id)
    older = activities.rewards_withdrawn(uow, member_id=member_id, friend_id=referral.friend_id) if short else ()
    kept = kept_of(uow, activities=older)
    new_id = None
    if referral.purchase_id is not None:
        new_id = notice(uow, member_id=member_id, happening=_happening(referral)).activity_id
    if kept:
        older_ids = {activity.id for activity in older}
        kept = take_of_new(uow, activity_id=new_id, member_id=member_id, wanted=kept, older_ids=older_ids)
    uow.fetch_pipeline([referrals.judged_statement(referral=referral, kept=kept)])


def order_facts(stored: dict[str, Any] | None) -> dict[str, Any]:
    """Facts of an order from the JSON in which they waited."""
    facts: dict[str, Any] = {}
    for name, value in (stored or {}).items():
        match _TYPES.get(name):
            case ValueType.DECIMAL:
                facts[name] = Decimal(str(value))
            case ValueType.TEXTS:
                facts[name] = tuple(value)
            case ValueType.PATHS:
                facts[name] = tuple(tuple(path) for path in value)
            case _:
                facts[name] = value
    return facts


def _happening(referral: Referral) -> Happening:
    assert referral.purchase_id is not None
    assert referral.purchased_at is not None
    return Happening(
        trigger=Trigger.REFERRAL_PURCHASED,
        source=PROGRAM_SOURCE,
        external_id=_external_id(referral, referral.purchase_id, referral.amendment_id),
        occurred_at=referral.purchased_at,
        facts=order_facts(dict(referral.purchase_facts or {})),
        data={"friendId": str(referral.friend_id), "purchaseId": str(referral.purchase_id)},
    )


def _external_id(referral: Referral, purchase_id: UUID, amendment_id: UUID | None) -> str:
    amended = "" if amendment_id is None else f":{amendment_id}"
    return f"referral_purchased:{referral.friend_id}:{purchase_id}{amended}"
