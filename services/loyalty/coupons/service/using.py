"""Holding, redeeming, releasing and giving back coupons: statements for the transaction of the cart or the purchase.

They come after the member's lock, and lock what is counted: kinds of coupons with a limit, coupons for one use and
uses, each in the order of ids. A use that would be too much breaks a check: hand that to `refusal_of`.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from psycopg.errors import CheckViolation
from psycopg.types.json import Jsonb

from services.loyalty.coupons import repository
from services.loyalty.coupons.domain import Use, UseStatus
from services.loyalty.coupons.errors import CouponUsedUp
from services.loyalty.ledger.domain import Reference
from services.platform.db.session import Statement, UnitOfWork
from services.platform.ids import new_id


def hold_statements(uow: UnitOfWork, *, uses: Collection[Use], owner: Reference, until: datetime) -> list[Statement]:
    """Reserve coupons for an owner until an instant, in place of whatever it has held. None to hold: a release."""
    return _changing(_values(uow, owner, ends=UseStatus.HELD, uses=uses, status=UseStatus.HELD, until=until))


def redeem_statements(uow: UnitOfWork, *, uses: Collection[Use], owner: Reference) -> list[Statement]:
    """Use coupons up, held by the owner before or not; whatever else it has held is released."""
    return _changing(_values(uow, owner, ends=UseStatus.HELD, uses=uses, status=UseStatus.SPENT))


def lock_statements(uow: UnitOfWork, *, uses: Collection[Use], owner: Reference) -> list[Statement]:
    """Lock all that is used one by one afterwards, in the order in which everybody does."""
    values = _values(uow, owner, ends=UseStatus.HELD, uses=uses)
    return [Statement(query, values) for query in repository.LOCKING]


def redeem_sold_statements(uow: UnitOfWork, *, use: Use, owner: Reference, sold_at: datetime) -> list[Statement]:
    """Use a coupon up for a sale that has happened, after `lock_statements`, no matter that it was voided since.

    What carts hold of it is over; of a shared code, what the buyer's own carts hold.
    """
    values = _values(uow, owner, ends=UseStatus.HELD, uses=[use], status=UseStatus.SPENT)
    values |= {"sold_at": sold_at, "member_id": use.member_id}
    return [*(Statement(query, values) for query in repository.TAKING_OVER), *_changing(values)]


def release_statements(uow: UnitOfWork, *, owner: Reference) -> list[Statement]:
    """Give back whatever the owner holds; nothing where it holds nothing."""
    return _changing(_values(uow, owner, ends=UseStatus.HELD))


def give_back_statements(uow: UnitOfWork, *, owner: Reference) -> list[Statement]:
    """Make the coupons that the owner has redeemed as if never used; each is good again for as long as it would be."""
    return _changing(_values(uow, owner, ends=UseStatus.SPENT))


def refusal_of(error: CheckViolation) -> CouponUsedUp | None:
    """What a violated check says of these statements; None when it says nothing of a coupon."""
    return repository.refusal_of(error)


def release_late(uow: UnitOfWork, *, owner: Reference) -> None:
    """Give back what has timed out of an owner's holds: of one alone, for the order of the locks."""
    uow.fetch_pipeline(_changing(_values(uow, owner, ends=UseStatus.HELD, is_late_only=True)))


def _changing(values: dict[str, Any]) -> list[Statement]:
    keeping = (repository.KEEP_USES,) if values["coupon_ids"] else ()
    return [Statement(query, values) for query in (*repository.CHANGING, *keeping)]


def _values(
    uow: UnitOfWork,
    owner: Reference,
    *,
    ends: UseStatus,
    uses: Collection[Use] = (),
    status: UseStatus | None = None,
    until: datetime | None = None,
    is_late_only: bool = False,
) -> dict[str, Any]:
    return {
        "owner_id": owner.id,
        "owner_kind": owner.kind,
        "ended": ends.value,
        "rows": Jsonb([_row(use) for use in uses]),
        "definition_ids": [use.offer.definition_id for use in uses],
        "coupon_ids": [use.offer.id for use in uses],
        "status": status.value if status else None,
        "until": until,
        "is_late_only": is_late_only,
        "sold_at": None,
        "now": uow.now,
    }


def _row(use: Use) -> dict[str, Any]:
    return {
        "id": str(new_id()),
        "definition_id": str(use.offer.definition_id),
        "coupon_id": str(use.offer.id),
        "version_id": str(use.offer.version_id),
        "member_id": None if use.member_id is None else str(use.member_id),
        "amount_minor": use.amount_minor,
        "currency": use.currency,
    }
