"""The database's self-test, over both addresses: server, role, clock, pooler and schema."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg.pq import ExecStatus
from psycopg.rows import dict_row

from services.platform.ids import new_id
from services.platform.surroundings.addresses import shown
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
from services.platform.tenancy.errors import ServerTooOld
from services.platform.tenancy.migrations import SERVER_VERSION_MIN, oldest_revision

CLOCKS_DIFFER_MAX = timedelta(seconds=5)
"""Half the scheduler's lease, the shortest there is."""
CONNECT_SECONDS_MAX = 5
ROUNDS = 8
"""How often two clients take turns: a pooler gives them the same backend nearly every time."""

FACTS = """
SELECT current_setting('server_encoding') AS server_encoding, current_setting('client_encoding') AS client_encoding,
    current_setting('search_path') AS search_path, clock_timestamp() AS now, current_user AS role,
    rolsuper OR EXISTS (SELECT FROM pg_namespace WHERE nspname = 'platform' AND pg_has_role(nspowner, 'MEMBER'))
        AS is_mighty,
    has_database_privilege(current_database(), 'CREATE') AS can_create,
    to_regclass('platform.tenants') IS NOT NULL AS has_schema
FROM pg_roles WHERE rolname = current_user"""
BACKEND = "SELECT pg_backend_pid() AS pid"
SHARED_REVISION = "SELECT version_num FROM platform.alembic_version"

Connection = psycopg.Connection[dict[str, Any]]


def check_database(url: str, *, is_prepared: bool, clock: Callable[[], datetime]) -> None:
    """Refuse a database, or a pooler before it, in which the application's work would be lost or mixed up.

    ``clock`` reads this machine's.

    Raises:
        DatabaseAway, ServerTooOld, EncodingUnfit, SearchPathNotEmpty, RoleTooMighty, ClocksDiffer,
        PoolerMixesStatements, SchemaMissing, SchemaTooOld
    """
    with _two_clients(url) as (one, other):
        before = clock()
        facts = _facts(one)
        after = clock()
        _check_server(one, facts)
        _check_role(facts)
        _check_clock(facts["now"], before=before, after=after)
        if is_prepared and _mixes_statements(one, other):
            raise PoolerMixesStatements(address=shown(url))
        _check_schema(one, facts, address=shown(url))


def check_direct_address(url: str) -> None:
    """Refuse an address for DDL that leads through a transaction pooler, or that may not make schemas.

    Raises:
        DatabaseAway, DirectAddressPooled, OwnerRoleMissing
    """
    with _two_clients(url) as (one, other):
        if _share_a_backend(one, other):
            raise DirectAddressPooled(address=shown(url))
        facts = _facts(one)
    if not facts["can_create"]:
        raise OwnerRoleMissing(role=facts["role"])


def _facts(client: Connection) -> dict[str, Any]:
    facts = client.execute(FACTS).fetchone()
    assert facts is not None
    return facts


def _check_server(client: Connection, facts: Mapping[str, Any]) -> None:
    version = client.info.server_version // 10_000
    if version < SERVER_VERSION_MIN:
        raise ServerTooOld(found=version, needed=SERVER_VERSION_MIN)
    if (facts["server_encoding"], facts["client_encoding"]) != ("UTF8", "UTF8"):
        raise EncodingUnfit(server=facts["server_encoding"], client=facts["client_encoding"])


def _check_role(facts: Mapping[str, Any]) -> None:
    if facts["search_path"] not in {"", '""'}:
        raise SearchPathNotEmpty(role=facts["role"], found=facts["search_path"])
    if facts["is_mighty"]:
        raise RoleTooMighty(role=facts["role"])


def _check_clock(database_now: datetime, *, before: datetime, after: datetime) -> None:
    """The database looked at its clock between our two looks, so that a slow answer is no difference."""
    ahead, behind = before - database_now, database_now - after
    if max(ahead, behind) > CLOCKS_DIFFER_MAX:
        raise ClocksDiffer(seconds=round(ahead.total_seconds()), maximum=round(CLOCKS_DIFFER_MAX.total_seconds()))


def _check_schema(client: Connection, facts: Mapping[str, Any], *, address: str) -> None:
    """This release works on its own revision, on the one before, and on newer ones, which only expand."""
    revision = client.execute(SHARED_REVISION).fetchone() if facts["has_schema"] else None
    if revision is None:
        raise SchemaMissing(address=address)
    oldest = oldest_revision("shared")
    if revision["version_num"] < oldest:
        raise SchemaTooOld(found=revision["version_num"], needed=oldest)


def _mixes_statements(one: Connection, other: Connection) -> bool:
    """Whether one client's statement is in the other's way, or answers for it. The name is new in each test."""
    name = f"regulars_{new_id().hex}".encode()
    clients = ((one, b"one"), (other, b"other"))
    for client, answer in clients:
        if client.pgconn.prepare(name, b"SELECT '" + answer + b"'").status != ExecStatus.COMMAND_OK:
            return True
    for _ in range(ROUNDS):
        for client, answer in clients:
            result = client.pgconn.exec_prepared(name, [])
            if result.status != ExecStatus.TUPLES_OK or result.get_value(0, 0) != answer:
                return True
    return False


def _share_a_backend(one: Connection, other: Connection) -> bool:
    def backend(client: Connection) -> object:
        return client.execute(BACKEND).fetchone()

    return any(backend(one) == backend(other) for _ in range(ROUNDS))


@contextmanager
def _two_clients(url: str) -> Iterator[tuple[Connection, Connection]]:
    try:
        with closing(_connect(url)) as one, closing(_connect(url)) as other:
            yield one, other
    except psycopg.OperationalError as error:
        raise DatabaseAway(address=shown(url), detail=str(error).partition("\n")[0]) from error


def _connect(url: str) -> Connection:
    return psycopg.connect(
        url, autocommit=True, connect_timeout=CONNECT_SECONDS_MAX, prepare_threshold=None, row_factory=dict_row
    )
