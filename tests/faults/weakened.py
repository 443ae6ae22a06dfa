"""Planted faults of the gateway's defenses, for `tests.faults.planted`: each lets in what ought to be refused."""

from collections.abc import Callable, Mapping
from typing import Any

ENDLESS = 10**9


def no_bounds_of_documents() -> None:
    """Documents of any length, and the library's own patience with repeated fields."""
    from services.gateway.graphql import documents  # noqa: PLC0415  after the choice of the fault

    for name in ("LENGTH_MAX", "TOKENS_MAX", "COMPARISONS_MAX"):
        assert hasattr(documents, name)
        setattr(documents, name, ENDLESS)


def no_bounds_of_bodies() -> None:
    """Bodies of any length and nesting, and NUL in them."""
    from services.gateway.graphql import requests  # noqa: PLC0415  after the choice of the fault
    from services.gateway.middleware import limits  # noqa: PLC0415  as above

    for module, name in ((limits, "BODY_BYTES_MAX"), (requests, "NESTING_MAX"), (requests, "CONTAINERS_MAX")):
        assert hasattr(module, name)
        setattr(module, name, ENDLESS)

    def accept(values: list[Any]) -> None:
        values.clear()

    requests._refuse_nul = accept  # noqa: SLF001  the fault


def secrets_not_compared() -> None:
    """A session or a key is believed by its public part."""
    from services.platform.auth import principals  # noqa: PLC0415  after the choice of the fault

    assert hasattr(principals, "is_secret")
    principals.is_secret = lambda stored, secret: True


def signatures_not_checked() -> None:
    """What a signed token says is believed without a look at its signature and its age."""
    from itsdangerous import BadData  # noqa: PLC0415  after the choice of the fault

    from services.platform.auth import tokens  # noqa: PLC0415  as above

    def believe(self: Any, text: str, **_: Any) -> Any:
        found = self.loads_unsafe(text)[1]
        if found is None:
            raise BadData("nothing in it")
        return found

    vars(tokens)["URLSafeTimedSerializer"].loads = believe


FAULTS: Mapping[str, Callable[[], None]] = {
    "no-bounds-of-documents": no_bounds_of_documents,
    "no-bounds-of-bodies": no_bounds_of_bodies,
    "secrets-not-compared": secrets_not_compared,
    "signatures-not-checked": signatures_not_checked,
}
