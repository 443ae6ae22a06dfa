"""The SQL of programs, and the parsed versions that this process remembers."""

import threading
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from services.loyalty.programs.domain import parse_document
from services.loyalty.programs.domain.publishing import ProgramDraft, ProgramVersion, PublishedVersion
from services.platform.actors import Actor, ActorKind
from services.platform.db.session import ReadSession, Statement, UnitOfWork

REMEMBERED_HOMES_MAX = 500
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
INSERT INTO program_versions (id, number, document, effective_from, published_at, actor_kind, actor_id)
VALUES (%(id)s, %(number)s, %(document)s, %(effective_from)s, %(published_at)s, %(actor_kind)s, %(actor_id)s)"""
# Documents that this process has parsed already stay where they are.
VERSIONS = """
SELECT id, number, effective_from, CASE WHEN id = ANY(%(known)s) THEN NULL ELSE document END AS document
FROM program_versions
WHERE id = %(version_id)s
    OR id IN (SELECT (SELECT id FROM program_versions WHERE effective_from <= asked.instant
            ORDER BY effective_from DESC, number DESC LIMIT 1)
        FROM unnest(%(instants)s::timestamptz[]) AS asked (instant))"""
LATEST = "SELECT number, document, effective_from FROM program_versions ORDER BY number DESC LIMIT 1"
PAGE = """
SELECT id, number, document, effective_from, published_at, actor_kind, actor_id FROM program_versions
WHERE %(after)s::bigint IS NULL OR number < %(after)s ORDER BY number DESC LIMIT %(limit)s"""


class VersionMemory:
    """Parsed versions by home. A version never changes, so that it is only ever forgotten for room."""

    def __init__(self) -> None:
        self._homes: dict[str, dict[UUID, ProgramVersion]] = {}
        self._lock = threading.Lock()

    def known(self, schema: str) -> list[UUID]:
        """The ids of the versions of a home that need not be read again."""
        with self._lock:
            return list(self._homes.get(schema, ()))

    def get(self, schema: str, version_id: UUID) -> ProgramVersion | None:
        """A remembered version."""
        with self._lock:
            return self._homes.get(schema, {}).get(version_id)

    def put(self, schema: str, version: ProgramVersion) -> None:
        """Remember a version in the place of the oldest home's or the home's oldest."""
        with self._lock:
            versions = self._homes.pop(schema, {})
            # Taken out and put in again, the home that was used last is the last one.
            self._homes[schema] = versions
            versions[version.id] = version
            if len(versions) > REMEMBERED_VERSIONS_MAX:
                del versions[next(iter(versions))]
            if len(self._homes) > REMEMBERED_HOMES_MAX:
                del self._homes[next(iter(self._homes))]


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
            document = parse_document(row["document"])
            version = ProgramVersion(row["id"], row["number"], document, row["effective_from"])
            _memory.put(session.home.schema, version)
        versions.append(version)
    return tuple(versions)


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
    }
    uow.execute(INSERT_VERSION, values)


def draft_of(row: DictRow | None) -> ProgramDraft | None:
    return None if row is None else ProgramDraft(row["document"], row["revision"], row["updated_at"])


def published_of(row: DictRow) -> PublishedVersion:
    return PublishedVersion(
        id=row["id"],
        number=row["number"],
        document=row["document"],
        effective_from=row["effective_from"],
        published_at=row["published_at"],
        actor=Actor(ActorKind(row["actor_kind"]), row["actor_id"]),
    )
