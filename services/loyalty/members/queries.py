"""Members by id, by identity and by page."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from psycopg.rows import DictRow

from services.loyalty.members import repository
from services.loyalty.members.domain import (
    DueOccasion,
    Earner,
    Identity,
    IdentityKind,
    Member,
    MemberRef,
    MemberStatus,
    OccasionKind,
    normalize_identity,
    region_of,
)
from services.loyalty.members.errors import MemberInactive, MemberNotFound
from services.loyalty.stores.domain import Store
from services.loyalty.stores.queries import store_by_id
from services.platform.db.questions import Question, ask, instant_question
from services.platform.db.session import ReadSession, Statement


def normalized_ref(session: ReadSession, *, ref: MemberRef, store_id: UUID | None) -> MemberRef:
    """The reference in its stored form. A phone number as dialed locally costs a read of the store's country.

    Raises:
        IdentityInvalid, InvalidInput: it can be nobody's.
    """
    store = None
    if store_id is not None and is_dialed_locally(ref):
        store = store_by_id(session, store_id=store_id)
    return normalized_at(ref, store=store)


def is_dialed_locally(ref: MemberRef) -> bool:
    """Whether it is a phone number without a country, which says something only where a store is."""
    return isinstance(ref, Identity) and ref.kind is IdentityKind.PHONE and not ref.value.lstrip().startswith("+")


def normalized_at(ref: MemberRef, *, store: Store | None) -> MemberRef:
    """The reference in its stored form; ``store`` says where a phone number was dialed.

    Raises:
        IdentityInvalid, InvalidInput: it can be nobody's.
    """
    if isinstance(ref, UUID):
        return ref
    return normalize_identity(ref, region=region_of(store.timezone) if store else None, field="member.identity")


def identities_statement(*, identities: Collection[Identity]) -> Statement:
    """The statement whose rows `ids_by_identity` reads. The identities are in their stored form."""
    values = {
        "kinds": [identity.kind.value for identity in identities],
        "values": [identity.value for identity in identities],
    }
    return Statement(repository.BY_IDENTITIES, values)


def ids_by_identity(rows: Sequence[DictRow]) -> dict[Identity, UUID]:
    """The ids of members by identity; those that exist."""
    return {repository.identity_of(row): row["member_id"] for row in rows}


def identity_statement(*, identity: Identity) -> Statement:
    """The statement whose rows `identified` reads. The identity is in its stored form."""
    return Statement(repository.BY_IDENTITY, {"kind": identity.kind.value, "value": identity.value})


def identified(rows: Sequence[DictRow]) -> UUID:
    """The id of the member with the identity.

    Raises:
        MemberNotFound
    """
    if not rows:
        raise MemberNotFound
    member_id: UUID = rows[0]["member_id"]
    return member_id


def resolved(session: ReadSession, *, ref: MemberRef, store_id: UUID | None = None) -> UUID:
    """The id of a member; one that was given is not looked up.

    Raises:
        MemberNotFound, IdentityInvalid, InvalidInput
    """
    ref = normalized_ref(session, ref=ref, store_id=store_id)
    if isinstance(ref, UUID):
        return ref
    statement = identity_statement(identity=ref)
    return identified(session.fetch_all(statement.query, statement.values))


def statuses_statement(*, member_ids: Collection[UUID]) -> Statement:
    """The statement whose rows `statuses_of` reads."""
    return Statement(repository.STATUS, {"ids": list(member_ids)})


def statuses_of(rows: Sequence[DictRow]) -> dict[UUID, MemberStatus]:
    """Whether members are active, by id; those that exist."""
    return {row["id"]: MemberStatus(row["status"]) for row in rows}


def status_statement(*, member_id: UUID) -> Statement:
    """The statement whose rows `status_of` reads."""
    return statuses_statement(member_ids=(member_id,))


def status_of(rows: Sequence[DictRow], *, member_id: UUID) -> MemberStatus:
    """Whether the member is active.

    Raises:
        MemberNotFound
    """
    if not rows:
        raise MemberNotFound(member_id=member_id)
    return MemberStatus(rows[0]["status"])


def check_active(rows: Sequence[DictRow], *, member_id: UUID) -> None:
    """Refuse a member that is not there or not active, by the rows of `status_statement`.

    Raises:
        MemberNotFound, MemberInactive
    """
    if status_of(rows, member_id=member_id) is not MemberStatus.ACTIVE:
        raise MemberInactive(member_id=member_id)


def earners_statement(*, member_ids: Collection[UUID]) -> Statement:
    """The statement whose rows `earners_of` reads."""
    return Statement(repository.EARNERS, {"ids": list(member_ids)})


def earners_of(rows: Sequence[DictRow]) -> dict[UUID, Earner]:
    """What rules may know of members, by id; those that exist."""
    return {row["member_id"]: repository.earner_of(row) for row in rows}


def due_occasions_statement(*, kind: OccasionKind, now: datetime, limit: int) -> Statement:
    """Asks for the members' occasions that are due longest; the rows go to `due_occasions_of`."""
    return Statement(repository.DUE_OCCASIONS, {"kind": kind.value, "now": now, "limit": limit})


def due_occasions_of(rows: Sequence[DictRow]) -> tuple[DueOccasion, ...]:
    """The occasions."""
    return tuple(repository.occasion_of(row) for row in rows)


def first_occasion_question(*, kind: OccasionKind) -> Question[datetime | None]:
    """From when on the next occasion of a kind is to be looked for; None where nobody has any."""
    return instant_question(repository.FIRST_OCCASION, "due_at", {"kind": kind.value})


def member_by_id(session: ReadSession, *, member_id: UUID) -> Member | None:
    """A member, active or not, or None."""
    return members_by_ids(session, member_ids=(member_id,)).get(member_id)


def members_by_ids(session: ReadSession, *, member_ids: Collection[UUID]) -> dict[UUID, Member]:
    """Members by id; those that exist."""
    (found,) = ask(session, [members_question(member_ids=member_ids)])
    members: dict[UUID, Member] = found
    return members


def members_question(*, member_ids: Collection[UUID]) -> Question[dict[UUID, Member]]:
    """Asks for members by id; those that exist."""
    values = {"ids": list(member_ids)}
    return Question(
        [Statement(repository.BY_IDS, values), Statement(repository.IDENTITIES, values)],
        lambda rows: {member.id: member for member in repository.members_of(rows[0], identities=rows[1])},
    )


def member_by_identity(session: ReadSession, *, identity: Identity, store_id: UUID | None = None) -> Member | None:
    """The member with an identity, or None. With ``store_id`` a phone number may be as dialed where the store is.

    Raises:
        IdentityInvalid, InvalidInput: it can be nobody's.
    """
    try:
        member_id = resolved(session, ref=identity, store_id=store_id)
    except MemberNotFound:
        return None
    return member_by_id(session, member_id=member_id)


def members_page_question(*, limit: int, after_id: UUID | None = None) -> Question[tuple[Member, ...]]:
    """Asks for members, newest first, from before ``after_id``."""
    values = {"after": after_id, "limit": limit}
    page, identities = (
        (repository.FIRST_PAGE, repository.IDENTITIES_OF_FIRST_PAGE)
        if after_id is None
        else (repository.PAGE, repository.IDENTITIES_OF_PAGE)
    )
    return Question(
        [Statement(page, values), Statement(identities, values)],
        lambda rows: repository.members_of(rows[0], identities=rows[1]),
    )


def members_page(session: ReadSession, *, limit: int, after_id: UUID | None = None) -> tuple[Member, ...]:
    """Members, newest first, from before ``after_id``."""
    (found,) = ask(session, [members_page_question(limit=limit, after_id=after_id)])
    members: tuple[Member, ...] = found
    return members
