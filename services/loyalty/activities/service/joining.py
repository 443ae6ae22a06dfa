"""Joining the program and completing a profile, with what both earn, each in one transaction."""

from uuid import UUID

from services.loyalty.activities.domain import PROGRAM_SOURCE, Happening
from services.loyalty.activities.service.happenings import notice
from services.loyalty.ledger import service as ledger
from services.loyalty.members import queries as members
from services.loyalty.members import service as profiles
from services.loyalty.members.domain import EnrolledMember, EnrollMember, Member, UpdateMember
from services.loyalty.members.errors import MemberNotFound
from services.loyalty.programs.domain import Trigger
from services.loyalty.programs.queries import version_in_force
from services.loyalty.referrals import service as referrals
from services.loyalty.referrals.queries import referrer_by_code
from services.loyalty.stores.domain import Store
from services.loyalty.stores.queries import store_by_id
from services.platform.db.session import UnitOfWork


def enroll_member(uow: UnitOfWork, *, command: EnrollMember) -> EnrolledMember:
    """A person joins, gets a referral code, and earns what the program says; so does who brought the person.

    Raises:
        ReferralCodeUnknown: and what `services.loyalty.members.service.enroll_member` raises.
    """
    referrer_id = referrer_by_code(uow, code=command.referral_code) if command.referral_code is not None else None
    enrolled = profiles.enroll_member(uow, command=command)
    if enrolled.replayed:
        return enrolled
    member_id = enrolled.member_id
    referrals.ensure_code(uow, member_id=member_id)
    if referrer_id is not None:
        statement = referrals.register_statement(uow, friend_id=member_id, referrer_id=referrer_id)
        uow.execute(statement.query, statement.values)
    triggers = _awaited(uow)
    store = store_by_id(uow, store_id=command.store_id) if command.store_id else None
    if Trigger.SIGN_UP in triggers:
        notice(uow, member_id=member_id, happening=_sign_up(uow, member_id, store, referrer_id), store=store)
    if referrer_id is not None and Trigger.REFERRAL_REGISTERED in triggers:
        # The friend is known to nobody before this commits, so that nobody else waits for both.
        notice(uow, member_id=referrer_id, happening=_registered(uow, member_id, store), store=store)
    if Trigger.PROFILE_COMPLETED in triggers:
        member = members.member_by_id(uow, member_id=member_id)
        if member is not None and member.profile_completed_at is not None:
            notice(uow, member_id=member_id, happening=_completed(uow, member_id))
    return enrolled


def update_member(uow: UnitOfWork, *, command: UpdateMember) -> Member:
    """Change a member; a profile that is complete for the first time earns what the program says.

    Raises:
        What `services.loyalty.members.service.update_member` raises.
    """
    member = profiles.update_member(uow, command=command)
    if member.profile_completed_at == uow.now and Trigger.PROFILE_COMPLETED in _awaited(uow):
        notice(uow, member_id=member.id, happening=_completed(uow, member.id))
    return member


def create_referral_code(uow: UnitOfWork, *, member_id: UUID) -> str:
    """A member's code, made now where there is none.

    Raises:
        MemberNotFound, MemberInactive
    """
    if not ledger.lock_holders(uow, holder_ids=(member_id,)):
        raise MemberNotFound(member_id=member_id)
    statement = members.status_statement(member_id=member_id)
    members.check_active(uow.fetch_all(statement.query, statement.values), member_id=member_id)
    return referrals.ensure_code(uow, member_id=member_id)


def _awaited(uow: UnitOfWork) -> frozenset[Trigger]:
    """What the rules in force wait for."""
    version = version_in_force(uow, at=uow.now)
    return frozenset(rule.trigger for rule in version.document.rules) if version else frozenset()


def _sign_up(uow: UnitOfWork, member_id: UUID, store: Store | None, referrer_id: UUID | None) -> Happening:
    is_referred = referrer_id is not None
    return Happening(
        trigger=Trigger.SIGN_UP,
        source=PROGRAM_SOURCE,
        external_id=f"sign_up:{member_id}",
        occurred_at=uow.now,
        facts={"event.isReferred": is_referred},
        data={"isReferred": is_referred},
        store_id=store.id if store else None,
    )


def _registered(uow: UnitOfWork, friend_id: UUID, store: Store | None) -> Happening:
    return Happening(
        trigger=Trigger.REFERRAL_REGISTERED,
        source=PROGRAM_SOURCE,
        external_id=f"referral_registered:{friend_id}",
        occurred_at=uow.now,
        data={"friendId": str(friend_id)},
        store_id=store.id if store else None,
    )


def _completed(uow: UnitOfWork, member_id: UUID) -> Happening:
    return Happening(
        trigger=Trigger.PROFILE_COMPLETED,
        source=PROGRAM_SOURCE,
        external_id=f"profile_completed:{member_id}",
        occurred_at=uow.now,
    )
