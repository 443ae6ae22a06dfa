"""Joining the program, and being changed, deactivated and reactivated.

Nothing is earned here: `services.loyalty.activities` does the same and lets the program judge it.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from psycopg.rows import DictRow

from services.contracts.events.loyalty import MemberContactChanged, MemberEnrolled
from services.loyalty.ledger import service as ledger
from services.loyalty.members import queries, repository
from services.loyalty.members.domain import (
    EnrolledMember,
    EnrollMember,
    Identity,
    IdentityKind,
    Member,
    MemberRef,
    MemberStatus,
    OccasionKind,
    TagMember,
    Unchanged,
    UpdateMember,
    changed_fields,
    check_birthday,
    check_locale,
    check_tags,
    is_complete,
    next_occasion,
    normalize_identities,
    region_of,
)
from services.loyalty.members.errors import MemberNotFound
from services.loyalty.programs.domain import CustomField, LeapBirthday, PointUnit
from services.loyalty.programs.domain.publishing import ProgramVersion, unit_of
from services.loyalty.programs.queries import in_force, versions_read
from services.loyalty.stores import queries as stores
from services.loyalty.stores.domain import check_timezone
from services.platform.db.session import Statement, UnitOfWork
from services.platform.idempotency import service as idempotency
from services.platform.ids import new_id
from services.platform.outbox import service as outbox
from services.platform.text import check_optional_text

OPERATION = "enrollMember"
LAST_TIMEZONE = "UTC"


@dataclasses.dataclass(frozen=True, slots=True)
class _Surroundings:
    """What an enrollment takes from where it happens."""

    merchant_name: str
    unit: PointUnit
    timezone: str
    declared: Sequence[CustomField]


@dataclasses.dataclass(frozen=True, slots=True)
class Arrival:
    """A command whose key is claimed: the member that it is about, and the rows of what was read."""

    member_id: UUID | None
    rows: list[list[DictRow]]


def enroll_member(uow: UnitOfWork, *, command: EnrollMember) -> EnrolledMember:
    """A person joins: found by the identities, with nothing yet on the ledger; the welcome follows by letter.

    Raises:
        InvalidInput, IdentityInvalid: what was given cannot be used.
        IdentityTaken: another member has one of the identities.
        StoreNotFound
        IdempotencyConflict, IdempotencyKeyInvalid
    """
    claim = {"operation": OPERATION, "key": command.idempotency_key, "request_hash": command.request_hash}
    stored, around = _arrive(uow, command, claim)
    if stored is not None:
        return EnrolledMember(UUID(stored["memberId"]), replayed=True)
    member = _new_member(uow, command, around)
    rows = uow.fetch_pipeline(
        [
            *repository.insert_statements(uow, member=member),
            *_occasions_statements(uow, member),
            ledger.create_holder_statement(uow, holder_id=member.id),
            outbox.publish_statement(uow, _contact(member)),
            outbox.publish_statement(
                uow,
                MemberEnrolled(
                    member_id=member.id,
                    merchant_name=around.merchant_name,
                    unit_name_en=around.unit.name.en,
                    unit_name_zh=around.unit.name.zh,
                    unit_scale=around.unit.scale,
                ),
            ),
            idempotency.settle_statement(
                operation=OPERATION, key=command.idempotency_key, result={"memberId": str(member.id)}
            ),
        ]
    )
    repository.check_identities(rows[1], expected=member.identities)
    return EnrolledMember(member.id, replayed=False)


def claim_at_till(
    uow: UnitOfWork,
    *,
    operation: str,
    key: str,
    request_hash: bytes,
    member: MemberRef | None,
    store_id: UUID | None,
    reads: Callable[[UUID | None], list[Statement]],
) -> Arrival | Mapping[str, Any]:
    """Claim a command's key and read what it needs to know of a member (None: a guest); or the stored answer.

    One round trip for a member by id, two by identity. The key comes first: a replay is answered whatever has become
    of the identity, and what ``reads`` asks for, locks included, waits until rivals with the same key are done.

    Raises:
        IdempotencyConflict, IdempotencyKeyInvalid, MemberNotFound, IdentityInvalid, InvalidInput
    """
    claim: dict[str, Any] = {"operation": operation, "key": key, "request_hash": request_hash}
    statement = idempotency.claim_statement(uow, **claim)
    ref = None if member is None else queries.normalized_ref(uow, ref=member, store_id=store_id)
    if not isinstance(ref, Identity):
        claim_rows, *rows = uow.fetch_pipeline([statement, *reads(ref)])
        answer = idempotency.claimed(uow, claim_rows, **claim)
        return Arrival(ref, rows) if answer is None else answer
    claim_rows, identity_rows = uow.fetch_pipeline([statement, queries.identity_statement(identity=ref)])
    answer = idempotency.claimed(uow, claim_rows, **claim)
    if answer is not None:
        return answer
    member_id = queries.identified(identity_rows)
    return Arrival(member_id, uow.fetch_pipeline(reads(member_id)))


def update_member(uow: UnitOfWork, *, command: UpdateMember) -> Member:
    """Change what is given of a member; whoever writes to the member hears the contact anew, whole.

    Raises:
        MemberNotFound, IdentityTaken, IdentityInvalid, InvalidInput
    """
    # The holder before the member, as everywhere: what a completed profile earns is posted to it.
    ledger.lock_holders(uow, holder_ids=(command.member_id,))
    member = _lock(uow, command.member_id)
    declared = _declared_now(uow)
    changed = _changed(uow, member, command, declared)
    if changed.identities != member.identities:
        repository.replace_identities(uow, member_id=member.id, identities=changed.identities)
    repository.update_member(uow, member=changed)
    if (changed.birthday, changed.timezone) != (member.birthday, member.timezone):
        uow.fetch_pipeline(_occasions_statements(uow, changed))
    if _contact(changed) != _contact(member):
        outbox.publish(uow, _contact(changed))
    return changed


def tag_member(uow: UnitOfWork, *, command: TagMember) -> Member:
    """Add tags to a member and take tags away; tags that are there already, or not there, are no fault.

    Raises:
        MemberNotFound, InvalidInput
    """
    member = _lock(uow, command.member_id)
    added, removed = check_tags(command.add, field="add"), check_tags(command.remove, field="remove")
    tags = check_tags({*member.tags, *added} - set(removed))
    if tags != member.tags:
        member = dataclasses.replace(member, tags=tags, updated_at=uow.now)
        repository.update_member(uow, member=member)
    return member


def keep_occasions_statement(due: Mapping[tuple[UUID, OccasionKind], datetime]) -> Statement:
    """Look for members' occasions again from these instants on."""
    return repository.keep_occasions_statement(due)


def deactivate_member(uow: UnitOfWork, *, member_id: UUID) -> Member:
    """From now on the member earns nothing and spends nothing; what it has stays.

    Raises:
        MemberNotFound
    """
    return _set_status(uow, member_id, MemberStatus.INACTIVE)


def reactivate_member(uow: UnitOfWork, *, member_id: UUID) -> Member:
    """The member earns and spends again.

    Raises:
        MemberNotFound
    """
    return _set_status(uow, member_id, MemberStatus.ACTIVE)


def _arrive(
    uow: UnitOfWork, command: EnrollMember, claim: Mapping[str, Any]
) -> tuple[Mapping[str, Any] | None, _Surroundings]:
    versions = versions_read(uow, instants=(uow.now,))
    statements = [
        idempotency.claim_statement(uow, **claim),
        stores.merchant_statement(uow),
        versions.statement,
    ]
    if command.store_id is not None:
        statements.append(stores.store_statement(store_id=command.store_id))
    claim_rows, merchant_rows, version_rows, *store_rows = uow.fetch_pipeline(statements)
    stored = idempotency.claimed(uow, claim_rows, **claim)
    version = in_force(versions.versions(version_rows), at=uow.now)
    timezone = version.document.timezone if version else LAST_TIMEZONE
    if command.store_id is not None and stored is None:
        timezone = stores.store_of(store_rows[0], store_id=command.store_id).timezone
    return stored, _Surroundings(stores.merchant_name_of(merchant_rows), unit_of(version), timezone, _declared(version))


def _new_member(uow: UnitOfWork, command: EnrollMember, around: _Surroundings) -> Member:
    timezone = around.timezone if command.timezone is None else check_timezone(command.timezone)
    today = uow.now.astimezone(ZoneInfo(timezone)).date()
    member = Member(
        id=new_id(),
        name=check_optional_text(command.name, field="name"),
        birthday=check_birthday(command.birthday, today=today),
        locale=check_locale(command.locale),
        timezone=timezone,
        status=MemberStatus.ACTIVE,
        enrolled_at=uow.now,
        enrolled_store_id=command.store_id,
        updated_at=uow.now,
        # A number without a country is dialed where the store is, or where the program is at home.
        identities=normalize_identities(command.identities, region=region_of(around.timezone)),
        tags=check_tags(command.tags),
        fields=changed_fields({}, command.fields, declared=around.declared),
        is_referred=command.referral_code is not None,
    )
    return _completed(member, declared=around.declared, now=uow.now)


def _changed(uow: UnitOfWork, member: Member, command: UpdateMember, declared: Sequence[CustomField]) -> Member:
    timezone = member.timezone
    if not isinstance(command.timezone, Unchanged):
        timezone = check_timezone(command.timezone)
    changes: dict[str, Any] = {"timezone": timezone, "updated_at": uow.now}
    if not isinstance(command.name, Unchanged):
        changes["name"] = check_optional_text(command.name, field="name")
    if not isinstance(command.birthday, Unchanged):
        today = uow.now.astimezone(ZoneInfo(timezone)).date()
        changes["birthday"] = check_birthday(command.birthday, today=today)
        if changes["birthday"] != member.birthday:
            changes["birthday_changed_at"] = uow.now
    if not isinstance(command.locale, Unchanged):
        changes["locale"] = check_locale(command.locale)
    if not isinstance(command.identities, Unchanged):
        changes["identities"] = normalize_identities(command.identities, region=region_of(timezone))
    if not isinstance(command.tags, Unchanged):
        changes["tags"] = check_tags(command.tags)
    if command.fields:
        changes["fields"] = changed_fields(member.fields, command.fields, declared=declared)
    return _completed(dataclasses.replace(member, **changes), declared=declared, now=uow.now)


def _completed(member: Member, *, declared: Sequence[CustomField], now: datetime) -> Member:
    """The member; one whose profile is complete for the first time with that instant."""
    if member.profile_completed_at is None and is_complete(member, declared=declared):
        return dataclasses.replace(member, profile_completed_at=now)
    return member


def _occasions_statements(uow: UnitOfWork, member: Member) -> list[Statement]:
    """Look for the member's occasions when they may begin at the earliest, whatever a program says of leap days."""
    zone = ZoneInfo(member.timezone)
    origins = {OccasionKind.ANNIVERSARY: member.enrolled_at.astimezone(zone).date()}
    if member.birthday is not None:
        origins[OccasionKind.BIRTHDAY] = member.birthday
    due = {
        (member.id, kind): next_occasion(
            origin, timezone=member.timezone, after=uow.now, leap=LeapBirthday.FEBRUARY_28
        ).at
        for kind, origin in origins.items()
    }
    statements = [repository.keep_occasions_statement(due)]
    if member.birthday is None:
        values = {"member_id": member.id, "kind": OccasionKind.BIRTHDAY.value}
        statements.append(Statement(repository.FORGET_OCCASION, values))
    return statements


def _declared_now(uow: UnitOfWork) -> Sequence[CustomField]:
    versions = versions_read(uow, instants=(uow.now,))
    rows = uow.fetch_all(versions.statement.query, versions.statement.values)
    return _declared(in_force(versions.versions(rows), at=uow.now))


def _declared(version: ProgramVersion | None) -> Sequence[CustomField]:
    """The merchant's own fields; none before the first program."""
    return version.document.fields if version else ()


def _set_status(uow: UnitOfWork, member_id: UUID, status: MemberStatus) -> Member:
    # With the holder locked no purchase is under way: each comes before or after this.
    ledger.lock_holders(uow, holder_ids=(member_id,))
    member = _lock(uow, member_id)
    if member.status is not status:
        member = dataclasses.replace(member, status=status, updated_at=uow.now)
        repository.update_member(uow, member=member)
    return member


def _lock(uow: UnitOfWork, member_id: UUID) -> Member:
    values = {"ids": [member_id]}
    rows, identities = uow.fetch_pipeline(
        [Statement(repository.LOCK, values), Statement(repository.IDENTITIES, values)]
    )
    members = repository.members_of(rows, identities=identities)
    if not members:
        raise MemberNotFound(member_id=member_id)
    return members[0]


def _contact(member: Member) -> MemberContactChanged:
    return MemberContactChanged(
        member_id=member.id,
        name=member.name,
        email=member.identity(IdentityKind.EMAIL),
        phone=member.identity(IdentityKind.PHONE),
        locale=member.locale,
        timezone=member.timezone,
    )
