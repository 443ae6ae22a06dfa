"""The SQL of programs, and the parsed versions that this process remembers."""

import threading
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from services.loyalty.programs.domain import document_json, stored_document
from services.loyalty.programs.domain.publishing import ProgramDraft, ProgramVersion, PublishedVersion
from services.platform.actors import Actor, ActorKind
from services.platform.db.session import ReadSession, Statement, UnitOfWork

REMEMBERED_HOMES_MAX = 2_000
"""Homes whose documents are kept, those that were used last. Errands go round all homes of a process each minute: were
there fewer places than homes, each would be forgotten just before its turn. A document takes tens of kilobytes."""
REMEMBERED_VERSIONS_MAX = 8
"""Parsed documents that are kept of one tenant: the one in force, and those of late purchases and refunds."""

DRAFT = "SELECT document, revision, updated_at FROM program_drafts WHERE singleton = 1"
LOCK_DRAFT = f"{DRAFT} FOR NO KEY UPDATE"
INSERT_DRAFT = """
INSERT INTO program_drafts (singleton, document, revision, updated_at) VALUES (1, %(document)s, 1, %(now)s)
ON CONFLICT (singleton) DO NOTHING RETURNING revision"""
UPDATE_DRAFT = """
UPDATE program_drafts SET document = %(document)s, revision = revision + 1, updated_at = %(now)s
WHERE singleton = 1 AND revision = %(revision)s RETURNING revision"""
REPLACE_DRAFT = """
INSERT INTO program_drafts (singleton, document, revision, updated_at) VALUES (1, %(document)s, 1, %(now)s)
ON CONFLICT (singleton) DO UPDATE SET document = EXCLUDED.document, revision = program_drafts.revision + 1,
    updated_at = EXCLUDED.updated_at
RETURNING revision"""
INSERT_VERSION = """
INSERT INTO program_versions
    (id, number, document, effective_from, published_at, actor_kind, actor_id, restores_number)
VALUES (%(id)s, %(number)s, %(document)s, %(effective_from)s, %(published_at)s, %(actor_kind)s, %(actor_id)s,
    %(restores_number)s)"""
# Documents that this process has parsed already stay where they are.
VERSIONS = """
SELECT id, number, effective_from, restores_number,
    CASE WHEN id = ANY(%(known)s) THEN NULL ELSE document END AS document
FROM program_versions
WHERE id = %(version_id)s
    OR id IN (SELECT (SELECT begun.id FROM program_versions AS begun
            WHERE begun.effective_from <= asked.instant AND NOT EXISTS (
                SELECT FROM program_withdrawals AS withdrawal WHERE withdrawal.version_id = begun.id)
            ORDER BY begun.effective_from DESC, begun.number DESC LIMIT 1)
        FROM unnest(%(instants)s::timestamptz[]) AS asked (instant))"""
LATEST_NUMBER = "SELECT max(number) AS number FROM program_versions"
# What was published to begin at once has begun, also by a clock that is behind the publisher's.
LAST_BEGUN = """
SELECT max(version.effective_from) AS at FROM program_versions AS version
WHERE version.effective_from <= greatest(version.published_at, %(now)s)
    AND NOT EXISTS (SELECT FROM program_withdrawals AS withdrawal WHERE withdrawal.version_id = version.id)"""
# What is in force now, and what will be.
STANDING = """
SELECT version.id, version.number, version.document, version.effective_from, version.restores_number
FROM program_versions AS version
WHERE NOT EXISTS (SELECT FROM program_withdrawals AS withdrawal WHERE withdrawal.version_id = version.id)
    AND NOT EXISTS (SELECT FROM program_versions AS later
        WHERE later.effective_from <= %(now)s
            AND (later.effective_from, later.number) > (version.effective_from, version.number)
            AND NOT EXISTS (SELECT FROM program_withdrawals AS withdrawal WHERE withdrawal.version_id = later.id))
ORDER BY version.effective_from, version.number"""
INSERT_WITHDRAWAL = """
INSERT INTO program_withdrawals (version_id, withdrawn_at, actor_kind, actor_id)
VALUES (%(version_id)s, %(withdrawn_at)s, %(actor_kind)s, %(actor_id)s)"""
_HISTORY = """
SELECT version.id, version.number, version.document, version.effective_from, version.published_at, version.actor_kind,
    version.actor_id, version.restores_number, withdrawal.withdrawn_at
FROM program_versions AS version LEFT JOIN program_withdrawals AS withdrawal ON withdrawal.version_id = version.id"""
BY_NUMBER = f"{_HISTORY} WHERE version.number = %(number)s"
BY_ID = f"{_HISTORY} WHERE version.id = %(id)s"
PAGE = f"""{_HISTORY}
WHERE %(after)s::bigint IS NULL OR version.number < %(after)s ORDER BY version.number DESC LIMIT %(limit)s"""


class VersionMemory:
    """Parsed versions by home. A version never changes, so that it is only ever forgotten for room."""

    def __init__(self) -> None:
        self._homes: dict[str, dict[UUID, ProgramVersion]] = {}
        self._lock = threading.Lock()

    def known(self, schema: str) -> list[UUID]:
        """The ids of the versions of a home that need not be read again."""
        with self._lock:
            versions = self._homes.pop(schema, None)
            if versions is None:
                return []
            # Taken out and put in again, the home that was used last is the last one.
            self._homes[schema] = versions
            return list(versions)

    def get(self, schema: str, version_id: UUID) -> ProgramVersion | None:
        """A remembered version."""
        with self._lock:
            return self._homes.get(schema, {}).get(version_id)

    def put(self, schema: str, version: ProgramVersion) -> None:
        """Remember a version in the place of the home's oldest, or of the home's that was not used for longest."""
        with self._lock:
            versions = self._homes.pop(schema, {})
            self._homes[schema] = versions
            versions[version.id] = version
            if len(versions) > REMEMBERED_VERSIONS_MAX:
                del versions[next(iter(versions))]
            if len(self._homes) > REMEMBERED_HOMES_MAX:
                del self._homes[next(iter(self._homes))]

    def forget(self, schema: str, version_id: UUID) -> None:
        """Forget one version; nothing where it is not remembered."""
        with self._lock:
            self._homes.get(schema, {}).pop(version_id, None)


_memory = VersionMemory()


def versions_statement(
    session: ReadSession, *, instants: Collection[datetime] = (), version_id: UUID | None = None
) -> tuple[Statement, dict[UUID, ProgramVersion]]:
    """The versions in force at instants, and one by id; with it, those that need not be read."""
    schema = session.home.schema
    known = {id_: version for id_ in _memory.known(schema) if (version := _memory.get(schema, id_))}
    values = {"known": list(known), "version_id": version_id, "instants": list(dict.fromkeys(instants))}
    return Statement(VERSIONS, values), known


def versions_of(
    session: ReadSession, rows: Iterable[DictRow], *, known: Mapping[UUID, ProgramVersion]
) -> tuple[ProgramVersion, ...]:
    """The versions of `versions_statement`, each parsed once in the life of this process."""
    versions: list[ProgramVersion] = []
    for row in rows:
        version = known.get(row["id"])
        if version is None:
            document = stored_document(row["document"])
            version = ProgramVersion(row["id"], row["number"], document, row["effective_from"], row["restores_number"])
            _memory.put(session.home.schema, version)
        versions.append(version)
    return tuple(versions)


def forget(session: ReadSession, version_id: UUID) -> None:
    """Forget a parsed version."""
    _memory.forget(session.home.schema, version_id)


def insert_version(uow: UnitOfWork, *, version: ProgramVersion, document: Mapping[str, Any]) -> None:
    """Store a version that is published now."""
    values = {
        "id": version.id,
        "number": version.number,
        "document": Jsonb(document),
        "effective_from": version.effective_from,
        "published_at": uow.now,
        "actor_kind": uow.actor.kind.value,
        "actor_id": uow.actor.id,
        "restores_number": version.restores_number,
    }
    uow.execute(INSERT_VERSION, values)


def insert_withdrawal(uow: UnitOfWork, *, version_id: UUID) -> None:
    """Store that a version is taken back now."""
    values = {
        "version_id": version_id,
        "withdrawn_at": uow.now,
        "actor_kind": uow.actor.kind.value,
        "actor_id": uow.actor.id,
    }
    uow.execute(INSERT_WITHDRAWAL, values)


def draft_of(row: DictRow | None) -> ProgramDraft | None:
    """The draft in canonical form, whatever version of the document it was saved as."""
    if row is None:
        return None
    return ProgramDraft(document_json(stored_document(row["document"])), row["revision"], row["updated_at"])


def published_of(row: DictRow) -> PublishedVersion:
    return PublishedVersion(
        id=row["id"],
        number=row["number"],
        document=document_json(stored_document(row["document"])),
        effective_from=row["effective_from"],
        published_at=row["published_at"],
        actor=Actor(ActorKind(row["actor_kind"]), row["actor_id"]),
        restores_number=row["restores_number"],
        withdrawn_at=row["withdrawn_at"],
    )
