"""Who hears what, in one place. A consumer is a service; its ``handlers.py`` must know each event listed for it."""

from collections.abc import Mapping
from types import MappingProxyType

from services.contracts.events.base import Event
from services.contracts.events.loyalty import (
    BudgetAlerted,
    CaseMoved,
    CouponsExpiring,
    MemberContactChanged,
    MemberEnrolled,
    PointsExpiring,
    PurchaseRecorded,
    PurchaseRefunded,
    RewardRedeemed,
    TierChanged,
    TierEnding,
    TierGraceBegun,
    TierLost,
)
from services.contracts.events.notifications import NoticeSettled
from services.contracts.events.tenancy import StaffInvited

LOYALTY = "loyalty"
NOTIFICATIONS = "notifications"

ROUTES: Mapping[type[Event], tuple[str, ...]] = MappingProxyType(
    {
        BudgetAlerted: (NOTIFICATIONS,),
        CaseMoved: (NOTIFICATIONS,),
        CouponsExpiring: (NOTIFICATIONS,),
        MemberEnrolled: (NOTIFICATIONS,),
        MemberContactChanged: (NOTIFICATIONS,),
        NoticeSettled: (LOYALTY,),
        PointsExpiring: (NOTIFICATIONS,),
        PurchaseRecorded: (NOTIFICATIONS,),
        PurchaseRefunded: (NOTIFICATIONS,),
        RewardRedeemed: (NOTIFICATIONS,),
        StaffInvited: (NOTIFICATIONS,),
        TierChanged: (),
        TierEnding: (NOTIFICATIONS,),
        TierGraceBegun: (NOTIFICATIONS,),
        TierLost: (NOTIFICATIONS,),
    }
)
