"""Enums of the core, told to the schema with a description of every value."""

import services.gateway.graphql.after_sales.enums
import services.gateway.graphql.catalogue_enums
import services.gateway.graphql.checkout_enums  # noqa: F401  both register more of them
from services.gateway.graphql.enum_words import describe as _describe
from services.loyalty.adjustments.domain import RequestStatus
from services.loyalty.earning.domain.accruals import RuleOutcome
from services.loyalty.earning.domain.caps import CapSubject
from services.loyalty.holds.domain import HoldStatus
from services.loyalty.ledger.domain import EntryKind, LotState, Purpose
from services.loyalty.ledger.domain.flows import LotOriginClass, Timeline
from services.loyalty.members.domain import IdentityKind, MemberStatus
from services.loyalty.programs.domain import CapMeasure, CapOwner, CapPeriod, Overflow, Rounding, TemplateKey, Trigger
from services.loyalty.programs.domain.conditions import Operator
from services.loyalty.programs.domain.conditions.declared import ValueType
from services.loyalty.programs.domain.conditions.fields import Asked
from services.loyalty.programs.domain.differences import ChangeKind
from services.loyalty.programs.domain.ladder import Access
from services.loyalty.purchases.domain import TenderKind
from services.loyalty.purchases.domain.effects import UseKind
from services.loyalty.sandboxes.domain import Copied
from services.loyalty.tiers.domain import ChangeKind as TierChangeKind
from services.platform.actors import ActorKind
from services.platform.auth.domain import Role, Scope
from services.platform.tenancy.domain import TenantMode, TenantStatus

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
        Scope.ACTIVITIES_READ: "See what members did besides buying.",
        Scope.ACTIVITIES_WRITE: "Record what members do besides buying, make check-in codes and links to share.",
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
        Scope.SANDBOXES_MANAGE: "Make sandboxes, and move their clocks.",
        Scope.REPORTS_READ: "See what all members' points come to: liability, breakage, cost.",
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
    Timeline,
    "LedgerTimeline",
    "By which of its two instants an entry of the ledger counts.",
    {
        Timeline.RECORDED: "When it was written down: what the books said then.",
        Timeline.EFFECTIVE: "When the thing happened, though it was written down later.",
    },
)
_describe(
    LotOriginClass,
    "PointsOrigin",
    "What points were born of.",
    {
        LotOriginClass.SALES: "A purchase: they defer its revenue.",
        LotOriginClass.OTHER: "Anything else: they cost the program.",
    },
)
_describe(
    RequestStatus,
    "AdjustmentRequestStatus",
    "Where an adjustment that needs a second person is in its life.",
    {
        RequestStatus.PENDING: "Waits for a second person.",
        RequestStatus.APPROVED: "The points have moved.",
        RequestStatus.REJECTED: "Turned down; nothing has moved.",
        RequestStatus.EXPIRED: "Nobody decided it in time; nothing has moved.",
    },
)
_describe(
    Copied,
    "SandboxCopy",
    "What a sandbox may take over from its live tenant.",
    {
        Copied.PROGRAM: "The version in force, published in the sandbox from its beginning, and the draft.",
        Copied.STORES: "Open stores, by their codes; their ids are new.",
        Copied.REWARDS: "Rewards on offer, by their codes; their ids are new.",
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
    ChangeKind,
    "ProgramChangeKind",
    "What became of the thing at a place of a program document.",
    {
        ChangeKind.ADDED: "It was not there.",
        ChangeKind.REMOVED: "It is not there any more.",
        ChangeKind.CHANGED: "It is another.",
    },
)
_describe(
    Access,
    "TierAccess",
    "How a tier is reached.",
    {
        Access.EARNED: "By what counts.",
        Access.INVITATION: "By invitation: staff give it.",
        Access.PAID: "For a fee: staff give it.",
    },
)
_describe(
    TierChangeKind,
    "TierChangeKind",
    "Why a member's tier changed.",
    {
        TierChangeKind.REACHED: "Enough has counted.",
        TierChangeKind.PERIOD_START: "A period began, and the one before had reached it.",
        TierChangeKind.REVIEW: "A review found too little.",
        TierChangeKind.GRACE_ENDED: "A review had found too little, and it was not made up for in time.",
        TierChangeKind.REFUND: "What had counted came back.",
        TierChangeKind.LATE: "Something became known that happened in a period which had been reviewed.",
        TierChangeKind.RULES: "The program no longer has the tier.",
        TierChangeKind.GIVEN: "Staff gave it.",
        TierChangeKind.RELEASED: "Staff ended a tier that was given.",
        TierChangeKind.ENDED: "A tier was given until then.",
    },
)
_describe(
    TemplateKey,
    "ProgramTemplateKey",
    "The programs that a merchant can start from.",
    {
        TemplateKey.CAFE: "A café.",
        TemplateKey.RETAIL: "A shop or a chain of shops.",
        TemplateKey.ONLINE_SHOP: "An online shop.",
        TemplateKey.RESTAURANT: "A restaurant.",
        TemplateKey.SALON: "A hairdresser or beauty salon.",
        TemplateKey.HOTEL: "A hotel.",
        TemplateKey.GROCERY: "A grocery chain.",
    },
)
_describe(
    HoldStatus,
    "HoldStatus",
    "Where a hold is in its life.",
    {
        HoldStatus.OPEN: "It reserves points.",
        HoldStatus.CAPTURED: "It has ended, and some of its points at least were spent.",
        HoldStatus.RELEASED: "All of its points were given back.",
        HoldStatus.TIMED_OUT: "Its time has run out, and its points are spendable again.",
    },
)
_describe(
    UseKind,
    "PurchaseUseKind",
    "Something that used what a purchase had given.",
    {
        UseKind.REDEMPTION: "A redemption drew its points.",
        UseKind.TRANSFER: "Its points went to another member.",
        UseKind.HOLD: "Its points were reserved, or spent from a reservation.",
        UseKind.PAYMENT: "Another purchase was paid with its points.",
        UseKind.PURCHASE: "A purchase that earned at a tier which only this one had reached.",
    },
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
        EntryKind.CANCELLATION: "Pending points were canceled: the action that they awaited has not come.",
        EntryKind.HOLD: "Points were reserved.",
        EntryKind.CAPTURE: "Reserved points were spent.",
        EntryKind.RELEASE: "Reserved points became spendable again.",
        EntryKind.TRANSFER: "Points went to another member, or came from one.",
        EntryKind.REPAYMENT: "Points paid back what was owed.",
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
_describe(
    ValueType,
    "ProgramFieldType",
    "What a field of conditions holds, and so how a literal is written in the program document.",
    {
        ValueType.BOOLEAN: "True or false.",
        ValueType.INTEGER: "A whole number.",
        ValueType.DECIMAL: "An exact decimal: a text such as `2.5`, or a whole number; in expressions ten-thousandths.",
        ValueType.MONEY: "Whole minor units of the event's own currency.",
        ValueType.TEXT: "A text, compared letter by letter.",
        ValueType.DATE: "A calendar day: a text such as `2026-12-31`.",
        ValueType.TIME: "A time of day to the minute: a text such as `09:30`.",
        ValueType.TEXTS: "A list of texts.",
        ValueType.PATH: "A category from the root of the tree, as a list of names.",
        ValueType.PATHS: "A list of categories.",
    },
)
_describe(
    Operator,
    "ConditionOperator",
    "How a field is compared. The program document writes them short: eq, ne, lt, le, gt, ge, in, notIn, contains.",
    {
        Operator.EQUAL: "It is the value.",
        Operator.NOT_EQUAL: "It is known and not the value.",
        Operator.LESS: "It is less than the value.",
        Operator.AT_MOST: "It is the value or less.",
        Operator.MORE: "It is more than the value.",
        Operator.AT_LEAST: "It is the value or more.",
        Operator.ONE_OF: "It is one of the values; a list has at least one of them.",
        Operator.NONE_OF: "It is known and none of the values; a list has none of them.",
        Operator.CONTAINS: "The list has the value.",
        Operator.UNDER: "The category is below one of the paths, or one of them itself.",
        Operator.PRESENT: "Whether it is known.",
    },
)
_describe(
    Asked,
    "Asked",
    "What a condition is asked of.",
    {
        Asked.EVENT: "The whole event: `when` of a rule.",
        Asked.LINE: "Each line of a purchase: `lines` of a rule, and exclusions.",
    },
)
_describe(
    Trigger,
    "Trigger",
    "What sets an earn rule off.",
    {
        Trigger.PURCHASE: "A purchase.",
        Trigger.SIGN_UP: "A person joined.",
        Trigger.CHECK_IN: "A member came to a store; once per store and day.",
        Trigger.REVIEW: "A member reviewed a product that they had bought.",
        Trigger.SURVEY: "A member answered a survey.",
        Trigger.SHARE: "A friend followed a link that a member had shared.",
        Trigger.REFERRAL_REGISTERED: "A friend joined by a member's code.",
        Trigger.REFERRAL_PURCHASED: "A friend who had joined by a member's code bought for the first time.",
        Trigger.BIRTHDAY: "A member's birthday began where they live.",
        Trigger.ANNIVERSARY: "A year of membership was completed.",
        Trigger.PROFILE_COMPLETED: "A member's profile was complete for the first time.",
        Trigger.MENTION: "A member named the merchant in public.",
        Trigger.CUSTOM_EVENT: "An event that the program declares.",
    },
)
_describe(
    TenderKind,
    "TenderKind",
    "What a purchase can be paid with.",
    {
        TenderKind.CASH: "Cash.",
        TenderKind.CARD: "A bank card.",
        TenderKind.MOBILE: "A payment app on the phone.",
        TenderKind.STORED_VALUE: "Value that the member had loaded before; payment like cash.",
        TenderKind.GIFT_CARD: "A gift card; payment like cash.",
        TenderKind.POINTS: "Points, which earn no points.",
        TenderKind.OTHER: "Anything else.",
    },
)
_describe(
    CapMeasure,
    "CapMeasure",
    "What a cap counts.",
    {
        CapMeasure.POINTS: "Points.",
        CapMeasure.MONEY: "Minor units of the program's currency of what earned.",
        CapMeasure.TIMES: "How often points were given.",
    },
)
_describe(
    CapPeriod,
    "CapPeriod",
    "The time in which a cap fills, in the program's zone.",
    {
        CapPeriod.EVENT: "One purchase, or one other event.",
        CapPeriod.DAY: "A calendar day.",
        CapPeriod.WEEK: "A week from Monday.",
        CapPeriod.MONTH: "A calendar month.",
        CapPeriod.YEAR: "A calendar year.",
        CapPeriod.LIFETIME: "For ever.",
    },
)
_describe(
    CapOwner,
    "CapOwner",
    "Whose cap it is.",
    {CapOwner.MEMBER: "Each member's own.", CapOwner.EVERYONE: "One for everybody together."},
)
_describe(
    RuleOutcome,
    "RuleOutcome",
    "What became of a rule that was considered for an event.",
    {
        RuleOutcome.NOT_TRIGGERED: "It waits for something else.",
        RuleOutcome.OUTSIDE_WINDOW: "It was not open then.",
        RuleOutcome.CONDITION_FAILED: "Its condition was not met.",
        RuleOutcome.NO_LINE: "No line of the purchase is in its scope.",
        RuleOutcome.CURRENCY: "It earns nothing in that currency.",
        RuleOutcome.REPLACED: "A rule of its group that is not stackable took its place.",
        RuleOutcome.GROUP_LOST: "Its group gives the best or the first only, and another was.",
        RuleOutcome.NOTHING: "It applied and came to no points.",
        RuleOutcome.CAPPED: "A cap took all of its points or a part.",
        RuleOutcome.MULTIPLIED: "Its factor was applied.",
        RuleOutcome.GAVE: "It gave points.",
    },
)
_describe(
    CapSubject,
    "CapSubject",
    "What a cap bounds.",
    {CapSubject.RULE: "One rule.", CapSubject.UNIT: "All that rules give of a point unit."},
)
_describe(
    Overflow,
    "Overflow",
    "What becomes of what is above a cap.",
    {Overflow.CLIP: "It is cut off.", Overflow.REJECT: "The rule gives nothing at all."},
)
_describe(
    Rounding,
    "Rounding",
    "How exact points become whole ones, once, after the multipliers.",
    {Rounding.FLOOR: "Down.", Rounding.CEIL: "Up.", Rounding.HALF_UP: "To the nearest; a half goes up."},
)
