"""From a credential to a tenant and a principal."""

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import psycopg
import structlog

from services.platform.actors import SYSTEM, Actor, ActorKind
from services.platform.auth import repository as sql
from services.platform.auth.domain import ANONYMOUS, ROLE_SCOPES, Grant, Principal, Role, Scope
from services.platform.auth.errors import CredentialInvalid
from services.platform.auth.tokens import KeyToken, MemberToken, SessionToken, Signer, is_secret
from services.platform.clock import monotonic, wall_now
from services.platform.db.engine import Database
from services.platform.db.homes import PLATFORM
from services.platform.db.session import CommitOutcomeUnknown, read_session, unit_of_work
from services.platform.errors import DomainError
from services.platform.tenancy.domain import Tenant
from services.platform.tenancy.errors import TenantContradicted, TenantRequired, TenantUnknown
from services.platform.tenancy.registry import TenantRegistry, usable

log = structlog.get_logger()

CACHE_SECONDS = 2.0
"""How long a revoked credential may still work in a process that has just seen it."""
CACHE_ENTRIES_MAX = 10_000
TENANT_CHOICES_MAX = 50
KEY_TOUCH_EVERY = timedelta(minutes=1)

# Sandboxes come after live tenants: who has one live tenant reaches it without naming it, and names its sandboxes.
TENANTS_OF_NODES = """
SELECT slug, mode FROM platform.tenants
WHERE (id = ANY(%(tenant_ids)s) OR organization_id = ANY(%(organization_ids)s)) AND status <> 'provisioning'
ORDER BY mode, slug LIMIT %(limit)s"""

MEMBER_SCOPES: frozenset[Scope] = frozenset()
"""A member holds no scope: what is theirs they reach through ``me`` and ``node``."""


@dataclass(frozen=True, slots=True)
class _NodeGrant:
    organization_id: UUID
    tenant_id: UUID | None
    store_id: UUID | None
    role: Role

    def reaches(self, tenant: Tenant) -> bool:
        return self.tenant_id == tenant.id or (
            self.tenant_id is None and self.organization_id == tenant.organization_id
        )


@dataclass(frozen=True, slots=True)
class _Credential:
    """What a token proves. ``tenant_id`` is set where the credential itself belongs to one tenant."""

    actor: Actor
    tenant_id: UUID | None = None
    session_id: UUID | None = None
    grants: tuple[Grant, ...] = ()
    node_grants: tuple[_NodeGrant, ...] = ()


@dataclass(frozen=True, slots=True)
class Reached:
    """Where a request arrives, and as whom. Without a tenant only the platform's own operations are open."""

    tenant: Tenant | None
    principal: Principal


class Authenticator:
    """Resolves credentials for one process; what it read is remembered for `CACHE_SECONDS`."""

    def __init__(self, database: Database, registry: TenantRegistry, signer: Signer) -> None:
        self._database = database
        self._registry = registry
        self._signer = signer
        self._known: dict[str, tuple[float, _Credential]] = {}
        self._reached: dict[tuple[str | None, str | None, str | None], tuple[float, Reached]] = {}
        self._lock = threading.Lock()

    def reach(self, *, token: str | None, tenant_slug: str | None, host: str | None) -> Reached:
        """The tenant and the principal of a request. ``tenant_slug`` is the header X-Tenant.

        Raises:
            CredentialInvalid, TenantUnknown, TenantSuspended, TenantContradicted, TenantRequired
        """
        try:
            reached = self._reach(token, tenant_slug, host)
        except DomainError:
            with self._lock:
                self._reached.pop((token, tenant_slug, host), None)
            raise
        until = self._remembered_until(token, tenant_slug, host)
        with self._lock:
            # Whoever comes again goes to the end: those who have been away longest are forgotten first.
            self._reached.pop((token, tenant_slug, host), None)
            if len(self._reached) >= CACHE_ENTRIES_MAX:
                del self._reached[next(iter(self._reached))]
            self._reached[token, tenant_slug, host] = (until, reached)
        return reached

    def has_let_in(self, *, token: str | None, tenant_slug: str | None, host: str | None) -> bool:
        """Whether such a request was let in here before, and not refused since. It never blocks."""
        return (token, tenant_slug, host) in self._reached

    def forget(self) -> None:
        """Read everything anew from now on: a tenant has changed, or somebody's rights."""
        self._registry.forget()
        with self._lock:
            self._known.clear()
            # Who was let in stays known as one who was.
            self._reached = {asked: (0.0, reached) for asked, (_, reached) in self._reached.items()}

    def remembered(self, *, token: str | None, tenant_slug: str | None, host: str | None) -> Reached | None:
        """As `reach` where nothing has to be read for it, else None. It never blocks."""
        until, reached = self._reached.get((token, tenant_slug, host), (0.0, None))
        return reached if until > monotonic() else None

    def _remembered_until(self, token: str | None, tenant_slug: str | None, host: str | None) -> float:
        """Until when everything is remembered of which `reach` made its answer: that is never made to last longer."""
        until, credential = self._known.get(token, (0.0, None)) if token else (float("inf"), None)
        tenant_id = credential.tenant_id if credential else None
        return min(until, self._registry.remembered_until(tenant_id=tenant_id, slug=tenant_slug, host=host))

    def _reach(self, token: str | None, tenant_slug: str | None, host: str | None) -> Reached:
        named = self._named_tenant(tenant_slug, host)
        if token is None:
            return Reached(usable(named) if named else None, ANONYMOUS)
        credential = self._credential(token)
        if credential.tenant_id is not None:
            tenant = usable(self._registry.by_id(credential.tenant_id))
            if named is not None and named.id != tenant.id:
                raise TenantContradicted
            return Reached(tenant, Principal(credential.actor, credential.grants))
        return self._reach_as_staff(credential, named)

    def _reach_as_staff(self, credential: _Credential, named: Tenant | None) -> Reached:
        tenant = named or self._only_tenant(credential)
        if tenant is None:
            return Reached(None, Principal(credential.actor, session_id=credential.session_id))
        grants = tuple(
            Grant(ROLE_SCOPES[node.role], node.store_id, node.role)
            for node in credential.node_grants
            if node.reaches(tenant)
        )
        # A tenant of strangers looks exactly like one that is not there.
        if not grants:
            raise TenantUnknown
        return Reached(usable(tenant), Principal(credential.actor, grants, credential.session_id))

    def _only_tenant(self, credential: _Credential) -> Tenant | None:
        """The tenant of a person who named none: the only live one, or else the only sandbox; None when they have none.

        Raises:
            TenantRequired: they have several.
        """
        values = {
            "tenant_ids": [node.tenant_id for node in credential.node_grants if node.tenant_id],
            "organization_ids": [node.organization_id for node in credential.node_grants if not node.tenant_id],
            "limit": TENANT_CHOICES_MAX,
        }
        with read_session(self._database, PLATFORM, now=wall_now()) as session:
            rows = session.fetch_all(TENANTS_OF_NODES, values)
        slugs = tuple(row["slug"] for row in rows)
        if len(rows) > 1 and rows[1]["mode"] == rows[0]["mode"]:
            raise TenantRequired(slugs=slugs)
        return self._registry.by_slug(slugs[0]) if slugs else None

    def _named_tenant(self, tenant_slug: str | None, host: str | None) -> Tenant | None:
        """The tenant that header or host name, None when neither does.

        Raises:
            TenantUnknown: the header names nobody.
            TenantContradicted: header and host name two.
        """
        by_host = self._registry.by_host(host) if host else None
        if tenant_slug is None:
            return by_host
        by_header = self._registry.by_slug(tenant_slug)
        if by_header is None:
            raise TenantUnknown
        if by_host is not None and by_host.id != by_header.id:
            raise TenantContradicted
        return by_header

    def _credential(self, token: str) -> _Credential:
        with self._lock:
            found = self._known.get(token)
        if found is not None and found[0] > monotonic():
            return found[1]
        credential = self._look_up(token)
        with self._lock:
            if len(self._known) >= CACHE_ENTRIES_MAX:
                self._known.clear()
            self._known[token] = (monotonic() + CACHE_SECONDS, credential)
        return credential

    def _look_up(self, token: str) -> _Credential:
        match self._signer.read(token):
            case SessionToken() as session_token:
                return self._session(session_token)
            case KeyToken() as key_token:
                return self._key(key_token)
            case MemberToken(tenant_id, member_id):
                actor = Actor(ActorKind.MEMBER, member_id)
                return _Credential(actor, tenant_id=tenant_id, grants=(Grant(MEMBER_SCOPES, None),))

    def _session(self, token: SessionToken) -> _Credential:
        now = wall_now()
        with read_session(self._database, PLATFORM, now=now) as session:
            row = session.fetch_one(sql.SESSION, {"id": token.session_id, "now": now})
            if row is None or not is_secret(row["secret_hash"], token.secret):
                raise CredentialInvalid
            grants = session.fetch_all(sql.GRANTS_OF_USER, {"user_id": row["user_id"]})
        nodes = tuple(
            _NodeGrant(grant["organization_id"], grant["tenant_id"], grant["store_id"], Role(grant["role"]))
            for grant in grants
        )
        return _Credential(Actor(ActorKind.STAFF, row["user_id"]), session_id=token.session_id, node_grants=nodes)

    def _key(self, token: KeyToken) -> _Credential:
        now = wall_now()
        with read_session(self._database, PLATFORM, now=now) as session:
            row = session.fetch_one(sql.KEY_BY_PREFIX, {"prefix": token.prefix, "now": now})
        if row is None or not is_secret(row["secret_hash"], token.secret):
            raise CredentialInvalid
        if row["last_used_at"] is None or row["last_used_at"] < now - KEY_TOUCH_EVERY:
            self._touch(row["id"], now)
        grant = Grant(sql.scopes_of(row), row["store_id"])
        return _Credential(Actor(ActorKind.KEY, row["id"]), tenant_id=row["tenant_id"], grants=(grant,))

    def _touch(self, key_id: UUID, now: datetime) -> None:
        """Note that a key is used. A server that takes no writes must not keep anybody from reading."""
        try:
            with unit_of_work(self._database, PLATFORM, now=now, actor=SYSTEM, correlation_id="authenticate") as uow:
                uow.execute(sql.TOUCH_KEY, {"id": key_id, "now": now, "before": now - KEY_TOUCH_EVERY})
        except (psycopg.Error, CommitOutcomeUnknown) as error:
            log.warning("key_not_touched", error=type(error).__name__)
