"""Issuing cards, opening their pages, and making the passes that phones keep."""

import dataclasses
import json
from datetime import datetime, timedelta
from uuid import UUID

from services.loyalty.cards import queries, repository
from services.loyalty.cards.domain import (
    CardLink,
    IssuerKind,
    OpenedLink,
    PassFacts,
    PassIssuer,
    new_device_secret,
    new_link_secret,
    new_number,
    read_credential,
)
from services.loyalty.cards.domain.apple import apple_pass, read_signer
from services.loyalty.cards.domain.google import google_save_url, read_google_signer
from services.loyalty.cards.domain.links import HOURS_MAX, TOUCH_EVERY
from services.loyalty.cards.errors import CardLinkInvalid, CardNumbersExhausted, PassIssuerMissing
from services.loyalty.ledger import service as ledger
from services.loyalty.members import queries as members
from services.loyalty.members import service as joining
from services.loyalty.members.domain import IDENTITIES_MAX, Identity, IdentityKind, Member, UpdateMember
from services.loyalty.members.errors import MemberInactive, MemberNotFound
from services.platform.auth.seals import SealBroken, Seals
from services.platform.db.session import ReadSession, UnitOfWork
from services.platform.errors import InvalidInput
from services.platform.ids import new_id


@dataclasses.dataclass(frozen=True, slots=True)
class NewLink:
    """A link that was just made; ``text`` is told once and kept nowhere."""

    link: CardLink
    text: str


def issue_card(uow: UnitOfWork, *, member_id: UUID) -> Member:
    """See to it that a member has a card: who has a number keeps it, others get a new one.

    Raises:
        MemberNotFound, MemberInactive, CardNumbersExhausted
    """
    # The holder before the member, as everywhere; two that issue at once do so one after the other.
    ledger.lock_holders(uow, holder_ids=(member_id,))
    member = members.member_by_id(uow, member_id=member_id)
    if member is None:
        raise MemberNotFound(member_id=member_id)
    if not member.is_active:
        raise MemberInactive(member_id=member_id)
    if queries.card_number(member) is not None:
        return member
    if len(member.identities) >= IDENTITIES_MAX:
        raise CardNumbersExhausted(member_id=member_id, maximum=IDENTITIES_MAX)
    identities = (*member.identities, Identity(IdentityKind.CARD, new_number()))
    return joining.update_member(uow, command=UpdateMember(member_id, identities=identities))


def create_link(uow: UnitOfWork, *, member_id: UUID, valid_hours: int) -> NewLink:
    """A link by which a member opens the page of their card on one device; a card is issued where there is none.

    Raises:
        InvalidInput: ``valid_hours`` is not 1 to 720.
        MemberNotFound, MemberInactive, CardNumbersExhausted
    """
    if not 1 <= valid_hours <= HOURS_MAX:
        raise InvalidInput(field="validHours", reason="OUT_OF_RANGE", limit=f"1..{HOURS_MAX}")
    issue_card(uow, member_id=member_id)
    link_id = new_id()
    secret = new_link_secret(link_id)
    link = CardLink(
        id=link_id,
        member_id=member_id,
        link_hash=secret.hash,
        device_hash=None,
        created_at=uow.now,
        expires_at=uow.now + timedelta(hours=valid_hours),
        opened_at=None,
        used_at=None,
        revoked_at=None,
    )
    repository.insert_link(uow, link=link)
    return NewLink(link, secret.text)


def open_link(uow: UnitOfWork, *, text: str) -> OpenedLink:
    """Open the page of a card: by a link, which gives the device a key of its own, or by that key.

    Raises:
        CardLinkInvalid, MemberInactive
    """
    link = _lock(uow, text)
    member = members.member_by_id(uow, member_id=link.member_id)
    if member is None or not member.is_active:
        raise MemberInactive(member_id=link.member_id)
    credential = read_credential(text)
    assert credential is not None, "its link was found"
    if credential.is_device:
        if link.used_at is None or link.used_at + TOUCH_EVERY <= uow.now:
            repository.touch_link(uow, link_id=link.id)
        return OpenedLink(link.member_id, device_key=None)
    secret = new_device_secret(link.id)
    repository.open_link(uow, link_id=link.id, device_hash=secret.hash)
    return OpenedLink(link.member_id, device_key=secret.text)


def close_link(uow: UnitOfWork, *, text: str) -> None:
    """Give up the page on the device that has the key.

    Raises:
        CardLinkInvalid
    """
    repository.revoke_link(uow, link_id=_lock(uow, text).id)


def revoke_links(uow: UnitOfWork, *, member_id: UUID) -> int:
    """End every link of a member and the pages on their devices; how many there were.

    Raises:
        MemberNotFound
    """
    if members.member_by_id(uow, member_id=member_id) is None:
        raise MemberNotFound(member_id=member_id)
    return repository.revoke_links(uow, member_id=member_id)


def save_apple_issuer(
    uow: UnitOfWork, *, certificate: str, private_key: str, intermediate: str, seals: Seals, wall: datetime
) -> PassIssuer:
    """Keep what signs passes for Apple's Wallet, sealed, in place of what was there.

    ``wall``: the wall clock, in a sandbox too. What is signed is for phones, and they know no other.

    Raises:
        PassIssuerInvalid
    """
    signer = read_signer(certificate=certificate, key=private_key, intermediate=intermediate, now=wall)
    facts = {"pass_type": signer.pass_type, "team": signer.team}
    issuer = PassIssuer(IssuerKind.APPLE, facts, signer.ends_at, uow.now)
    secrets = {"certificate": certificate, "key": private_key, "intermediate": intermediate}
    _save(uow, issuer, secrets, seals)
    return issuer


def save_google_issuer(uow: UnitOfWork, *, issuer_id: str, account: str, private_key: str, seals: Seals) -> PassIssuer:
    """Keep what signs links for Google's Wallet, sealed, in place of what was there.

    Raises:
        PassIssuerInvalid
    """
    read_google_signer(issuer=issuer_id, account=account, key=private_key)
    issuer = PassIssuer(IssuerKind.GOOGLE, {"issuer": issuer_id, "account": account}, None, uow.now)
    _save(uow, issuer, {"key": private_key}, seals)
    return issuer


def remove_issuer(uow: UnitOfWork, *, kind: IssuerKind) -> bool:
    """Forget what signs passes of one kind; whether there was something. Passes on phones stay."""
    return repository.remove_issuer(uow, kind=kind)


def make_apple_pass(session: ReadSession, *, facts: PassFacts, seals: Seals, wall: datetime) -> bytes:
    """The signed ``.pkpass`` file of a member; the certificate must be valid by the wall clock.

    Raises:
        PassIssuerMissing: nothing signs it, or what did has ended.
        PassIssuerInvalid: what signs it is no longer valid.
    """
    _, secrets = _opened(session, IssuerKind.APPLE, seals)
    signer = read_signer(
        certificate=secrets["certificate"],
        key=secrets["key"],
        intermediate=secrets["intermediate"],
        now=wall,
    )
    return apple_pass(facts, signer=signer)


def make_google_url(session: ReadSession, *, facts: PassFacts, seals: Seals, logo_url: str, wall: datetime) -> str:
    """The address that saves a member's card in Google's Wallet, signed at an instant of the wall clock.

    Raises:
        PassIssuerMissing: nothing signs it.
    """
    issuer, secrets = _opened(session, IssuerKind.GOOGLE, seals)
    signer = read_google_signer(issuer=issuer.facts["issuer"], account=issuer.facts["account"], key=secrets["key"])
    return google_save_url(facts, signer=signer, tenant_id=_tenant_id(session), logo_url=logo_url, at=wall)


def _lock(uow: UnitOfWork, text: str) -> CardLink:
    credential = read_credential(text)
    link = repository.lock_link(uow, link_id=credential.link_id) if credential else None
    if credential is None or link is None or not link.is_opened_by(credential, now=uow.now):
        raise CardLinkInvalid
    return link


def _save(uow: UnitOfWork, issuer: PassIssuer, secrets: dict[str, str], seals: Seals) -> None:
    sealed = seals.seal(json.dumps(secrets).encode(), tenant_id=_tenant_id(uow), use=_use(issuer.kind))
    repository.save_issuer(uow, issuer=issuer, sealed=sealed)


def _opened(session: ReadSession, kind: IssuerKind, seals: Seals) -> tuple[PassIssuer, dict[str, str]]:
    found = queries.sealed_issuer(session, kind=kind)
    if found is None:
        raise PassIssuerMissing(kind=kind.value)
    issuer, sealed = found
    try:
        secrets: dict[str, str] = json.loads(seals.open(sealed, tenant_id=_tenant_id(session), use=_use(kind)))
    except SealBroken as error:
        # The house's secret has changed: what was given under the old one has to be given again.
        raise PassIssuerMissing(kind=kind.value) from error
    return issuer, secrets


def _tenant_id(session: ReadSession) -> UUID:
    assert session.home.tenant_id is not None, "cards live in a tenant's home"
    return session.home.tenant_id


def _use(kind: IssuerKind) -> str:
    return f"pass-issuer-{kind.value}"
