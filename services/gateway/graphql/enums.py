"""Enums of the core, told to the schema with a description of every value."""

from collections.abc import Mapping
from enum import Enum
from typing import TypeVar

import strawberry
from strawberry.types.enum import StrawberryEnumDefinition

from services.loyalty.ledger.domain import EntryKind, LotState, Purpose
from services.loyalty.members.domain import IdentityKind, MemberStatus
from services.loyalty.programs.domain import TemplateKey
from services.loyalty.redemptions.domain import RedemptionStatus
from services.loyalty.rewards.domain import RewardKind
from services.platform.actors import ActorKind
from services.platform.auth.domain import Role, Scope
from services.platform.tenancy.domain import TenantMode, TenantStatus

EnumT = TypeVar("EnumT", bound=Enum)


def _describe(cls: type[EnumT], name: str, description: str, values: Mapping[EnumT, str]) -> None:
    """Make an enum of the core a GraphQL enum; a value without a description is a KeyError when this is imported."""
    described = strawberry.enum(cls, name=name, description=description)
    definition: StrawberryEnumDefinition = getattr(described, "__strawberry_definition__")  # noqa: B009  put there by Strawberry
    for value in definition.values:
        value.description = values[cls[value.name]]


_describe(
    ActorKind,
    "PrincipalKind",
    "Who can send a request or have made an entry.",
    {
        ActorKind.STAFF: "A person who logged in.",
        ActorKind.KEY: "A program with an API key.",
        ActorKind.MEMBER: "A member with a member token.",
        ActorKind.PUBLIC: "Somebody without a credential.",
        ActorKind.SYSTEM: "The platform itself, such as a job that runs by the clock.",
    },
)
_describe(
    Scope,
    "Scope",
    "One thing that may be allowed. API keys carry scopes; a role is a set of them.",
    {
        Scope.MEMBERS_READ: "See members, their balances and their ledger.",
        Scope.MEMBERS_WRITE: "Enroll, change and deactivate members.",
        Scope.MEMBER_TOKENS_WRITE: "Make tokens by which members read their own data.",
        Scope.PURCHASES_READ: "See purchases and refunds, and quote carts.",
        Scope.PURCHASES_WRITE: "Record and refund purchases.",
        Scope.REDEMPTIONS_WRITE: "Redeem rewards.",
        Scope.POINTS_ADJUST: "Give and take points by hand.",
        Scope.PROGRAM_READ: "See the program, its draft and its rewards.",
        Scope.PROGRAM_WRITE: "Edit and publish the program.",
        Scope.REWARDS_WRITE: "Create, edit and archive rewards.",
        Scope.STORES_READ: "See stores.",
        Scope.STORES_WRITE: "Open and edit stores.",
        Scope.STAFF_MANAGE: "See staff, and invite more.",
        Scope.KEYS_MANAGE: "Make, rotate and revoke API keys.",
        Scope.USAGE_READ: "See what was used.",
    },
)
_describe(
    Role,
    "Role",
    "What staff can be, in a whole tenant or in one of its stores.",
    {
        Role.OWNER: "Everything.",
        Role.ADMIN: "Everything; may not make owners.",
        Role.MARKETER: "Members, the program and its rewards.",
        Role.CASHIER: "Members, purchases and redemptions: the till.",
        Role.ANALYST: "Sees members, purchases, the program and usage; changes nothing.",
        Role.HEADQUARTERS: "Everything, in every tenant of an organization.",
    },
)
_describe(
    TenantMode,
    "TenantMode",
    "What a tenant is for.",
    {
        TenantMode.LIVE: "Real business; its clock is the wall clock.",
        TenantMode.SANDBOX: "For trying things out; it has a clock of its own.",
    },
)
_describe(
    TenantStatus,
    "TenantStatus",
    "Where a tenant is in its life.",
    {
        TenantStatus.PROVISIONING: "Being made; repeat the sign-up with its key to finish it.",
        TenantStatus.ACTIVE: "In use.",
        TenantStatus.SUSPENDED: "May not be used now.",
    },
)
_describe(
    IdentityKind,
    "IdentityKind",
    "How a member can be found.",
    {
        IdentityKind.PHONE: "A phone number, kept in E.164.",
        IdentityKind.EMAIL: "An e-mail address, kept in lower case.",
        IdentityKind.CARD: "The number of a card, as written.",
        IdentityKind.EXTERNAL: "The member's id in another system, as written.",
    },
)
_describe(
    MemberStatus,
    "MemberStatus",
    "Whether a member takes part.",
    {
        MemberStatus.ACTIVE: "Earns and spends.",
        MemberStatus.INACTIVE: "Deactivated: earns nothing and spends nothing.",
    },
)
_describe(
    TemplateKey,
    "ProgramTemplateKey",
    "The programs that a merchant can start from.",
    {
        TemplateKey.CAFE: "A café.",
        TemplateKey.GROCERY: "A grocery chain.",
        TemplateKey.ONLINE_SHOP: "An online shop.",
    },
)
_describe(
    RewardKind,
    "RewardKind",
    "What a member gets.",
    {
        RewardKind.PHYSICAL: "A thing that is handed over or shipped.",
        RewardKind.VIRTUAL: "A thing that is delivered on a screen.",
        RewardKind.COUPON: "A coupon for a later purchase.",
        RewardKind.SERVICE: "Something that is done for the member.",
        RewardKind.DONATION: "A gift to somebody else in the member's name.",
    },
)
_describe(
    RedemptionStatus,
    "RedemptionStatus",
    "Where a redemption is in its life.",
    {RedemptionStatus.CONFIRMED: "The points are paid and the reward is the member's."},
)
_describe(
    EntryKind,
    "LedgerEntryKind",
    "What an entry of the ledger tells.",
    {
        EntryKind.ACCRUAL: "Points were earned.",
        EntryKind.REDEMPTION: "Points were spent on a reward.",
        EntryKind.CLAWBACK: "A refund took back what its purchase had earned.",
        EntryKind.RESTORATION: "Points came back to the lots that they were drawn from.",
        EntryKind.ADJUSTMENT: "Staff gave or took points, for a reason.",
        EntryKind.ACTIVATION: "Pending points became spendable.",
        EntryKind.EXPIRY: "Points came to their end.",
    },
)
_describe(
    Purpose,
    "AccountPurpose",
    "What an account of the ledger is for. The first four are a member's, the others the program's.",
    {
        Purpose.PENDING: "A member's points that can't be spent yet.",
        Purpose.AVAILABLE: "A member's points to spend.",
        Purpose.HELD: "A member's points reserved for a redemption under way.",
        Purpose.OWED: "What a member owes to the program.",
        Purpose.ISSUANCE: "Where earned points come from.",
        Purpose.REDEMPTION: "Where spent points go.",
        Purpose.BREAKAGE: "Where expired points go.",
        Purpose.ADJUSTMENT: "Where points given by hand come from, and those taken go.",
        Purpose.CLEARING: "What stores owe each other.",
    },
)
_describe(
    LotState,
    "PointsLotState",
    "Whether a lot was activated.",
    {
        LotState.PENDING: "Its points can't be spent yet.",
        LotState.ACTIVE: "Its points can be spent until they expire.",
    },
)
