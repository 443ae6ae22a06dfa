"""Kinds of coupons, coupons for members, codes, and their uses."""

from services.loyalty.coupons.service.defining import (
    archive_coupon_definition,
    create_coupon_definition,
    lock_definition,
    update_coupon_definition,
)
from services.loyalty.coupons.service.importing import import_coupon_codes
from services.loyalty.coupons.service.issuing import (
    assign_coupon,
    assign_statements,
    cancel_statements,
    confirm_statements,
    create_coupon_codes,
    void_coupon,
)
from services.loyalty.coupons.service.noticing import give_notices, next_notice_question
from services.loyalty.coupons.service.using import (
    give_back_statements,
    hold_statements,
    lock_statements,
    redeem_sold_statements,
    redeem_statements,
    refusal_of,
    release_late,
    release_statements,
)

__all__ = [
    "archive_coupon_definition",
    "assign_coupon",
    "assign_statements",
    "cancel_statements",
    "confirm_statements",
    "create_coupon_codes",
    "create_coupon_definition",
    "give_back_statements",
    "give_notices",
    "hold_statements",
    "import_coupon_codes",
    "lock_definition",
    "lock_statements",
    "next_notice_question",
    "redeem_sold_statements",
    "redeem_statements",
    "refusal_of",
    "release_late",
    "release_statements",
    "update_coupon_definition",
    "void_coupon",
]
