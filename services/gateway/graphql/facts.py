"""What the facts of refusals mean to a client, by name. A fact without a line here does not get into the schema."""

from collections.abc import Mapping
from types import MappingProxyType

FACTS: Mapping[str, str] = MappingProxyType(
    {
        "accepted": "What would have been accepted.",
        "asked": "How much was asked for.",
        "available": "How much there is.",
        "available_minor": "How much there is, in minor units of the currency.",
        "drawn": "How much had been drawn before.",
        "expected": "What was expected.",
        "field": "The input field, as a path from `input` such as `lines.0.quantity`.",
        "given": "What was given.",
        "key": "The key that was used.",
        "length_min": "The least number of characters.",
        "limit": "The limit that was passed, where there is one.",
        "needed": "How much would be needed.",
        "position": "The position of the line in the purchase.",
        "problems": "What is wrong, in the order of the document.",
        "reason": "What is wrong with the value, for machines.",
        "refundable_minor": "How much can still be refunded, in minor units of the purchase's currency.",
        "refunded_minor": "How much the lines are worth, in minor units of the purchase's currency.",
        "requested": "What was asked for.",
        "requested_minor": "How much was asked for, in minor units of the purchase's currency.",
        "retry_after_seconds": "How long to wait before the next attempt.",
        "returnable": "How much of the line can still be returned.",
        "role": "The role that was asked for.",
        "scopes": "The scopes that are missing.",
        "slug": "The slug that was asked for.",
        "tier_code": "The tier's code.",
    }
)

GLOBAL_IDS: Mapping[str, str] = MappingProxyType(
    {
        "member_id": "Member",
        "purchase_id": "Purchase",
        "reward_id": "Reward",
        "store_id": "Store",
    }
)
"""The type of object that an identifier among the facts belongs to."""

POINTS = frozenset({"available", "needed"})
"""Facts that are whole points."""
