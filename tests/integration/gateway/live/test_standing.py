"""Sockets of credentials that ended, or that may less than they did: they are closed, whoever holds them."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta

import psycopg
import pytest

from services.platform.auth import tokens
from services.platform.auth.standing import Held
from services.platform.clock import wall_now
from tests.integration.gateway.live.client import connected
from tests.integration.gateway.live.conftest import Served
from tests.support.graphql_client import PASSWORD, fresh_key
from tests.support.story import Caller, Merchant, sign_up

FEED = "subscription { ledgerEntryPosted { cursor } }"


@dataclass(frozen=True, slots=True)
class Stage:
    """A merchant of a test's own, and the owner role's eyes and hands."""

    served: Served
    merchant: Merchant

    def change(self, statement: str, *values: object) -> None:
        with psycopg.connect(self.served.urls.owner, autocommit=True) as connection:
            changed = connection.execute(statement.encode(), values).rowcount
        assert changed == 1, statement

    def key(self) -> Caller:
        made = self.merchant.do("createApiKey", "secret", name="k", scopes=["MEMBERS_READ"])
        return self.merchant.with_token(made["secret"])


@pytest.fixture
def stage(served: Served) -> Stage:
    merchant = sign_up(served.http, f"standing-{fresh_key()}")
    merchant.start_program()
    return Stage(served, merchant)


def _session_revoked(stage: Stage) -> tuple[Caller, Callable[[], object]]:
    logged_in = stage.merchant.do("logIn", "session { token }", email=stage.merchant.email, password=PASSWORD)
    colleague = stage.merchant.with_token(logged_in["session"]["token"])
    return colleague, lambda: colleague.do("logOut", "__typename")


def _session_expired(stage: Stage) -> tuple[Caller, Callable[[], object]]:
    session_id = (stage.merchant.client.token or "")[3:35]
    expire = "UPDATE platform.sessions SET expires_at = %s WHERE id = %s::uuid"
    return stage.merchant, lambda: stage.change(expire, wall_now() + timedelta(seconds=1), session_id)


def _role_removed(stage: Stage) -> tuple[Caller, Callable[[], object]]:
    remove = """DELETE FROM platform.staff_grants USING platform.tenants
        WHERE staff_grants.tenant_id = tenants.id AND tenants.slug = %s"""
    return stage.merchant, lambda: stage.change(remove, stage.merchant.slug)


def _role_changed(stage: Stage) -> tuple[Caller, Callable[[], object]]:
    change = """UPDATE platform.staff_grants SET role = 'analyst' FROM platform.tenants
        WHERE staff_grants.tenant_id = tenants.id AND tenants.slug = %s"""
    return stage.merchant, lambda: stage.change(change, stage.merchant.slug)


def _key_revoked(stage: Stage) -> tuple[Caller, Callable[[], object]]:
    key = stage.key()
    revoke = "UPDATE platform.api_keys SET revoked_at = now() WHERE prefix = %s"
    return key, lambda: stage.change(revoke, (key.client.token or "")[3:19])


def _key_narrowed(stage: Stage) -> tuple[Caller, Callable[[], object]]:
    key = stage.key()
    narrow = "UPDATE platform.api_keys SET scopes = ARRAY['stores:read'] WHERE prefix = %s"
    return key, lambda: stage.change(narrow, (key.client.token or "")[3:19])


def _key_expired(stage: Stage) -> tuple[Caller, Callable[[], object]]:
    key = stage.key()
    expire = "UPDATE platform.api_keys SET expires_at = now() WHERE prefix = %s"
    return key, lambda: stage.change(expire, (key.client.token or "")[3:19])


def _tenant_suspended(stage: Stage) -> tuple[Caller, Callable[[], object]]:
    suspend = "UPDATE platform.tenants SET status = 'suspended', suspended_at = now() WHERE slug = %s"
    member = stage.merchant.enroll()
    token = stage.merchant.do("createMemberToken", "token", memberId=member)["token"]
    return stage.merchant.with_token(token), lambda: stage.change(suspend, stage.merchant.slug)


@pytest.mark.parametrize(
    "end",
    [
        _session_revoked,
        _session_expired,
        _role_removed,
        _role_changed,
        _key_revoked,
        _key_narrowed,
        _key_expired,
        _tenant_suspended,
    ],
)
def test_who_may_no_longer_is_sent_away(
    stage: Stage, end: Callable[[Stage], tuple[Caller, Callable[[], object]]]
) -> None:
    caller, do_it = end(stage)
    with connected(stage.served.port) as live, connected(stage.served.port) as other:
        live.begin(caller.client.token).subscribe(FEED)
        other.begin(stage.key().client.token)

        do_it()

        assert live.closing().code == 4403
        assert end is _tenant_suspended or other.ask("{ tenant { slug } }")
    stage.served.wait_for_followers(0)


def test_a_member_token_ends_at_its_time(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    member = stage.merchant.enroll()
    token = stage.merchant.do("createMemberToken", "token", memberId=member)["token"]
    with connected(stage.served.port) as live:
        live.begin(token).subscribe(FEED)

        monkeypatch.setattr(tokens, "MEMBER_TOKEN_SECONDS", -1)

        assert live.closing().code == 4403


def test_who_still_may_stays(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    member = stage.merchant.enroll()
    token = stage.merchant.do("createMemberToken", "token", memberId=member)["token"]
    callers = (stage.merchant, stage.key(), stage.merchant.with_token(token))
    checked = _count_checks(stage.served, monkeypatch)
    with ExitStack() as stack:
        sockets = [stack.enter_context(connected(stage.served.port)).begin(caller.client.token) for caller in callers]
        while len(checked) < 2:
            assert sockets[0].ask("{ tenant { slug } }")

        assert checked[:2] == [0, 0]
        assert [live.ask("{ tenant { slug } }") for live in sockets] == 3 * [{"tenant": {"slug": stage.merchant.slug}}]


def _count_checks(served: Served, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many had to go at each look with at least three sockets."""
    found: list[int] = []
    look = served.desk.watch._fallen  # noqa: SLF001  there is no other sign of a look at which nobody goes

    def counted(held: frozenset[Held]) -> frozenset[Held]:
        gone = look(held)
        if len(held) >= 3:
            found.append(len(gone))
        return gone

    monkeypatch.setattr(served.desk.watch, "_fallen", counted)
    return found
