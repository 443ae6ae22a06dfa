"""What is asked about members, so that the database can write the answer."""

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias
from uuid import UUID

from services.loyalty.members.domain import Identity


@dataclass(frozen=True, slots=True)
class MembersPage:
    """Members, newest first, from before ``after_id``."""

    limit: int
    after_id: UUID | None


ProfileSource: TypeAlias = UUID | Identity | MembersPage
"""One member by id, one by an identity in its stored form, or a page."""


class Profile(NamedTuple):
    """What was picked of a member, as JSON."""

    member_id: UUID
    json: str
