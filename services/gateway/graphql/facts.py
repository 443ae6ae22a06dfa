"""What the facts of refusals mean to a client, by name. A fact without a line here does not get into the schema."""

from collections.abc import Mapping
from types import MappingProxyType

FACTS: Mapping[str, str] = MappingProxyType(
    {
        "activity_id": "The activity.",
        "accepted": "What would have been accepted.",
        "actual": "What it is now.",
        "adjustment_request_id": "The request for an adjustment.",
        "asked": "How much was asked for.",
        "available": "How much there is.",
        "available_minor": "How much there is, in minor units of the currency.",
        "closed_at": "When it was closed.",
        "day_maximum": "The most on one day.",
        "drawn": "How much had been drawn before.",
        "earliest": "The earliest instant that is accepted.",
        "effective_from": "The instant from which on it counts.",
        "event": "The event's code.",
        "expired_at": "When it ended.",
        "expected": "What was expected.",
        "external_id": "The external number.",
        "field": "The input field, as a path from `input` such as `lines.0.quantity`.",
        "given_today": "How much it was on this day before.",
        "given": "What was given.",
        "held": "How much is reserved.",
        "hold_id": "The hold.",
        "key": "The key that was used.",
        "kind": "Of what kind it is.",
        "latest": "The latest instant that is accepted.",
        "length_min": "The least number of characters.",
        "actual_revision": "The revision that the draft has; none without a draft.",
        "given_revision": "The revision that was given.",
        "maximum": "The most that is possible.",
        "minimum": "The least that is possible.",
        "limit": "The limit that was passed, where there is one.",
        "member_id": "The member, where one was named by id.",
        "needed": "How much would be needed.",
        "number": "The number of the version.",
        "occurred_at": "The instant that was given.",
        "paths": "Where, as JSON pointers (RFC 6901) into what was given.",
        "position": "The position of the line in the purchase.",
        "problems": "What is wrong, in the order of the document.",
        "purchase_id": "The purchase.",
        "reason": "What is wrong with the value, for machines.",
        "reasons": "What is wrong at each of the places, in the same order.",
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
        "rule_id": "The rule's id.",
        "scopes": "The scopes that are missing.",
        "sku": "The product, by its number.",
        "slug": "The slug that was asked for.",
        "status": "Where it is in its life.",
        "store_code": "The code that was given.",
        "store_id": "The store.",
        "tier_code": "The tier's code.",
    }
)

GLOBAL_IDS: Mapping[str, str] = MappingProxyType(
    {
        "adjustment_request_id": "AdjustmentRequest",
        "activity_id": "Activity",
        "hold_id": "Hold",
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
        ("HoldTooSmall", "asked"),
        ("HoldTooSmall", "held"),
        ("InsufficientPoints", "available"),
        ("InsufficientPoints", "needed"),
        ("RewardPriceChanged", "actual"),
        ("RewardPriceChanged", "expected"),
        ("TransferLimitReached", "day_maximum"),
        ("TransferLimitReached", "given_today"),
        ("TransferOutOfRange", "maximum"),
        ("TransferOutOfRange", "minimum"),
    }
)
"""Facts, by refusal, that are whole points; other whole numbers are counts or minor units of money."""
