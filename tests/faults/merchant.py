"""A merchant made for one experiment, through GraphQL alone: store, program, members with addresses, an API key."""

import base64
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.platform.clock import monotonic
from services.platform.db.homes import tenant_home
from services.platform.ids import new_id
from tests.faults.wire import Caller, NoAnswer

CURRENCY, ZONE = "CNY", "Asia/Shanghai"
FUNDS = 1_000_000
"""What each member starts with, so that no redemption is refused for want of points."""

KEY_SCOPES = (
    "MEMBERS_READ",
    "PURCHASES_READ",
    "PURCHASES_WRITE",
    "REDEMPTIONS_WRITE",
    "POINTS_ADJUST",
    "USAGE_READ",
)
PREPARE_SECONDS_MAX = 120.0

_ERROR = "... on Error { code message }"
SIGN_UP = f"""
mutation($input: SignUpInput!) {{ done: signUp(input: $input) {{
  ... on SignUpPayload {{ tenant {{ id }} session {{ token }} }} {_ERROR} }} }}"""
CREATE_STORE = f"""
mutation($input: CreateStoreInput!) {{ done: createStore(input: $input) {{
  ... on CreateStorePayload {{ store {{ id }} }} {_ERROR} }} }}"""
APPLY_TEMPLATE = f"""
mutation($input: ApplyProgramTemplateInput!) {{ done: applyProgramTemplate(input: $input) {{
  ... on ApplyProgramTemplatePayload {{ version {{ id }} }} {_ERROR} }} }}"""
REWARDS = "{ rewards(first: 10) { edges { node { id code stock } } } }"
ENROLL = f"""
mutation($input: EnrollMemberInput!) {{ done: enrollMember(input: $input) {{
  ... on EnrollMemberPayload {{ member {{ id }} }} {_ERROR} }} }}"""
CREATE_KEY = f"""
mutation($input: CreateApiKeyInput!) {{ done: createApiKey(input: $input) {{
  ... on CreateApiKeyPayload {{ secret }} {_ERROR} }} }}"""
ADJUST = f"""
mutation($input: AdjustPointsInput!) {{ done: adjustPoints(input: $input) {{
  ... on AdjustPointsPayload {{ entry {{ id reason }} points balance replayed }} {_ERROR} }} }}"""


@dataclass(frozen=True, slots=True)
class Merchant:
    """What a till needs to know."""

    slug: str
    schema: str
    token: str
    store_id: str
    reward_id: str
    member_ids: tuple[str, ...]


def open_merchant(port: int, *, members: int) -> Merchant:
    """A new merchant at the gateway on ``port``."""
    public = Caller(port)
    slug = f"m{new_id().hex[-12:]}"
    owner_input = {
        "email": f"owner@{slug}.test",
        "password": "long enough for a test 2026",
        "name": "Owner",
        "merchantName": "Corner Café",
        "slug": slug,
        "locale": "en",
        "idempotencyKey": f"sign-up-{slug}",
    }
    signed_up = _command(public, SIGN_UP, owner_input)
    schema = tenant_home(key_of(signed_up["tenant"]["id"])).schema
    owner = Caller(port, token=signed_up["session"]["token"])
    store = {"code": "main", "name": "Main street", "timezone": ZONE, "currency": CURRENCY}
    store_id = str(_command(owner, CREATE_STORE, store)["store"]["id"])
    template = {"template": "CAFE", "currency": CURRENCY, "timezone": ZONE, "publish": True}
    assert _command(owner, APPLY_TEMPLATE, template)["version"] is not None
    rewards = owner.ask(REWARDS)["rewards"]["edges"]
    reward_id = next(str(edge["node"]["id"]) for edge in rewards if edge["node"]["stock"] is None)
    member_ids = tuple(_enroll(owner, slug, number) for number in range(members))
    key = _command(owner, CREATE_KEY, {"name": "till", "scopes": list(KEY_SCOPES)})["secret"]
    public.close()
    owner.close()
    return Merchant(slug, schema, str(key), store_id, reward_id, member_ids)


def key_of(global_id: str) -> UUID:
    """The key inside a Relay id, for a look behind the API."""
    padded = global_id + "=" * (-len(global_id) % 4)
    return UUID(base64.urlsafe_b64decode(padded).decode().partition(":")[2])


def _enroll(owner: Caller, slug: str, number: int) -> str:
    person = {
        "identities": [{"kind": "EMAIL", "value": f"member{number}@{slug}.test"}],
        "locale": "zh-CN" if number % 2 else "en",
        "name": f"Member {number}",
        "idempotencyKey": f"enroll-{number}",
    }
    member_id = str(_command(owner, ENROLL, person)["member"]["id"])
    funds = {"member": {"id": member_id}, "points": FUNDS, "reason": "funds", "idempotencyKey": f"funds-{number}"}
    _command(owner, ADJUST, funds)
    return member_id


def _command(caller: Caller, document: str, given: dict[str, Any]) -> dict[str, Any]:
    """Preparing happens before any fault, but a gateway just started may still find its way to the database."""
    deadline = monotonic() + PREPARE_SECONDS_MAX
    while True:
        try:
            return caller.command(document, given)
        except NoAnswer:
            if monotonic() > deadline or "idempotencyKey" not in given:
                raise
