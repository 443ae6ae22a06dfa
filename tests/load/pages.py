"""Pages of members out of a crowd, which is written straight into the tables: as many as are asked for, in seconds."""

import random
from dataclasses import dataclass
from uuid import UUID

import orjson
import psycopg
from psycopg import sql

from services.gateway.graphql.members.queries import ORDER
from services.gateway.graphql.pagination import encode_cursor
from services.loyalty.programs.queries import version_in_force
from services.loyalty.tiers.domain import ladder_of
from tests.load.contenders import Http
from tests.load.pgbench import Pgbench, Place
from tests.load.stage import Stage

FIRST_PAGES = 500
"""First pages begin among so many of the newest members."""
PLACES_KNOWN = 2_000
ENTRIES = 6

PAGE = """
query($after: String) { members(first: 50, after: $after) {
  edges { node {
    id name status locale
    tier { tier { code name { en zh } } progress { missing } }
    balances { unit available pending }
    ledger(first: 5) { edges { node { id kind sequence points occurredAt } } } } }
  pageInfo { hasNextPage endCursor } } }"""
"""Its statement is that of ``reference/members_page_json.sql``."""
BESIDE = PAGE.replace("members(first: 50", "all: __typename members(first: 50")
"""The same beside a second field of the root."""
BY_EXECUTOR = PAGE.replace("ledger(first: 5)", "ledger(first: 5, after: null)")
"""The same with a place within the ledger, for which the database writes no JSON. Its statements are those of
``reference/members_page.sql``."""

# Numbers make the ids, older than any real one. Chains are as long as real ones and lead nowhere; tiers are decided by
# the rules in force, and nothing falls due about them.
CROWD = """
CREATE TABLE {schema}.bench_crowd (number bigint PRIMARY KEY, id uuid NOT NULL);
INSERT INTO {schema}.bench_crowd
SELECT number, ('00000000-0000-7000-8000-' || lpad(to_hex(number), 12, '0'))::uuid
FROM generate_series(1, {count}) AS number;
INSERT INTO {schema}.members (id, name, locale, timezone, status, enrolled_at, updated_at)
SELECT id, 'Member ' || number, 'en', 'Asia/Shanghai', 'active', now(), now() FROM {schema}.bench_crowd;
INSERT INTO {schema}.member_identities (id, member_id, kind, value, created_at)
SELECT id, id, 'card', 'crowd-' || number, now() FROM {schema}.bench_crowd;
INSERT INTO {schema}.member_tiers (member_id, tier_code, points_earned, spend_minor, since, decided_at, ladder)
SELECT id, {tier}, 12, 1200, now(), now(), {ladder} FROM {schema}.bench_crowd;
INSERT INTO {schema}.tier_amounts (member_id, event_id, unit, counted_at, day, points, spend_minor)
SELECT id, id, 'beans', now(), current_date - 1, 12, 1200 FROM {schema}.bench_crowd;
INSERT INTO {schema}.ledger_holders (id, entry_seq, last_hash, created_at)
SELECT id, {entries}, decode(md5(id::text), 'hex'), now() FROM {schema}.bench_crowd;
INSERT INTO {schema}.ledger_balances (holder_id, unit, pending_in, pending_out, available_in, available_out, held_in,
    held_out, owed_in, owed_out, earned, spent, expired, reversed, adjusted)
SELECT id, 'beans', 0, 0, 12, 0, 0, 0, 0, 0, 12, 0, 0, 0, 0 FROM {schema}.bench_crowd;
INSERT INTO {schema}.ledger_entries (id, holder_id, seq, kind, actor_kind, occurred_at, recorded_at, previous_hash,
    hash)
SELECT ('0000000' || seq || substr(id::text, 9))::uuid, id, seq, 'accrual', 'key', now(), now(),
    decode(md5(id::text || seq), 'hex'), decode(md5(seq || id::text), 'hex')
FROM {schema}.bench_crowd, generate_series(1, {entries}) AS seq;
INSERT INTO {schema}.ledger_postings (entry_id, position, unit, debit_purpose, credit_holder_id, credit_purpose, amount)
SELECT id, 1, 'beans', 'issuance', holder_id, 'available', 2 FROM {schema}.ledger_entries
WHERE holder_id IN (SELECT id FROM {schema}.bench_crowd);
GRANT SELECT ON {schema}.bench_crowd TO regulars_app"""

_chance = random.Random(11)


@dataclass(frozen=True, slots=True)
class Crowd:
    """Members beside those who were enrolled, oldest first."""

    stage: Stage
    members: int

    def limit(self, script: str, *, is_deep: bool, name: str) -> Pgbench:
        """A page by pgbench: anywhere, or among the first pages."""
        variables = {
            "lowest": str(self._lowest(is_deep=is_deep)),
            "highest": str(self.members),
            "version": str(self.stage.version_id),
        }
        place = Place(self.stage.postgres.app_url, self.stage.tenant.home.schema, variables)
        return Pgbench(place, script, clients=16, name=name)

    def over_http(self, document: str, *, is_deep: bool, name: str) -> Http:
        """The same over HTTP."""
        lowest = self._lowest(is_deep=is_deep)

        def body(_stage: Stage) -> bytes:
            after = encode_cursor(ORDER, _id(_chance.randint(lowest, self.members)))
            return orjson.dumps({"query": document, "variables": {"after": after}})

        return Http(self.stage, 16, body, b'"available":12', name)

    def _lowest(self, *, is_deep: bool) -> int:
        # The last pages of all are not whole.
        return 100 if is_deep else max(100, self.members - FIRST_PAGES)


def gather_crowd(stage: Stage, *, members: int) -> Crowd:
    """Write so many members with tiers, balances and entries into the stage's tenant, unless they are there."""
    schema = stage.tenant.home.schema
    version = stage.merchant.read(lambda session: version_in_force(session, at=session.now))
    assert version is not None, "the stage has a program"
    ladder = ladder_of(version)
    text = CROWD.format(
        schema=sql.Identifier(schema).as_string(),
        tier=sql.Literal(ladder.tiers.levels[0].code).as_string(),
        ladder=sql.Literal(ladder.mark).as_string(),
        count=members,
        entries=ENTRIES,
    )
    with psycopg.connect(stage.postgres.superuser_url, autocommit=True) as connection:
        row = connection.execute("SELECT to_regclass(%s) IS NULL", [f"{schema}.bench_crowd"]).fetchone()
        if row == (True,):
            connection.execute(text.encode())
        connection.execute("VACUUM ANALYZE")
    return Crowd(stage, members)


def _id(number: int) -> UUID:
    return UUID(f"00000000-0000-7000-8000-{number:012x}")
