"""Guesses of passwords, by aliases, batches and parallel requests. ``./dev faults --only S7`` is the long form."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from services.platform.actors import PUBLIC
from services.platform.auth import throttles
from services.platform.auth.errors import LoginFailed, LoginThrottled, TooManyAttempts
from services.platform.auth.sign_in import log_in
from services.platform.auth.throttles import ACCOUNT_GUESSES, ADDRESS_GUESSES, ADDRESS_SIGN_UPS, Throttle
from services.platform.db.engine import Database
from services.platform.db.homes import PLATFORM
from services.platform.db.session import unit_of_work
from tests.integration.gateway.limits.conftest import QUICK_PASSWORDS, OpenGateway
from tests.support.graphql_client import PASSWORD, GraphQLClient, fresh_key

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
OUTCOME = "... on LogInPayload { session { token } } ... on Error { code message }"


def _guesses(email: str, count: int, password: str = "wrong") -> str:
    asked = f'logIn(input: {{email: "{email}", password: "{password}"}}) {{ {OUTCOME} }}'
    return "mutation { " + " ".join(f"g{number}: {asked}" for number in range(count)) + " }"


def _codes(client: GraphQLClient, document: str) -> Counter[str]:
    return Counter(outcome.get("code", "LET_IN") for outcome in client.execute(document).data.values())


def test_few_guesses_are_looked_at_however_they_are_sent(limited: GraphQLClient) -> None:
    limited.sign_up("guessed", email="olive@guessed.example")
    counted = dict[str, Counter[str]]()

    for email in ("olive@guessed.example", "nobody@guessed.example"):
        with ThreadPoolExecutor(8) as threads:
            documents = [_guesses(email, 20), _guesses(email, 20), *[_guesses(email, 1)] * 20]
            answers = threads.map(partial(_codes, limited), documents)
            counted[email] = sum(answers, Counter[str]())
        batch = limited.post(b"[" + b",".join([b'{"query": "{ __typename }"}'] * 20) + b"]")
        assert batch.code == "REQUEST_MALFORMED"

    expected = {"LOGIN_FAILED": 10, "LOGIN_THROTTLED": 50}
    assert counted == {"olive@guessed.example": expected, "nobody@guessed.example": expected}
    # The one who knows the password can't get in now either: a lucky guess would look the same.
    assert _codes(limited, _guesses("olive@guessed.example", 1, PASSWORD)) == {"LOGIN_THROTTLED": 1}


def test_a_refused_guess_says_for_how_long_to_wait(limited: GraphQLClient) -> None:
    limited.execute(_guesses("nobody@guessed.example", 10))

    document = _guesses("nobody@guessed.example", 1).replace(
        "code message", "... on LoginThrottled { retryAfterSeconds }"
    )
    (outcome,) = limited.execute(document).data.values()

    assert 0 < outcome["retryAfterSeconds"] <= 300


def _guess(database: Database, email: str, *, at: timedelta = timedelta(), peer: str = "") -> None:
    log_in(database, QUICK_PASSWORDS, email=email, password="wrong", now=NOW + at, correlation_id="t", peer=peer)


def test_no_five_minutes_hold_more_than_ten_guesses(database: Database) -> None:
    looked_at, waits = list[int](), list[int]()
    for second in (0, *range(270, 1_800, 3)):
        try:
            _guess(database, "slow@guessed.example", at=timedelta(seconds=second))
        except LoginFailed:
            looked_at.append(second)
        except LoginThrottled as refusal:
            waits.append(refusal.retry_after_seconds)

    assert len(looked_at) > 20
    assert set(waits) <= set(range(1, 301))
    assert max(sum(start <= second < start + 300 for second in looked_at) for start in looked_at) == 10


def test_one_address_guesses_at_few_accounts_and_locks_nobody_out(database: Database) -> None:
    for number in range(ADDRESS_GUESSES.maximum):
        with pytest.raises(LoginFailed):
            _guess(database, f"n{number}@guessed.example", peer="8.8.4.4")

    refusals = list[int]()
    for _ in range(20):
        with pytest.raises(TooManyAttempts) as refusal:
            _guess(database, "olive@guessed.example", peer="8.8.4.4")
        refusals.append(refusal.value.retry_after_seconds)

    assert refusals == [300] * 20
    for peer in ("8.8.8.8", "2001:4860::1", "", "unix", "127.0.0.1", "10.0.0.7"):
        with pytest.raises(LoginFailed):
            _guess(database, "olive@guessed.example", peer=peer)
    with pytest.raises(LoginFailed):
        _guess(database, "olive@guessed.example", peer="8.8.4.4", at=timedelta(minutes=5))


@pytest.mark.parametrize("peer", ["127.0.0.1", "::1", "10.0.0.7", "::ffff:192.168.0.9", "unix", ""])
def test_addresses_within_the_house_stand_for_nobody(
    database: Database, monkeypatch: pytest.MonkeyPatch, peer: str
) -> None:
    monkeypatch.setattr(throttles, "ADDRESS_GUESSES", Throttle("few:", maximum=2, window=timedelta(minutes=5)))

    for number in range(4):
        with pytest.raises(LoginFailed):
            _guess(database, f"n{number}@guessed.example", peer=peer)


def test_networks_of_version_six_count_as_one_caller(database: Database) -> None:
    for number in range(ADDRESS_GUESSES.maximum):
        with pytest.raises(LoginFailed):
            _guess(database, f"n{number}@guessed.example", peer=f"2001:4860:0:1::{number:x}")

    with pytest.raises(TooManyAttempts):
        _guess(database, "olive@guessed.example", peer="2001:4860:0:1:ffff::1")
    with pytest.raises(LoginFailed):
        _guess(database, "olive@guessed.example", peer="2001:4860:0:2::1")


def test_who_logs_in_takes_nothing_from_the_address_of_an_office(
    open_gateway: OpenGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttles, "ADDRESS_GUESSES", Throttle("office:", maximum=3, window=timedelta(minutes=5)))
    with open_gateway(peer="8.8.4.4") as office:
        office.sign_up("office", email="olive@office.example")

        for _ in range(6):
            assert _codes(office, _guesses("olive@office.example", 1, PASSWORD)) == {"LET_IN": 1}
        assert _codes(office, _guesses("nobody@office.example", 5)) == {"LOGIN_FAILED": 3, "TOO_MANY_ATTEMPTS": 2}


def test_an_address_signs_up_so_often_and_others_still_may(
    open_gateway: OpenGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttles, "ADDRESS_SIGN_UPS", Throttle("few:", maximum=2, window=timedelta(hours=1)))
    with open_gateway(peer="8.8.4.4") as here, open_gateway(peer="8.8.8.8") as there:
        here.sign_up("first")
        here.sign_up("second")
        third = {
            "email": "olive@third.example",
            "password": PASSWORD,
            "name": "Olive",
            "merchantName": "Third",
            "slug": "third",
            "locale": "en",
            "idempotencyKey": fresh_key(),
        }

        refused = here.do("SignUp", **third)

        assert (refused["__typename"], refused["code"]) == ("TooManyAttempts", "TOO_MANY_ATTEMPTS")
        assert there.do("SignUp", **third)["__typename"] == "SignUpPayload"


def test_the_numbers_are_those_that_are_promised() -> None:
    assert (ACCOUNT_GUESSES.maximum, ACCOUNT_GUESSES.window, ACCOUNT_GUESSES.is_sliding) == (
        10,
        timedelta(minutes=5),
        True,
    )
    assert (ADDRESS_SIGN_UPS.maximum, ADDRESS_SIGN_UPS.window) == (20, timedelta(hours=1))


def test_counting_is_undone_for_nobody_else(database: Database) -> None:
    with unit_of_work(database, PLATFORM, now=NOW, actor=PUBLIC, correlation_id="t") as uow:
        throttles.forgive_guesses(uow, email="olive@guessed.example", peer="8.8.4.4")
        for _ in range(10):
            throttles.count_guess(uow, email="olive@guessed.example", peer="8.8.4.4")
        throttles.forgive_guesses(uow, email="nobody@guessed.example", peer="")
        with pytest.raises(LoginThrottled):
            throttles.count_guess(uow, email=" Olive@Guessed.example", peer="8.8.4.4")


def test_counts_that_are_over_go_with_new_ones(database: Database) -> None:
    with unit_of_work(database, PLATFORM, now=NOW, actor=PUBLIC, correlation_id="c") as uow:
        for number in range(25):
            throttles.count_guess(uow, email=f"{number}@guessed.example", peer="10.0.0.1")
    later = NOW + throttles.LONGEST_WINDOW
    left = []

    for number in range(4):
        with unit_of_work(database, PLATFORM, now=later, actor=PUBLIC, correlation_id="c") as uow:
            throttles.count_guess(uow, email=f"later-{number}@guessed.example", peer="10.0.0.1")
            left.append(uow.fetch_all("SELECT count(*) AS n FROM platform.login_throttles")[0]["n"])

    assert left == [16, 7, 3, 4]
