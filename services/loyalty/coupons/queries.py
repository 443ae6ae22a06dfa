"""Kinds of coupons, coupons, codes and uses; and what a cart finds of the coupons that are presented."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from psycopg.rows import DictRow

from services.loyalty.coupons import repository
from services.loyalty.coupons.domain import (
    OFFERS_MAX,
    Coupon,
    CouponBatch,
    CouponContent,
    CouponDefinition,
    CouponUse,
    Presented,
    normalize,
    normalized,
    parse_content,
    presented,
)
from services.loyalty.coupons.errors import CouponDefinitionNotFound, CouponNotFound
from services.loyalty.ledger.domain import Reference
from services.platform.db.questions import Question, instant_question
from services.platform.db.session import ReadSession, Statement
from services.platform.errands import Due, Place, place_values


def definition_statement(session: ReadSession, *, definition_id: UUID) -> Statement:
    """The statement whose rows `definition_of` reads."""
    return Statement(repository.DEFINITIONS, {"ids": [definition_id], "now": session.now})


def definition_of(rows: Sequence[DictRow], *, definition_id: UUID) -> CouponDefinition:
    """The kind of coupon of `definition_statement`, archived or not.

    Raises:
        CouponDefinitionNotFound
    """
    found = repository.definitions_of(rows)
    if not found:
        raise CouponDefinitionNotFound(coupon_definition_id=definition_id)
    return found[0]


def definitions_by_ids(session: ReadSession, *, definition_ids: Collection[UUID]) -> dict[UUID, CouponDefinition]:
    """Kinds of coupons by id; those that exist."""
    rows = session.fetch_all(repository.DEFINITIONS, {"ids": list(definition_ids), "now": session.now})
    return {definition.id: definition for definition in repository.definitions_of(rows)}


def definitions_page(
    session: ReadSession, *, limit: int, after_code: str | None = None, is_archived: bool | None = False
) -> tuple[CouponDefinition, ...]:
    """Kinds of coupons in the order of their codes, from after ``after_code``: those given out, archived, or all."""
    values = {"after": after_code, "limit": limit, "is_archived": is_archived, "now": session.now}
    return repository.definitions_of(session.fetch_all(repository.DEFINITIONS_PAGE, values))


def shared_codes(session: ReadSession, *, definition_ids: Collection[UUID]) -> dict[UUID, str]:
    """The shared codes of kinds of coupons; those that have one."""
    rows = session.fetch_all(repository.SHARED_CODES, {"ids": list(definition_ids)})
    return {row["definition_id"]: row["code"] for row in rows}


def coupons_by_ids(session: ReadSession, *, coupon_ids: Collection[UUID]) -> dict[UUID, Coupon]:
    """Coupons by id; those that exist."""
    rows = session.fetch_all(repository.BY_IDS, {"ids": list(coupon_ids), "now": session.now})
    return {coupon.id: coupon for coupon in repository.coupons_of(rows)}


def coupon_statement(session: ReadSession, *, coupon_id: UUID) -> Statement:
    """The statement whose rows `coupon_of` reads."""
    return Statement(repository.BY_IDS, {"ids": [coupon_id], "now": session.now})


def coupon_of(rows: Sequence[DictRow], *, coupon_id: UUID) -> Coupon:
    """The coupon of `coupon_statement`.

    Raises:
        CouponNotFound
    """
    coupons = repository.coupons_of(rows)
    if not coupons:
        raise CouponNotFound(coupon_id=coupon_id)
    return coupons[0]


def coupon_by_code(session: ReadSession, *, code: str) -> Coupon | None:
    """The coupon with a code, in whatever case and with whatever spaces and hyphens it was typed, or None."""
    kept = normalize(code)
    rows = session.fetch_all(repository.BY_CODE, {"code": kept, "now": session.now}) if kept else []
    coupons = repository.coupons_of(rows)
    return coupons[0] if coupons else None


def coupons_of_member(
    session: ReadSession, *, member_id: UUID, limit: int, after_id: UUID | None = None
) -> tuple[Coupon, ...]:
    """A member's coupons, newest first, from before ``after_id``."""
    values = {"member_id": member_id, "after": after_id, "limit": limit, "now": session.now}
    return repository.coupons_of(session.fetch_all(repository.OF_MEMBER, values))


def coupons_of_origins(
    session: ReadSession, *, kind: str, origin_ids: Collection[UUID]
) -> dict[UUID, tuple[Coupon, ...]]:
    """What was given for things of a kind, such as redemptions, by thing; of those for which anything was."""
    rows = session.fetch_all(repository.OF_ORIGINS, {"kind": kind, "ids": list(origin_ids), "now": session.now})
    found: dict[UUID, tuple[Coupon, ...]] = {}
    for coupon in repository.coupons_of(rows):
        assert coupon.origin is not None
        found[coupon.origin.id] = (*found.get(coupon.origin.id, ()), coupon)
    return found


def of_origin_statements(session: ReadSession, *, origin: Reference) -> list[Statement]:
    """Lock what was given for one thing, so that nobody uses it meanwhile, and read it: rows go to `of_origin`."""
    values = {"kind": origin.kind, "ids": [origin.id], "now": session.now}
    return [Statement(repository.LOCK_OF_ORIGIN, values), Statement(repository.OF_ORIGINS, values)]


def of_origin(rows: Sequence[list[DictRow]]) -> tuple[Coupon, ...]:
    """What was given for it."""
    return repository.coupons_of(rows[1])


def coupons_of_batch(
    session: ReadSession, *, batch_id: UUID, limit: int, after_id: UUID | None = None
) -> tuple[Coupon, ...]:
    """The codes of a batch, from after ``after_id``."""
    values = {"batch_id": batch_id, "after": after_id, "limit": limit, "now": session.now}
    return repository.coupons_of(session.fetch_all(repository.OF_BATCH, values))


def batches_by_ids(session: ReadSession, *, batch_ids: Collection[UUID]) -> dict[UUID, CouponBatch]:
    """Batches of codes by id; those that exist."""
    rows = session.fetch_all(repository.BATCHES, {"ids": list(batch_ids)})
    return {row["id"]: CouponBatch(**row) for row in rows}


def batches_of_definition(
    session: ReadSession, *, definition_id: UUID, limit: int, after_id: UUID | None = None
) -> tuple[CouponBatch, ...]:
    """The batches of codes of a kind, newest first, from before ``after_id``."""
    values = {"definition_id": definition_id, "after": after_id, "limit": limit}
    return tuple(CouponBatch(**row) for row in session.fetch_all(repository.BATCHES_PAGE, values))


def uses_by_owners(
    session: ReadSession, *, kind: str, owner_ids: Collection[UUID]
) -> dict[UUID, tuple[CouponUse, ...]]:
    """What owners of a kind, such as purchases, hold and have used, released and given back; the oldest first."""
    rows = session.fetch_all(repository.USES_OF_OWNERS, {"kind": kind, "ids": list(owner_ids)})
    found: dict[UUID, tuple[CouponUse, ...]] = {}
    for use in repository.uses_of(rows):
        found[use.owner.id] = (*found.get(use.owner.id, ()), use)
    return found


def uses_of_coupons(
    session: ReadSession, *, coupon_ids: Collection[UUID], limit: int
) -> dict[UUID, tuple[CouponUse, ...]]:
    """The uses of coupons, the newest first, up to ``limit`` of each; of those that have any."""
    rows = session.fetch_all(repository.USES_OF_COUPONS, {"ids": list(coupon_ids), "limit": limit})
    found: dict[UUID, tuple[CouponUse, ...]] = {}
    for use in repository.uses_of(rows):
        found[use.coupon_id] = (*found.get(use.coupon_id, ()), use)
    return found


def contents_of(session: ReadSession, *, coupons: Collection[Coupon]) -> dict[Coupon, CouponContent]:
    """What coupons say: as they were issued, a shared code as its kind is now."""
    values = {
        "version_ids": [coupon.version_id for coupon in coupons if coupon.version_id is not None],
        "definition_ids": [coupon.definition_id for coupon in coupons if coupon.version_id is None],
    }
    issued: dict[UUID, CouponContent] = {}
    current: dict[UUID, CouponContent] = {}
    for row in session.fetch_all(repository.CONTENTS, values):
        issued[row["id"]] = content = parse_content(row["content"])
        if row["is_current"]:
            current[row["definition_id"]] = content
    return {
        coupon: current[coupon.definition_id] if coupon.version_id is None else issued[coupon.version_id]
        for coupon in coupons
    }


def presented_statements(
    session: ReadSession,
    *,
    member_id: UUID | None,
    codes: Sequence[str] = (),
    coupon_ids: Sequence[UUID] = (),
    owner: Reference | None = None,
    version_ids: Sequence[UUID] = (),
    at: datetime | None = None,
    sold_at: datetime | None = None,
    has_own: bool = False,
) -> list[Statement]:
    """What a cart finds of the coupons that are presented; run them after the member's lock, then `presented_of`.

    What ``owner``, the cart, holds itself does not stand in its way. ``version_ids`` are what shared codes said when
    the cart was quoted, at ``at``: that still counts. A sale that has happened at ``sold_at`` finds coupons as they
    were then, but used up if they are now: no matter what was voided since, and what carts hold of them. With
    ``has_own`` the member's own coupons are presented too, those that end first, `OFFERS_MAX` at most.
    """
    values: dict[str, object] = {
        "member_id": member_id,
        "codes": list(normalized(codes)),
        "ids": list(coupon_ids),
        "owner_id": owner.id if owner else None,
        "owner_kind": owner.kind if owner else None,
        "version_ids": list(version_ids),
        "now": session.now,
        "at": at or session.now,
        "sold_at": sold_at,
        "limit": OFFERS_MAX,
    }
    queries = [repository.PRESENTED, *([repository.OWN] if has_own and member_id is not None else [])]
    return [Statement(query, values) for query in queries]


def presented_of(
    rows: Sequence[Sequence[DictRow]], *, member_id: UUID | None, codes: Sequence[str] = (), at: datetime
) -> Presented:
    """What comes of the rows of `presented_statements`, for a cart as it is at an instant."""
    found = [repository.sighting_of(row) for part in rows for row in part]
    typed: Mapping[str, str] = normalized(codes)
    impossible = {code: code for code in codes if normalize(code) is None}
    return presented(found, codes={**typed, **impossible}, member_id=member_id, at=at)


def next_late_question() -> Question[datetime | None]:
    """Asks when the next hold of a coupon times out; None where none is held."""
    return instant_question(repository.NEXT_LATE, "held_until")


def late_owners(session: ReadSession, after: Place | None, limit: int) -> tuple[Due[Reference], ...]:
    """Whose holds have timed out, the longest first."""
    rows = session.fetch_all(repository.LATE_OWNERS, place_values(after) | {"now": session.now, "limit": limit})
    return tuple(
        Due((row["held_until"], row["owner_id"]), Reference(row["owner_kind"], row["owner_id"])) for row in rows
    )


def next_unnoticed_question(session: ReadSession) -> Question[datetime | None]:
    """Asks when the next coupon ends of which its member has not been told; None where there is none."""
    return instant_question(repository.NEXT_UNNOTICED, "expires_at", {"now": session.now})
