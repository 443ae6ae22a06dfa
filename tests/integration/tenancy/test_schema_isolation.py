"""S1, generated from the schema itself: with tenant a's token the names of tenant b lead nowhere.

For every argument of every field that names something (an id, a code, an identity, a cursor, a key): nothing of b is
told, nothing of b changes, and the answer equals the one for a name that exists nowhere. A new field is covered as
soon as it is in the schema; one whose arguments nobody described fails by its name (``values.py``).
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from services.gateway.context.services import GatewayServices
from services.platform.auth.principals import Reached
from services.platform.db.engine import Database
from tests.integration.tenancy.attack import Attacker, Finding, Secrets, all_positions
from tests.integration.tenancy.principals import tokens_of
from tests.integration.tenancy.world import Observer, World
from tests.support.story import Merchant
from tests.support.tenants import DatabaseUrls

MEMBERS_ONLY = frozenset({"Mutation.cancelRedemptionAsMember", "Mutation.redeemAsMember", "Query.pickupStores"})
REFUSED_TO_OWNERS = frozenset(
    {
        "Mutation.advanceClock",  # of a live tenant
        "Mutation.approveAdjustment",  # that the owner asked for
        "Mutation.checkIn",  # members only
        *MEMBERS_ONLY,
        "Mutation.removeStaff",  # the last owner
    }
)
"""What the attacking owner may not do with own names either; all else works, or a refusal would prove nothing."""
DECLARED_ORACLES = frozenset(
    {
        ("signUp", "email"),
        ("signUp", "slug"),
        ("signUp", "idempotencyKey"),
        ("createSandbox", "slug"),
        ("rewards", "after"),
    }
)
"""Whoever signs up or names a sandbox learns whether an address or a slug is taken, or could not choose another one. A
cursor of the catalogue is a place among codes: from any place the caller sees what comes after it of its own."""
OF_NO_TENANT = frozenset({"account", "slug", "key", "cursor"})
"""Names whose guard is not the tenant: the platform's own, and places in a list."""


@contextmanager
def _attacker(world: World, urls: DatabaseUrls) -> Iterator[Attacker]:
    with closing(Observer(urls.owner, slug=world.b.slug)) as observer:
        yield Attacker(world, observer, Secrets(world, observer.rows()), DECLARED_ORACLES)


def test_names_of_another_tenant_lead_nowhere(
    world: World, database_urls: DatabaseUrls, capsys: pytest.CaptureFixture[str]
) -> None:
    positions = all_positions(world)
    refusals: dict[str, list[str]] = {}
    findings: list[Finding] = []
    with _attacker(world, database_urls) as attacker, closing(Observer(database_urls.owner, slug=world.a.slug)) as own:
        for position in positions:
            findings += attacker.examine(position)
            if not attacker.tells_by_nature(position):
                refused = refusals.setdefault(str(position.leaf.target), [])
                refused += filter(None, [attacker.refusal_of_own(position)])
        strayed = attacker.secrets.ids_in(own.rows()) - attacker.echoed

    failing = {target: refused for target, refused in refusals.items() if refused}
    with capsys.disabled():
        print(  # noqa: T201  an experiment tells its counts
            f"\nS1: {len(positions)} positions in {len(refusals)} fields, {attacker.calls} calls, {len(findings)}"
            f" findings; own names work in {len(refusals) - len(failing)}, not in {sorted(failing)}"
        )
    assert not findings, "\n".join(str(finding) for finding in findings)
    assert not strayed, "rows of a hold ids of b"
    assert len(positions) > 90
    assert set(failing) == REFUSED_TO_OWNERS, failing


def test_nor_for_those_who_may_do_less(world: World, database: Database, database_urls: DatabaseUrls) -> None:
    owner = Merchant(world.client.as_(world.a.token))
    tokens = tokens_of(database, world.a, other_store=owner.open_store(code="other"))
    tokens["member"] = owner.do("createMemberToken", "token", memberId=world.a.one("Member")["id"])["token"]
    positions = [
        each for each in all_positions(world) if (each.leaf.target.step.name, each.leaf.name) not in DECLARED_ORACLES
    ]
    findings: list[Finding] = []
    with _attacker(world, database_urls) as attacker:
        for name in ("cashier_here", "member"):
            attacker.token = tokens[name]
            for position in positions:
                findings += attacker.examine(position)

    assert attacker.calls == 2 * 2 * len(positions)
    assert not findings, "\n".join(str(finding) for finding in findings)


def test_the_attack_succeeds_where_the_tenant_follows_the_name(
    world: World, services: GatewayServices, database_urls: DatabaseUrls, monkeypatch: pytest.MonkeyPatch
) -> None:
    authenticator, registry = services.authenticator, services.registry
    reach = authenticator.reach
    positions = [
        each
        for each in all_positions(world)
        # An owner is no member, wherever the name leads.
        if each.naming.what not in OF_NO_TENANT and str(each.leaf.target) not in MEMBERS_ONLY
    ]

    with _attacker(world, database_urls) as attacker:

        def follow(**credential: Any) -> Reached:
            reached = reach(**credential)
            tenant = registry.by_slug(world.b.slug) if attacker.is_asking_foreign else reached.tenant
            return Reached(tenant, reached.principal)

        monkeypatch.setattr(authenticator, "reach", follow)
        monkeypatch.setattr(authenticator, "remembered", lambda **_credential: None)
        found = {str(position): {finding.kind for finding in attacker.examine(position)} for position in positions}

    assert {position for position, kinds in found.items() if not kinds} == set()
    assert set().union(*found.values()) == {"leak", "change", "oracle"}
