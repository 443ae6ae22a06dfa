"""What this service hears, and what it says then."""

from collections.abc import Mapping
from datetime import UTC, date
from types import MappingProxyType
from uuid import UUID
from zoneinfo import ZoneInfo

from services.contracts.events import loyalty as heard
from services.contracts.events.base import Envelope, Event
from services.contracts.events.notifications import NoticeSettled
from services.contracts.events.tenancy import StaffInvited
from services.notifications.channels.domain import ChannelKind
from services.notifications.messages.domain import NewMessage
from services.notifications.messages.service import queue_messages
from services.notifications.recipients.domain import Recipient
from services.notifications.recipients.service import recipient_by_id, remember_recipient
from services.notifications.templates.domain import (
    Brand,
    BudgetAlerted,
    CaseMoved,
    CouponsExpiring,
    Locale,
    Notice,
    PointsExpiring,
    PointsReceipt,
    PointsUnit,
    PurchaseRefunded,
    RewardRedeemed,
    StaffInvitation,
    TierEnding,
    TierGrace,
    TierLost,
    Welcome,
    resolve_locale,
)
from services.notifications.templates.service import template_of, variables_of
from services.platform.auth.domain import Role
from services.platform.auth.queries import staff_to_tell
from services.platform.auth.tokens import Signer
from services.platform.db.session import UnitOfWork
from services.platform.inbox.service import Handler
from services.platform.money import Money
from services.platform.outbox.service import publish
from services.platform.tenancy.registry import tenant_by_id

ALERTED_ROLES = (Role.OWNER, Role.MARKETER)
STAFF_TOLD_MAX = 200
ROLE_NAMES: Mapping[Locale, Mapping[str, str]] = MappingProxyType(
    {
        Locale.EN: {
            "owner": "owner",
            "admin": "administrator",
            "marketer": "marketer",
            "cashier": "cashier",
            "analyst": "analyst",
            "headquarters": "headquarters",
        },
        Locale.ZH_CN: {
            "owner": "店主",
            "admin": "管理员",
            "marketer": "营销",
            "cashier": "收银员",
            "analyst": "数据分析",
            "headquarters": "总部",
        },
    }
)


def handlers(signer: Signer, *, base_url: str) -> Mapping[type[Event], Handler]:
    """The handler of each event; ``base_url`` is where links in letters lead."""

    def on_staff_invited(uow: UnitOfWork, envelope: Envelope) -> None:
        event = envelope.event
        assert isinstance(event, StaffInvited)
        _on_staff_invited(
            uow, event, accept_url=f"{base_url}/invitations/{signer.invitation_token(event.invitation_id)}"
        )

    return {
        heard.BudgetAlerted: on_budget_alerted,
        heard.CaseMoved: on_case_moved,
        heard.CouponsExpiring: on_coupons_expiring,
        heard.MemberContactChanged: on_member_contact_changed,
        heard.MemberEnrolled: on_member_enrolled,
        heard.PointsExpiring: on_points_expiring,
        heard.PurchaseRecorded: on_purchase_recorded,
        heard.PurchaseRefunded: on_purchase_refunded,
        heard.RewardRedeemed: on_reward_redeemed,
        StaffInvited: on_staff_invited,
        heard.TierEnding: on_tier_ending,
        heard.TierGraceBegun: on_tier_grace_begun,
        heard.TierLost: on_tier_lost,
    }


def on_member_contact_changed(uow: UnitOfWork, envelope: Envelope) -> None:
    """Remember how to reach the member."""
    event = envelope.event
    assert isinstance(event, heard.MemberContactChanged)
    recipient = Recipient(
        member_id=event.member_id,
        name=event.name,
        email=event.email,
        phone=event.phone,
        locale=event.locale,
        timezone=event.timezone,
    )
    remember_recipient(uow, recipient, letter_id=envelope.event_id)


def on_member_enrolled(uow: UnitOfWork, envelope: Envelope) -> None:
    """Say welcome."""
    event = envelope.event
    assert isinstance(event, heard.MemberEnrolled)
    recipient = recipient_by_id(uow, event.member_id)
    notice = Welcome(brand=Brand(event.merchant_name), unit=_unit(event, recipient), member_name=recipient.name or "")
    _notify(uow, recipient, notice, notice_key=f"welcome:{event.member_id}")


def on_purchase_recorded(uow: UnitOfWork, envelope: Envelope) -> None:
    """Send the points receipt. Guests have no address."""
    event = envelope.event
    assert isinstance(event, heard.PurchaseRecorded)
    if event.member_id is None:
        return
    recipient = recipient_by_id(uow, event.member_id)
    notice = PointsReceipt(
        brand=Brand(event.merchant_name),
        unit=_unit(event, recipient),
        store_name=event.store_name,
        purchased_at=event.occurred_at,
        timezone=ZoneInfo(event.timezone),
        total=Money(event.total_minor, event.currency),
        points_earned=event.points,
        balance_points=event.balance,
        tier_name=_in(recipient, en=event.tier_name_en, zh=event.tier_name_zh),
    )
    _notify(uow, recipient, notice, notice_key=f"purchase:{event.purchase_id}")


def on_points_expiring(uow: UnitOfWork, envelope: Envelope) -> None:
    """Say that points will end."""
    event = envelope.event
    assert isinstance(event, heard.PointsExpiring)
    recipient = recipient_by_id(uow, event.member_id)
    notice = PointsExpiring(
        brand=Brand(event.merchant_name),
        unit=_unit(event, recipient),
        points_ending=event.points,
        ends_on=date.fromisoformat(event.ends_on),
    )
    # The letter's own id tells notices of several units on one day apart.
    key = f"expiry:{event.member_id}:{event.ends_on}:{envelope.event_id}"
    _notify(uow, recipient, notice, notice_key=key, notice_id=event.notice_id)


def on_coupons_expiring(uow: UnitOfWork, envelope: Envelope) -> None:
    """Say that coupons will end."""
    event = envelope.event
    assert isinstance(event, heard.CouponsExpiring)
    recipient = recipient_by_id(uow, event.member_id)
    notice = CouponsExpiring(
        brand=Brand(event.merchant_name),
        coupon_name=_in(recipient, en=event.coupon_name_en, zh=event.coupon_name_zh),
        coupons=event.coupons,
        ends_on=date.fromisoformat(event.ends_on),
    )
    _notify(uow, recipient, notice, notice_key=f"coupons:{event.member_id}:{event.ends_on}")


def on_case_moved(uow: UnitOfWork, envelope: Envelope) -> None:
    """Say where a case stands now."""
    event = envelope.event
    assert isinstance(event, heard.CaseMoved)
    recipient = recipient_by_id(uow, event.member_id)
    notice = CaseMoved(brand=Brand(event.merchant_name), kind=event.kind, status=event.status)
    _notify(uow, recipient, notice, notice_key=f"case:{event.change_id}")


def on_purchase_refunded(uow: UnitOfWork, envelope: Envelope) -> None:
    """Say what the refund took back."""
    event = envelope.event
    assert isinstance(event, heard.PurchaseRefunded)
    if event.member_id is None:
        return
    recipient = recipient_by_id(uow, event.member_id)
    notice = PurchaseRefunded(
        brand=Brand(event.merchant_name),
        unit=_unit(event, recipient),
        store_name=event.store_name,
        refunded_at=event.occurred_at,
        timezone=ZoneInfo(event.timezone),
        refunded=Money(event.refunded_minor, event.currency),
        points_taken_back=event.points,
        balance_points=event.balance,
        shortfall_points=event.shortfall,
    )
    _notify(uow, recipient, notice, notice_key=f"refund:{event.refund_id}")


def on_reward_redeemed(uow: UnitOfWork, envelope: Envelope) -> None:
    """Confirm the redemption."""
    event = envelope.event
    assert isinstance(event, heard.RewardRedeemed)
    recipient = recipient_by_id(uow, event.member_id)
    notice = RewardRedeemed(
        brand=Brand(event.merchant_name),
        unit=_unit(event, recipient),
        reward_name=_in(recipient, en=event.reward_name_en, zh=event.reward_name_zh),
        redeemed_at=event.occurred_at,
        timezone=ZoneInfo(event.timezone),
        points_spent=event.points,
        balance_points=event.balance,
    )
    _notify(uow, recipient, notice, notice_key=f"redemption:{event.redemption_id}")


def on_tier_ending(uow: UnitOfWork, envelope: Envelope) -> None:
    """Say that a tier will be lost, and what keeps it."""
    event = envelope.event
    assert isinstance(event, heard.TierEnding)
    recipient = recipient_by_id(uow, event.member_id)
    notice = TierEnding(
        brand=Brand(event.merchant_name),
        unit=_unit(event, recipient),
        tier_name=_in(recipient, en=event.tier_name_en, zh=event.tier_name_zh),
        ends_at=event.ends_at,
        timezone=ZoneInfo(event.timezone),
        points_missing=event.points,
        visits_missing=event.visits,
        spend_enough=None if event.spend_minor is None else Money(event.spend_minor, event.currency),
    )
    # A tier that was kept is told of again, by a letter of its own.
    _notify(uow, recipient, notice, notice_key=f"tier-ending:{envelope.event_id}", notice_id=event.notice_id)


def on_tier_grace_begun(uow: UnitOfWork, envelope: Envelope) -> None:
    """Say until when the tier can be kept."""
    event = envelope.event
    assert isinstance(event, heard.TierGraceBegun)
    recipient = recipient_by_id(uow, event.member_id)
    notice = TierGrace(
        brand=Brand(event.merchant_name),
        tier_name=_in(recipient, en=event.tier_name_en, zh=event.tier_name_zh),
        ends_at=event.ends_at,
        timezone=ZoneInfo(event.timezone),
    )
    _notify(uow, recipient, notice, notice_key=f"tier-grace:{envelope.event_id}")


def on_tier_lost(uow: UnitOfWork, envelope: Envelope) -> None:
    """Say that the tier is another now: nobody loses one without hearing of it."""
    event = envelope.event
    assert isinstance(event, heard.TierLost)
    recipient = recipient_by_id(uow, event.member_id)
    notice = TierLost(
        brand=Brand(event.merchant_name),
        lost_name=_in(recipient, en=event.from_name_en, zh=event.from_name_zh),
        tier_name=_in(recipient, en=event.tier_name_en, zh=event.tier_name_zh),
        changed_at=event.occurred_at,
        timezone=ZoneInfo(event.timezone),
    )
    _notify(uow, recipient, notice, notice_key=f"tier-lost:{envelope.event_id}")


def on_budget_alerted(uow: UnitOfWork, envelope: Envelope) -> None:
    """Tell those who answer for what it pays; once a day, however often returns let it sink and rise again."""
    event = envelope.event
    assert isinstance(event, heard.BudgetAlerted)
    tenant = tenant_by_id(uow, envelope.tenant_id)
    assert tenant is not None, "its letter is here"
    day = event.occurred_at.astimezone(UTC).date()
    messages = []
    for person in staff_to_tell(uow, tenant_id=tenant.id, roles=ALERTED_ROLES, limit=STAFF_TOLD_MAX):
        locale = resolve_locale(person.locale)
        name = event.budget_name_zh if locale is Locale.ZH_CN else event.budget_name_en
        messages.append(
            _message(
                BudgetAlerted(Brand(tenant.name), name, event.budget_code, event.percent),
                locale=locale,
                addressee_id=person.id,
                address=person.email,
                notice_key=f"budget:{event.budget_id}:{event.percent}:{day}",
            )
        )
    queue_messages(uow, messages)


def _on_staff_invited(uow: UnitOfWork, event: StaffInvited, *, accept_url: str) -> None:
    locale = resolve_locale(event.locale)
    notice = StaffInvitation(
        brand=Brand(event.merchant_name),
        inviter_name=event.inviter_name,
        role_name=ROLE_NAMES[locale][event.role],
        accept_url=accept_url,
        expires_at=event.expires_at,
        timezone=UTC,
    )
    message = _message(
        notice,
        locale=locale,
        addressee_id=event.invitation_id,
        address=event.email,
        notice_key=f"invitation:{event.invitation_id}",
    )
    queue_messages(uow, [message])


def _notify(
    uow: UnitOfWork, recipient: Recipient, notice: Notice, *, notice_key: str, notice_id: UUID | None = None
) -> None:
    """Queue the notice for the channels by which the member can be reached; who asked for it hears if there is none."""
    if not recipient.email and notice_id is not None:
        publish(uow, NoticeSettled(notice_id, recipient.member_id, "unreachable"))
    if recipient.email:
        message = _message(
            notice,
            locale=resolve_locale(recipient.locale),
            addressee_id=recipient.member_id,
            address=recipient.email,
            notice_key=notice_key,
            notice_id=notice_id,
        )
        queue_messages(uow, [message])


def _message(
    notice: Notice,
    *,
    locale: Locale,
    addressee_id: UUID,
    address: str,
    notice_key: str,
    notice_id: UUID | None = None,
) -> NewMessage:
    return NewMessage(
        addressee_id=addressee_id,
        notice_key=notice_key,
        channel=ChannelKind.EMAIL,
        template=template_of(notice),
        locale=locale,
        address=address,
        variables=variables_of(notice, locale=locale),
        notice_id=notice_id,
    )


def _unit(
    event: heard.MemberEnrolled
    | heard.PointsExpiring
    | heard.PurchaseRecorded
    | heard.PurchaseRefunded
    | heard.RewardRedeemed
    | heard.TierEnding,
    recipient: Recipient,
) -> PointsUnit:
    return PointsUnit(_in(recipient, en=event.unit_name_en, zh=event.unit_name_zh), event.unit_scale)


def _in(recipient: Recipient, *, en: str, zh: str) -> str:
    """The name in the recipient's language."""
    return zh if resolve_locale(recipient.locale) is Locale.ZH_CN else en
