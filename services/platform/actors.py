"""Who acts, as the audit trail and the ledger remember it."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class ActorKind(StrEnum):
    """The five kinds of principal."""

    STAFF = "staff"
    KEY = "key"
    MEMBER = "member"
    PUBLIC = "public"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts; ``id`` is the user's, key's or member's, and None for the public and the system."""

    kind: ActorKind
    id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sent one of several commands that share a transaction, and under which correlation id (and trace)."""

    actor: Actor
    correlation_id: str
    traceparent: str | None = None


SYSTEM = Actor(ActorKind.SYSTEM)
PUBLIC = Actor(ActorKind.PUBLIC)
