"""Sandboxes: made of a live tenant, their clocks moved day by day, their programs promoted.

Each verb works in more than one home, so in more than one transaction; whatever broke off goes on when the same
command is sent again.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from services.loyalty.programs import queries as programs_queries
from services.loyalty.programs import service as programs
from services.loyalty.programs.domain import document_json
from services.loyalty.programs.domain.differences import differences
from services.loyalty.programs.domain.publishing import PublishProgram, SaveProgramDraft
from services.loyalty.programs.errors import ProgramNotPublished
from services.loyalty.rewards import queries as rewards_queries
from services.loyalty.rewards import service as rewards
from services.loyalty.rewards.domain import CreateReward, Reward, portable
from services.loyalty.sandboxes.domain import (
    Copied,
    CreatedSandbox,
    CreateSandbox,
    PromotedProgram,
    PromoteProgram,
    check_beginning,
)
from services.loyalty.sandboxes.errors import SandboxNotFound, SandboxOfSandbox, TooManySandboxes
from services.loyalty.stores import queries as stores_queries
from services.loyalty.stores import service as stores
from services.loyalty.stores.domain import CreateStore, Store
from services.platform.actors import Actor
from services.platform.auth.roles import copy_whole_tenant_grants
from services.platform.clock import wall_now
from services.platform.db.engine import Database
from services.platform.db.homes import PLATFORM, tenant_home
from services.platform.db.session import ReadSession, UnitOfWork, read_session, unit_of_work
from services.platform.idempotency.errors import IdempotencyConflict
from services.platform.idempotency.service import check_key, claim, settle
from services.platform.ids import new_id
from services.platform.tenancy.domain import NewTenant, Tenant, TenantMode
from services.platform.tenancy.first_touch import is_behind, try_once, upgrading
from services.platform.tenancy.migrations import provision_schema
from services.platform.tenancy.registry import insert_tenant, tenant_by_id
from services.platform.tenancy.sandboxes import insert_sandbox, lock_sandboxes, sandboxes_of
from services.platform.text import check_text

OPERATION = "createSandbox"
SANDBOXES_MAX = 10
"""Of one live tenant."""
PAGE = 100
PAGES_MAX = 100
"""Of stores and of rewards that are copied."""


def create_sandbox(
    database: Database, *, live: Tenant, command: CreateSandbox, direct_url: str, actor: Actor, correlation_id: str
) -> CreatedSandbox:
    """Make a sandbox with a schema of its own, for the same people with the same roles, and copy what is asked for.

    The copy is of the live tenant as it is now: the version in force, published at the sandbox's beginning; the draft;
    open stores and offered rewards by their codes. Members, purchases and points are never copied.

    Raises:
        SandboxOfSandbox, TooManySandboxes, SlugInvalid, SlugTaken, InvalidInput
        IdempotencyConflict, IdempotencyKeyInvalid
    """
    if live.mode is TenantMode.SANDBOX:
        raise SandboxOfSandbox(slug=live.slug)
    wall = wall_now()
    with unit_of_work(database, PLATFORM, now=wall, actor=actor, correlation_id=correlation_id) as uow:
        tenant_id, replayed = _register(uow, live, command)
    provision_schema(direct_url, tenant_home(tenant_id))
    with read_session(database, PLATFORM, now=wall) as session:
        sandbox = tenant_by_id(session, tenant_id)
    assert sandbox is not None
    _copy(database, live, sandbox, command, actor=actor, correlation_id=correlation_id)
    return CreatedSandbox(tenant_id, replayed)


def promote_program(
    database: Database, *, live: Tenant, command: PromoteProgram, direct_url: str, actor: Actor, correlation_id: str
) -> PromotedProgram:
    """Make the version in force in a sandbox the draft of its live tenant. Nothing is published.

    A sandbox that is behind this release is brought up to it first, over the owner's ``direct_url``.

    Raises:
        SandboxOfSandbox, SandboxNotFound
        ProgramNotPublished: the sandbox has no version in force.
        ProgramDraftChanged, ProgramDocumentInvalid
        TenantUpgrading: the sandbox is behind this release, and somebody keeps it locked.
    """
    if live.mode is TenantMode.SANDBOX:
        raise SandboxOfSandbox(slug=live.slug)
    wall = wall_now()
    with read_session(database, PLATFORM, now=wall) as session:
        found = sandboxes_of(session, live_tenant_id=live.id, limit=SANDBOXES_MAX)
    sandbox = next((tenant for tenant in found if tenant.slug == command.sandbox_slug), None)
    if sandbox is None:
        raise SandboxNotFound(slug=command.sandbox_slug)
    if is_behind(sandbox) and not try_once(direct_url, sandbox):
        raise upgrading(sandbox)
    with read_session(database, sandbox.home, now=sandbox.now(wall)) as session:
        version = programs_queries.version_in_force(session, at=session.now)
    if version is None:
        raise ProgramNotPublished
    with unit_of_work(database, live.home, now=live.now(wall), actor=actor, correlation_id=correlation_id) as uow:
        in_force = programs_queries.version_in_force(uow, at=uow.now)
        draft = programs.save_draft(
            uow, command=SaveProgramDraft(document=document_json(version.document), revision=command.revision)
        )
    changes = differences(in_force.document, version.document) if in_force else ()
    return PromotedProgram(draft, in_force, changes)


def _register(uow: UnitOfWork, live: Tenant, command: CreateSandbox) -> tuple[UUID, bool]:
    """Note a PROVISIONING tenant with its people under the key; or say which was noted under it before."""
    begins_at = None if command.begins_at is None else check_beginning(command.begins_at, wall=uow.now)
    name = live.name if command.name is None else check_text(command.name, field="name")
    check_key(command.idempotency_key)
    # The platform's keys are of all tenants, so the tenant's id goes into this one.
    key = hashlib.sha256(f"{live.id}:{command.idempotency_key}".encode()).hexdigest()
    try:
        stored = claim(uow, operation=OPERATION, key=key, request_hash=command.request_hash)
    except IdempotencyConflict as error:
        raise IdempotencyConflict(key=command.idempotency_key) from error
    if stored is not None:
        return UUID(stored["tenantId"]), True
    lock_sandboxes(uow, live_tenant_id=live.id)
    if len(sandboxes_of(uow, live_tenant_id=live.id, limit=SANDBOXES_MAX)) == SANDBOXES_MAX:
        raise TooManySandboxes(maximum=SANDBOXES_MAX)
    new = NewTenant(
        id=new_id(),
        organization_id=live.organization_id,
        slug=command.slug,
        name=name,
        mode=TenantMode.SANDBOX,
        clock_offset=timedelta() if begins_at is None else begins_at - uow.now,
        locale=live.locale,
        created_at=uow.now,
    )
    insert_tenant(uow, new)
    insert_sandbox(uow, tenant_id=new.id, live_tenant_id=live.id)
    copy_whole_tenant_grants(uow, source=live, target_id=new.id)
    settle(uow, operation=OPERATION, key=key, result={"tenantId": str(new.id)})
    return new.id, False


def _copy(
    database: Database, live: Tenant, sandbox: Tenant, command: CreateSandbox, *, actor: Actor, correlation_id: str
) -> None:
    wall = wall_now()
    with read_session(database, live.home, now=wall) as session:
        version = programs_queries.version_in_force(session, at=wall) if Copied.PROGRAM in command.copies else None
        draft = programs_queries.draft(session) if Copied.PROGRAM in command.copies else None
        copied_stores = _stores(session) if Copied.STORES in command.copies else ()
        copied_rewards = _rewards(session) if Copied.REWARDS in command.copies else ()
    begins_at = _beginning(command, sandbox)
    with unit_of_work(database, sandbox.home, now=begins_at, actor=actor, correlation_id=correlation_id) as uow:
        key = command.idempotency_key
        if claim(uow, operation=OPERATION, key=key, request_hash=command.request_hash) is not None:
            return
        revision = None
        if version is not None:
            saved = programs.save_draft(
                uow, command=SaveProgramDraft(document=document_json(version.document), revision=None)
            )
            programs.publish(uow, command=PublishProgram(revision=saved.revision))
            revision = saved.revision
        if draft is not None:
            programs.save_draft(uow, command=SaveProgramDraft(document=draft.document, revision=revision))
        for store in copied_stores:
            stores.create_store(
                uow,
                command=CreateStore(
                    code=store.code,
                    name=store.name,
                    timezone=store.timezone,
                    currency=store.currency,
                    address=store.address,
                ),
            )
        for reward in copied_rewards:
            rewards.create_reward(
                uow, command=CreateReward(code=reward.code, content=portable(reward.content), stock=reward.stock)
            )
        settle(uow, operation=OPERATION, key=key, result={})


def _beginning(command: CreateSandbox, sandbox: Tenant) -> datetime:
    """What the sandbox's clock said first: its program is in force from then on, however long the copy took."""
    return command.begins_at or sandbox.created_at + sandbox.clock_offset


def _stores(session: ReadSession) -> Sequence[Store]:
    found: list[Store] = []
    for _ in range(PAGES_MAX):
        page = stores_queries.stores_page(session, limit=PAGE, after_code=found[-1].code if found else None)
        found += page
        if len(page) < PAGE:
            break
    return [store for store in found if store.closed_at is None]


def _rewards(session: ReadSession) -> Sequence[Reward]:
    found: list[Reward] = []
    for _ in range(PAGES_MAX):
        page = rewards_queries.rewards_page(session, limit=PAGE, after_code=found[-1].code if found else None)
        found += page
        if len(page) < PAGE:
            break
    return found
