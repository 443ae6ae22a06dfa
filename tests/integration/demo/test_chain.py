import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.demo import chain as demo_chain
from services.demo.chain import OPENED_AT, TILL_SCOPES, Chain, demo_tenant, make_chain, move_clock
from services.demo.dataset import DatasetFiles
from services.demo.errors import DemoMissing, DemoOfAnotherHome
from services.demo.program import PROGRAM, REWARDS
from services.loyalty.programs import queries as programs
from services.loyalty.programs.domain import document_json
from services.loyalty.rewards import queries as rewards
from services.loyalty.rewards.domain import RewardTerms
from services.loyalty.stores import queries as stores
from services.platform.auth.principals import Authenticator
from services.platform.auth.tokens import Signer
from services.platform.clock import wall_now
from services.platform.db.engine import Database
from services.platform.db.session import read_session
from services.platform.tenancy.domain import TenantMode, TenantStatus
from services.platform.tenancy.registry import TenantRegistry
from tests.support.tenants import DatabaseUrls


def test_the_chain_is_a_sandbox_with_stores_a_program_and_rewards(database: Database, chain: Chain) -> None:
    with read_session(database, chain.tenant.home, now=OPENED_AT) as session:
        found = stores.stores_page(session, limit=10)
        version = programs.version_in_force(session, at=OPENED_AT)
        offered = rewards.rewards_page(session, limit=10)

    assert (chain.tenant.slug, chain.tenant.mode, chain.tenant.status) == (
        "journey",
        TenantMode.SANDBOX,
        TenantStatus.ACTIVE,
    )
    assert [(store.code, store.name, store.timezone, store.currency) for store in found] == [
        ("31", "Journey Grocery, Oak Street", "America/New_York", "USD"),
        ("4", "Journey Grocery, Maple Street", "America/New_York", "USD"),
    ]
    assert version is not None
    assert document_json(version.document) == PROGRAM
    assert {reward.code: reward.content.cost_points for reward in offered} == {
        "coffee": 100,
        "three-off": 300,
        "five-off": 500,
        "twelve-off": 1000,
        "meal": 200,
        "flowers": 250,
        "delivery": 400,
        "mug": 600,
        "cake": 700,
    }
    assert all(len(reward.content.terms.images) == 1 for reward in offered)


def test_rewards_of_an_older_release_get_their_pictures(
    database: Database, opened: Callable[[], Chain], monkeypatch: pytest.MonkeyPatch
) -> None:
    coffee = REWARDS[0]
    plain = dataclasses.replace(coffee, content=dataclasses.replace(coffee.content, terms=RewardTerms()))
    with monkeypatch.context() as older:
        older.setattr(demo_chain, "REWARDS", (plain, *REWARDS[1:]))
        older.setattr(demo_chain, "SHELF", ())
        first = opened()

    again = [opened() for _ in range(2)][-1]

    with read_session(database, again.tenant.home, now=OPENED_AT) as session:
        offered = {reward.code: reward for reward in rewards.rewards_page(session, limit=10)}
    assert (offered["coffee"].id, offered["coffee"].version) == (first.reward_ids["coffee"], 2)
    assert offered["coffee"].content == coffee.content
    assert (offered["three-off"].version, len(offered)) == (1, 9)


def test_the_tills_key_opens_the_chain_and_nothing_else(database: Database, chain: Chain) -> None:
    authenticator = Authenticator(database, TenantRegistry(database), Signer(b"a secret of thirty-two bytes or so"))
    assert chain.access.till is not None

    reached = authenticator.reach(token=chain.access.till.secret, tenant_slug=None, host=None)

    assert reached.tenant is not None
    assert reached.tenant.id == chain.tenant.id
    assert reached.principal.actor == chain.till
    assert [grant.scopes for grant in reached.principal.grants] == [TILL_SCOPES]


def test_a_chain_that_is_there_is_found_again(opened: Callable[[], Chain]) -> None:
    assert opened() == opened()


def test_a_chain_whose_password_is_elsewhere_is_left_alone(
    database: Database, database_urls: DatabaseUrls, files: DatasetFiles, chain: Chain, tmp_path: Path
) -> None:
    with pytest.raises(DemoOfAnotherHome) as refused:
        make_chain(database, direct_url=database_urls.owner, home=tmp_path / "other", files=files)

    assert refused.value.slug == "journey"
    assert demo_tenant(database) == chain.tenant


def test_without_a_chain_there_is_no_demo(database: Database) -> None:
    with pytest.raises(DemoMissing):
        demo_tenant(database)


def test_the_clock_goes_forward_only(database: Database, chain: Chain) -> None:
    later, earlier = datetime(2017, 3, 1, tzinfo=UTC), datetime(2017, 2, 1, tzinfo=UTC)

    moved = move_clock(database, chain.tenant, now=later)
    kept = move_clock(database, chain.tenant, now=earlier)

    assert timedelta() <= moved.now(wall_now()) - later < timedelta(minutes=1)
    assert kept.clock_offset == moved.clock_offset
