"""The SQL of links to cards' pages and of issuers of passes."""

from typing import Any
from uuid import UUID

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from services.loyalty.cards.domain.links import CardLink
from services.loyalty.cards.domain.passes import IssuerKind, PassIssuer
from services.platform.db.session import UnitOfWork

LINK_COLUMNS = "id, member_id, link_hash, device_hash, created_at, expires_at, opened_at, used_at, revoked_at"
INSERT_LINK = """
INSERT INTO card_links (id, member_id, link_hash, created_at, expires_at)
VALUES (%(id)s, %(member_id)s, %(link_hash)s, %(created_at)s, %(expires_at)s)"""
# Two devices that open one link at once do so one after the other.
LOCK_LINK = f"SELECT {LINK_COLUMNS} FROM card_links WHERE id = %(id)s FOR NO KEY UPDATE"
OPEN_LINK = """
UPDATE card_links SET device_hash = %(device_hash)s, opened_at = coalesce(opened_at, %(now)s), used_at = %(now)s
WHERE id = %(id)s"""
TOUCH_LINK = "UPDATE card_links SET used_at = %(now)s WHERE id = %(id)s"
REVOKE_LINK = "UPDATE card_links SET revoked_at = %(now)s WHERE id = %(id)s"
REVOKE_LINKS = """
UPDATE card_links SET revoked_at = %(now)s WHERE member_id = %(member_id)s AND revoked_at IS NULL RETURNING id"""

ISSUER_COLUMNS = "kind, facts, ends_at, saved_at"
ISSUERS = f"SELECT {ISSUER_COLUMNS} FROM pass_issuers ORDER BY kind"
ISSUER = f"SELECT {ISSUER_COLUMNS}, sealed FROM pass_issuers WHERE kind = %(kind)s"
SAVE_ISSUER = """
INSERT INTO pass_issuers (kind, facts, sealed, ends_at, saved_at)
VALUES (%(kind)s, %(facts)s, %(sealed)s, %(ends_at)s, %(saved_at)s)
ON CONFLICT (kind) DO UPDATE SET facts = EXCLUDED.facts, sealed = EXCLUDED.sealed, ends_at = EXCLUDED.ends_at,
    saved_at = EXCLUDED.saved_at"""
REMOVE_ISSUER = "DELETE FROM pass_issuers WHERE kind = %(kind)s"


def insert_link(uow: UnitOfWork, *, link: CardLink) -> None:
    """Store a link that nobody has opened yet."""
    values: dict[str, Any] = {name: getattr(link, name) for name in CardLink.__slots__}
    uow.execute(INSERT_LINK, values)


def lock_link(uow: UnitOfWork, *, link_id: UUID) -> CardLink | None:
    """A link, which nobody else opens meanwhile; or None."""
    row = uow.fetch_one(LOCK_LINK, {"id": link_id})
    return None if row is None else CardLink(**row)


def open_link(uow: UnitOfWork, *, link_id: UUID, device_hash: bytes) -> None:
    """Give the link's page to a device, and take it from another one that had it."""
    uow.execute(OPEN_LINK, {"id": link_id, "device_hash": device_hash, "now": uow.now})


def touch_link(uow: UnitOfWork, *, link_id: UUID) -> None:
    """Note that the page is in use."""
    uow.execute(TOUCH_LINK, {"id": link_id, "now": uow.now})


def revoke_link(uow: UnitOfWork, *, link_id: UUID) -> None:
    """End one link, and the page on its device."""
    uow.execute(REVOKE_LINK, {"id": link_id, "now": uow.now})


def revoke_links(uow: UnitOfWork, *, member_id: UUID) -> int:
    """End all links of a member, and the pages on their devices; how many there were."""
    return len(uow.fetch_all(REVOKE_LINKS, {"member_id": member_id, "now": uow.now}))


def save_issuer(uow: UnitOfWork, *, issuer: PassIssuer, sealed: bytes) -> None:
    """Store what signs passes of one kind, in place of what was there."""
    values = {
        "kind": issuer.kind.value,
        "facts": Jsonb(dict(issuer.facts)),
        "sealed": sealed,
        "ends_at": issuer.ends_at,
        "saved_at": issuer.saved_at,
    }
    uow.execute(SAVE_ISSUER, values)


def remove_issuer(uow: UnitOfWork, *, kind: IssuerKind) -> bool:
    """Forget what signs passes of one kind; whether there was something."""
    return uow.execute(REMOVE_ISSUER, {"kind": kind.value}) > 0


def issuer_of(row: DictRow) -> PassIssuer:
    return PassIssuer(IssuerKind(row["kind"]), row["facts"], row["ends_at"], row["saved_at"])
