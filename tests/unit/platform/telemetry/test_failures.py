"""What logs tell of exceptions: the place and the kind, not the values."""

import psycopg
import pytest

from services.platform.telemetry.failures import masked, tell_failure


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("no such table", "no such table"),
        ("invalid literal for int() with base 10: 's3cret'", "invalid literal for int() with base 10: …"),
        ('connection to server at "10.0.0.1", port 5432 failed', "connection to server at …, port 5432 failed"),
        ("IDENTITY_INVALID {'value': '+86 139 1234 5678', 'kind': 'PHONE'}", "IDENTITY_INVALID …"),
        ("nobody answers at smtp://user:s3cret@mail.test:587 now", "nobody answers at … now"),
        ("wang@example.test is known", "… is known"),
        ("called with 13912345678", "called with …"),
        ("token rk_0123456789abcdef_AbCdEf was refused", "token … was refused"),
        ("first line\nDETAIL: Key (email)=(wang@example.test) exists", "first line"),
        ("it's Li's \"Li Lei\"", "it…s …"),
        ("x" * 400, "x" * 300),
    ],
)
def test_messages_lose_their_values(message: str, told: str) -> None:
    assert masked(message) == told


def test_a_traceback_names_places_and_kinds_of_the_whole_chain() -> None:
    def fail() -> None:
        try:
            int("s3cret")
        except ValueError as error:
            raise LookupError("no member wang@example.test") from error

    with pytest.raises(LookupError) as caught:
        fail()
    event = tell_failure(None, "error", {"event": "odd", "exc_info": caught.value})

    lines = event["exception"].splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert "builtins.ValueError: invalid literal for int() with base 10: …" in lines
    assert lines[-1] == "builtins.LookupError: no member …"
    assert any("test_failures.py" in line and "in fail" in line for line in lines)
    assert "exc_info" not in event


def test_a_chain_that_bites_its_tail_ends() -> None:
    one, other = ValueError("one"), ValueError("other")
    one.__cause__, other.__cause__ = other, one

    event = tell_failure(None, "error", {"exc_info": (ValueError, one, None)})

    assert event["exception"].count("Traceback") == 2


def test_an_error_of_the_database_tells_names_alone(psycopg_failure: psycopg.Error) -> None:
    event = tell_failure(None, "error", {"exc_info": psycopg_failure})

    assert event["exception"].splitlines()[-1] == "psycopg.errors.UniqueViolation: 23505 members_phone_key members"


def test_lines_without_a_failure_stay_as_they_are() -> None:
    assert tell_failure(None, "info", {"event": "fine"}) == {"event": "fine"}


@pytest.fixture
def psycopg_failure() -> psycopg.Error:
    """What the driver raises, built as it builds it, with a diagnosis that repeats a row."""

    class Diagnosis:
        sqlstate, constraint_name, table_name, column_name = "23505", "members_phone_key", "members", None
        message_primary = "duplicate key"
        message_detail = "Key (phone)=(+8613912345678) already exists."

    class Failure(psycopg.errors.UniqueViolation):
        diag = Diagnosis()  # type: ignore[assignment]  # it stands in for a result of libpq

    Failure.__module__, Failure.__name__ = "psycopg.errors", "UniqueViolation"
    return Failure("duplicate key\nDETAIL:  Key (phone)=(+8613912345678) already exists.")
