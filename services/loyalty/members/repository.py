"""The SQL of members and their identities."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from services.loyalty.members.domain import (
    DueOccasion,
    Earner,
    Identity,
    IdentityKind,
    Member,
    MemberStatus,
    OccasionKind,
)
from services.loyalty.members.errors import IdentityTaken
from services.platform.db.session import Statement, UnitOfWork
from services.platform.ids import new_id

COLUMNS = """
id, name, birthday, locale, timezone, status, enrolled_at, enrolled_store_id, updated_at, tags, fields, is_referred,
birthday_changed_at, profile_completed_at"""
BY_IDS = f"SELECT {COLUMNS} FROM members WHERE id = ANY(%(ids)s)"
# Two texts, since a plan that fits both a first page and a deep one reads all that is before it.
FIRST_PAGE = f"SELECT {COLUMNS} FROM members ORDER BY id DESC LIMIT %(limit)s"
PAGE = f"SELECT {COLUMNS} FROM members WHERE id < %(after)s ORDER BY id DESC LIMIT %(limit)s"
IDENTITIES_OF_FIRST_PAGE = """
SELECT member_id, kind, value
FROM (SELECT id FROM members ORDER BY id DESC LIMIT %(limit)s) AS page
    JOIN member_identities ON member_id = page.id
ORDER BY member_id, kind, value"""
IDENTITIES_OF_PAGE = """
SELECT member_id, kind, value
FROM (SELECT id FROM members WHERE id < %(after)s ORDER BY id DESC LIMIT %(limit)s) AS page
    JOIN member_identities ON member_id = page.id
ORDER BY member_id, kind, value"""
LOCK = f"SELECT {COLUMNS} FROM members WHERE id = ANY(%(ids)s) FOR NO KEY UPDATE"
IDENTITIES = """
SELECT member_id, kind, value FROM member_identities WHERE member_id = ANY(%(ids)s) ORDER BY member_id, kind, value"""
STATUS = "SELECT id, status FROM members WHERE id = ANY(%(ids)s)"
BY_IDENTITIES = """
SELECT kind, value, member_id FROM member_identities
    JOIN unnest(%(kinds)s::text[], %(values)s::text[]) AS asked (kind, value) USING (kind, value)"""
BY_IDENTITY = "SELECT member_id FROM member_identities WHERE kind = %(kind)s AND value = %(value)s"
INSERT = """
INSERT INTO members (id, name, birthday, locale, timezone, status, enrolled_at, enrolled_store_id, updated_at, tags,
    fields, is_referred, birthday_changed_at, profile_completed_at)
VALUES (%(id)s, %(name)s, %(birthday)s, %(locale)s, %(timezone)s, %(status)s, %(enrolled_at)s, %(enrolled_store_id)s,
    %(updated_at)s, %(tags)s::text[], %(fields)s, %(is_referred)s, %(birthday_changed_at)s, %(profile_completed_at)s)"""
UPDATE = """
UPDATE members SET name = %(name)s, birthday = %(birthday)s, locale = %(locale)s, timezone = %(timezone)s,
    status = %(status)s, updated_at = %(updated_at)s, tags = %(tags)s::text[], fields = %(fields)s,
    birthday_changed_at = %(birthday_changed_at)s, profile_completed_at = %(profile_completed_at)s
WHERE id = %(id)s"""
EARNERS = """
SELECT id AS member_id, status, locale, timezone, birthday, enrolled_at, tags, fields, is_referred, birthday_changed_at
FROM members WHERE id = ANY(%(ids)s)"""
KEEP_OCCASIONS = """
INSERT INTO member_occasions (member_id, kind, due_at)
SELECT member_id, kind, due_at FROM jsonb_to_recordset(%(rows)s) AS rows (member_id uuid, kind text, due_at timestamptz)
ORDER BY member_id, kind
ON CONFLICT (member_id, kind) DO UPDATE SET due_at = EXCLUDED.due_at"""
FORGET_OCCASION = "DELETE FROM member_occasions WHERE member_id = %(member_id)s AND kind = %(kind)s"
DUE_OCCASIONS = """
SELECT member_id, kind, due_at FROM member_occasions
WHERE kind = %(kind)s AND due_at <= %(now)s
ORDER BY due_at, member_id LIMIT %(limit)s"""
FIRST_OCCASION = "SELECT due_at FROM member_occasions WHERE kind = %(kind)s ORDER BY due_at LIMIT 1"
# In the order of the unique index, so that two enrollments with the same identities never wait for each other.
INSERT_IDENTITIES = """
INSERT INTO member_identities (id, member_id, kind, value, created_at)
SELECT id, %(member_id)s, kind, value, %(now)s
FROM jsonb_to_recordset(%(rows)s) AS rows (id uuid, kind text, value text) ORDER BY kind, value
ON CONFLICT (kind, value) DO NOTHING RETURNING kind, value"""
DELETE_IDENTITIES = """
DELETE FROM member_identities WHERE member_id = %(member_id)s AND id = ANY(%(ids)s)"""
IDENTITY_IDS = "SELECT id, kind, value FROM member_identities WHERE member_id = %(member_id)s"


def insert_statements(uow: UnitOfWork, *, member: Member) -> list[Statement]:
    """The member's row and identities; give the rows of the second to `check_identities`."""
    return [
        Statement(INSERT, _values(member)),
        _identities_statement(uow, member_id=member.id, identities=member.identities),
    ]


def update_member(uow: UnitOfWork, *, member: Member) -> None:
    """Write what may change of a member that is locked, but its identities."""
    uow.execute(UPDATE, _values(member))


def replace_identities(uow: UnitOfWork, *, member_id: UUID, identities: Sequence[Identity]) -> None:
    """Make these the member's identities; those that stay are not touched.

    Raises:
        IdentityTaken
    """
    there = {identity_of(row): row["id"] for row in uow.fetch_all(IDENTITY_IDS, {"member_id": member_id})}
    gone = [id_ for identity, id_ in there.items() if identity not in identities]
    uow.execute(DELETE_IDENTITIES, {"member_id": member_id, "ids": gone})
    added = [identity for identity in identities if identity not in there]
    statement = _identities_statement(uow, member_id=member_id, identities=added)
    check_identities(uow.fetch_all(statement.query, statement.values), expected=added)


def check_identities(rows: Iterable[DictRow], *, expected: Sequence[Identity]) -> None:
    """Refuse when an identity was not inserted, because another member has it.

    Raises:
        IdentityTaken
    """
    inserted = {identity_of(row) for row in rows}
    for identity in expected:
        if identity not in inserted:
            raise IdentityTaken(kind=identity.kind.value)


def identity_of(row: DictRow) -> Identity:
    return Identity(IdentityKind(row["kind"]), row["value"])


def members_of(rows: Iterable[DictRow], *, identities: Iterable[DictRow]) -> tuple[Member, ...]:
    by_member: dict[UUID, list[Identity]] = {}
    for row in identities:
        by_member.setdefault(row["member_id"], []).append(identity_of(row))
    return tuple(
        Member(
            id=row["id"],
            name=row["name"],
            birthday=row["birthday"],
            locale=row["locale"],
            timezone=row["timezone"],
            status=MemberStatus(row["status"]),
            enrolled_at=row["enrolled_at"],
            enrolled_store_id=row["enrolled_store_id"],
            updated_at=row["updated_at"],
            identities=tuple(by_member.get(row["id"], ())),
            tags=tuple(row["tags"]),
            fields=row["fields"],
            is_referred=row["is_referred"],
            birthday_changed_at=row["birthday_changed_at"],
            profile_completed_at=row["profile_completed_at"],
        )
        for row in rows
    )


def earner_of(row: DictRow) -> Earner:
    return Earner(**(row | {"status": MemberStatus(row["status"]), "tags": tuple(row["tags"])}))


def occasion_of(row: DictRow) -> DueOccasion:
    return DueOccasion(row["member_id"], OccasionKind(row["kind"]), row["due_at"])


def keep_occasions_statement(occasions: Mapping[tuple[UUID, OccasionKind], datetime]) -> Statement:
    """Look for occasions from these instants on, by member and kind."""
    rows = [
        {"member_id": member_id, "kind": kind.value, "due_at": due_at.isoformat()}
        for (member_id, kind), due_at in occasions.items()
    ]
    return Statement(KEEP_OCCASIONS, {"rows": Jsonb(rows)})


def _identities_statement(uow: UnitOfWork, *, member_id: UUID, identities: Sequence[Identity]) -> Statement:
    rows = [{"id": new_id(), "kind": identity.kind.value, "value": identity.value} for identity in identities]
    return Statement(INSERT_IDENTITIES, {"member_id": member_id, "now": uow.now, "rows": Jsonb(rows)})


def _values(member: Member) -> dict[str, Any]:
    return {
        "id": member.id,
        "name": member.name,
        "birthday": member.birthday,
        "locale": member.locale,
        "timezone": member.timezone,
        "status": member.status.value,
        "enrolled_at": member.enrolled_at,
        "enrolled_store_id": member.enrolled_store_id,
        "updated_at": member.updated_at,
        "tags": list(member.tags),
        "fields": Jsonb(dict(member.fields)),
        "is_referred": member.is_referred,
        "birthday_changed_at": member.birthday_changed_at,
        "profile_completed_at": member.profile_completed_at,
    }
