"""What goes into each leaf of an input. A leaf that nobody described fails the test by its name.

A leaf that names something of a tenant (an id, a code, an identity, a cursor, a key) is a *naming* leaf: it has an own
value, a foreign one and one that exists nowhere. All others are plain.
"""

import base64
import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any
from uuid import UUID

from graphql import GraphQLEnumType, GraphQLSchema, get_named_type, is_interface_type, is_object_type

from services.gateway.graphql.ids import encode
from services.platform.ids import new_id
from tests.integration.tenancy.holdings import Holdings
from tests.integration.tenancy.names import event_of, guest_receipt_of, key_of, post_of, sandbox_of
from tests.integration.tenancy.selections import PAGE
from tests.integration.tenancy.supplies import PAID, USED_UP
from tests.integration.tenancy.targets import Leaf

_numbers = itertools.count(1)


class Undescribed(Exception):
    """A leaf of the schema of which this module does not know what it means."""


class Omitted:
    """Stands for an optional leaf that is left out."""


OMITTED = Omitted()


@dataclass(frozen=True, slots=True)
class Naming:
    """How a leaf names something. ``own`` and ``foreign`` read holdings, ``nowhere`` makes one up beside the foreign.

    ``within`` puts the name into what the leaf holds, given the caller's holdings. ``beside`` are the other leaves
    that name the same thing along with it: the attack takes the other tenant's of them as well, as a name that is
    found only together with them proves nothing alone.
    """

    what: str
    own: Callable[[Holdings], str]
    foreign: Callable[[Holdings], str]
    nowhere: Callable[[str], str]
    within: Callable[[Holdings, str], Any] = lambda _, value: value
    beside: frozenset[str] = frozenset()


def fresh(word: str) -> str:
    """A text that was never used before."""
    return f"{word}-{next(_numbers)}"


def fresh_phone(_: object = None) -> str:
    """A mobile number that was never used before."""
    return f"+86139{next(_numbers):08d}"


def fresh_email(_: object = None) -> str:
    """An address that was never used before."""
    return f"{fresh('person')}@elsewhere.test"


def _looked_up(what: str, read: Callable[[Holdings], Any], nowhere: Callable[[Any], Any]) -> Naming:
    """A leaf that names something that is there."""
    return Naming(what, own=read, foreign=read, nowhere=nowhere)


def _created(what: str, read: Callable[[Holdings], Any], make: Callable[[], Any]) -> Naming:
    """A leaf that gives a name to something new: the other tenant's names must be free."""
    return Naming(what, own=lambda _: make(), foreign=read, nowhere=lambda _: make())


def _field(type_name: str, name: str) -> Callable[[Holdings], Any]:
    return lambda holdings: holdings.one(type_name)[name]


def _identity(kind: str) -> Callable[[Holdings], Any]:
    return lambda holdings: holdings.identity(kind)


def _draft(holdings: Holdings) -> Any:
    return holdings.look("{ program { draft { revision document } } }")["draft"]


def _reward_version(holdings: Holdings) -> Any:
    reward_id = holdings.one("Reward")["id"]
    return holdings.look(f'{{ reward(id: "{reward_id}") {{ version }} }}')["version"]


def _budget_version(holdings: Holdings) -> Any:
    budget_id = holdings.one("Budget")["id"]
    return holdings.look(f'{{ budget(id: "{budget_id}") {{ version }} }}')["version"]


def _quote_token(holdings: Holdings) -> Any:
    lines = '[{sku: "cup", quantity: "1", amount: "3.00"}]'
    store = holdings.one("Store")["id"]
    return holdings.look(
        f'{{ quoteCart(input: {{storeId: "{store}", currency: "CNY", lines: {lines}}})'
        " { ... on QuoteCartPayload { token } } }"
    )["token"]


def _pickup_code(holdings: Holdings) -> Any:
    codes = [each["pickupCode"] for each in holdings.objects["Redemption"] if each.get("pickupCode")]
    if not codes:
        message = "nothing waits to be picked up"
        raise LookupError(message)
    return codes[0]


def _coupon_version(holdings: Holdings) -> Any:
    kind_id = holdings.one("CouponDefinition")["id"]
    return holdings.look(f'{{ couponDefinition(id: "{kind_id}") {{ version }} }}')["version"]


def _scheduled_version(holdings: Holdings) -> Any:
    versions = holdings.look("{ program { versions(first: 20) { edges { node { number effectiveFrom } } } } }")[
        "versions"
    ]
    return next(
        edge["node"]["number"] for edge in versions["edges"] if edge["node"]["effectiveFrom"].startswith("2099")
    )


def _unknown_text(_: Any) -> str:
    return fresh("unknown")


HAPPENED_NOW = ("RecordActivity", "RecordPurchase", "RefundPurchase", "SettleOfflinePurchase", "SupposedActivity")
NEW_RECEIPT = _created("receipt", _field("Purchase", "externalId"), lambda: fresh("receipt"))
NAMING: Mapping[tuple[str, str], Naming] = MappingProxyType(
    {
        ("MemberReferenceInput", "phone"): _looked_up("phone", _identity("PHONE"), fresh_phone),
        ("MemberReferenceInput", "email"): _looked_up("email", _identity("EMAIL"), fresh_email),
        ("MemberReferenceInput", "card"): _looked_up("card", _identity("CARD"), _unknown_text),
        ("MemberReferenceInput", "externalId"): _looked_up("external id", _identity("EXTERNAL"), _unknown_text),
        ("MemberByScanInput", "text"): _looked_up("card", _identity("CARD"), _unknown_text),
        ("ExternalPurchaseInput", "externalId"): _looked_up("receipt", _field("Purchase", "externalId"), _unknown_text),
        ("LogInInput", "email"): _looked_up("account", lambda holdings: holdings.email, fresh_email),
        ("RecordPurchaseInput", "externalId"): NEW_RECEIPT,
        ("CaseReplacementInput", "externalId"): NEW_RECEIPT,
        ("SettleOfflinePurchaseInput", "externalId"): NEW_RECEIPT,
        ("CommitCartInput", "externalId"): NEW_RECEIPT,
        ("QuoteCartInput", "replaces"): _looked_up("quote", _quote_token, _unknown_text),
        ("CommitCartInput", "token"): _looked_up("quote", _quote_token, _unknown_text),
        ("ReserveCartInput", "token"): _looked_up("quote", _quote_token, _unknown_text),
        ("CancelCartInput", "token"): _looked_up("quote", _quote_token, _unknown_text),
        ("CartCouponsInput", "codes"): _looked_up(
            "coupon code", _field("CouponDefinition", "sharedCode"), _unknown_text
        ),
        ("OfflineCouponInput", "code"): _looked_up(
            "coupon code", _field("CouponDefinition", "sharedCode"), _unknown_text
        ),
        ("RefundPurchaseInput", "externalId"): _created(
            "refund", _field("Refund", "externalId"), lambda: fresh("refund")
        ),
        ("ClaimPurchaseInput", "externalId"): _looked_up(
            "receipt", lambda it: guest_receipt_of(it.slug), _unknown_text
        ),
        ("ExchangePurchaseInput", "externalId"): NEW_RECEIPT,
        ("ExchangePurchaseInput", "refundExternalId"): _created(
            "refund", _field("Refund", "externalId"), lambda: fresh("refund")
        ),
        ("ExternalActivityInput", "externalId"): _looked_up(
            "activity", _field("Activity", "externalId"), _unknown_text
        ),
        ("RecordActivityInput", "externalId"): _created(
            "activity", _field("Activity", "externalId"), lambda: fresh("deed")
        ),
        ("SurveyAnswerInput", "answerId"): _created("answer", lambda it: f"answer-{it.slug}", lambda: fresh("answer")),
        ("MentionInput", "url"): _created("post", lambda it: it.supplies.post(), lambda: post_of(fresh("post"))),
        ("CustomEventInput", "event"): _looked_up("event", lambda it: event_of(it.slug), _unknown_text),
        ("EnrollMemberInput", "referralCode"): _looked_up(
            "referral code", _field("Member", "referralCode"), lambda _: "22222222"
        ),
        ("CreateStoreInput", "code"): _created("store code", _field("Store", "code"), lambda: fresh("store")),
        ("CreateBudgetInput", "code"): _created("budget code", _field("Budget", "code"), lambda: fresh("budget")),
        ("CollectRedemptionInput", "pickupCode"): _looked_up("pick-up code", _pickup_code, lambda _: "22222222"),
        ("CreateRewardInput", "code"): _created("reward code", _field("Reward", "code"), lambda: fresh("reward")),
        ("CreateCouponDefinitionInput", "code"): _created(
            "coupon code", _field("CouponDefinition", "code"), lambda: fresh("coupon")
        ),
        ("CreateCouponDefinitionInput", "sharedCode"): _created(
            "shared code", _field("CouponDefinition", "sharedCode"), lambda: fresh("shared")
        ),
        ("", "code"): _looked_up("coupon code", _field("CouponDefinition", "sharedCode"), _unknown_text),
        ("InviteStaffInput", "email"): _created("account", lambda holdings: holdings.email, fresh_email),
        ("CreateSandboxInput", "slug"): _created("slug", lambda holdings: holdings.slug, lambda: fresh("shop")),
        ("PromoteProgramInput", "sandboxSlug"): _looked_up(
            "sandbox", lambda holdings: sandbox_of(holdings.slug), lambda _: fresh("shop")
        ),
        ("SignUpInput", "email"): _created("account", lambda holdings: holdings.email, fresh_email),
        ("SignUpInput", "slug"): _created("slug", lambda holdings: holdings.slug, lambda: fresh("shop")),
        ("IdentityInput", "value"): _created("email", lambda it: it.spare_emails.pop(), fresh_email),
        ("SaveProgramDraftInput", "document"): Naming(
            "store code in a program",
            own=_field("Store", "code"),
            foreign=_field("Store", "code"),
            nowhere=lambda _: fresh("store"),
            within=lambda holdings, code: _about_store(_draft(holdings)["document"], code),
        ),
    }
)

PLAIN: Mapping[tuple[str, str], Any] = MappingProxyType(
    {
        ("", "first"): PAGE,
        ("", "from"): "2026-01-01",
        ("", "to"): "2026-12-31",
        ("", "event"): OMITTED,
        ("", "isArchived"): False,
        ("", "isMine"): False,
        ("CaseLineInput", "quantity"): "0.01",
        ("MoveCaseInput", "status"): "IN_PROGRESS",
        ("NoteCaseInput", "text"): "words",
        ("OpenCaseInput", "subject"): "too small",
        ("AdvanceClockInput", "to"): OMITTED,
        ("CreateSandboxInput", "beginsAt"): OMITTED,
        ("LiabilityReportInput", "unit"): OMITTED,
        ("PromoteProgramInput", "revision"): lambda holdings: _draft(holdings)["revision"],
        ("AcceptInvitationInput", "token"): "a bearer secret, which names nothing that could be listed",
        ("OpenWalletInput", "credential"): "a bearer secret, which names nothing that could be listed",
        ("CloseWalletInput", "deviceKey"): "a bearer secret, which names nothing that could be listed",
        ("CreateWalletLinkInput", "validHours"): 24,
        ("SaveApplePassIssuerInput", "certificate"): "no certificate",
        ("SaveApplePassIssuerInput", "privateKey"): "no key",
        ("SaveApplePassIssuerInput", "intermediate"): "no certificate",
        ("SaveGooglePassIssuerInput", "issuerId"): "3388000000012345678",
        ("SaveGooglePassIssuerInput", "serviceAccount"): "cards@shop.test",
        ("SaveGooglePassIssuerInput", "privateKey"): "no key",
        ("LogInInput", "password"): lambda holdings: holdings.password,
        ("CreateApiKeyInput", "expiresAt"): OMITTED,
        ("CreateApiKeyInput", "scopes"): "STORES_READ",
        ("CreateRewardInput", "stock"): 5,
        ("CreateRewardInput", "kind"): "COUPON",
        ("UpdateRewardInput", "kind"): "COUPON",
        ("", "orderBy"): "CODE",
        ("", "status"): OMITTED,
        ("", "category"): OMITTED,
        ("CreateBudgetInput", "beginsAt"): OMITTED,
        ("CreateBudgetInput", "endsAt"): OMITTED,
        ("UpdateBudgetInput", "beginsAt"): OMITTED,
        ("UpdateBudgetInput", "endsAt"): OMITTED,
        ("UpdateBudgetInput", "isArchived"): False,
        ("UpdateBudgetInput", "pointsMax"): 1_000_000,
        ("UpdateBudgetInput", "unitsMax"): 1_000_000,
        ("UpdateBudgetInput", "moneyMax"): OMITTED,
        ("UpdateBudgetInput", "version"): _budget_version,
        ("ImportCouponCodesInput", "csv"): "code\nB-001\n",
        ("PickupStoresInput", "search"): "Store",
        ("ImportRewardCodesInput", "csv"): "code\nA-1\n",
        ("HoldRewardInput", "minutes"): 60,
        ("HoldRewardInput", "expectedPoints"): OMITTED,
        ("RedemptionPaymentInput", "amount"): "0.00",
        ("RewardLimitInput", "quantity"): 1_000,
        ("RewardTermsInput", "availableFrom"): OMITTED,
        ("RewardTermsInput", "availableUntil"): OMITTED,
        ("RewardTermsInput", "images"): "https://images.test/1.png",
        ("RewardTermsInput", "moneyCost"): OMITTED,
        ("RewardTermsInput", "stores"): OMITTED,
        ("RewardTermsInput", "tags"): OMITTED,
        ("RewardTermsInput", "tiers"): OMITTED,
        ("RewardTierPriceInput", "tier"): "regular",
        ("ExternalPurchaseInput", "source"): "till",
        ("CaptureHoldInput", "points"): 1,
        ("ClaimPurchaseInput", "source"): "till",
        ("ClaimPurchaseInput", "total"): PAID,
        ("CheckInInput", "code"): "a signed code, which names nothing that could be listed",
        ("CreateCheckInCodeInput", "validSeconds"): 60,
        ("CreateShareInput", "url"): "https://shop.test/spring",
        ("CreateCouponCodesInput", "prefix"): "TEST",
        ("CouponBenefitInput", "kind"): "BUY_X_GET_Y",
        ("CouponBenefitInput", "amount"): OMITTED,
        ("CouponBenefitInput", "payUnits"): OMITTED,
        ("CouponBenefitInput", "unitsMax"): OMITTED,
        ("CouponBenefitInput", "isRepeated"): False,
        ("CouponScopeInput", "skus"): "tea",
        ("CouponScopeInput", "products"): "tea",
        ("CouponScopeInput", "categories"): "food",
        ("CouponScopeInput", "excludedSkus"): "gift card",
        ("CouponScopeInput", "excludedProducts"): "gift card",
        ("CouponScopeInput", "excludedCategories"): "gift cards",
        ("UpdateCouponDefinitionInput", "usesMax"): OMITTED,
        ("UpdateCouponDefinitionInput", "version"): _coupon_version,
        ("CouponTermsInput", "endsAt"): OMITTED,
        ("CustomEventInput", "data"): lambda _: {},
        ("CustomFieldInput", "code"): "roast",
        ("CustomFieldInput", "value"): "dark",
        ("ExternalActivityInput", "source"): "app",
        **dict.fromkeys([(f"{each}Input", "occurredAt") for each in HAPPENED_NOW], OMITTED),
        ("HoldPointsInput", "minutes"): 60,
        ("HoldPointsInput", "unit"): OMITTED,
        ("IdentityInput", "kind"): "EMAIL",
        ("InviteStaffInput", "role"): "CASHIER",
        ("PublishProgramInput", "effectiveFrom"): OMITTED,
        ("PublishProgramInput", "revision"): lambda holdings: _draft(holdings)["revision"],
        ("RedeemRewardInput", "expectedPoints"): OMITTED,
        ("RefundOfInput", "amount"): "0.01",
        ("ReportActionInput", "action"): "order_shipped",
        ("RollbackProgramInput", "effectiveFrom"): OMITTED,
        ("WhyNotInput", "ruleId"): lambda holdings: _draft(holdings)["document"]["rules"][0]["id"],
        ("SaveProgramDraftInput", "revision"): lambda holdings: _draft(holdings)["revision"],
        ("SetMemberTierInput", "tier"): "regular",
        ("SetMemberTierInput", "until"): OMITTED,
        ("TransferPointsInput", "unit"): OMITTED,
        ("UpdateRewardInput", "stock"): 100,
        ("UpdateRewardInput", "version"): _reward_version,
        ("WithdrawProgramVersionInput", "versionNumber"): _scheduled_version,
    }
)
PLAIN_TEXTS = frozenset(
    {
        "add",
        "address",
        "category",
        "channel",
        "codes",
        "en",
        "merchantName",
        "message",
        "name",
        "note",
        "password",
        "reason",
        "product",
        "reference",
        "remove",
        "sku",
        "source",
        "staff",
        "survey",
        "tags",
        "zh",
    }
)
"""Names of texts that are kept and shown, and by which nothing is ever found."""
BY_TYPE: Mapping[str, Any] = MappingProxyType(
    {
        "Boolean": True,
        "Currency": "CNY",
        "Date": "1990-05-17",
        "DateTime": "2026-01-02T03:04:05Z",
        "Decimal": "1.00",
        "Int": 1,
        "Locale": "en",
        "Points": 7,
        "Timezone": "Asia/Shanghai",
        "WholeNumber": 7,
    }
)
PREFERRED: Mapping[str, str] = MappingProxyType({"RefundOfInput": "amount", "DeedInput": "mention"})
"""Of a choice, what can be asked for again and again; elsewhere the first alternative is taken."""
OTHER_WORDS: Mapping[str, str] = MappingProxyType({"assigneeId": "staffMember", "pickupStoreId": "store"})
"""Ids that are not called after the type of what they name."""
LEFT_OUT = frozenset({"CouponStepInput"})
"""Inputs that can't be given beside the others of their kind."""
ID_OWNERS: Mapping[tuple[str, str], str] = MappingProxyType({("CartCouponsInput", "ids"): "Coupon"})
"""Of which type an id is whose name does not tell."""
ZERO_DECIMALS = frozenset({"discount"})
RECEIPT = frozenset({"externalId", "storeId"})
"""What a guest's receipt is claimed by; with another store it is told like one that is not there."""
CODES = ("CouponBatch", "codes")
"""Its cursors are also good for the sheet of codes."""
QUEUE = frozenset({"assigneeId", "storeId"})
"""What cases are looked for by, together."""


def naming_of(schema: GraphQLSchema, leaf: Leaf, foreign_types: tuple[str, ...]) -> tuple[Naming, ...]:
    """What a leaf may name; several for an id of any type, none for a plain leaf.

    Raises:
        Undescribed
    """
    return tuple(_as_used(leaf, naming) for naming in _namings(schema, leaf, foreign_types))


def _namings(schema: GraphQLSchema, leaf: Leaf, foreign_types: tuple[str, ...]) -> tuple[Naming, ...]:
    if leaf.type.name == "ID":
        return tuple(_id_of(name) for name in _id_types(schema, leaf, foreign_types))
    if leaf.type.name == "IdempotencyKey":
        operation = leaf.target.step.name
        return (_created("key", lambda it: key_of(operation, it.slug), lambda: fresh("key")),)
    if (leaf.owner, leaf.name) == ("", "after"):
        place = (leaf.target.step.owner, leaf.target.step.name)
        place = CODES if place == ("CouponBatch", "sheet") else place
        return (Naming("cursor", lambda it: it.cursors[place], lambda it: it.cursors[place], next_to_cursor),)
    if (leaf.owner, leaf.name) in NAMING:
        return (NAMING[leaf.owner, leaf.name],)
    plain_value(leaf, None)
    return ()


def plain_value(leaf: Leaf, holdings: Holdings | None) -> Any:
    """A value for a leaf that names nothing.

    Raises:
        Undescribed
    """
    if (leaf.owner, leaf.name) in PLAIN:
        value = PLAIN[leaf.owner, leaf.name]
        return value(holdings) if callable(value) and holdings else value
    if isinstance(leaf.type, GraphQLEnumType):
        return next(iter(leaf.type.values))
    if leaf.type.name == "String" and leaf.name in PLAIN_TEXTS:
        return fresh("words of")
    if leaf.type.name == "Decimal" and leaf.name in ZERO_DECIMALS:
        return "0"
    if leaf.type.name in BY_TYPE:
        return BY_TYPE[leaf.type.name]
    raise Undescribed(f"{leaf}: say in {__name__} what it names, or that it names nothing")


def next_to_cursor(cursor: str) -> str:
    """A cursor to a place just after another one's, where nothing is."""
    parts = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_"))
    *before, last = parts
    try:
        place = str(UUID(int=UUID(last).int + 1))
    except ValueError:
        place = last if last.isdigit() else f"{last}!"
    text = json.dumps([*before, place], separators=(",", ":"), ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def _as_used(leaf: Leaf, naming: Naming) -> Naming:
    """What a leaf names there where it stands."""
    if "recipient" in leaf.path:
        naming = _looked_up(naming.what, _friend(leaf.name), naming.nowhere)
    if supply := USED_UP.get((leaf.target.step.name, leaf.owner, leaf.name)):
        naming = replace(naming, own=lambda it: supply(it.supplies))
    if leaf.owner == "ClaimPurchaseInput" and leaf.name in RECEIPT:
        naming = replace(naming, beside=RECEIPT - {leaf.name})
    if leaf.target.step.name == "cases" and leaf.name in QUEUE:
        naming = replace(naming, beside=QUEUE - {leaf.name})
    return naming


def _friend(leaf_name: str) -> Callable[[Holdings], Any]:
    return lambda it: it.friend[{"id": "id", "externalId": "EXTERNAL"}.get(leaf_name, leaf_name.upper())]


def _id_of(type_name: str) -> Naming:
    return _looked_up(type_name, _field(type_name, "id"), lambda _: encode(type_name, new_id()))


def _id_types(schema: GraphQLSchema, leaf: Leaf, foreign_types: tuple[str, ...]) -> tuple[str, ...]:
    if (leaf.owner, leaf.name) in ID_OWNERS:
        owner = ID_OWNERS[leaf.owner, leaf.name]
    elif leaf.name == "id":
        owner = leaf.owner.removesuffix("ReferenceInput") or get_named_type(leaf.target.step.field.type).name
    else:
        owner = OTHER_WORDS.get(leaf.name) or leaf.name.removesuffix("s").removesuffix("Id")
        owner = owner[:1].upper() + owner[1:]
    found = schema.get_type(owner)
    if is_interface_type(found):
        return foreign_types
    if found is None or not is_object_type(found):
        raise Undescribed(f"{leaf}: its name does not tell of which type the id is")
    return (owner,)


def _about_store(document: Any, code: str) -> Any:
    """A program document whose first rule speaks of one store."""
    copied = json.loads(json.dumps(document))
    copied["rules"][0]["when"] = {"field": "store.code", "op": "in", "value": [code]}
    return copied
