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
from services.gateway.graphql.activities.record_activities import record_activities
from services.gateway.graphql.activities.record_activity import record_activity
from services.gateway.graphql.adjustments.adjust_points import adjust_points
from services.gateway.graphql.adjustments.approve_adjustment import approve_adjustment
from services.gateway.graphql.adjustments.queries import adjustment_requests
from services.gateway.graphql.adjustments.reject_adjustment import reject_adjustment
from services.gateway.graphql.after_sales.assign_case import assign_case
from services.gateway.graphql.after_sales.complete_case import complete_case
from services.gateway.graphql.after_sales.move_case import move_case
from services.gateway.graphql.after_sales.note_case import note_case
from services.gateway.graphql.after_sales.open_case import open_case
from services.gateway.graphql.after_sales.queries import case, cases
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
from services.gateway.graphql.budgets.create_budget import create_budget
from services.gateway.graphql.budgets.queries import budget, budgets
from services.gateway.graphql.budgets.update_budget import update_budget
from services.gateway.graphql.cards.cancel_redemption_as_member import cancel_redemption_as_member
from services.gateway.graphql.cards.close_wallet import close_wallet
from services.gateway.graphql.cards.create_wallet_link import create_wallet_link
from services.gateway.graphql.cards.issue_card import issue_card
from services.gateway.graphql.cards.open_wallet import open_wallet
from services.gateway.graphql.cards.queries import member_by_scan, pass_issuers, pickup_stores
from services.gateway.graphql.cards.redeem_as_member import redeem_as_member
from services.gateway.graphql.cards.remove_pass_issuer import remove_pass_issuer
from services.gateway.graphql.cards.revoke_wallet_links import revoke_wallet_links
from services.gateway.graphql.cards.save_apple_pass_issuer import save_apple_pass_issuer
from services.gateway.graphql.cards.save_google_pass_issuer import save_google_pass_issuer
from services.gateway.graphql.cards.update_my_preferences import update_my_preferences
from services.gateway.graphql.checkout.cancel_cart import cancel_cart
from services.gateway.graphql.checkout.commit_cart import commit_cart
from services.gateway.graphql.checkout.quote_cart import quote_cart
from services.gateway.graphql.checkout.reserve_cart import reserve_cart
from services.gateway.graphql.checkout.settle_offline_purchase import settle_offline_purchase
from services.gateway.graphql.coupons.archive_coupon_definition import archive_coupon_definition
from services.gateway.graphql.coupons.assign_coupon import assign_coupon
from services.gateway.graphql.coupons.create_coupon_codes import create_coupon_codes
from services.gateway.graphql.coupons.create_coupon_definition import create_coupon_definition
from services.gateway.graphql.coupons.import_coupon_codes import import_coupon_codes
from services.gateway.graphql.coupons.queries import (
    coupon,
    coupon_batch,
    coupon_by_code,
    coupon_definition,
    coupon_definitions,
)
from services.gateway.graphql.coupons.update_coupon_definition import update_coupon_definition
from services.gateway.graphql.coupons.void_coupon import void_coupon
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
from services.gateway.graphql.purchases.queries import purchase
from services.gateway.graphql.purchases.record_purchase import record_purchase
from services.gateway.graphql.purchases.record_purchases import record_purchases
from services.gateway.graphql.purchases.refund_purchase import refund_purchase
from services.gateway.graphql.purchases.void_purchase import void_purchase
from services.gateway.graphql.redemptions.cancel_redemption import cancel_redemption
from services.gateway.graphql.redemptions.collect_redemption import collect_redemption
from services.gateway.graphql.redemptions.confirm_redemption import confirm_redemption
from services.gateway.graphql.redemptions.fulfill_redemption import fulfill_redemption
from services.gateway.graphql.redemptions.hold_reward import hold_reward
from services.gateway.graphql.redemptions.queries import fulfillment_queue, redemption
from services.gateway.graphql.redemptions.redeem_reward import redeem_reward
from services.gateway.graphql.reports.queries import liability_report
from services.gateway.graphql.rewards.archive_reward import archive_reward
from services.gateway.graphql.rewards.create_reward import create_reward
from services.gateway.graphql.rewards.import_reward_codes import import_reward_codes
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
        "budget": budget,
        "budgets": budgets,
        "case": case,
        "cases": cases,
        "coupon": coupon,
        "coupon_batch": coupon_batch,
        "coupon_by_code": coupon_by_code,
        "coupon_definition": coupon_definition,
        "coupon_definitions": coupon_definitions,
        "explain_entry": explain_entry,
        "fulfillment_queue": fulfillment_queue,
        "invitations": invitations,
        "liability_report": liability_report,
        "me": me,
        "member": member,
        "members": members,
        "member_by_scan": member_by_scan,
        "node": node,
        "pass_issuers": pass_issuers,
        "pickup_stores": pickup_stores,
        "program": program,
        "program_diff": program_diff,
        "program_fields": program_fields,
        "purchase": purchase,
        "quote_cart": quote_cart,
        "redemption": redemption,
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
        "archive_coupon_definition": archive_coupon_definition,
        "archive_reward": archive_reward,
        "assign_case": assign_case,
        "assign_coupon": assign_coupon,
        "cancel_cart": cancel_cart,
        "cancel_redemption": cancel_redemption,
        "commit_cart": commit_cart,
        "reserve_cart": reserve_cart,
        "settle_offline_purchase": settle_offline_purchase,
        "capture_hold": capture_hold,
        "check_in": check_in,
        "close_wallet": close_wallet,
        "collect_redemption": collect_redemption,
        "complete_case": complete_case,
        "confirm_redemption": confirm_redemption,
        "create_api_key": create_api_key,
        "create_budget": create_budget,
        "create_check_in_code": create_check_in_code,
        "create_coupon_codes": create_coupon_codes,
        "import_coupon_codes": import_coupon_codes,
        "create_coupon_definition": create_coupon_definition,
        "create_member_token": create_member_token,
        "create_referral_code": create_referral_code,
        "create_reward": create_reward,
        "create_sandbox": create_sandbox,
        "create_share": create_share,
        "create_store": create_store,
        "create_wallet_link": create_wallet_link,
        "deactivate_member": deactivate_member,
        "enroll_member": enroll_member,
        "fulfill_redemption": fulfill_redemption,
        "hold_points": hold_points,
        "hold_reward": hold_reward,
        "import_reward_codes": import_reward_codes,
        "invite_staff": invite_staff,
        "issue_card": issue_card,
        "log_in": log_in,
        "log_out": log_out,
        "move_case": move_case,
        "note_case": note_case,
        "open_case": open_case,
        "open_wallet": open_wallet,
        "promote_program": promote_program,
        "publish_program": publish_program,
        "reactivate_member": reactivate_member,
        "record_activities": record_activities,
        "record_activity": record_activity,
        "record_purchase": record_purchase,
        "record_purchases": record_purchases,
        "redeem_as_member": redeem_as_member,
        "cancel_redemption_as_member": cancel_redemption_as_member,
        "redeem_reward": redeem_reward,
        "refund_purchase": refund_purchase,
        "void_coupon": void_coupon,
        "void_purchase": void_purchase,
        "exchange_purchase": exchange_purchase,
        "claim_purchase": claim_purchase,
        "amend_purchase": amend_purchase,
        "release_hold": release_hold,
        "release_member_tier": release_member_tier,
        "reject_adjustment": reject_adjustment,
        "remove_pass_issuer": remove_pass_issuer,
        "remove_staff": remove_staff,
        "report_action": report_action,
        "revoke_api_key": revoke_api_key,
        "revoke_invitation": revoke_invitation,
        "revoke_wallet_links": revoke_wallet_links,
        "rotate_api_key": rotate_api_key,
        "rollback_program": rollback_program,
        "save_apple_pass_issuer": save_apple_pass_issuer,
        "save_google_pass_issuer": save_google_pass_issuer,
        "save_program_draft": save_program_draft,
        "set_member_tier": set_member_tier,
        "sign_up": sign_up_merchant,
        "tag_member": tag_member,
        "transfer_points": transfer_points,
        "update_budget": update_budget,
        "update_coupon_definition": update_coupon_definition,
        "update_member": update_member,
        "update_my_preferences": update_my_preferences,
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
