"""Who hears what, in one place. A consumer is a service; its ``handlers.py`` must know each event listed for it."""

from collections.abc import Mapping
from types import MappingProxyType

from services.contracts.events.base import Event
from services.contracts.events.loyalty import (
    MemberContactChanged,
    MemberEnrolled,
    PointsExpiring,
    PurchaseRecorded,
    PurchaseRefunded,
    RewardRedeemed,
    TierChanged,
    TierGraceBegun,
    TierLost,
)
from services.contracts.events.tenancy import StaffInvited

NOTIFICATIONS = "notifications"

ROUTES: Mapping[type[Event], tuple[str, ...]] = MappingProxyType(
    {
        MemberEnrolled: (NOTIFICATIONS,),
        MemberContactChanged: (NOTIFICATIONS,),
        PointsExpiring: (NOTIFICATIONS,),
        PurchaseRecorded: (NOTIFICATIONS,),
        PurchaseRefunded: (NOTIFICATIONS,),
        RewardRedeemed: (NOTIFICATIONS,),
        StaffInvited: (NOTIFICATIONS,),
        TierChanged: (),
        TierGraceBegun: (NOTIFICATIONS,),
        TierLost: (NOTIFICATIONS,),
    }
)
