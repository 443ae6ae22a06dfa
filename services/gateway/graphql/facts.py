"""What the facts of refusals mean to a client, by name. A fact without a line here does not get into the schema."""

from collections.abc import Mapping
from types import MappingProxyType

FACTS: Mapping[str, str] = MappingProxyType(
    {
        "accepted": "What would have been accepted.",
        "actual": "What it is now.",
        "asked": "How much was asked for.",
        "available": "How much there is.",
        "available_minor": "How much there is, in minor units of the currency.",
        "closed_at": "When it was closed.",
        "drawn": "How much had been drawn before.",
        "earliest": "The earliest instant that is accepted.",
        "expected": "What was expected.",
        "external_id": "The external number.",
        "field": "The input field, as a path from `input` such as `lines.0.quantity`.",
        "given": "What was given.",
        "key": "The key that was used.",
        "kind": "Of what kind it is.",
        "latest": "The latest instant that is accepted.",
        "length_min": "The least number of characters.",
        "actual_revision": "The revision that the draft has; none without a draft.",
        "given_revision": "The revision that was given.",
        "maximum": "The most that is possible.",
        "limit": "The limit that was passed, where there is one.",
        "member_id": "The member, where one was named by id.",
        "needed": "How much would be needed.",
        "occurred_at": "The instant that was given.",
        "position": "The position of the line in the purchase.",
        "problems": "What is wrong, in the order of the document.",
        "purchase_id": "The purchase.",
        "reason": "What is wrong with the value, for machines.",
        "refund_id": "The refund.",
        "refundable_minor": "How much can still be refunded, in minor units of the purchase's currency.",
        "refunded_minor": "How much the lines are worth, in minor units of the purchase's currency.",
        "requested": "What was asked for.",
        "requested_minor": "How much was asked for, in minor units of the purchase's currency.",
        "retry_after_seconds": "How long to wait before the next attempt.",
        "returnable": "How much of the line can still be returned.",
        "reward_code": "The code that was given.",
        "reward_id": "The reward.",
        "role": "The role that was asked for.",
        "scopes": "The scopes that are missing.",
        "slug": "The slug that was asked for.",
        "store_code": "The code that was given.",
        "store_id": "The store.",
        "tier_code": "The tier's code.",
    }
)

GLOBAL_IDS: Mapping[str, str] = MappingProxyType(
    {
        "member_id": "Member",
        "purchase_id": "Purchase",
        "refund_id": "Refund",
        "reward_id": "Reward",
        "store_id": "Store",
    }
)
"""The type of object that an identifier among the facts belongs to."""

POINTS = frozenset(
    {
        ("AccrualTooLarge", "maximum"),
        ("BalanceTooLarge", "maximum"),
        ("InsufficientPoints", "available"),
        ("InsufficientPoints", "needed"),
        ("RewardPriceChanged", "actual"),
        ("RewardPriceChanged", "expected"),
    }
)
"""Facts, by refusal, that are whole points; other whole numbers are counts or minor units of money."""
