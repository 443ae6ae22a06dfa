"""What referrers earn for their friends' first purchases, and give back when nothing is left of them."""

from decimal import Decimal
from typing import Any

from services.loyalty.activities.domain import PROGRAM_SOURCE, Happening
from services.loyalty.activities.service.happenings import notice
from services.loyalty.activities.service.withdrawing import withdraw
from services.loyalty.programs.domain import Trigger
from services.loyalty.programs.domain.declared import DECLARED, ValueType
from services.loyalty.referrals import service as referrals
from services.loyalty.referrals.domain import Referral
from services.platform.db.session import UnitOfWork

_TYPES = {field.name: field.type for field in DECLARED if field.name.startswith("order.")}


def judge_referral(uow: UnitOfWork, *, referral: Referral) -> None:
    """Give the referrer what a friend's first purchase is worth, or take back what it was worth.

    The referrer is locked before the referral is written, as the buyer is by a purchase. Told twice, it is done once;
    where the referral has become another one meanwhile, it waits to be judged again.
    """
    if referral.judged_purchase_id is not None:
        external_id = _external_id(referral, referral.judged_purchase_id)
        withdraw(uow, source=PROGRAM_SOURCE, external_id=external_id, member_id=referral.referrer_id)
    if referral.purchase_id is not None:
        notice(uow, member_id=referral.referrer_id, happening=_happening(referral))
    uow.fetch_pipeline([referrals.judged_statement(referral=referral)])


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
        external_id=_external_id(referral, referral.purchase_id),
        occurred_at=referral.purchased_at,
        facts=order_facts(dict(referral.purchase_facts or {})),
        data={"friendId": str(referral.friend_id), "purchaseId": str(referral.purchase_id)},
    )


def _external_id(referral: Referral, purchase_id: Any) -> str:
    return f"referral_purchased:{referral.friend_id}:{purchase_id}"
