"""Recording what members do besides buying, and joining, which is the first of it."""

from services.loyalty.activities.service.joining import create_referral_code, enroll_member, update_member
from services.loyalty.activities.service.occasions import keep_occasions
from services.loyalty.activities.service.record_activities import RECORDINGS_MAX, check_count, record_activities
from services.loyalty.activities.service.record_activity import record_activity
from services.loyalty.activities.service.referring import judge_referral
from services.loyalty.activities.service.sharing import create_share, follow_share
from services.loyalty.activities.service.showing import open_check_in
from services.loyalty.activities.service.supposing import suppose_activity

__all__ = [
    "RECORDINGS_MAX",
    "check_count",
    "create_referral_code",
    "create_share",
    "enroll_member",
    "follow_share",
    "judge_referral",
    "keep_occasions",
    "open_check_in",
    "record_activities",
    "record_activity",
    "suppose_activity",
    "update_member",
]
