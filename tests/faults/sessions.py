"""Sessions of the owner of a merchant that `tests.faults.merchant` opened."""

from tests.faults.wire import Caller

PASSWORD = "long enough for a test 2026"
LOG_IN = """
mutation($input: LogInInput!) { done: logIn(input: $input) {
  ... on LogInPayload { session { token } } ... on Error { code message } } }"""


def log_in(port: int, slug: str) -> str:
    """The token of a new session."""
    caller = Caller(port)
    opened = caller.command(LOG_IN, {"email": f"owner@{slug}.test", "password": PASSWORD})
    caller.close()
    return str(opened["session"]["token"])
