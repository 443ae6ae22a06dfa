"""What the things of the filled tenants are called."""

import hashlib


def post_of(word: str) -> str:
    """The address of a post in public."""
    return f"https://social.test/{word}"


def guest_receipt_of(slug: str) -> str:
    """The number of a tenant's receipt that is nobody's yet."""
    return f"guest-receipt-{slug}"


def event_of(slug: str) -> str:
    """The code of the event that a tenant's program declares."""
    return f"event_{slug.replace('-', '_')}"


def sandbox_of(slug: str) -> str:
    """The slug of a tenant's sandbox."""
    # Not the slug itself, as with keys.
    return f"try-{hashlib.sha256(slug.encode()).hexdigest()[:12]}"


def key_of(operation: str, slug: str) -> str:
    """The idempotency key that a tenant used for a mutation when it was filled."""
    # Not the slug itself: that is what the other tenant is recognized by.
    return f"{operation} {hashlib.sha256(slug.encode()).hexdigest()[:12]}"
