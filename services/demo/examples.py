"""Three operations to try on the demo, with ids that are really there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final
from uuid import UUID

from services.demo.dataset import CURRENCY
from services.demo.program import REWARDS
from services.demo.walks import PAGE, balances_of, member_pages
from services.loyalty.members.domain import IdentityKind, Member
from services.loyalty.rewards import queries as rewards
from services.loyalty.rewards.domain import Reward
from services.platform.db.session import ReadSession
from services.platform.ids import new_id

EncodeId = Callable[[str, UUID], str]
"""Makes a global id of a type's name and a key, as the API does."""

RECORD_PURCHASE: Final = """\
mutation Buy($input: RecordPurchaseInput!) {
  recordPurchase(input: $input) {
    ... on RecordPurchasePayload {
      points
      balance
      tierChange { fromTier toTier }
      replayed
      purchase { id total { amount currency } lines { name net { amount } points } accruals { ruleId points } }
    }
    ... on Error { code message }
  }
}
"""
MEMBER: Final = """\
query Member($card: String!) {
  member(by: { card: $card }) {
    id
    name
    balances { unit available earned spent }
    tier { tier { name { en zh } multiplier } progress { missing nextTier { name { en zh } } } }
    ledger(first: 5) {
      edges { node { sequence kind points occurredAt store { name } hash } }
    }
  }
}
"""
REDEEM_REWARD: Final = """\
mutation Redeem($input: RedeemRewardInput!) {
  redeemReward(input: $input) {
    ... on RedeemRewardPayload {
      points
      balance
      replayed
      redemption { id occurredAt rewardName { en zh } }
    }
    ... on Error { code message }
  }
}
"""


@dataclass(frozen=True, slots=True)
class Operation:
    """A GraphQL operation, ready to be sent by the tills' key."""

    name_en: str
    name_zh: str
    query: str
    variables: Mapping[str, object]


def example_operations(session: ReadSession, *, encode_id: EncodeId) -> tuple[Operation, ...]:
    """A purchase, a look at its member, and a reward; none before a household with e-mail has joined.

    Each call gives new idempotency keys: sending one operation twice shows a replay, another one does something.
    """
    found = _richest_reader(session)
    if found is None:
        return ()
    member, available = found
    card = member.identity(IdentityKind.CARD)
    assert member.enrolled_store_id is not None
    store_id = encode_id("Store", member.enrolled_store_id)
    number = new_id().hex[-8:]
    purchase = {
        "source": "till-7",
        "externalId": f"receipt-{number}",
        "storeId": store_id,
        "currency": CURRENCY,
        "member": {"card": card},
        "lines": [
            {
                "sku": "1082185",
                "name": "Bananas",
                "category": ["PRODUCE", "TROPICAL FRUIT", "BANANAS"],
                "quantity": "1.2",
                "amount": "4.80",
            },
            {
                "sku": "1029743",
                "name": "Milk",
                "category": ["GROCERY", "FLUID MILK PRODUCTS"],
                "quantity": "2",
                "amount": "7.00",
                "discount": "0.50",
            },
        ],
        "idempotencyKey": f"receipt-{number}",
    }
    reward = _reward_for(session, available)
    redemption = {
        "member": {"card": card},
        "rewardId": encode_id("Reward", reward.id),
        "expectedPoints": reward.content.cost_points,
        "storeId": store_id,
        "idempotencyKey": f"reward-{number}",
    }
    return (
        Operation("A purchase at a till", "收银台记一笔消费", RECORD_PURCHASE, MappingProxyType({"input": purchase})),
        Operation("The member and the ledger", "会员与账本", MEMBER, MappingProxyType({"card": card})),
        Operation("A reward for points", "积分换奖励", REDEEM_REWARD, MappingProxyType({"input": redemption})),
    )


def _richest_reader(session: ReadSession) -> tuple[Member, int] | None:
    """Of the households with e-mail, whose mails can be read beside the API, the one with most points to spend."""
    best: tuple[Member, int] | None = None
    for page in member_pages(session):
        readers = {member.id: member for member in page if member.identity(IdentityKind.EMAIL) and member.is_active}
        spendable = dict.fromkeys(readers, 0) | {
            balance.holder_id: balance.available for balance in balances_of(session, tuple(readers.values()))
        }
        for member_id, available in spendable.items():
            is_ours = readers[member_id].identity(IdentityKind.CARD) and readers[member_id].enrolled_store_id
            if is_ours and (best is None or available > best[1]):
                best = readers[member_id], available
    return best


def _reward_for(session: ReadSession, available: int) -> Reward:
    """The dearest of the chain's rewards that can be had for ``available`` points, else the cheapest."""
    offered = {reward.code: reward for reward in rewards.rewards_page(session, limit=PAGE, is_archived=None)}
    ours = [offered[reward.code] for reward in REWARDS]
    affordable = [reward for reward in ours if reward.content.cost_points <= available]
    return affordable[-1] if affordable else ours[0]
