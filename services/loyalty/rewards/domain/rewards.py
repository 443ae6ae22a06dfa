"""Rewards as values."""

import dataclasses
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from services.loyalty.rewards.domain.terms import RewardTerms, check_terms
from services.loyalty.rewards.errors import RewardArchived, RewardOutOfStock
from services.platform.errors import InvalidInput
from services.platform.money import AMOUNT_MAX
from services.platform.text import check_text

CODE_LENGTH_MAX = 64
DESCRIPTION_LENGTH_MAX = 2_000


class RewardKind(StrEnum):
    """What a member gets."""

    PHYSICAL = "physical"
    VIRTUAL = "virtual"
    COUPON = "coupon"
    SERVICE = "service"
    DONATION = "donation"


class RewardOrder(StrEnum):
    """How a catalogue is ordered."""

    CODE = "code"
    POSITION = "position"


@dataclass(frozen=True, slots=True)
class RewardContent:
    """What a reward says and costs, from one edit to the next. ``cost_points`` counts the unit's smallest part."""

    kind: RewardKind
    name_en: str
    name_zh: str
    description_en: str
    description_zh: str
    cost_points: int
    terms: RewardTerms = field(default_factory=RewardTerms)


@dataclass(frozen=True, slots=True)
class Reward:
    """Something to be had for points, as it is now. ``stock`` is what is left; None is without limit.

    What is held counts as gone. ``has_codes`` says that each piece is a code of a pool.
    """

    id: UUID
    code: str
    version: int
    version_id: UUID
    content: RewardContent
    stock: int | None
    created_at: datetime
    archived_at: datetime | None
    has_codes: bool = False


@dataclass(frozen=True, slots=True)
class RewardVersion:
    """A reward as it was when somebody redeemed it."""

    id: UUID
    reward_id: UUID
    number: int
    content: RewardContent
    created_at: datetime


@dataclass(frozen=True, slots=True)
class CreateReward:
    """Offer a reward. ``code`` is the merchant's own name for it, unique in the tenant."""

    code: str
    content: RewardContent
    stock: int | None = None


@dataclass(frozen=True, slots=True)
class UpdateReward:
    """Change what a reward says and costs, whole; ``version`` is the one that was edited."""

    reward_id: UUID
    version: int
    content: RewardContent


def check_content(content: RewardContent) -> RewardContent:
    """The content with trimmed texts.

    Raises:
        InvalidInput: a text that is blank (descriptions may be), too long or holds control characters; a cost that is
            not within 1 and ``AMOUNT_MAX``.
    """
    if not 0 < content.cost_points <= AMOUNT_MAX:
        raise InvalidInput(field="costPoints", reason="OUT_OF_RANGE", limit=str(AMOUNT_MAX))
    return RewardContent(
        kind=content.kind,
        name_en=check_text(content.name_en, field="name.en"),
        name_zh=check_text(content.name_zh, field="name.zh"),
        description_en=_description(content.description_en, "description.en"),
        description_zh=_description(content.description_zh, "description.zh"),
        cost_points=content.cost_points,
        terms=check_terms(content.terms),
    )


def portable(content: RewardContent) -> RewardContent:
    """The content without what another tenant does not have: its budget and its coupon."""
    terms = dataclasses.replace(content.terms, budget_id=None, coupon_definition_id=None)
    return dataclasses.replace(content, terms=terms)


def check_stock(stock: int | None) -> int | None:
    """A stock that can be counted.

    Raises:
        InvalidInput: below zero or above ``AMOUNT_MAX``.
    """
    if stock is not None and not 0 <= stock <= AMOUNT_MAX:
        raise InvalidInput(field="stock", reason="OUT_OF_RANGE", limit=str(AMOUNT_MAX))
    return stock


def check_available(reward: Reward, quantity: int = 1) -> None:
    """Refuse a reward of which so many pieces cannot be had.

    Raises:
        RewardArchived, RewardOutOfStock
    """
    if reward.archived_at is not None:
        raise RewardArchived(reward_id=reward.id)
    if reward.stock is not None and reward.stock < quantity:
        raise RewardOutOfStock(reward_id=reward.id)


def _description(text: str, field: str) -> str:
    # Descriptions have paragraphs; every other control character is refused.
    lines = text.strip().splitlines()
    if any(line.strip() for line in lines):
        check_text(" ".join(lines), field=field, length_max=DESCRIPTION_LENGTH_MAX)
    return "\n".join(lines)
