"""Where a request arrives: the credential decides, and whatever contradicts it is refused."""

import pytest

from services.gateway.graphql.ids import decode
from services.platform.actors import SYSTEM
from services.platform.auth.tokens import Signer
from services.platform.clock import wall_now
from services.platform.db.engine import open_database
from services.platform.db.homes import PLATFORM
from services.platform.db.session import unit_of_work
from services.platform.tenancy.registry import set_suspended, tenant_by_slug
from tests.support.graphql_client import SECRET, GraphQLClient
from tests.support.tenants import DatabaseUrls

SLUG = "{ viewer { kind tenant { slug } } }"
TENANT = "{ tenant { slug } }"


@pytest.fixture(scope="module")
def owner(shared_api: GraphQLClient) -> GraphQLClient:
    shared_api.sign_up("identity-two")
    return shared_api.sign_up("identity-one")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X_Tenant": "identity-one"},
        {"Host": "identity-one.localhost"},
        {"Host": "identity-one.localhost:8000"},
        {"Host": "IDENTITY-ONE.localhost"},
        {"Host": "regulars.example.com"},
        {"Host": "127.0.0.1:8000"},
        {"Host": "[::1]:8000"},
        {"Host": "identity-one.localhost", "X_Tenant": "identity-one"},
    ],
)
def test_the_tenant_of_the_credential_is_reached(owner: GraphQLClient, headers: dict[str, str]) -> None:
    key = owner.create_api_key("STORES_READ")

    assert owner.as_(owner.token, **headers).execute(TENANT).data == {"tenant": {"slug": "identity-one"}}
    assert key.as_(key.token, **headers).execute(TENANT).data == {"tenant": {"slug": "identity-one"}}


@pytest.mark.parametrize("headers", [{"X_Tenant": "identity-two"}, {"Host": "identity-two.localhost"}])
def test_a_key_of_another_tenant_is_contradicted(owner: GraphQLClient, headers: dict[str, str]) -> None:
    key = owner.create_api_key("STORES_READ")

    answer = key.as_(key.token, **headers).execute(TENANT)

    assert answer.status == 403
    assert answer.error == {"code": "TENANT_CONTRADICTED"}


@pytest.mark.parametrize("headers", [{"X_Tenant": "identity-two"}, {"Host": "identity-two.localhost"}])
def test_to_a_person_a_tenant_of_strangers_is_not_there(owner: GraphQLClient, headers: dict[str, str]) -> None:
    answer = owner.as_(owner.token, **headers).execute(TENANT)

    assert answer.status == 404
    assert answer.error == {"code": "TENANT_UNKNOWN"}


def test_host_and_header_may_not_name_two(owner: GraphQLClient) -> None:
    answer = owner.as_(owner.token, Host="identity-one.localhost", X_Tenant="identity-two").execute(TENANT)

    assert answer.status == 403
    assert answer.error == {"code": "TENANT_CONTRADICTED"}


@pytest.mark.parametrize(
    "headers",
    [
        {"X_Tenant": "nobody"},
        {"Host": "nobody.localhost"},
        {"Host": "a.b.localhost"},
        {"X_Tenant": "identity-one'; DROP TABLE platform.tenants; --"},
        {"X_Tenant": "x" * 5_000},
        {"X_Tenant": "Identity-One"},
    ],
)
def test_unknown_tenants(owner: GraphQLClient, headers: dict[str, str]) -> None:
    for client in (owner, owner.as_(None)):
        answer = client.as_(client.token, **headers).execute(SLUG)

        assert answer.status == 404
        assert answer.error == {"code": "TENANT_UNKNOWN"}


@pytest.mark.parametrize(
    "authorization",
    [
        "Bearer",
        "Bearer ",
        "Bearer x",
        "Basic dXNlcjpwYXNz",
        "Bearer rs_00000000000000000000000000000000_" + "A" * 43,
        "Bearer rk_0000000000000000_" + "A" * 43,
        "Bearer rm_eyJhbGciOiJub25lIn0.e30.",
        "Bearer " + "x" * 100_000,
        "",
    ],
)
def test_credentials_that_are_none(shared_api: GraphQLClient, authorization: str) -> None:
    answer = shared_api.as_(None, Authorization=authorization).execute(SLUG)

    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.error == {"code": "CREDENTIAL_INVALID"}


def test_a_session_ends_with_log_out(api: GraphQLClient) -> None:
    owner = api.sign_up("leaving")
    document = "mutation { logOut { __typename ... on LogOutPayload { ended } } }"

    assert owner.execute(document).data == {"logOut": {"__typename": "LogOutPayload", "ended": True}}
    assert owner.execute(document).data == {"logOut": {"__typename": "LogOutPayload", "ended": False}}


def test_suspended_tenants_are_refused(api: GraphQLClient, database_urls: DatabaseUrls) -> None:
    owner = api.sign_up("suspended")
    database = open_database(database_urls.app, pool_size=1)
    with unit_of_work(database, PLATFORM, now=wall_now(), actor=SYSTEM, correlation_id="tests") as uow:
        tenant = tenant_by_slug(uow, "suspended")
        assert tenant is not None
        set_suspended(uow, tenant_id=tenant.id, suspended=True)
    database.close()
    # What a process knows of a tenant may be two seconds old; a fresh sign-up makes it look anew.
    api.sign_up("another")

    answer = owner.execute(TENANT)

    assert answer.status == 403
    assert answer.error == {"code": "TENANT_SUSPENDED", "slug": "suspended"}


def test_a_person_with_several_tenants_names_one(api: GraphQLClient) -> None:
    api.sign_up("first-shop", email="olive@shops.example")
    # The same person is invited to a second one.
    second = api.sign_up("second-shop")
    invite = (
        'mutation { inviteStaff(input: {email: "olive@shops.example", role: ADMIN, idempotencyKey: "k"})'
        " { ... on InviteStaffPayload { invitation { id } } } }"
    )
    invitation = second.execute(invite).data["inviteStaff"]["invitation"]["id"]
    token = invitation_token(invitation)
    accepted = api.execute(
        'mutation ($t: String!) { acceptInvitation(input: {token: $t, name: "x", locale: "en",'
        ' password: "correct horse battery"}) { ... on AcceptInvitationPayload { session { token } } } }',
        {"t": token},
    ).data["acceptInvitation"]["session"]["token"]
    olive = api.as_(accepted)

    unnamed = olive.execute(TENANT)
    named = olive.as_(accepted, X_Tenant="second-shop").execute(SLUG.replace("kind", "roles tenants { slug }"))

    assert unnamed.status == 400
    assert unnamed.error == {"code": "TENANT_REQUIRED", "slugs": ["first-shop", "second-shop"]}
    assert named.data["viewer"]["roles"] == ["ADMIN"]
    assert [choice["slug"] for choice in named.data["viewer"]["tenants"]] == ["first-shop", "second-shop"]
    again = api.execute(
        'mutation ($t: String!) { acceptInvitation(input: {token: $t, name: "x", locale: "en",'
        ' password: "correct horse battery"}) { ... on Error { code } } }',
        {"t": token},
    )
    assert again.data["acceptInvitation"]["code"] == "INVITATION_INVALID"


def invitation_token(invitation_id: str) -> str:
    """What the e-mail's link holds."""
    return Signer(SECRET).invitation_token(decode("Invitation", invitation_id, field="id"))


def test_guesses_at_a_password_are_slowed_down(api: GraphQLClient) -> None:
    api.sign_up("guessed", email="olive@guessed.example")

    codes = [api.do("LogIn", email="olive@guessed.example", password=f"guess {n}")["code"] for n in range(11)]
    nobody = [api.do("LogIn", email="nobody@guessed.example", password="x")["code"] for n in range(11)]

    assert codes == nobody == ["LOGIN_FAILED"] * 10 + ["LOGIN_THROTTLED"]


def test_aliases_do_not_multiply_guesses(api: GraphQLClient) -> None:
    attempt = 'logIn(input: {email: "olive@aliased.example", password: "x"}) { ... on Error { code } }'

    answer = api.execute("mutation { " + " ".join(f"a{n}: {attempt}" for n in range(15)) + " }")

    assert [result["code"] for result in answer.data.values()] == ["LOGIN_FAILED"] * 10 + ["LOGIN_THROTTLED"] * 5
