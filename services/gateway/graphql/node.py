"""Fetching anything again by its global id."""

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Annotated
from uuid import UUID

import strawberry

from services.gateway.graphql.activities.types import load_activity
from services.gateway.graphql.adjustments.types import load_request
from services.gateway.graphql.after_sales.types import load_case
from services.gateway.graphql.auth.loaders import find_api_key, find_invitation, find_staff
from services.gateway.graphql.auth.types import ApiKey, Invitation, StaffMember
from services.gateway.graphql.budgets.types import load_budget
from services.gateway.graphql.coupons.types import load_batch, load_definition, visible_coupon
from services.gateway.graphql.fields import Info, guarded
from services.gateway.graphql.holds.types import load_hold
from services.gateway.graphql.ids import take_apart
from services.gateway.graphql.ledger.types import LedgerEntry, PointsLot, entries_by_key, lots_by_key
from services.gateway.graphql.members.loaders import tier_changes_by_key
from services.gateway.graphql.members.tier import MemberTierChange
from services.gateway.graphql.members.types import Member, load_member
from services.gateway.graphql.nodes import Node
from services.gateway.graphql.permissions import IN_TENANT, is_allowed_at
from services.gateway.graphql.programs.types import ProgramVersion
from services.gateway.graphql.purchases.loaders import purchases_by_key, refunds_by_key
from services.gateway.graphql.purchases.types import Purchase, Refund
from services.gateway.graphql.redemptions.types import load_redemption
from services.gateway.graphql.rewards.types import load_reward
from services.gateway.graphql.stores.types import load_store
from services.gateway.graphql.tenants.types import Tenant
from services.gateway.graphql.transfers.types import load_transfer
from services.loyalty.programs import queries as programs
from services.platform.auth.domain import Scope

Fetch = Callable[[Info, UUID], Awaitable[Node | None]]


def _somewhere(scope: Scope, fetch: Fetch) -> Fetch:
    """For who holds ``scope`` in the tenant or one of its stores; to all others the object is not there."""

    async def fetch_allowed(info: Info, key: UUID) -> Node | None:
        return await fetch(info, key) if info.context.principal.allows_somewhere(scope) else None

    return fetch_allowed


def _in_tenant(scope: Scope, fetch: Fetch) -> Fetch:
    """For who holds ``scope`` in the whole tenant."""

    async def fetch_allowed(info: Info, key: UUID) -> Node | None:
        return await fetch(info, key) if info.context.principal.allows(scope) else None

    return fetch_allowed


async def _tenant(info: Info, key: UUID) -> Node | None:
    return Tenant.from_domain(info.context.tenant) if key == info.context.tenant.id else None


async def _member(info: Info, key: UUID) -> Member | None:
    principal = info.context.principal
    is_visible = principal.member_id == key or principal.allows_somewhere(Scope.MEMBERS_READ)
    return await load_member(info, key) if is_visible else None


async def _purchase(info: Info, key: UUID) -> Node | None:
    purchase = await info.context.load(purchases_by_key, key)
    if purchase is None:
        return None
    own = info.context.principal.member_id
    is_own = own is not None and purchase.member_id == own
    is_visible = is_own or is_allowed_at(info.context, Scope.PURCHASES_READ, purchase.store_id)
    return Purchase.from_domain(purchase) if is_visible else None


async def _refund(info: Info, key: UUID) -> Node | None:
    refund = await info.context.load(refunds_by_key, key)
    purchase = await info.context.load(purchases_by_key, refund.purchase_id) if refund else None
    if refund is None or purchase is None or await _purchase(info, purchase.id) is None:
        return None
    return Refund.from_domain(refund, purchase.currency)


async def _entry(info: Info, key: UUID) -> Node | None:
    entry = await info.context.load(entries_by_key, key)
    if entry is None:
        return None
    principal = info.context.principal
    is_own = principal.member_id is not None and entry.header.holder_id == principal.member_id
    is_visible = is_own or principal.allows_somewhere(Scope.MEMBERS_READ)
    return LedgerEntry.from_domain(entry) if is_visible else None


async def _lot(info: Info, key: UUID) -> Node | None:
    lot = await info.context.load(lots_by_key, key)
    if lot is None:
        return None
    principal = info.context.principal
    is_own = principal.member_id is not None and lot.holder_id == principal.member_id
    return PointsLot.from_domain(lot) if is_own or principal.allows_somewhere(Scope.MEMBERS_READ) else None


async def _redemption(info: Info, key: UUID) -> Node | None:
    redemption = await load_redemption(info, key)
    if redemption is None:
        return None
    principal = info.context.principal
    is_own = principal.member_id is not None and principal.member_id in {redemption.member_key, redemption.owner_key}
    return redemption if is_own or principal.allows_somewhere(Scope.MEMBERS_READ) else None


async def _hold(info: Info, key: UUID) -> Node | None:
    hold = await load_hold(info, key)
    if hold is None:
        return None
    principal = info.context.principal
    is_own = principal.member_id is not None and hold.member_key == principal.member_id
    return hold if is_own or principal.allows_somewhere(Scope.MEMBERS_READ) else None


async def _transfer(info: Info, key: UUID) -> Node | None:
    transfer = await load_transfer(info, key)
    if transfer is None:
        return None
    principal = info.context.principal
    is_own = principal.member_id is not None and principal.member_id in {transfer.sender_key, transfer.recipient_key}
    return transfer if is_own or principal.allows_somewhere(Scope.MEMBERS_READ) else None


async def _tier_change(info: Info, key: UUID) -> Node | None:
    change = await info.context.load(tier_changes_by_key, key)
    if change is None:
        return None
    principal = info.context.principal
    is_own = principal.member_id is not None and change.member_id == principal.member_id
    is_visible = is_own or principal.allows_somewhere(Scope.MEMBERS_READ)
    return MemberTierChange.from_domain(change) if is_visible else None


async def _program_version(info: Info, key: UUID) -> Node | None:
    version = await info.context.read(lambda session: programs.published_by_id(session, version_id=key))
    return ProgramVersion.from_history(version) if version else None


async def _api_key(info: Info, key: UUID) -> Node | None:
    found = await find_api_key(info, key)
    return ApiKey.from_domain(found) if found else None


async def _staff(info: Info, key: UUID) -> Node | None:
    found = await find_staff(info, key)
    return StaffMember.from_domain(found) if found else None


async def _invitation(info: Info, key: UUID) -> Node | None:
    found = await find_invitation(info, key)
    return Invitation.from_domain(found) if found else None


FETCH: Mapping[str, Fetch] = MappingProxyType(
    {
        "Tenant": _tenant,
        "Member": _member,
        "Purchase": _purchase,
        "Refund": _refund,
        "LedgerEntry": _entry,
        "PointsLot": _lot,
        "MemberTierChange": _tier_change,
        "Hold": _hold,
        "Transfer": _transfer,
        "Redemption": _redemption,
        "Activity": load_activity,
        "AdjustmentRequest": _in_tenant(Scope.POINTS_ADJUST, load_request),
        "Case": load_case,
        "Store": _somewhere(Scope.STORES_READ, load_store),
        "Reward": _somewhere(Scope.PROGRAM_READ, load_reward),
        "Budget": _somewhere(Scope.PROGRAM_READ, load_budget),
        "Coupon": visible_coupon,
        "CouponBatch": _in_tenant(Scope.REWARDS_WRITE, load_batch),
        "CouponDefinition": _somewhere(Scope.PROGRAM_READ, load_definition),
        "ProgramVersion": _somewhere(Scope.PROGRAM_READ, _program_version),
        "ApiKey": _in_tenant(Scope.KEYS_MANAGE, _api_key),
        "StaffMember": _in_tenant(Scope.STAFF_MANAGE, _staff),
        "Invitation": _in_tenant(Scope.STAFF_MANAGE, _invitation),
    }
)
"""How each type is fetched."""


@guarded(
    access=IN_TENANT,
    description="Any object by its id; null when there is none that you may see. Members see what is their own.",
)
async def node(
    info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="A global id.")]
) -> Node | None:
    """An object by its global id."""
    type_name, key = take_apart(id, field="id")
    fetch = FETCH.get(type_name)
    return await fetch(info, key) if fetch else None
