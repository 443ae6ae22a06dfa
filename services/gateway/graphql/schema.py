"""The schema, assembled from its capabilities."""

from types import MappingProxyType

import strawberry
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.name_converter import NameConverter
from strawberry.types.field import StrawberryField

import services.gateway.graphql.enums  # noqa: F401  registers the enums of the core
from services.gateway.graphql.actions.report_action import report_action
from services.gateway.graphql.activities.check_in import check_in
from services.gateway.graphql.activities.create_check_in_code import create_check_in_code
from services.gateway.graphql.activities.create_referral_code import create_referral_code
from services.gateway.graphql.activities.create_share import create_share
from services.gateway.graphql.activities.queries import activity
from services.gateway.graphql.activities.record_activity import record_activity
from services.gateway.graphql.adjustments.adjust_points import adjust_points
from services.gateway.graphql.adjustments.approve_adjustment import approve_adjustment
from services.gateway.graphql.adjustments.queries import adjustment_requests
from services.gateway.graphql.adjustments.reject_adjustment import reject_adjustment
from services.gateway.graphql.auth.accept_invitation import accept_invitation
from services.gateway.graphql.auth.create_api_key import create_api_key
from services.gateway.graphql.auth.invite_staff import invite_staff
from services.gateway.graphql.auth.log_in import log_in
from services.gateway.graphql.auth.log_out import log_out
from services.gateway.graphql.auth.queries import api_keys, invitations, staff, viewer
from services.gateway.graphql.auth.remove_staff import remove_staff
from services.gateway.graphql.auth.revoke_api_key import revoke_api_key
from services.gateway.graphql.auth.revoke_invitation import revoke_invitation
from services.gateway.graphql.auth.rotate_api_key import rotate_api_key
from services.gateway.graphql.auth.sign_up import sign_up_merchant
from services.gateway.graphql.explanations.queries import explain_entry, why_not
from services.gateway.graphql.holds.capture_hold import capture_hold
from services.gateway.graphql.holds.hold_points import hold_points
from services.gateway.graphql.holds.release_hold import release_hold
from services.gateway.graphql.ledger.ledger_entry_posted import ledger_entry_posted
from services.gateway.graphql.members.create_member_token import create_member_token
from services.gateway.graphql.members.deactivate_member import deactivate_member
from services.gateway.graphql.members.enroll_member import enroll_member
from services.gateway.graphql.members.queries import me, member, members
from services.gateway.graphql.members.reactivate_member import reactivate_member
from services.gateway.graphql.members.release_member_tier import release_member_tier
from services.gateway.graphql.members.set_member_tier import set_member_tier
from services.gateway.graphql.members.tag_member import tag_member
from services.gateway.graphql.members.update_member import update_member
from services.gateway.graphql.metering.queries import usage
from services.gateway.graphql.metering.usage_changed import usage_changed
from services.gateway.graphql.node import node
from services.gateway.graphql.programs.apply_program_template import apply_program_template
from services.gateway.graphql.programs.fields import program_fields
from services.gateway.graphql.programs.publish_program import publish_program
from services.gateway.graphql.programs.queries import program, program_diff
from services.gateway.graphql.programs.rollback_program import rollback_program
from services.gateway.graphql.programs.save_program_draft import save_program_draft
from services.gateway.graphql.programs.withdraw_program_version import withdraw_program_version
from services.gateway.graphql.purchases.amend_purchase import amend_purchase
from services.gateway.graphql.purchases.claim_purchase import claim_purchase
from services.gateway.graphql.purchases.exchange_purchase import exchange_purchase
from services.gateway.graphql.purchases.queries import purchase, quote_cart
from services.gateway.graphql.purchases.record_purchase import record_purchase
from services.gateway.graphql.purchases.record_purchases import record_purchases
from services.gateway.graphql.purchases.refund_purchase import refund_purchase
from services.gateway.graphql.purchases.void_purchase import void_purchase
from services.gateway.graphql.redemptions.redeem_reward import redeem_reward
from services.gateway.graphql.reports.queries import liability_report
from services.gateway.graphql.rewards.archive_reward import archive_reward
from services.gateway.graphql.rewards.create_reward import create_reward
from services.gateway.graphql.rewards.queries import reward, rewards
from services.gateway.graphql.rewards.update_reward import update_reward
from services.gateway.graphql.sandboxes.advance_clock import advance_clock
from services.gateway.graphql.sandboxes.create_sandbox import create_sandbox
from services.gateway.graphql.sandboxes.promote_program import promote_program
from services.gateway.graphql.sandboxes.queries import sandboxes
from services.gateway.graphql.scalars import SCALARS
from services.gateway.graphql.stores.create_store import create_store
from services.gateway.graphql.stores.queries import store, stores
from services.gateway.graphql.stores.update_store import update_store
from services.gateway.graphql.tenants.queries import tenant
from services.gateway.graphql.transfers.transfer_points import transfer_points

QUERIES = MappingProxyType(
    {
        "activity": activity,
        "adjustment_requests": adjustment_requests,
        "api_keys": api_keys,
        "explain_entry": explain_entry,
        "invitations": invitations,
        "liability_report": liability_report,
        "me": me,
        "member": member,
        "members": members,
        "node": node,
        "program": program,
        "program_diff": program_diff,
        "program_fields": program_fields,
        "purchase": purchase,
        "quote_cart": quote_cart,
        "reward": reward,
        "rewards": rewards,
        "sandboxes": sandboxes,
        "staff": staff,
        "store": store,
        "stores": stores,
        "tenant": tenant,
        "usage": usage,
        "viewer": viewer,
        "why_not": why_not,
    }
)
MUTATIONS = MappingProxyType(
    {
        "accept_invitation": accept_invitation,
        "adjust_points": adjust_points,
        "advance_clock": advance_clock,
        "apply_program_template": apply_program_template,
        "approve_adjustment": approve_adjustment,
        "archive_reward": archive_reward,
        "capture_hold": capture_hold,
        "check_in": check_in,
        "create_api_key": create_api_key,
        "create_check_in_code": create_check_in_code,
        "create_member_token": create_member_token,
        "create_referral_code": create_referral_code,
        "create_reward": create_reward,
        "create_sandbox": create_sandbox,
        "create_share": create_share,
        "create_store": create_store,
        "deactivate_member": deactivate_member,
        "enroll_member": enroll_member,
        "hold_points": hold_points,
        "invite_staff": invite_staff,
        "log_in": log_in,
        "log_out": log_out,
        "promote_program": promote_program,
        "publish_program": publish_program,
        "reactivate_member": reactivate_member,
        "record_activity": record_activity,
        "record_purchase": record_purchase,
        "record_purchases": record_purchases,
        "redeem_reward": redeem_reward,
        "refund_purchase": refund_purchase,
        "void_purchase": void_purchase,
        "exchange_purchase": exchange_purchase,
        "claim_purchase": claim_purchase,
        "amend_purchase": amend_purchase,
        "release_hold": release_hold,
        "release_member_tier": release_member_tier,
        "reject_adjustment": reject_adjustment,
        "remove_staff": remove_staff,
        "report_action": report_action,
        "revoke_api_key": revoke_api_key,
        "revoke_invitation": revoke_invitation,
        "rotate_api_key": rotate_api_key,
        "rollback_program": rollback_program,
        "save_program_draft": save_program_draft,
        "set_member_tier": set_member_tier,
        "sign_up": sign_up_merchant,
        "tag_member": tag_member,
        "transfer_points": transfer_points,
        "update_member": update_member,
        "update_reward": update_reward,
        "update_store": update_store,
        "withdraw_program_version": withdraw_program_version,
    }
)
SUBSCRIPTIONS = MappingProxyType({"ledger_entry_posted": ledger_entry_posted, "usage_changed": usage_changed})


def build_schema(*, is_sorted: bool = False) -> strawberry.Schema:
    """The whole schema. ``is_sorted`` is for printing it: a sorted one can't resolve unions (Strawberry 0.341)."""
    return strawberry.Schema(
        query=_root("Query", "What can be read.", QUERIES),
        mutation=_root("Mutation", "What can be done. Each mutation is one transaction.", MUTATIONS),
        subscription=_root(
            "Subscription", "What can be followed, over a WebSocket that speaks graphql-transport-ws.", SUBSCRIPTIONS
        ),
        config=StrawberryConfig(
            disable_field_suggestions=True,
            scalar_map=dict(SCALARS),
            sort_schema=is_sorted,
            name_converter=_RememberedNames(),
        ),
    )


class _RememberedNames(NameConverter):
    """Strawberry's names; it asks for them anew for every field of every input."""

    def __init__(self) -> None:
        super().__init__()
        self._known: dict[str, str] = {}

    def apply_naming_config(self, name: str) -> str:
        """The name in the schema."""
        known = self._known.get(name)
        if known is None:
            known = self._known[name] = super().apply_naming_config(name)
        return known


def _root(name: str, description: str, fields: MappingProxyType[str, StrawberryField]) -> type:
    made: type = strawberry.type(type(name, (), dict(fields)), description=description)
    return made
