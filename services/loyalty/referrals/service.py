"""Codes, friends who come by them, and their first purchases.

Whoever records or takes back a purchase says so here, in the same transaction, and locks nobody but the buyer. What it
means for the referrer is judged afterwards by an errand of `services.loyalty.activities`, which locks the referrer
alone: so no two members ever wait for each other in a circle.
"""

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from services.loyalty.programs.domain.conditions.fields import FactValue
from services.loyalty.referrals import repository
from services.loyalty.referrals.domain import FirstPurchase, Referral, new_code
from services.platform.db.session import Statement, UnitOfWork

ATTEMPTS_MAX = 10
"""Codes that are tried before giving up; one in a million members' worth of attempts is already taken."""


def ensure_code(uow: UnitOfWork, *, member_id: UUID) -> str:
    """The member's code; made now where there is none."""
    for _ in range(ATTEMPTS_MAX):
        values = {"member_id": member_id, "code": new_code(), "now": uow.now}
        made, there = uow.fetch_pipeline(
            [Statement(repository.INSERT_CODE, values), Statement(repository.CODES, {"ids": [member_id]})]
        )
        if made or there:
            code: str = (made or there)[0]["code"]
            return code
    message = f"no free code in {ATTEMPTS_MAX} attempts"
    raise RuntimeError(message)


def register_statement(uow: UnitOfWork, *, friend_id: UUID, referrer_id: UUID) -> Statement:
    """A new member came by another's code. As only who joins can come by one, nobody refers in a circle."""
    values = {"friend_id": friend_id, "referrer_id": referrer_id, "now": uow.now}
    return Statement(repository.INSERT, values)


def first_purchase_statements(uow: UnitOfWork, purchases: Sequence[FirstPurchase]) -> list[Statement]:
    """Tell of purchases that may be friends' first, one of each buyer; buyers who came by no code cost a look-up."""
    rows = [
        {
            "friend_id": str(one.friend_id),
            "purchase_id": str(one.purchase_id),
            "occurred_at": one.occurred_at.isoformat(),
            "facts": _facts_json(one),
            "amendment_id": str(one.amendment_id) if one.amendment_id else None,
        }
        for one in purchases
    ]
    return [Statement(repository.MARK, {"rows": Jsonb(rows), "now": uow.now})] if rows else []


def amended_statement(uow: UnitOfWork, purchase: FirstPurchase) -> Statement:
    """Tell of an amendment of a purchase that may be a friend's first: what it is worth is judged again."""
    values = {
        "friend_id": purchase.friend_id,
        "purchase_id": purchase.purchase_id,
        "facts": Jsonb(_facts_json(purchase)),
        "amendment_id": purchase.amendment_id,
        "now": uow.now,
    }
    return Statement(repository.AMEND, values)


def purchase_gone_statements(uow: UnitOfWork, *, purchase_ids: Collection[UUID]) -> list[Statement]:
    """Tell of purchases of which nothing is left: the friend's next purchase will be the first.

    What the referrer earned for them is taken back.
    """
    values = {"ids": list(purchase_ids), "now": uow.now}
    return [Statement(repository.REOPEN, values)] if purchase_ids else []


def judged_statement(*, referral: Referral, kept: Mapping[str, int]) -> Statement:
    """The referrer has now what the referral is worth, and still has what of earlier rewards is ``kept``, by unit."""
    values = {
        "friend_id": referral.friend_id,
        "purchase_id": referral.purchase_id,
        "amendment_id": referral.amendment_id,
        "kept": Jsonb(dict(kept)) if kept else None,
    }
    return Statement(repository.JUDGED, values)


def _facts_json(purchase: FirstPurchase) -> dict[str, Any]:
    return {name: _json(fact) for name, fact in purchase.facts.items() if fact is not None}


def _json(fact: FactValue) -> FactValue:
    """A decimal as its text; the rest is JSON as it is, and read again by the type of its field."""
    return str(fact) if isinstance(fact, Decimal) else fact
