"""Sign-up, log-in, keys and invitations, over the platform's own home."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest
from argon2 import PasswordHasher

from services.platform.actors import Actor, ActorKind
from services.platform.auth.domain import Principal, Role, Scope
from services.platform.auth.errors import (
    AlreadyOwner,
    ApiKeyNotFound,
    CredentialInvalid,
    EmailTaken,
    InvitationInvalid,
    LastOwner,
    LoginFailed,
    LoginThrottled,
    PasswordTooWeak,
    RoleNotGrantable,
    ScopesNotGrantable,
    StaffNotFound,
)
from services.platform.auth.passwords import Passwords
from services.platform.auth.principals import Authenticator, Reached
from services.platform.auth.queries import maker_of_key, staff_of_tenant
from services.platform.auth.service import (
    create_api_key,
    invite_staff,
    log_out,
    remove_staff,
    revoke_api_key,
    rotate_api_key,
)
from services.platform.auth.sign_in import AcceptInvitation, accept_invitation, log_in
from services.platform.auth.tokens import Signer
from services.platform.clock import wall_now
from services.platform.db.engine import Database
from services.platform.db.homes import PLATFORM, tenant_home
from services.platform.db.session import read_session, unit_of_work
from services.platform.idempotency.errors import IdempotencyConflict
from services.platform.ids import new_id
from services.platform.onboarding import service as onboarding
from services.platform.onboarding.service import SignedUp, SignUp, sign_up
from services.platform.tenancy.errors import (
    SlugInvalid,
    SlugTaken,
    TenantContradicted,
    TenantRequired,
    TenantSuspended,
    TenantUnknown,
)
from services.platform.tenancy.registry import TenantRegistry, set_suspended
from tests.support.tenants import DatabaseUrls

PASSWORDS = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
SIGNER = Signer(b"a secret of thirty-two bytes, yes")
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ANN = SignUp(
    email="Ann@Example.test ",
    password="correct horse",
    name="Ann",
    merchant_name="Ann's Tea",
    slug="anns-tea",
    locale="en",
    idempotency_key="sign-up-1",
)


def _sign_up(database: Database, urls: DatabaseUrls, command: SignUp = ANN) -> SignedUp:
    return sign_up(database, PASSWORDS, command, direct_url=urls.owner, now=wall_now(), correlation_id="test")


def _reach(database: Database, token: str | None, *, slug: str | None = None, host: str | None = None) -> Reached:
    """As a process that has remembered nothing."""
    return Authenticator(database, TenantRegistry(database), SIGNER).reach(token=token, tenant_slug=slug, host=host)


def _other(**changes: str) -> SignUp:
    values = {name: getattr(ANN, name) for name in ANN.__slots__}
    return SignUp(**{**values, **changes})


def test_sign_up_opens_a_tenant_that_its_owner_reaches(database: Database, database_urls: DatabaseUrls) -> None:
    signed_up = _sign_up(database, database_urls)

    reached = _reach(database, signed_up.session.token)
    assert reached.tenant is not None
    assert (reached.tenant.id, reached.tenant.slug, reached.tenant.name) == (
        signed_up.tenant_id,
        "anns-tea",
        "Ann's Tea",
    )
    assert reached.principal.roles() == {Role.OWNER}
    assert all(reached.principal.allows(scope) for scope in Scope)
    with read_session(database, reached.tenant.home, now=NOW) as session:
        assert session.fetch_all("SELECT id FROM members") == []


def test_the_same_key_signs_up_once_and_opens_another_session(database: Database, database_urls: DatabaseUrls) -> None:
    first = _sign_up(database, database_urls)
    second = _sign_up(database, database_urls)

    assert (first.replayed, second.replayed) == (False, True)
    assert first.tenant_id == second.tenant_id
    assert first.session.token != second.session.token


def test_a_sign_up_that_broke_off_goes_on_with_its_key(
    database: Database, database_urls: DatabaseUrls, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_off(*_: object) -> None:
        raise psycopg.OperationalError("the power went")

    with monkeypatch.context() as patch:
        patch.setattr(onboarding, "provision_schema", break_off)
        with pytest.raises(psycopg.OperationalError):
            _sign_up(database, database_urls)
    with pytest.raises(TenantUnknown):
        _reach(database, None, slug="anns-tea")

    signed_up = _sign_up(database, database_urls)

    assert signed_up.replayed
    with read_session(database, tenant_home(signed_up.tenant_id), now=NOW) as session:
        assert session.fetch_all("SELECT id FROM members") == []


def test_a_key_is_no_password(database: Database, database_urls: DatabaseUrls) -> None:
    _sign_up(database, database_urls)

    with pytest.raises(LoginFailed):
        _sign_up(database, database_urls, _other(password="another horse"))


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"merchant_name": "Another"}, IdempotencyConflict),
        ({"idempotency_key": "k2", "slug": "other-tea"}, EmailTaken),
        ({"idempotency_key": "k2", "email": "bob@example.test"}, SlugTaken),
        ({"idempotency_key": "k2", "email": "bob@example.test", "slug": "cafe"}, SlugTaken),
        ({"idempotency_key": "k2", "email": "bob@example.test", "slug": "x'; DROP SCHEMA platform"}, SlugInvalid),
        ({"idempotency_key": "k2", "email": "bob@example.test", "slug": "api"}, SlugInvalid),
        ({"idempotency_key": "k2", "password": "short"}, PasswordTooWeak),
    ],
)
def test_a_refused_sign_up_registers_nothing(
    database: Database, database_urls: DatabaseUrls, changes: dict[str, str], refusal: type[Exception]
) -> None:
    _sign_up(database, database_urls)
    before = _registered(database)

    with pytest.raises(refusal):
        _sign_up(database, database_urls, _other(**changes))

    assert _registered(database) == before


def _registered(database: Database) -> list[object]:
    with read_session(database, PLATFORM, now=NOW) as session:
        return [
            session.fetch_all("SELECT * FROM platform.users ORDER BY id"),
            session.fetch_all("SELECT * FROM platform.organizations ORDER BY id"),
            session.fetch_all("SELECT * FROM platform.tenants ORDER BY id"),
            session.fetch_all("SELECT * FROM platform.staff_grants ORDER BY id"),
            session.fetch_all("SELECT operation, key FROM platform.idempotency_keys ORDER BY key"),
        ]


def _log_in(database: Database, email: str, password: str, *, now: datetime = NOW) -> str:
    return log_in(database, PASSWORDS, email=email, password=password, now=now, correlation_id="test").token


def test_log_in_is_throttled_for_accounts_that_exist_and_for_those_that_do_not(
    database: Database, database_urls: DatabaseUrls
) -> None:
    _sign_up(database, database_urls)
    for email in ("ann@example.test", "nobody@example.test"):
        for _ in range(10):
            with pytest.raises(LoginFailed):
                _log_in(database, email, "wrong horse")

        with pytest.raises(LoginThrottled) as refusal:
            _log_in(database, email, "correct horse")

        assert refusal.value.retry_after_seconds == 300
    token = _log_in(database, "ann@example.test", "correct horse", now=NOW + timedelta(minutes=5))
    assert token.startswith("rs_")


def test_logging_in_clears_the_count(database: Database, database_urls: DatabaseUrls) -> None:
    _sign_up(database, database_urls)
    for _ in range(3):
        for _ in range(9):
            with pytest.raises(LoginFailed):
                _log_in(database, "ann@example.test", "wrong horse")
        _log_in(database, "ann@example.test", "correct horse")


def test_a_session_that_was_ended_opens_nothing(database: Database, database_urls: DatabaseUrls) -> None:
    token = _sign_up(database, database_urls).session.token
    session_id = _reach(database, token).principal.session_id
    assert session_id is not None

    with unit_of_work(
        database, PLATFORM, now=wall_now(), actor=_owner(database, token).actor, correlation_id="t"
    ) as uow:
        assert log_out(uow, session_id=session_id)

    with pytest.raises(CredentialInvalid):
        _reach(database, token)


def _owner(database: Database, token: str) -> Principal:
    return _reach(database, token).principal


def test_keys_are_scoped_rotated_and_revoked(database: Database, database_urls: DatabaseUrls) -> None:
    token = _sign_up(database, database_urls).session.token
    reached = _reach(database, token)
    owner, tenant = reached.principal, reached.tenant
    assert tenant is not None

    with unit_of_work(database, PLATFORM, now=wall_now(), actor=owner.actor, correlation_id="test") as uow:
        key = create_api_key(uow, tenant=tenant, maker=owner, name="till", scopes=frozenset({Scope.PURCHASES_WRITE}))
    by_key = _reach(database, key.secret)

    assert by_key.tenant == tenant
    assert by_key.principal.actor.kind is ActorKind.KEY
    assert by_key.principal.allows(Scope.PURCHASES_WRITE)
    assert not by_key.principal.allows(Scope.POINTS_ADJUST)
    with pytest.raises(CredentialInvalid):
        _reach(database, key.secret[:-1] + ("A" if key.secret[-1] != "A" else "B"))
    with pytest.raises(TenantContradicted):
        _reach(database, key.secret, slug="cafe")

    with unit_of_work(database, PLATFORM, now=wall_now(), actor=owner.actor, correlation_id="test") as uow:
        rotated = rotate_api_key(uow, tenant=tenant, maker=owner, key_id=key.id)
    with pytest.raises(CredentialInvalid):
        _reach(database, key.secret)
    assert _reach(database, rotated.secret).tenant == tenant

    # Whoever saw the last secret answers for the key, and for the keys that it makes.
    other = replace(owner, actor=Actor(ActorKind.STAFF, new_id()))
    with unit_of_work(database, PLATFORM, now=wall_now(), actor=owner.actor, correlation_id="test") as uow:
        assert maker_of_key(uow, key_id=key.id) == owner.actor.id
        rotated = rotate_api_key(uow, tenant=tenant, maker=other, key_id=key.id)
        assert maker_of_key(uow, key_id=key.id) == other.actor.id
        as_key = replace(other, actor=Actor(ActorKind.KEY, key.id))
        child = create_api_key(
            uow, tenant=tenant, maker=as_key, name="child", scopes=frozenset({Scope.PURCHASES_WRITE})
        )
        assert maker_of_key(uow, key_id=child.id) == other.actor.id

    with unit_of_work(database, PLATFORM, now=wall_now(), actor=owner.actor, correlation_id="test") as uow:
        revoke_api_key(uow, tenant=tenant, key_id=key.id)
    with pytest.raises(CredentialInvalid):
        _reach(database, rotated.secret)
    with (
        pytest.raises(ApiKeyNotFound),
        unit_of_work(database, PLATFORM, now=wall_now(), actor=owner.actor, correlation_id="test") as uow,
    ):
        rotate_api_key(uow, tenant=tenant, maker=owner, key_id=key.id)


def test_no_secret_is_stored(database: Database, database_urls: DatabaseUrls) -> None:
    token = _sign_up(database, database_urls).session.token
    reached = _reach(database, token)
    assert reached.tenant is not None
    with unit_of_work(database, PLATFORM, now=wall_now(), actor=reached.principal.actor, correlation_id="t") as uow:
        key = create_api_key(
            uow, tenant=reached.tenant, maker=reached.principal, name="till", scopes=frozenset({Scope.MEMBERS_READ})
        )

    with read_session(database, PLATFORM, now=NOW) as session:
        rows = [
            session.fetch_all("SELECT * FROM platform.users"),
            session.fetch_all("SELECT * FROM platform.sessions"),
            session.fetch_all("SELECT * FROM platform.api_keys"),
            session.fetch_all("SELECT * FROM platform.idempotency_keys"),
        ]
    text = str(rows)
    for secret in (ANN.password, token.split("_", 2)[2], key.secret.split("_", 2)[2]):
        assert secret not in text


def test_a_key_can_not_carry_more_than_its_maker_has(database: Database, database_urls: DatabaseUrls) -> None:
    till = _accept(database, _invite(database, database_urls, Role.CASHIER))
    reached = _reach(database, till)
    assert reached.tenant is not None

    with (
        pytest.raises(ScopesNotGrantable) as refusal,
        unit_of_work(database, PLATFORM, now=wall_now(), actor=reached.principal.actor, correlation_id="t") as uow,
    ):
        create_api_key(
            uow,
            tenant=reached.tenant,
            maker=reached.principal,
            name="till",
            scopes=frozenset({Scope.PURCHASES_WRITE, Scope.POINTS_ADJUST}),
        )

    assert refusal.value.scopes == ("points:adjust",)


def _invite(database: Database, urls: DatabaseUrls, role: Role) -> str:
    reached = _reach(database, _sign_up(database, urls).session.token)
    assert reached.tenant is not None
    with unit_of_work(database, PLATFORM, now=wall_now(), actor=reached.principal.actor, correlation_id="t") as uow:
        invitation_id = invite_staff(
            uow, tenant=reached.tenant, inviter=reached.principal, email="Bob@Example.test", role=role
        )
    return SIGNER.invitation_token(invitation_id)


def _accept(database: Database, token: str, *, password: str = "battery staple") -> str:
    command = AcceptInvitation(token=token, name="Bob", password=password, locale="zh-CN")
    return accept_invitation(database, PASSWORDS, SIGNER, command, now=wall_now(), correlation_id="test").token


def test_an_invitation_gives_its_role_once(database: Database, database_urls: DatabaseUrls) -> None:
    token = _invite(database, database_urls, Role.CASHIER)

    principal = _reach(database, _accept(database, token)).principal

    assert principal.roles() == {Role.CASHIER}
    with pytest.raises(InvitationInvalid):
        _accept(database, token)


def test_a_forged_invitation_opens_nothing(database: Database, database_urls: DatabaseUrls) -> None:
    token = _invite(database, database_urls, Role.CASHIER)
    forged = re.sub(r"^.", lambda first: "A" if first[0] != "A" else "B", token)

    with pytest.raises(InvitationInvalid):
        _accept(database, forged)


def test_nobody_gives_more_than_they_have(database: Database, database_urls: DatabaseUrls) -> None:
    admin = _reach(database, _accept(database, _invite(database, database_urls, Role.ADMIN)))
    assert admin.tenant is not None

    with (
        pytest.raises(RoleNotGrantable),
        unit_of_work(database, PLATFORM, now=wall_now(), actor=admin.principal.actor, correlation_id="t") as uow,
    ):
        invite_staff(uow, tenant=admin.tenant, inviter=admin.principal, email="c@example.test", role=Role.OWNER)


def test_an_owner_can_not_be_invited_down(database: Database, database_urls: DatabaseUrls) -> None:
    admin = _reach(database, _accept(database, _invite(database, database_urls, Role.ADMIN)))
    assert admin.tenant is not None
    with unit_of_work(database, PLATFORM, now=wall_now(), actor=admin.principal.actor, correlation_id="t") as uow:
        trap = invite_staff(
            uow, tenant=admin.tenant, inviter=admin.principal, email="ann@example.test", role=Role.CASHIER
        )

    with pytest.raises(AlreadyOwner):
        _accept(database, SIGNER.invitation_token(trap), password=ANN.password)

    assert _reach(database, _log_in(database, ANN.email, ANN.password, now=wall_now())).principal.roles() == {
        Role.OWNER
    }


@pytest.mark.parametrize("role", [Role.OWNER, Role.HEADQUARTERS])
def test_an_owner_is_never_one_of_a_store(database: Database, database_urls: DatabaseUrls, role: Role) -> None:
    owner = _reach(database, _sign_up(database, database_urls).session.token)
    assert owner.tenant is not None

    with (
        pytest.raises(RoleNotGrantable),
        unit_of_work(database, PLATFORM, now=wall_now(), actor=owner.principal.actor, correlation_id="t") as uow,
    ):
        invite_staff(
            uow,
            tenant=owner.tenant,
            inviter=owner.principal,
            email="bob@example.test",
            role=role,
            store_id=owner.tenant.id,
        )


def test_a_role_is_taken_back_and_the_last_owner_stays(database: Database, database_urls: DatabaseUrls) -> None:
    cashier = _accept(database, _invite(database, database_urls, Role.CASHIER))
    owner = _reach(database, _sign_up(database, database_urls).session.token)
    assert owner.tenant is not None
    with read_session(database, PLATFORM, now=NOW) as session:
        grants = {one.role: one.id for one in staff_of_tenant(session, tenant_id=owner.tenant.id, after=None, limit=9)}

    def remove(grant_id: UUID) -> None:
        assert owner.tenant is not None
        with unit_of_work(database, PLATFORM, now=NOW, actor=owner.principal.actor, correlation_id="test") as uow:
            remove_staff(uow, tenant=owner.tenant, remover=owner.principal, grant_id=grant_id)

    remove(grants[Role.CASHIER])

    assert _reach(database, cashier).tenant is None
    with pytest.raises(StaffNotFound):
        remove(grants[Role.CASHIER])
    with pytest.raises(LastOwner):
        remove(grants[Role.OWNER])


def test_who_works_for_several_tenants_names_one(database: Database, database_urls: DatabaseUrls) -> None:
    invitation = _invite(database, database_urls, Role.ANALYST)
    _sign_up(
        database,
        database_urls,
        _other(
            email="bob@example.test",
            password="battery staple",
            slug="bobs-tea",
            idempotency_key="sign-up-2",
            name="Bob",
        ),
    )
    token = _accept(database, invitation)

    with pytest.raises(TenantRequired) as refusal:
        _reach(database, token)

    assert refusal.value.slugs == ("anns-tea", "bobs-tea")
    assert _reach(database, token, slug="anns-tea").principal.roles() == {Role.ANALYST}
    assert _reach(database, token, slug="bobs-tea").principal.roles() == {Role.OWNER}
    for stranger in ("cafe", "no-such-tenant"):
        with pytest.raises(TenantUnknown):
            _reach(database, token, slug=stranger)


def test_a_suspended_tenant_is_refused_to_everyone(database: Database, database_urls: DatabaseUrls) -> None:
    signed_up = _sign_up(database, database_urls)
    with unit_of_work(
        database, PLATFORM, now=NOW, actor=_owner(database, signed_up.session.token).actor, correlation_id="t"
    ) as uow:
        assert set_suspended(uow, tenant_id=signed_up.tenant_id, suspended=True)

    with pytest.raises(TenantSuspended):
        _reach(database, signed_up.session.token)


@pytest.mark.parametrize(
    "token", ["", "rs_", "rk_0123456789abcdef_x", "rm_forged", "Bearer", "rs_" + "0" * 32 + "_" + "x" * 43]
)
def test_what_is_no_credential_is_refused(database: Database, token: str) -> None:
    with pytest.raises(CredentialInvalid):
        _reach(database, token)
