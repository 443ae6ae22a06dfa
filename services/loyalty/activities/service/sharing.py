"""Links that members share, and friends who follow them."""

from uuid import UUID

from services.loyalty.activities import repository
from services.loyalty.activities.domain import PROGRAM_SOURCE, CreateShare, Happening, Share
from services.loyalty.activities.domain.checking import check_url
from services.loyalty.activities.errors import ShareNotFound
from services.loyalty.activities.queries import shares_by_ids
from services.loyalty.activities.service.happenings import notice
from services.loyalty.members import queries as members
from services.loyalty.programs.domain import Trigger
from services.platform.db.session import Statement, UnitOfWork
from services.platform.ids import new_id
from services.platform.text import check_text

VISITS_MAX = 10_000
"""Visitors of one link who are counted; those after them are led on all the same."""


def create_share(uow: UnitOfWork, *, command: CreateShare) -> Share:
    """A link for a member to share. Sharing earns nothing.

    Raises:
        InvalidInput, IdentityInvalid, MemberNotFound, MemberInactive
    """
    member_id = members.resolved(uow, ref=command.member)
    statement = members.status_statement(member_id=member_id)
    members.check_active(uow.fetch_all(statement.query, statement.values), member_id=member_id)
    share = Share(
        id=new_id(),
        member_id=member_id,
        channel=check_text(command.channel, field="channel"),
        url=check_url(command.url, field="url"),
        created_at=uow.now,
        visits=0,
        first_visited_at=None,
    )
    values = {name: getattr(share, name) for name in ("id", "member_id", "channel", "url", "created_at")}
    uow.execute(repository.INSERT_SHARE, values)
    return share


def follow_share(uow: UnitOfWork, *, share_id: UUID, visitor_hash: bytes | None) -> str:
    """Somebody followed a link: where it leads. The first visitor earns the member what the program says.

    ``visitor_hash`` tells visitors of the link apart; None is somebody who does not count, such as a robot.

    Raises:
        ShareNotFound
    """
    share = shares_by_ids(uow, share_ids=(share_id,)).get(share_id)
    if share is None:
        raise ShareNotFound
    if visitor_hash is None or share.visits >= VISITS_MAX:
        return share.url
    values = {"id": share_id, "visitor_hash": visitor_hash, "now": uow.now}
    if not uow.fetch_all(repository.INSERT_VISIT, values):
        return share.url
    if share.first_visited_at is None:
        notice(uow, member_id=share.member_id, happening=_happening(uow, share))
    # After the member's lock, as everything that others may wait for.
    uow.fetch_pipeline([Statement(repository.COUNT_VISIT, {"id": share_id, "now": uow.now})])
    return share.url


def _happening(uow: UnitOfWork, share: Share) -> Happening:
    return Happening(
        trigger=Trigger.SHARE,
        source=PROGRAM_SOURCE,
        external_id=f"share:{share.id}",
        occurred_at=uow.now,
        facts={"event.channel": share.channel},
        data={"channel": share.channel, "url": share.url},
    )
