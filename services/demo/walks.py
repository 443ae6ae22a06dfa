"""All of a tenant's members, purchases and redemptions, page by page through the doors of their rooms."""

from collections.abc import Iterator, Sequence
from uuid import UUID

from services.loyalty.ledger import queries as ledger
from services.loyalty.ledger.domain.holdings import Balance
from services.loyalty.members import queries as members
from services.loyalty.members.domain import Member
from services.loyalty.purchases import queries as purchases
from services.loyalty.purchases.domain import Purchase
from services.loyalty.redemptions import queries as redemptions
from services.loyalty.redemptions.domain import Redemption
from services.platform.db.session import ReadSession

PAGE = 500
"""A walk ends with the rows that were there when it began: its session sees one snapshot."""


def member_pages(session: ReadSession) -> Iterator[tuple[Member, ...]]:
    """Members, newest first, a page at a time."""
    after: UUID | None = None
    while page := members.members_page(session, limit=PAGE, after_id=after):
        yield page
        after = page[-1].id


def balances_of(session: ReadSession, page: Sequence[Member]) -> Iterator[Balance]:
    """The balances of a page of members, in its order."""
    found = ledger.balances(session, holder_ids=[member.id for member in page])
    for member in page:
        yield from found.get(member.id, ())


def every_purchase(session: ReadSession) -> Iterator[Purchase]:
    """Purchases, the one recorded last first."""
    after: UUID | None = None
    while page := purchases.recent_purchases(session, limit=PAGE, after_id=after):
        yield from page
        after = page[-1].id


def every_redemption(session: ReadSession) -> Iterator[Redemption]:
    """Redemptions, newest first."""
    after: UUID | None = None
    while page := redemptions.redemptions_page(session, limit=PAGE, after_id=after):
        yield from page
        after = page[-1].id
