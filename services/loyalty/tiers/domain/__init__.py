"""Which tier a member holds: what counts, when it is decided, how far the next one is."""

from services.loyalty.tiers.domain.climbing import (
    TierProgress,
    progress,
    tier_for,
)
from services.loyalty.tiers.domain.deciding import (
    count,
    count_in,
    crossing_level,
    level_at,
    recount,
    settle,
    settled_course,
    tell,
    uncount,
)
from services.loyalty.tiers.domain.due import needed_from, reading_from
from services.loyalty.tiers.domain.giving import ReleaseMemberTier, SetMemberTier, give, release
from services.loyalty.tiers.domain.measuring import Ladder, climbing_from, ladder_of
from services.loyalty.tiers.domain.outlook import MemberStanding, TierReview, review_of, standing_of
from services.loyalty.tiers.domain.records import (
    Amount,
    ChangeKind,
    Contribution,
    CountedPoints,
    GivenTier,
    GraceBegun,
    Requalification,
    Standing,
    TierChange,
    TierChangeRecord,
    TierMove,
    TierNotice,
    TierRecord,
    TierSpared,
)
from services.loyalty.tiers.domain.rungs import first_level
from services.loyalty.tiers.domain.ways import Way

__all__ = [
    "Amount",
    "ChangeKind",
    "Contribution",
    "CountedPoints",
    "GivenTier",
    "GraceBegun",
    "Ladder",
    "MemberStanding",
    "ReleaseMemberTier",
    "Requalification",
    "SetMemberTier",
    "Standing",
    "TierChange",
    "TierChangeRecord",
    "TierMove",
    "TierNotice",
    "TierProgress",
    "TierRecord",
    "TierReview",
    "TierSpared",
    "Way",
    "climbing_from",
    "count",
    "count_in",
    "crossing_level",
    "first_level",
    "give",
    "ladder_of",
    "level_at",
    "needed_from",
    "progress",
    "reading_from",
    "recount",
    "release",
    "review_of",
    "settle",
    "settled_course",
    "standing_of",
    "tell",
    "tier_for",
    "uncount",
]
