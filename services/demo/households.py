"""Households as members, and what they do that no till wrote down: read e-mail, and have rewards.

All of it follows from the data alone, so that a replay that is repeated does the same again.
"""

from uuid import UUID

from services.demo.dataset import SourceBasket
from services.demo.program import REWARDS, OfferedReward
from services.loyalty.members.domain import EnrollMember, Identity, IdentityKind
from services.platform.idempotency.service import request_hash

MAIL_EVERY = 50
"""Every fiftieth household, 50 of them, has an e-mail address and has rewards: enough to watch, no flood of mails."""
CHINESE_EVERY = 100
"""Every second of those reads Chinese."""


def has_email(household_code: str) -> bool:
    """Whether the household reads e-mail, and has rewards."""
    return int(household_code) % MAIL_EVERY == 0


def email_of(household_code: str) -> str:
    """The address of a household that has one."""
    return f"household-{household_code}@journey.test"


def enrollment(basket: SourceBasket, *, store_id: UUID) -> EnrollMember:
    """The household joins at the till of its first basket; the number on its card is its number in the data."""
    code = basket.household_code
    card = Identity(IdentityKind.CARD, code)
    identities = (card, Identity(IdentityKind.EMAIL, email_of(code))) if has_email(code) else (card,)
    is_chinese = has_email(code) and int(code) % CHINESE_EVERY == 0
    told = {"household": code, "store": basket.store_code}
    return EnrollMember(
        identities=identities,
        locale="zh-CN" if is_chinese else "en",
        idempotency_key=f"journey:household:{code}",
        request_hash=request_hash(told),
        name=f"{code} 号家庭" if is_chinese else f"Household {code}",
        store_id=store_id,
    )


def reward_wished(basket: SourceBasket, *, balance: int) -> OfferedReward | None:
    """What the household takes home for points after this basket; None when it can't, or goes on saving.

    The basket's number says which reward it would like today, so that some save for long and some don't.
    """
    wish = REWARDS[int(basket.basket_id) % len(REWARDS)]
    return wish if has_email(basket.household_code) and balance >= wish.content.cost_points else None
