"""What a process refuses to start beside: each refusal from a database, or a pooler, that is really so."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import psycopg
import pytest

from services.platform.clock import wall_now
from services.platform.surroundings.database import CLOCKS_DIFFER_MAX, check_database, check_direct_address
from services.platform.surroundings.errors import (
    ClocksDiffer,
    DatabaseAway,
    DirectAddressPooled,
    EncodingUnfit,
    OwnerRoleMissing,
    PoolerMixesStatements,
    RoleTooMighty,
    SchemaMissing,
    SchemaTooOld,
    SearchPathNotEmpty,
)
from services.platform.tenancy import migrations
from tests.integration.platform.surroundings.mixing_pooler import mixing_pooler
from tests.support.database import PostgresServer
from tests.support.tenants import DatabaseUrls

NOBODY = "postgresql://regulars_app:secret@127.0.0.1:1/regulars"


@pytest.fixture
def pooled(database_urls: DatabaseUrls) -> Iterator[str]:
    with mixing_pooler(database_urls.server.direct_app_url(database_urls.name)) as url:
        yield url


def check(url: str, *, is_prepared: bool = False, clock: Callable[[], datetime] = wall_now) -> None:
    check_database(url, is_prepared=is_prepared, clock=clock)


def test_a_database_as_it_should_be_is_fit(database_urls: DatabaseUrls) -> None:
    check(database_urls.app)
    check(database_urls.server.direct_app_url(database_urls.name), is_prepared=True)
    check_direct_address(database_urls.owner)


def test_a_pooler_that_mixes_statements_is_refused_only_where_statements_are_prepared(pooled: str) -> None:
    check(pooled)

    with pytest.raises(PoolerMixesStatements) as refused:
        check(pooled, is_prepared=True)

    assert refused.value.address == pooled.partition("@")[2].partition("/")[0]


def test_ddl_through_a_transaction_pooler_is_refused(pooled: str) -> None:
    with pytest.raises(DirectAddressPooled):
        check_direct_address(pooled)


def test_ddl_with_the_applications_role_is_refused(database_urls: DatabaseUrls) -> None:
    with pytest.raises(OwnerRoleMissing) as refused:
        check_direct_address(database_urls.server.direct_app_url(database_urls.name))

    assert refused.value.role == "regulars_app"


def test_a_database_that_is_away_is_told_without_its_password() -> None:
    with pytest.raises(DatabaseAway) as refused:
        check(NOBODY)

    assert refused.value.address == "127.0.0.1:1"
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("role", ["regulars_owner", "postgres"])
def test_a_role_that_could_rewrite_the_ledger_is_refused(database_urls: DatabaseUrls, role: str) -> None:
    url = _emptied(database_urls.owner if role == "regulars_owner" else _superuser(database_urls))

    with pytest.raises(RoleTooMighty):
        check(url)


def test_a_search_path_that_leads_somewhere_is_refused(database_urls: DatabaseUrls) -> None:
    with pytest.raises(SearchPathNotEmpty) as refused:
        check(
            f"{database_urls.server.direct_app_url(database_urls.name)}{_and(database_urls)}options=-csearch_path%3Dpublic"
        )

    assert (refused.value.role, refused.value.found) == ("regulars_app", "public")


def test_a_connection_in_another_encoding_is_refused(database_urls: DatabaseUrls) -> None:
    with pytest.raises(EncodingUnfit) as refused:
        check(f"{database_urls.server.direct_app_url(database_urls.name)}{_and(database_urls)}client_encoding=LATIN1")

    assert (refused.value.server, refused.value.client) == ("UTF8", "LATIN1")


@pytest.mark.parametrize("sign", [1, -1])
def test_clocks_that_differ_by_more_than_leases_bear_are_refused(database_urls: DatabaseUrls, sign: int) -> None:
    too_much = sign * (CLOCKS_DIFFER_MAX + timedelta(seconds=1))
    enough = sign * (CLOCKS_DIFFER_MAX - timedelta(seconds=1))

    with pytest.raises(ClocksDiffer) as refused:
        check(database_urls.app, clock=lambda: wall_now() + too_much)
    check(database_urls.app, clock=lambda: wall_now() + enough)

    assert (refused.value.seconds, refused.value.maximum) == (sign * 6, 5)


def test_a_database_without_schema_is_refused(postgres_server: PostgresServer, empty_database: str) -> None:
    with pytest.raises(SchemaMissing):
        check(postgres_server.app_url(empty_database))


@pytest.mark.parametrize(("found", "is_fit"), [("0004", False), ("0005", True), ("0006", True), ("0007", True)])
def test_a_release_works_on_its_revision_the_one_before_and_newer_ones(
    database_urls: DatabaseUrls, monkeypatch: pytest.MonkeyPatch, *, found: str, is_fit: bool
) -> None:
    """As a release whose newest revision is 0006 sees it."""
    monkeypatch.setattr("services.platform.surroundings.database.oldest_revision", lambda _line: "0005")
    with psycopg.connect(database_urls.owner) as owner:
        owner.execute("UPDATE platform.alembic_version SET version_num = %s", [found])

    if is_fit:
        check(database_urls.app)
    else:
        with pytest.raises(SchemaTooOld) as refused:
            check(database_urls.app)
        assert (refused.value.found, refused.value.needed) == (found, "0005")


@pytest.mark.parametrize("line", ["shared", "tenant"])
def test_revisions_are_numbers_whose_order_is_that_of_time(line: str) -> None:
    files = sorted((migrations.MIGRATIONS / line / "versions").glob("*.py"))
    numbers = [file.name[:4] for file in files]

    assert numbers == [f"{number:04d}" for number in range(1, len(files) + 1)]
    assert migrations.head_revision(line) == numbers[-1]
    assert migrations.oldest_revision(line) == numbers[max(0, len(numbers) - 2)]


def _superuser(urls: DatabaseUrls) -> str:
    head, _, rest = urls.server.superuser_url.partition("://")
    place, _, query = rest.partition("?")
    return f"{head}://{place.rpartition('/')[0]}/{urls.name}{'?' if query else ''}{query}"


def _emptied(url: str) -> str:
    """With the application's empty search path, so that only the role is wrong."""
    return f"{url}{'&' if '?' in url else '?'}options=-csearch_path%3D"


def _and(urls: DatabaseUrls) -> str:
    return "&" if "?" in urls.server.superuser_url else "?"
