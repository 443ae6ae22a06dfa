"""The demo chain: a sandbox tenant with the stores, the program and the rewards, made once and found again after."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from services.demo.access import OWNER_EMAIL, DemoAccess, Till, ensure_access, keep_access, read_access, with_till
from services.demo.dataset import CURRENCY, SHOP_ZONE, DatasetFiles, stores
from services.demo.errors import DemoMissing, DemoOfAnotherHome
from services.demo.program import PROGRAM, REWARDS, SHELF
from services.loyalty.programs import queries as programs_queries
from services.loyalty.programs import service as programs
from services.loyalty.programs.domain.publishing import PublishProgram, SaveProgramDraft
from services.loyalty.rewards import queries as rewards_queries
from services.loyalty.rewards import service as rewards
from services.loyalty.rewards.domain import CreateReward, UpdateReward
from services.loyalty.stores import queries as stores_queries
from services.loyalty.stores import service as loyalty_stores
from services.loyalty.stores.domain import CreateStore
from services.platform.actors import SYSTEM, Actor, ActorKind
from services.platform.auth.domain import ROLE_SCOPES, Grant, Principal, Role, Scope
from services.platform.auth.errors import EmailTaken, LoginFailed
from services.platform.auth.passwords import Passwords
from services.platform.auth.service import create_api_key
from services.platform.clock import wall_now
from services.platform.db.engine import Database
from services.platform.db.homes import PLATFORM
from services.platform.db.session import UnitOfWork, read_session, unit_of_work
from services.platform.idempotency.errors import IdempotencyConflict
from services.platform.onboarding.service import SignedUp, SignUp, sign_up
from services.platform.tenancy.domain import Tenant, TenantMode
from services.platform.tenancy.errors import SlugTaken
from services.platform.tenancy.first_touch import bring_up_to_date, is_behind
from services.platform.tenancy.registry import set_clock_offset, tenant_by_id, tenant_by_slug

SLUG: Final = "journey"
NAME: Final = "Journey Grocery 旅程超市"
CORRELATION: Final = "demo"
OPENED_AT: Final = datetime(2016, 12, 31, 17, tzinfo=UTC)
"""Noon of the day before the first basket, where the stores are."""
TILL_SCOPES: Final = frozenset(
    {
        Scope.MEMBERS_READ,
        Scope.MEMBERS_WRITE,
        Scope.PURCHASES_READ,
        Scope.PURCHASES_WRITE,
        Scope.REDEMPTIONS_WRITE,
        Scope.PROGRAM_READ,
        Scope.STORES_READ,
    }
)
PAGE = 100
PAGES_MAX = 100

# The source knows numbers only. These names and kinds of street give each of the 457 stores an address of its own.
_TREES = """
    Maple Oak Pine Cedar Elm Birch Walnut Chestnut Willow Spruce Hickory Juniper Laurel Magnolia Sycamore Aspen Linden
    Poplar Hazel Holly Beech Alder Dogwood Hawthorn Mulberry Redwood Sequoia Cypress Locust Myrtle Rowan
"""
_STREETS = "Street Avenue Road Lane Court Hill Park Square Grove Crossing Plaza Bridge Corner Terrace Green"


@dataclass(frozen=True, slots=True)
class Chain:
    """What a replay needs to know of the chain. ``till`` is the actor that the tills' API key acts as."""

    tenant: Tenant
    till: Actor
    access: DemoAccess
    store_ids: Mapping[str, UUID]
    reward_ids: Mapping[str, UUID]


def make_chain(
    database: Database, *, direct_url: str, home: Path, files: DatasetFiles, program: Mapping[str, Any] = PROGRAM
) -> Chain:
    """The chain, with whatever was missing of it made. ``direct_url`` is the owner role's connection.

    ``program`` is published where the chain has none yet.

    Raises:
        DemoOfAnotherHome: the tenant was made with another state folder than ``home``.
    """
    tenant, access = _open_tenant(database, direct_url=direct_url, home=home)
    assert access.till is not None
    with unit_of_work(database, tenant.home, now=OPENED_AT, actor=SYSTEM, correlation_id=CORRELATION) as uow:
        store_ids = _open_stores(uow, files)
        _publish_program(uow, program)
        reward_ids = _offer_rewards(uow)
    till = Actor(ActorKind.KEY, access.till.key_id)
    return Chain(tenant, till, access, MappingProxyType(store_ids), MappingProxyType(reward_ids))


def demo_tenant(database: Database) -> Tenant:
    """The chain's tenant.

    Raises:
        DemoMissing: it has not been made.
    """
    with read_session(database, PLATFORM, now=wall_now()) as session:
        tenant = tenant_by_slug(session, SLUG)
    if tenant is None:
        raise DemoMissing(slug=SLUG)
    return tenant


def move_clock(database: Database, tenant: Tenant, *, now: datetime) -> Tenant:
    """Make ``now`` the tenant's business time, unless it is later there already: what has happened stays past."""
    wall = wall_now()
    with unit_of_work(database, PLATFORM, now=wall, actor=SYSTEM, correlation_id=CORRELATION) as uow:
        current = tenant_by_id(uow, tenant.id)
        assert current is not None
        if current.now(wall) < now:
            set_clock_offset(uow, tenant_id=tenant.id, offset=now - wall)
            current = tenant_by_id(uow, tenant.id)
            assert current is not None
    return current


def _open_tenant(database: Database, *, direct_url: str, home: Path) -> tuple[Tenant, DemoAccess]:
    access = read_access(home)
    if access is not None and access.tenant_id is not None and access.till is not None:
        with read_session(database, PLATFORM, now=wall_now()) as session:
            tenant = tenant_by_id(session, access.tenant_id)
        if tenant is not None:
            if is_behind(tenant):
                bring_up_to_date(direct_url, tenant)
            return tenant, access
    signed_up = _sign_up(database, ensure_access(home), direct_url=direct_url, home=home)
    with unit_of_work(database, PLATFORM, now=wall_now(), actor=SYSTEM, correlation_id=CORRELATION) as uow:
        tenant = tenant_by_id(uow, signed_up.tenant_id)
        assert tenant is not None
        owner = Principal(
            Actor(ActorKind.STAFF, signed_up.session.user_id),
            (Grant(ROLE_SCOPES[Role.OWNER], None, Role.OWNER),),
        )
        key = create_api_key(uow, tenant=tenant, maker=owner, name="Tills 收银台", scopes=TILL_SCOPES)
    access = with_till(ensure_access(home), tenant_id=tenant.id, till=Till(key.id, key.secret))
    return tenant, keep_access(home, access)


def _sign_up(database: Database, access: DemoAccess, *, direct_url: str, home: Path) -> SignedUp:
    command = SignUp(
        email=OWNER_EMAIL,
        password=access.password,
        name="Journey Owner",
        merchant_name=NAME,
        slug=SLUG,
        locale="en",
        idempotency_key="demo:journey",
    )
    now = wall_now()
    try:
        return sign_up(
            database,
            Passwords(),
            command,
            direct_url=direct_url,
            now=now,
            correlation_id=CORRELATION,
            mode=TenantMode.SANDBOX,
            clock_offset=OPENED_AT - now + timedelta(seconds=1),
        )
    except (SlugTaken, EmailTaken, IdempotencyConflict, LoginFailed) as error:
        raise DemoOfAnotherHome(slug=SLUG, home=str(home)) from error


def _open_stores(uow: UnitOfWork, files: DatasetFiles) -> dict[str, UUID]:
    ids: dict[str, UUID] = {}
    last: str | None = None
    for _ in range(PAGES_MAX):
        page = stores_queries.stores_page(uow, limit=PAGE, after_code=last)
        ids |= {store.code: store.id for store in page}
        if len(page) < PAGE:
            break
        last = page[-1].code
    addresses = itertools.cycle(f"{tree} {kind}" for kind in _STREETS.split() for tree in _TREES.split())
    for source, address in zip(stores(files), addresses, strict=False):
        if source.code not in ids:
            name = f"Journey Grocery, {address}"
            command = CreateStore(code=source.code, name=name, timezone=SHOP_ZONE, currency=CURRENCY)
            ids[source.code] = loyalty_stores.create_store(uow, command=command).id
    return ids


def _publish_program(uow: UnitOfWork, program: Mapping[str, Any]) -> None:
    if programs_queries.version_in_force(uow, at=OPENED_AT) is not None:
        return
    draft = programs_queries.draft(uow)
    command = SaveProgramDraft(document=program, revision=draft.revision if draft else None)
    saved = programs.save_draft(uow, command=command)
    programs.publish(uow, command=PublishProgram(revision=saved.revision))


def _offer_rewards(uow: UnitOfWork) -> dict[str, UUID]:
    there = {reward.code: reward for reward in rewards_queries.rewards_page(uow, limit=PAGE, is_archived=None)}
    for offered in (*REWARDS, *SHELF):
        known = there.get(offered.code)
        if known is None:
            command = CreateReward(code=offered.code, content=offered.content)
            there[offered.code] = rewards.create_reward(uow, command=command)
        elif known.version == 1 and known.archived_at is None and known.content != offered.content:
            # A chain that an older release has made, and that nobody has edited since.
            rewards.update_reward(uow, command=UpdateReward(known.id, known.version, offered.content))
    return {code: reward.id for code, reward in there.items()}
